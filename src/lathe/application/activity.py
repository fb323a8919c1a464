"""What happened in an organization lately, boiled down to a short text that differs when something else did."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

LOOKED_AT: Final = 20
"""How many of the newest rows of each kind make the mark.

Not the newest alone: transactions do not become visible in the order of their rows' times, and a build that is
withdrawn takes nothing newer along.
"""

_DIGITS: Final = 16


def mark_of(rows: Iterable[tuple[object, ...]]) -> str:
    """Return the mark of rows, in whatever order they come."""
    text = "\n".join(sorted(repr(row) for row in rows))
    return sha256(text.encode()).hexdigest()[:_DIGITS]
