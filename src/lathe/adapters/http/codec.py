"""Between JSON and the attrs classes of requests and answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import attrs
import orjson
from cattrs import Converter
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_unstructure_fn, override

from lathe.adapters.http.kinds import Kind, Wrong
from lathe.adapters.web.optional import is_left_out
from lathe.domain.errors import Fault, Invalid

T = TypeVar("T")

_FAULTS_SHOWN = 100
_LONGEST_NAME = 255


def kind_of(annotation: object) -> Kind | None:
    """Return the kind that a field is annotated with."""
    if get_origin(annotation) is not Annotated:
        return None
    kind = get_args(annotation)[1]
    return kind if hasattr(kind, "read") and hasattr(kind, "schema") else None


def read(cls: type[T], value: object) -> T:
    """Return ``value``, parsed JSON, as an instance of ``cls``. Raises Invalid with every fault at once."""
    if not isinstance(value, dict):
        fault = Fault("", "not_an_object", "must be a JSON object")
        raise Invalid(fault.detail, (fault,))
    try:
        return _reader.structure(value, cls)
    except ClassValidationError as error:
        raise invalid(_faults(error)) from None


def read_query(cls: type[T], parameters: Iterable[tuple[str, str]]) -> T:
    """Return the parameters of a query as an instance of ``cls``. Raises Invalid with every fault."""
    values: dict[str, str] = {}
    for name, value in parameters:
        if name in values:
            raise invalid([Fault(pointer(name), "repeated", "may be given once")])
        values[name] = value
    return read(cls, values)


def invalid(faults: Iterable[Fault]) -> Invalid:
    """Return the error that shows these faults."""
    found = sorted(faults, key=lambda fault: fault.pointer)[:_FAULTS_SHOWN]
    detail = "; ".join(f"{fault.pointer} {fault.detail}".strip() for fault in found[:3])
    return Invalid(detail if len(found) <= 3 else f"{detail}; and {len(found) - 3} more", tuple(found))


def pointer(name: str) -> str:
    """Return the JSON pointer to a member of the outermost object (RFC 6901); a very long name is cut."""
    return "/" + name[:_LONGEST_NAME].replace("~", "~0").replace("/", "~1")


def plain(answer: object) -> Any:
    """Return an answer as JSON knows it: objects, lists, texts, numbers; and ids, which `dumped` writes itself."""
    return _writer.unstructure(answer)


def dumped(answer: object) -> bytes:
    """Return an answer as JSON."""
    return orjson.dumps(plain(answer))


@lru_cache(1024)  # what comes in together was made at one time
def written_time(time: datetime) -> str:
    """Return a time as answers write it: RFC 3339 in UTC, always with microseconds."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _faults(error: ClassValidationError) -> Iterator[Fault]:
    with_notes, others = error.group_exceptions()
    for one, note in with_notes:
        at = pointer(note.name)
        if isinstance(one, Wrong):
            yield from (Fault(at + fault.pointer, fault.code, fault.detail) for fault in one.faults)
        elif isinstance(one, KeyError):
            yield Fault(at, "required", "is required")
        else:
            raise one
    for one in others:
        if not isinstance(one, ForbiddenExtraKeysError):
            raise one
        yield from (Fault(pointer(name), "unknown_field", "is not known here") for name in one.extra_fields)


def _read_field(value: object, annotation: object) -> Any:
    return cast(Kind, kind_of(annotation)).read(value)


def _is_plain(annotation: Any) -> bool:
    """Whether JSON takes a field as it is, perhaps as null: cattrs itself would look anew at each value."""
    if get_origin(annotation) is Annotated:
        return _is_plain(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return all(_is_plain(one) for one in get_args(annotation))
    return annotation in _PLAIN


_PLAIN: Final = frozenset({str, int, bool, UUID, NoneType})


def _written_class(cls: type) -> Any:
    """Write a class field by field, without those that are left out where they are None."""
    hints = get_type_hints(cls, include_extras=True)
    fields: Mapping[str, Any] = {
        name: override(omit_if_default=True) for name, hint in hints.items() if is_left_out(hint)
    }
    return make_dict_unstructure_fn(cls, _writer, **fields)


_reader: Final = Converter(forbid_extra_keys=True)
_reader.register_structure_hook_func(lambda annotation: kind_of(annotation) is not None, _read_field)

_writer: Final = Converter()
_writer.register_unstructure_hook_factory(attrs.has, _written_class)
_writer.register_unstructure_hook(datetime, written_time)
_writer.register_unstructure_hook_func(_is_plain, lambda value: value)
_writer.register_unstructure_hook_func(
    lambda cls: isinstance(cls, type) and issubclass(cls, Enum), lambda member: member.value
)
