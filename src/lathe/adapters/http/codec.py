"""From JSON to the attrs classes of requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, TypeVar, cast, get_args, get_origin

from cattrs import Converter
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError

from lathe.adapters.http.kinds import Kind, Wrong
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


_reader: Final = Converter(forbid_extra_keys=True)
_reader.register_structure_hook_func(lambda annotation: kind_of(annotation) is not None, _read_field)
