"""The kinds of fields that requests have: how each is read from JSON or a query, and how its schema says the same.

A field is annotated with one of them, so that validation and documentation cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

from attrs import frozen

from lathe.domain.errors import Fault
from lathe.domain.repo_url import LONGEST, RepoUrl, without_userinfo
from lathe.domain.text import URL_LIMIT, text_fault, web_link

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_VISIBLE = r"^[!-~]+$"
_YEARS = range(1970, 9999)
_BITS = (-(2**63), 2**63 - 1)


class Wrong(Exception):
    """A value is not of the kind. Pointers are relative to the value."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults)
        self.faults = faults


def wrong(code: str, detail: str) -> Wrong:
    """Return what is wrong with a value as a whole."""
    return Wrong(Fault("", code, detail))


class Kind(Protocol):
    """How a field is read, and its schema."""

    def read(self, value: object) -> Any:
        """Return what ``value``, parsed JSON or the text of a query parameter, means. Raises Wrong."""
        ...

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of the values that `read` takes."""
        ...


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise wrong("not_a_text", "must be a text")
    return value


@frozen
class Text:
    """One line that people or machines wrote, within a limit of characters, matching ``pattern`` if there is one.

    Blanks around it say nothing: ``"8 "`` is build 8.
    """

    limit: int
    pattern: str | None = None

    def read(self, value: object) -> str:
        """Return the text. Raises Wrong."""
        text = _text(value)
        if fault := text_fault(text, "", self.limit):
            raise Wrong(fault)
        if self.pattern and not re.search(self.pattern, text):
            raise wrong("pattern", f"must match {self.pattern}")
        return text.strip()

    @property
    def schema(self) -> Mapping[str, Any]:
        """A string of that length."""
        pattern = {"pattern": self.pattern} if self.pattern else {}
        return {"type": "string", "minLength": 1, "maxLength": self.limit, **pattern}


@frozen
class Prose:
    """Text of several lines, possibly empty, within a limit of characters."""

    limit: int

    def read(self, value: object) -> str:
        """Return the text. Raises Wrong."""
        text = _text(value)
        if fault := text_fault(text, "", self.limit, empty=True, prose=True):
            raise Wrong(fault)
        return text

    @property
    def schema(self) -> Mapping[str, Any]:
        """A string of that length."""
        return {"type": "string", "maxLength": self.limit}


@frozen
class Number:
    """A build number: a text, or a whole number of 64 bits that becomes one."""

    limit: int

    def read(self, value: object) -> str:
        """Return the number as text. Raises Wrong."""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(Count(*_BITS).read(value))
        if not isinstance(value, str):
            raise wrong("not_a_number", "must be a text or a whole number")
        return Text(self.limit).read(value)

    @property
    def schema(self) -> Mapping[str, Any]:
        """A string or an integer."""
        return {"anyOf": [Text(self.limit).schema, Count(*_BITS).schema]}


@frozen
class Count:
    """A whole number within bounds, also as the digits of a query parameter."""

    least: int
    most: int

    def read(self, value: object) -> int:
        """Return the number. Raises Wrong."""
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise wrong("out_of_range", f"must be a whole number from {self.least} to {self.most}")
        return value

    @property
    def schema(self) -> Mapping[str, Any]:
        """An integer."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@frozen
class Flag:
    """True or false."""

    def read(self, value: object) -> bool:
        """Return the flag. Raises Wrong."""
        if not isinstance(value, bool):
            raise wrong("not_a_boolean", "must be true or false")
        return value

    @property
    def schema(self) -> Mapping[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@frozen
class Id:
    """An id, written as UUIDs are."""

    def read(self, value: object) -> UUID:
        """Return the id. Raises Wrong."""
        found = parsed_id(value) if isinstance(value, str) else None
        if found is None:
            raise wrong("not_an_id", "must be a UUID")
        return found

    @property
    def schema(self) -> Mapping[str, Any]:
        """A UUID."""
        return {"type": "string", "format": "uuid"}


def parsed_id(text: str) -> UUID | None:
    """Return the id that ``text`` spells in the usual form, and no other."""
    return UUID(text) if _UUID.fullmatch(text) else None


@frozen
class Choice:
    """One of the values of an enumeration, or of some of its members."""

    among: type[Enum] | Sequence[Enum]

    def read(self, value: object) -> Enum:
        """Return the member. Raises Wrong."""
        for one in self.among:
            if one.value == value and isinstance(value, str):
                return one
        raise wrong("not_a_choice", "must be one of " + ", ".join(str(one.value) for one in self.among))

    @property
    def schema(self) -> Mapping[str, Any]:
        """The values."""
        return {"type": "string", "enum": [one.value for one in self.among]}


@frozen
class Time:
    """A time with its offset (RFC 3339), between 1970 and 9998."""

    def read(self, value: object) -> datetime:
        """Return the time in UTC. Raises Wrong."""
        try:
            if isinstance(value, str) and _TIME.fullmatch(value):
                time = datetime.fromisoformat(value.upper()).astimezone(UTC)
                if time.year in _YEARS:
                    return time
        except (ValueError, OverflowError):
            pass
        raise wrong("not_a_time", "must be a time such as 2026-03-14T09:26:53Z")

    @property
    def schema(self) -> Mapping[str, Any]:
        """A date-time."""
        return {"type": "string", "format": "date-time"}


@frozen
class Repository:
    """The address of a repository, in any form that git or a browser uses."""

    def read(self, value: object) -> RepoUrl:
        """Return the repository. Raises Wrong."""
        url = RepoUrl.parse(_text(value))
        if url is None:
            raise wrong("not_a_repository", "names no repository, as https://bitbucket.org/acme/pay-api does")
        return url

    @property
    def schema(self) -> Mapping[str, Any]:
        """A string; not every git address is a URI."""
        return {"type": "string", "minLength": 1, "maxLength": LONGEST}


@frozen
class Link:
    """An http or https address; userinfo in it is dropped."""

    def read(self, value: object) -> str:
        """Return the address. Raises Wrong."""
        text = _text(value)
        link = None if len(text) > URL_LIMIT else web_link(without_userinfo(text))
        if link is None:
            raise wrong("not_a_link", f"must be an http or https address of at most {URL_LIMIT:,} characters")
        return link

    @property
    def schema(self) -> Mapping[str, Any]:
        """A string of that form."""
        return {"type": "string", "maxLength": URL_LIMIT, "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}


@frozen
class Many:
    """A list of values of one kind."""

    item: Kind
    most: int

    def read(self, value: object) -> Sequence[Any]:
        """Return the values. Raises Wrong, pointing at each that is not of the kind."""
        if not isinstance(value, list):
            raise wrong("not_a_list", "must be a list")
        if len(value) > self.most:
            raise wrong("too_many", f"holds {len(value)} values; at most {self.most} are taken")
        read, faults = [], []
        for index, one in enumerate(value):
            try:
                read.append(self.item.read(one))
            except Wrong as error:
                faults += [Fault(f"/{index}{fault.pointer}", fault.code, fault.detail) for fault in error.faults]
        if faults:
            raise Wrong(*faults)
        return read

    @property
    def schema(self) -> Mapping[str, Any]:
        """An array."""
        return {"type": "array", "items": dict(self.item.schema), "maxItems": self.most}


def visible(limit: int) -> Text:
    """Return the kind of a text without blanks, such as a commit's hash."""
    return Text(limit, _VISIBLE)
