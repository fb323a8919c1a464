"""The machine's clock."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The time as the machine knows it."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)
