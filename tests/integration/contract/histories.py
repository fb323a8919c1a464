"""What was asked under load, when, and with which answer; and who judges it.

Instants are seconds of the machine's monotonic clock, which all its processes share. Between the instant at which a
request was sent and the one at which it was answered lies the instant at which it was admitted, wherever that was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, TypeAlias

from attrs import frozen

WINDOW_SECONDS: Final = 60.0


@frozen
class Shot:
    """One request."""

    sent: float
    answered: float
    status: int

    @property
    def admitted(self) -> bool:
        """Whether its credential was let in."""
        return self.status not in {401, 403, 429}


History: TypeAlias = Sequence[Shot]


def most_in_a_window(history: History) -> int:
    """Return how many requests were certainly admitted within some 60 seconds.

    Certainly: sent after the window began, answered before it ended. A limiter that admits no more than its limit can
    never make this number larger than that.
    """
    admitted = sorted((shot for shot in history if shot.admitted), key=lambda shot: shot.answered)
    most = 0
    for first in admitted:
        begin = first.sent
        end = bisect_right(admitted, begin + WINDOW_SECONDS, key=lambda shot: shot.answered)
        most = max(most, sum(shot.sent >= begin for shot in admitted[:end]))
    return most


def admitted_after(history: History, instant: float) -> list[Shot]:
    """Return the requests that were sent after ``instant`` and admitted all the same."""
    return [shot for shot in history if shot.sent > instant and shot.admitted]
