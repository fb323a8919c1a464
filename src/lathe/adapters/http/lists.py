"""Cursors: where a list goes on, bound to the caller, the address and the filters that they were made for."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import attrs
import orjson
from attrs import frozen

from lathe.adapters.http.codec import invalid
from lathe.adapters.http.requests import ListQuery
from lathe.adapters.web.written import dumped
from lathe.application.lists import Place
from lathe.domain.errors import Fault

T = TypeVar("T")

DEFAULT_LIMIT: Final = 50

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MARK = 8
_SIZE = 8 + 16 + _MARK


@frozen
class Walk:
    """One way through a list: the organization that reads, the address without its query, and the filters."""

    organization_id: UUID
    path: str
    query: ListQuery

    @property
    def limit(self) -> int:
        """How many rows a page has."""
        return self.query.limit or DEFAULT_LIMIT

    @property
    def after(self) -> Place | None:
        """Where to go on. Raises Invalid for a cursor that was not made on this way."""
        if self.query.cursor is None:
            return None
        place = self._place(self.query.cursor)
        if place is None:
            raise invalid([Fault("/cursor", "wrong_cursor", "does not belong to this list and these filters")])
        return place

    def cursor(self, place: Place | None) -> str | None:
        """Return the cursor to a place, None at the end of the list."""
        if place is None:
            return None
        at = ((place.created_at - _EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big") + place.id.bytes
        return base64.urlsafe_b64encode(at + self._mark(at)).decode().rstrip("=")

    def link(self, cursor: str | None) -> dict[str, str]:
        """Return the header that leads to the next page."""
        if cursor is None:
            return {}
        parameters = urlencode({**_filters(self.query), "limit": self.limit, "cursor": cursor})
        return {"Link": f'<{self.path}?{parameters}>; rel="next"'}

    def _place(self, cursor: str) -> Place | None:
        try:
            data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            at, mark = data[:-_MARK], data[-_MARK:]
            if len(data) != _SIZE or mark != self._mark(at):
                return None
            return Place(_EPOCH + timedelta(microseconds=int.from_bytes(at[:8], "big")), UUID(bytes=at[8:]))
        except (binascii.Error, ValueError, OverflowError):
            return None

    def _mark(self, at: bytes) -> bytes:
        """Tell this way from others. It is no secret: whoever makes one up only finds other places in the own list."""
        way = orjson.dumps([str(self.organization_id), self.path, _filters(self.query)], option=orjson.OPT_SORT_KEYS)
        return hashlib.blake2b(way + at, digest_size=_MARK).digest()


def _filters(query: ListQuery) -> dict[str, Any]:
    values = orjson.loads(dumped(query))
    return {
        one.name: values[one.name]
        for one in attrs.fields(type(query))
        if one.name not in {"limit", "cursor"} and values[one.name] is not None
    }


def page_of(rows: Sequence[T], place_of: Callable[[T], Place], walk: Walk) -> tuple[Sequence[T], Place | None]:
    """Cut a page out of a list that is short enough to be read whole, newest first; with the place it goes on from."""
    after = walk.after
    if after:
        rows = [row for row in rows if _order(place_of(row)) < _order(after)]
    page = rows[: walk.limit]
    return page, place_of(page[-1]) if len(rows) > len(page) else None


def _order(place: Place) -> tuple[datetime, UUID]:
    return place.created_at, place.id
