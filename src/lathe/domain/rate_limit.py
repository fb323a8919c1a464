"""The rate limit: at most so many requests in any 60 seconds, as arithmetic on a small value.

Instants are whole microseconds since the epoch, all read from one clock: the store's. A request counts for 60 seconds
from its own instant on, and not any more at the instant that lies exactly 60 seconds later. Up to `EXACT_UP_TO`
requests a minute the window knows each instant. Above, it knows only how many fell into each second and takes them all
for the last microsecond of it: such a window may refuse up to a second early and never admits more.

The promise holds for every sequence of clock readings. Requests from the future, seen after the clock was set back,
count. Those that have left the window are remembered as one stamp at the instant of their newest: on a clock that runs
forward it never counts again, and on one that jumped ahead and came back nothing is admitted twice.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise
from operator import itemgetter
from typing import TypeAlias

from attrs import frozen

WINDOW_SECONDS = 60
EXACT_UP_TO = 600
"""The highest limit that is kept by exact instants."""

MOST_BUCKETS = WINDOW_SECONDS + 2
"""61 seconds touch a window of 60, and the one stamp of what has left it."""

MOST_COUNTED = 2**32 - 1
"""What fits into a packed count; far above any limit."""

_SECOND = 1_000_000
_WINDOW = WINDOW_SECONDS * _SECOND

Stamps: TypeAlias = tuple[tuple[int, int], ...]

_instant = itemgetter(0)


@frozen
class Window:
    """The requests that were admitted lately, and one stamp for all before."""

    stamps: Stamps = ()
    """(instant, how many) with rising instants. An instant is exact, or the last microsecond of a second."""


@frozen
class Decision:
    """What became of one request, and what its answer says about the limit."""

    admitted: bool
    window: Window
    """The window after this request; after a refusal the same as before, so that a refusal costs no write."""
    limit: int
    remaining: int
    """How many more would be admitted at this instant."""
    reset_seconds: int
    """Whole seconds, at least 1, until one more is free. After a refusal: waiting so long admits, if nobody else came
    meanwhile. Rounded up, so never too early."""


def admit(window: Window, now: int, limit: int) -> Decision:
    """Decide about one request at the instant ``now`` under the limit that is in force now (1 to `MOST_COUNTED`)."""
    if not 1 <= limit <= MOST_COUNTED:
        raise ValueError(f"a limit is 1 to {MOST_COUNTED}, not {limit}")
    first_live = bisect_right(window.stamps, now - _WINDOW, key=_instant)
    gone, live = window.stamps[:first_live], window.stamps[first_live:]
    used = _total(live)
    if used >= limit:
        wait = _seconds_until_free(live, now, leaving=used - limit + 1)
        return Decision(admitted=False, window=window, limit=limit, remaining=0, reset_seconds=wait)
    if limit <= EXACT_UP_TO:
        live = _with_one_at(live, now)
        after = _as_one(gone) + live
    else:
        live = _with_one_at(_in_seconds(live), _end_of_second(now))
        after = _at_most(MOST_BUCKETS, _as_one(gone) + live)
    wait = _seconds_until_free(live, now, leaving=1)
    return Decision(admitted=True, window=Window(after), limit=limit, remaining=limit - used - 1, reset_seconds=wait)


def _total(stamps: Stamps) -> int:
    return sum(count for _, count in stamps)


def _seconds_until_free(live: Stamps, now: int, *, leaving: int) -> int:
    """Whole seconds until so many of the live requests have left; more than one where the limit was lowered."""
    left = list(accumulate(count for _, count in live))
    instant, _ = live[bisect_left(left, leaving)]
    return -((now - instant - _WINDOW) // _SECOND)


def _as_one(gone: Stamps) -> Stamps:
    return ((gone[-1][0], min(_total(gone), MOST_COUNTED)),) if gone else ()


def _with_one_at(stamps: Stamps, instant: int) -> Stamps:
    at = bisect_left(stamps, instant, key=_instant)
    if at < len(stamps) and stamps[at][0] == instant:
        return (*stamps[:at], (instant, stamps[at][1] + 1), *stamps[at + 1 :])
    return (*stamps[:at], (instant, 1), *stamps[at:])


def _end_of_second(instant: int) -> int:
    """Its last microsecond, not the next second's first: the end of an end is then itself."""
    return instant - instant % _SECOND + _SECOND - 1


def _in_seconds(stamps: Stamps) -> Stamps:
    counts: dict[int, int] = {}
    for instant, count in stamps:
        end = _end_of_second(instant)
        counts[end] = counts.get(end, 0) + count
    return tuple(counts.items())


def _at_most(most: int, stamps: Stamps) -> Stamps:
    """Only a clock that was set back makes more. The newest become one, at the last of them: later is the safe side."""
    if len(stamps) <= most:
        return stamps
    return (*stamps[: most - 1], (stamps[-1][0], _total(stamps[most - 1 :])))


# The packed form: one byte of flags, the first instant and its count, the distances to the next instants, and their
# counts unless each is 1. A full window of 60 takes 249 bytes.
_HEAD = struct.Struct("<BqI")
_WIDE_DISTANCES = 1
"""Distances in 8 bytes instead of 4: only after more than an hour without requests, or with a clock that jumped."""
_COUNTS = 2


def pack(window: Window) -> bytes:
    """The window as bytes for the store, at most 13 + 12 for every further stamp."""
    if not window.stamps:
        return b""
    instants, counts = zip(*window.stamps, strict=True)
    distances = [later - earlier for earlier, later in pairwise(instants)]
    flags = 0
    if any(distance >= 2**32 for distance in distances):
        flags |= _WIDE_DISTANCES
    if any(count != 1 for count in counts[1:]):
        flags |= _COUNTS
    packed = _HEAD.pack(flags, instants[0], counts[0]) + struct.pack(_distances(flags, len(distances)), *distances)
    return packed + struct.pack(f"<{len(distances)}I", *counts[1:]) if flags & _COUNTS else packed


def unpack(data: bytes) -> Window:
    """The window that was packed. Raises ValueError if no window packs to these bytes."""
    if not data:
        return Window()
    if len(data) < _HEAD.size:
        raise ValueError("a packed window is cut off")
    flags, first, first_count = _HEAD.unpack_from(data)
    size = (8 if flags & _WIDE_DISTANCES else 4) + (4 if flags & _COUNTS else 0)
    further, odd = divmod(len(data) - _HEAD.size, size)
    if odd or flags > _WIDE_DISTANCES | _COUNTS:
        raise ValueError("a packed window has the wrong shape")
    form = _distances(flags, further)
    instants = accumulate(struct.unpack_from(form, data, _HEAD.size), initial=first)
    counts: tuple[int, ...] = (1,) * further
    if flags & _COUNTS:
        counts = struct.unpack_from(f"<{further}I", data, _HEAD.size + struct.calcsize(form))
    return Window(tuple(zip(instants, (first_count, *counts), strict=True)))


def _distances(flags: int, further: int) -> str:
    return f"<{further}{'Q' if flags & _WIDE_DISTANCES else 'I'}"
