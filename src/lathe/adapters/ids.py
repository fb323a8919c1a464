"""Randomness and new ids, from the operating system."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from threading import Lock
from uuid import UUID, SafeUUID

_BULK = 4096
_PER_ID = 10
_RANDOM_BITS = 74  # what a UUIDv7 has besides its time, version and variant
_LOW_BITS = 62
_STEP_BITS = 32

_forks = 0
"""How often this process is a fork of a fork: asking the system for the process id each time takes longer."""


def _forked() -> None:
    global _forks  # noqa: PLW0603 - one process, one count
    _forks += 1


os.register_at_fork(after_in_child=_forked)


class RandomIds:
    """UUIDv7 (RFC 9562) that rise strictly within a process, and random bytes.

    A new millisecond starts at a random place. Within one, and while the clock stands still or was set back, each id
    lies a random step of up to 2**32 behind the last, so that it can still not be guessed (RFC 9562, 6.2, method 2).
    """

    def __init__(
        self, nanoseconds: Callable[[], int] = time.time_ns, urandom: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._nanoseconds = nanoseconds
        self._urandom = urandom
        self._lock = Lock()
        self._forks = _forks
        self._pool = b""
        self._used = 0
        self._millisecond = 0
        self._random = 0

    def new(self) -> UUID:
        """Return a new id, greater than every one before."""
        millisecond = self._nanoseconds() // 1_000_000
        with self._lock:
            drawn = int.from_bytes(self._draw(), "big")
            if millisecond > self._millisecond:
                self._millisecond, self._random = millisecond, drawn >> (8 * _PER_ID - _RANDOM_BITS)
            else:
                self._random += 1 + (drawn >> (8 * _PER_ID - _STEP_BITS))
                if self._random >> _RANDOM_BITS:
                    self._millisecond, self._random = self._millisecond + 1, self._random & ((1 << _RANDOM_BITS) - 1)
            at, random = self._millisecond, self._random
        high, low = random >> _LOW_BITS, random & ((1 << _LOW_BITS) - 1)
        return _uuid(at << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)

    def entropy(self, size: int) -> bytes:
        """Return ``size`` unpredictable bytes."""
        return self._urandom(size)

    def _draw(self) -> bytes:
        """Take bytes from the pool. A forked process must not go on with its parent's."""
        if self._used + _PER_ID > len(self._pool) or self._forks != _forks:
            self._pool, self._used, self._forks = self._urandom(_BULK), 0, _forks
        drawn = self._pool[self._used : self._used + _PER_ID]
        self._used += _PER_ID
        return drawn


def _uuid(number: int) -> UUID:
    """Make a UUID of a number that is known to be one: the class itself looks at eight arguments first."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", number)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made
