"""Hashes passwords, slowly on purpose."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB: Final = 46 * 1024
AT_ONCE: Final = 2

# The hash of random bytes that nobody kept. Comparing with it takes as long as comparing with anybody's.
NOBODY: Final = "$argon2id$v=19$m=47104,t=1,p=1$CUlkRyRV5OecIXuGhm9+Fg$+lJDgS43WOWwiB2IqJ2epUL4jOyQEbFuhk+RbxyVwJo"


class Argon2Passwords:
    """argon2id with 46 MiB, one pass and one lane (OWASP's first choice), at most two at once in a process.

    The limit keeps a flood of logins from taking all memory and processors; whoever comes third waits.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=MEMORY_KIB, parallelism=1)
        self._turn = BoundedSemaphore(AT_ONCE)

    def hash(self, password: str) -> str:
        """Return what is stored of a password: algorithm, parameters, salt and hash in one text."""
        with self._turn:
            return self._hasher.hash(_encoded(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether the password fits; takes as long for an unknown person (None)."""
        with self._turn:
            try:
                self._hasher.verify(stored or NOBODY, _encoded(password))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None


def _encoded(password: str) -> bytes:
    """Half a character pair cannot be encoded otherwise; at login it must be wrong, not a fault."""
    return password.encode("utf-8", "surrogatepass")
