"""Careful reading of JSON that others made.

A fact that is missing, null, of another type or beyond the contract's limits is None: some CI systems switch a hook off
after a few refusals. Only bytes that are no JSON are refused, and fields that are read and could not be stored. Fields
that nobody reads may hold anything.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from lathe.domain.errors import Fault, Invalid, Malformed
from lathe.domain.repo_url import RepoUrl, without_userinfo
from lathe.domain.text import NAME_LIMIT, text_fault, web_link

# Stands where one object names a key twice, until somebody asks for that key.
_TWICE: Final = object()

_ESCAPED_QUOTE: Final = rb"\u0022"

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_WHOLE_NUMBER = re.compile(r"-?[0-9]+")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_MILLISECONDS = (_LAST - _EPOCH) // timedelta(milliseconds=1)


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that ``body`` holds.

    Raises Malformed if it is no JSON in UTF-8 or nested too deeply, Invalid if it is JSON but no object.
    """
    value = _quickly(body)
    if value is None:
        value = _slowly(body)
    if not isinstance(value, dict):
        fault = Fault("", "not_an_object", "must be a JSON object")
        raise Invalid("The body is JSON, but no object.", (fault,))
    return value


def at(node: object, *path: str) -> object:
    """Return what lies at ``path`` below ``node``, None if nothing does.

    Raises Malformed if an object on the way names the key twice.
    """
    for key in path:
        if not isinstance(node, dict):
            return None
        node = node.get(key)
        if node is _TWICE:
            raise Malformed(f"The body names {key} twice.")
    return node


def items(node: object, *path: str) -> list[object]:
    """Return the list at ``path`` below ``node``, empty if there is none."""
    value = at(node, *path)
    return value if isinstance(value, list) else []


def text(node: object, *path: str) -> str | None:
    """Return the text at ``path`` without blanks around it, None if there is none or it is blank.

    Raises Malformed if what is there cannot be stored.
    """
    value = node
    for key in path:
        if type(value) is not dict:
            break
        value = value.get(key)
    else:
        if value is None:
            return None
        # What is printable can be stored: that is told much sooner.
        if type(value) is str and value.isprintable():
            return value.strip() or None
    value = _storable(at(node, *path), path)
    return value.strip() or None if isinstance(value, str) else None


def integer(node: object, *path: str) -> int | None:
    """Return the whole number at ``path``, also where it is written as text, as JSON for 64-bit numbers often is.

    Raises Malformed if what is there cannot be stored.
    """
    value = _storable(at(node, *path), path)
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value.strip()):
        value = _storable(_number(value.strip()), path)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def one_line(value: str, limit: int = NAME_LIMIT) -> str:
    """Return a name as it can be kept: control characters become blanks, and what is too long ends with an ellipsis."""
    line = (value if value.isprintable() else _CONTROL.sub(" ", value)).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def kept(value: str | None, limit: int = NAME_LIMIT) -> str | None:
    """Return ``value`` if it can be kept as it is. Half a branch is another branch, so nothing is cut."""
    return None if value is None or text_fault(value, "", limit) else value


def link(value: str | None) -> str | None:
    """Return ``value`` without userinfo if it is an http or https address that may be rendered as a link."""
    return web_link(without_userinfo(value)) if value else None


def branch_and_tag(ref: str | None) -> tuple[str | None, str | None]:
    """Return the branch or the tag that a git ref names; one without its kind in front is a branch."""
    if ref and ref.startswith("refs/tags/"):
        return None, kept(ref.removeprefix("refs/tags/"))
    return kept(ref.removeprefix("refs/heads/") if ref else None), None


def repository_id(source: str, url: RepoUrl, repository: object) -> str | None:
    """Return what a repository is known by, whatever it is called: its ``id``, which holds on its host alone."""
    number = integer(repository, "id")
    return None if number is None else f"{source}:{url.host}/{number}"


def header(headers: dict[str, str], name: str) -> str | None:
    """Return a header's value, cut to what is kept of a name; None if it is missing, blank or unprintable."""
    return kept(headers.get(name, "").strip()[:NAME_LIMIT].strip())


def instant(value: str | None) -> datetime | None:
    """Return the time in UTC that an RFC 3339 text names; None if it is none, or outside the years 1970 to 9998."""
    if value is None or not _RFC3339.fullmatch(value):
        return None
    try:
        return _in_range(datetime.fromisoformat(value.upper()).astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def instant_of_nanoseconds(value: int | None) -> datetime | None:
    """Return the time in UTC so many nanoseconds after 1970 began; None for 0, OpenTelemetry's way to say unknown."""
    if not value:
        return None
    # 64 bits of nanoseconds end in the year 2262: this cannot overflow.
    return _in_range(_EPOCH + timedelta(microseconds=value // 1000))


def instant_of_milliseconds(value: int | None) -> datetime | None:
    """Return the time in UTC so many milliseconds after 1970 began; None for 0, and for what is no time."""
    if not value or not 0 < value < _MILLISECONDS:
        return None
    return _EPOCH + timedelta(milliseconds=value)


def _in_range(time: datetime) -> datetime | None:
    return time if _EPOCH <= time < _LAST else None


def _quickly(body: bytes) -> object:
    """Parse what needs no second look, else return None."""
    if b"\\" in body and _ESCAPED_QUOTE in body:
        return None
    try:
        value = orjson.loads(body)
        # This parser keeps the last of two equal keys and says nothing; written again, there are fewer quotes then. The
        # only quotes that writing could add are those that were escaped by number.
        return value if orjson.dumps(value).count(b'"') == body.count(b'"') else None
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def _slowly(body: bytes) -> object:
    """Parse what the fast parser refuses or misreads, such as keys that come twice, or half a character pair in a field
    that nobody reads."""
    try:
        return json.loads(body.decode(), object_pairs_hook=_object, parse_int=_number)
    except UnicodeDecodeError as error:
        raise Malformed("The body is not UTF-8.") from error
    except RecursionError as error:
        raise Malformed("The body is nested too deeply.") from error
    except ValueError as error:
        raise Malformed("The body is not JSON.") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        found[key] = _TWICE if key in found else value
    return found


def _number(digits: str) -> int | float:
    # Python refuses thousands of digits; as a float they are beyond 64 bits all the same.
    return int(digits) if len(digits) <= 20 else float(digits)


def _storable(value: object, path: tuple[str, ...]) -> object:
    """Return ``value``, one of those that are read. Raises Malformed if no database could keep it."""
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise Malformed(f"{'.'.join(path)} holds NUL or half a character pair.")
    elif not _in_64_bits(value):
        raise Malformed(f"{'.'.join(path)} is no number of 64 bits.")
    return value


def _in_64_bits(value: object) -> bool:
    if isinstance(value, float):
        # The fast parser rounds -2⁶³-1 to -2⁶³. NaN is within no bounds.
        return abs(value) < 2**63
    return not isinstance(value, int) or -(2**63) <= value < 2**63
