"""A clock that stands where it is put: for developers and tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MORNING = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)


class SettableClock:
    """A clock that moves only when it is told to."""

    def __init__(self, start: datetime = MORNING) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the time in UTC."""
        return self._now

    def set(self, time: datetime) -> None:
        """Go to ``time``, which may lie in the past."""
        self._now = time.astimezone(UTC)

    def advance(self, by: timedelta = timedelta(seconds=1)) -> datetime:
        """Go on (or back) and return the new time."""
        self._now += by
        return self._now
