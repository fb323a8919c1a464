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
from itertools import accumulate
from operator import sub
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

Numbers: TypeAlias = tuple[int, ...]


@frozen
class Window:
    """The requests that were admitted lately, and one stamp for all before."""

    instants: Numbers = ()
    """Rising. Each is exact, or the last microsecond of a second."""

    counts: Numbers = ()
    """How many requests each instant stands for."""

    @classmethod
    def of(cls, *stamps: tuple[int, int]) -> Window:
        """Make one of pairs of an instant and a count."""
        return cls(*map(tuple, zip(*stamps, strict=True))) if stamps else cls()

    @property
    def stamps(self) -> tuple[tuple[int, int], ...]:
        """The instants, each with its count."""
        return tuple(zip(self.instants, self.counts, strict=True))


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
    first_live = bisect_right(window.instants, now - _WINDOW)
    live = Window(window.instants[first_live:], window.counts[first_live:]) if first_live else window
    used = sum(live.counts)
    if used >= limit:
        wait = _seconds_until_free(live, now, leaving=used - limit + 1)
        return Decision(admitted=False, window=window, limit=limit, remaining=0, reset_seconds=wait)
    if limit <= EXACT_UP_TO:
        live = _with_one_at(live, now)
        after = _after(window, first_live, live)
    else:
        live = _with_one_at(_in_seconds(live), _end_of_second(now))
        after = _at_most(MOST_BUCKETS, _after(window, first_live, live))
    wait = _seconds_until_free(live, now, leaving=1)
    return Decision(admitted=True, window=after, limit=limit, remaining=limit - used - 1, reset_seconds=wait)


def _seconds_until_free(live: Window, now: int, *, leaving: int) -> int:
    """Whole seconds until so many of the live requests have left; more than one where the limit was lowered."""
    at = 0
    while leaving > live.counts[at]:
        leaving -= live.counts[at]
        at += 1
    return -((now - live.instants[at] - _WINDOW) // _SECOND)


def _after(window: Window, first_live: int, live: Window) -> Window:
    """Return what lives behind one stamp for what has left the window."""
    if not first_live:
        return live
    gone = min(sum(window.counts[:first_live]), MOST_COUNTED)
    return Window((window.instants[first_live - 1], *live.instants), (gone, *live.counts))


def _with_one_at(window: Window, instant: int) -> Window:
    instants, counts = window.instants, window.counts
    at = bisect_left(instants, instant)
    if at < len(instants) and instants[at] == instant:
        return Window(instants, (*counts[:at], counts[at] + 1, *counts[at + 1 :]))
    return Window((*instants[:at], instant, *instants[at:]), (*counts[:at], 1, *counts[at:]))


def _end_of_second(instant: int) -> int:
    """Its last microsecond, not the next second's first: the end of an end is then itself."""
    return instant - instant % _SECOND + _SECOND - 1


def _in_seconds(window: Window) -> Window:
    counts: dict[int, int] = {}
    for instant, count in zip(window.instants, window.counts, strict=True):
        end = _end_of_second(instant)
        counts[end] = counts.get(end, 0) + count
    return Window(tuple(counts), tuple(counts.values()))


def _at_most(most: int, window: Window) -> Window:
    """Only a clock that was set back makes more. The newest become one, at the last of them: later is the safe side."""
    if len(window.instants) <= most:
        return window
    newest = sum(window.counts[most - 1 :])
    return Window((*window.instants[: most - 1], window.instants[-1]), (*window.counts[: most - 1], newest))


# The packed form: one byte of flags, the first instant and its count, the distances to the next instants, and their
# counts unless each is 1. A full window of 60 takes 249 bytes.
_HEAD = struct.Struct("<BqI")
_WIDE_DISTANCES = 1
"""Distances in 8 bytes instead of 4: only after more than an hour without requests, or with a clock that jumped."""
_COUNTS = 2
_ONCE = frozenset({1})


def pack(window: Window) -> bytes:
    """The window as bytes for the store, at most 13 + 12 for every further stamp."""
    if not window.instants:
        return b""
    instants, further = window.instants, window.counts[1:]
    distances = [*map(sub, instants[1:], instants)]
    flags = 0
    if max(distances, default=0) >= 2**32:
        flags |= _WIDE_DISTANCES
    if not _ONCE.issuperset(further):
        flags |= _COUNTS
    packed = _HEAD.pack(flags, instants[0], window.counts[0])
    packed += struct.pack(_distances(flags, len(distances)), *distances)
    return packed + struct.pack(f"<{len(further)}I", *further) if flags & _COUNTS else packed


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
    instants = tuple(accumulate(struct.unpack_from(form, data, _HEAD.size), initial=first))
    counts: tuple[int, ...] = (1,) * further
    if flags & _COUNTS:
        counts = struct.unpack_from(f"<{further}I", data, _HEAD.size + struct.calcsize(form))
    return Window(instants, (first_count, *counts))


def _distances(flags: int, further: int) -> str:
    return f"<{further}{'Q' if flags & _WIDE_DISTANCES else 'I'}"
