"""How answers are written: attrs classes become JSON, and bytes become a response, each in few steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import get_type_hints

import attrs
import orjson
from starlette.responses import Response

from lathe.adapters.web.optional import is_left_out

JSON = "application/json"


def dumped(answer: object) -> bytes:
    """Return an answer as JSON: instances of attrs classes, enumerations and times, ids, and what JSON knows itself."""
    return orjson.dumps(answer, _plainer, orjson.OPT_PASSTHROUGH_DATETIME)


@lru_cache(1024)  # what comes in together was made at one time
def written_time(time: datetime) -> str:
    """Return a time as answers write it: RFC 3339 in UTC, always with microseconds."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class Written(Response):
    """A response whose body is bytes, and whose headers are those that are given, with its length and media type."""

    def __init__(self, content: bytes, status: int, headers: Mapping[str, str], media_type: str = JSON) -> None:
        # Starlette's own looks for what could be missing in them, which nothing is.
        self.status_code = status
        self.body = content
        self.background = None
        self.raw_headers = [
            (b"content-length", b"%d" % len(content)),
            (b"content-type", media_type.encode("latin-1")),
            *[(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        ]


def _plainer(value: object) -> object:
    """Return what orjson asks about in plainer words; it goes on from there."""
    shape = _shapes.get(type(value))
    if shape is None:
        if isinstance(value, datetime):
            return written_time(value)
        shape = _shape(type(value))
    names, values_of, left_out = shape
    members = dict(zip(names, values_of(value)))  # noqa: B905 - as many as there are names
    for name in left_out:
        if members[name] is None:
            del members[name]
    return members


_Shape = tuple[tuple[str, ...], Callable[[object], tuple[object, ...]], tuple[str, ...]]
"""The members of an attrs class: all names, what gets their values, and the names of those left out where None."""

_shapes: dict[type, _Shape] = {}


def _shape(cls: type) -> _Shape:
    """Learn what a class is like. Raises TypeError for what no answer can hold."""
    if not attrs.has(cls):
        raise TypeError(f"answers hold no {cls.__name__}")
    names = tuple(one.name for one in attrs.fields(cls))
    hints = get_type_hints(cls, include_extras=True)
    left_out = tuple(name for name in names if is_left_out(hints[name]))
    _shapes[cls] = shape = names, attrgetter(*names) if len(names) > 1 else _only(names[0]), left_out
    return shape


def _only(name: str) -> Callable[[object], tuple[object, ...]]:
    return lambda value: (getattr(value, name),)
