"""Slows down guessing of passwords: so many tries a minute for an account and for an address, and no lockout.

It counts in this process alone, in bounded memory. Whoever is refused waits less than a minute; nothing has to be
unlocked by an admin, so nobody can be kept out for long by somebody else's tries.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock
from typing import Final

from lathe.domain.errors import RateLimited
from lathe.domain.rate_limit import Window, admit

TRIES_PER_ACCOUNT: Final = 10
TRIES_PER_ADDRESS: Final = 30
REMEMBERED: Final = 10_000
"""Accounts and addresses together; beyond that the ones that tried longest ago are forgotten."""


def monotonic_microseconds() -> int:
    """A clock that never goes back, for windows that live in this process alone."""
    return time.monotonic_ns() // 1000


class LoginThrottle:
    """Counts tries to log in, whatever came of them."""

    def __init__(self, now: Callable[[], int] = monotonic_microseconds, remembered: int = REMEMBERED) -> None:
        self._now = now
        self._remembered = remembered
        self._windows: OrderedDict[bytes, Window] = OrderedDict()
        self._lock = Lock()

    def spend(self, account: str, address: str | None) -> None:
        """Count one try. Raises RateLimited where the account or the address has used up its tries."""
        with self._lock:
            self._spend(b"address", _network(address), TRIES_PER_ADDRESS)
            self._spend(b"account", account.strip().lower(), TRIES_PER_ACCOUNT)

    def spend_address(self, address: str | None) -> None:
        """Count one try that names no account, such as the use of a link."""
        with self._lock:
            self._spend(b"address", _network(address), TRIES_PER_ADDRESS)

    def _spend(self, kind: bytes, name: str, limit: int) -> None:
        # Hashed, so that long names take no more room than short ones.
        key = hashlib.sha256(kind + b"\0" + name.encode("utf-8", "surrogatepass")).digest()
        decision = admit(self._windows.get(key, Window()), self._now(), limit)
        self._windows[key] = decision.window
        self._windows.move_to_end(key)
        while len(self._windows) > self._remembered:
            self._windows.popitem(last=False)
        if not decision.admitted:
            seconds = decision.reset_seconds
            raise RateLimited(
                f"Too many tries to log in. Wait {seconds} second{'' if seconds == 1 else 's'} and try again.",
                retry_after=seconds,
            )


def _network(address: str | None) -> str:
    """One household has a whole IPv6 /64 of addresses: they count as one."""
    try:
        parsed = ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
