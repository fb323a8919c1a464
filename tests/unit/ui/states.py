"""States of pages: contexts as handlers make them, and every one of them with one thing in it changed.

A change may be as deep as it likes: no build yet, a key that has expired, a repository without an address, a form that
was refused. Some of what comes out cannot happen; a template that cannot show it may fail, and has then shown nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

import attrs

from lathe.adapters.ui.forms import Tried

DEEP: Final = 7
SHOWN: Final = 3
"""How many of a list are kept: more of the same show nothing new."""


class Refused(Tried):
    """A form that was refused, whichever the page has: open, with everything ticked and everything wrong."""

    def of(self, form: str) -> bool:
        return True

    def picked(self, form: str, name: str, value: str, *, otherwise: bool = False) -> bool:
        return True

    def error(self, form: str, name: str) -> str | None:
        return "is wrong"


class Unticked(Refused):
    """The same with nothing ticked and nothing wrong."""

    def picked(self, form: str, name: str, value: str, *, otherwise: bool = False) -> bool:
        return False

    def error(self, form: str, name: str) -> str | None:
        return None


class Pool:
    """Values that were seen in contexts, by the names of their types: what may stand where nothing does."""

    def __init__(self, contexts: list[Any]) -> None:
        self._seen: dict[str, Any] = {"str": "something", "int": 7, "UUID": UUID(int=7), "timedelta": timedelta(days=1)}
        for context in contexts:
            self._look_at(context, DEEP)

    def of(self, kind: str) -> Any:
        """Return a value for an annotation such as ``Hook | None``; None if none was seen."""
        return next((self._seen[name] for name in kind.split(" | ") if name in self._seen), None)

    def some(self, kind: str) -> list[Any]:
        """Return a list for an annotation such as ``list[Hook]`` or ``list[tuple[Release, Project]]``."""
        of = kind.partition("[")[2].removesuffix("]").removesuffix(", ...")
        if of.startswith("tuple["):
            return [tuple(self.of(one) for one in of.removeprefix("tuple[").removesuffix("]").split(", "))]
        return [one for one in [self.of(of)] if one is not None]

    def _look_at(self, value: Any, depth: int) -> None:
        if isinstance(value, datetime):
            self._seen.setdefault("datetime", value)
        if depth and isinstance(value, (list, tuple)):
            for one in value[:SHOWN]:
                self._look_at(one, depth - 1)
        elif depth and attrs.has(type(value)):
            self._seen.setdefault(type(value).__name__, value)
            for field in attrs.fields(type(value)):
                self._look_at(getattr(value, field.name), depth - 1)


def variations(context: Any, pool: Pool, *, deep: bool) -> Iterator[Any]:
    """Return a context with one thing changed, one for each thing: in the context itself, or also deep within."""
    short = trimmed(context, DEEP)
    if deep:
        yield from _one_changed(short, pool, DEEP)
        return
    yield attrs.evolve(short, tried=Refused())
    yield attrs.evolve(short, tried=Unticked())
    yield from _one_changed(short, pool, 0)
    yield from _one_changed(_filled(short, pool), pool, 0)
    for field in attrs.fields(type(short)):
        value = getattr(short, field.name)
        if value and isinstance(value, (list, tuple)):  # nothing there: then it matters what else is so
            yield from _one_changed(_changed(short, {field.name: type(value)()}), pool, 0)


def _filled(context: Any, pool: Pool) -> Any:
    """Return a context in which everything is there that may be missing."""
    missing = [field for field in attrs.fields(type(context)) if getattr(context, field.name) is None]
    return attrs.evolve(context, **{field.name: pool.of(str(field.type)) for field in missing})


def _one_changed(value: Any, pool: Pool, depth: int) -> Iterator[Any]:
    """Return an object with one of its fields changed, one for each field and what could stand there."""
    for field in attrs.fields(type(value)):
        if field.name not in ("tried", "now"):
            for other in _others(getattr(value, field.name), str(field.type), pool, depth):
                changed = _changed(value, {field.name: other})
                if changed is not None:
                    yield changed


def trimmed(value: Any, depth: int) -> Any:
    """Shorten the lists in a value."""
    if isinstance(value, list) and depth:
        return [trimmed(one, depth - 1) for one in value[:SHOWN]]
    if attrs.has(type(value)) and depth:
        lists = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
        return _changed(value, {n: trimmed(one, depth - 1) for n, one in lists.items() if isinstance(one, list)})
    return value


def _others(value: Any, kind: str, pool: Pool, depth: int) -> Iterator[Any]:
    """Return what could stand in place of a value."""
    if value is None:
        yield pool.of(kind)
        return
    if "None" in kind:
        yield None
    if isinstance(value, (list, tuple)):
        yield from _other_lists(value, pool, depth) if value else [type(value)(pool.some(kind))]
    elif attrs.has(type(value)):
        yield from _one_changed(value, pool, depth - 1) if depth else ()
    else:
        yield from _other_plain(value)


def _other_plain(value: Any) -> list[Any]:
    match value:
        case bool():
            return [not value]
        case Enum():
            return [one for one in type(value) if one is not value]
        case int() | float():
            return [0, 1, 70]
        case str():
            return ["" if value else "something"]
        case datetime():
            return [value - timedelta(days=60), value + timedelta(days=60)]
        case dict():
            return [{}]
    return []


def _other_lists(value: list[Any] | tuple[Any, ...], pool: Pool, depth: int) -> Iterator[Any]:
    make = type(value)
    yield make()
    yield make(value[:1])
    yield make(list(value) * 20)
    for place, one in enumerate(value[:SHOWN] if depth else ()):
        for other in _others(one, "", pool, depth - 1):
            yield make([*value[:place], other, *value[place + 1 :]])


def _changed(value: Any, changes: dict[str, Any]) -> Any:
    """Return a value with changes, None where that is refused."""
    try:
        return attrs.evolve(value, **{name.lstrip("_"): other for name, other in changes.items()})
    except Exception:  # noqa: BLE001 - the class knows that such a thing cannot be
        return None
