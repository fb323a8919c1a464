"""Places in lists, and filters, as addresses carry them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

from lathe.application.lists import Place
from lathe.domain.errors import NotFound
from lathe.domain.text import NAME_LIMIT, text_fault


def older(next_place: Place | None, filters: dict[str, str]) -> str | None:
    """Return the query of the address where a list goes on, None at its end."""
    if next_place is None:
        return None
    return "?" + urlencode({**filters, "after": f"{next_place.created_at.isoformat()}~{next_place.id}"})


def place(text: str | None) -> Place | None:
    """Return the place in a list that an address names. Raises NotFound where it names none."""
    if not text:
        return None
    time, _, row = text.partition("~")
    try:
        at, id_ = moment(time), UUID(row)
    except ValueError:
        at = id_ = None
    if at is None or id_ is None:
        raise NotFound("This list has no such place. Begin at its top.")
    return Place(at, id_)


def moment(text: str) -> datetime | None:
    """Return the time that an address names, in UTC; None where it names none, or one beyond the calendar there."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC) if time.tzinfo else None
    except (ValueError, OverflowError):
        return None


def id_in(text: str | None) -> UUID | None:
    """Return the id that an address names, None where it names none."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def searched(text: str) -> str:
    """Return what a filter looks for; what no stored text can be finds everything, not an error."""
    text = text.strip()
    return "" if text_fault(text, "", NAME_LIMIT, empty=True) else text
