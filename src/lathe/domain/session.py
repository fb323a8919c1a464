"""How people get in: one-time links that set a password or join an organization, and the session after login."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.errors import Fault, Invalid
from lathe.domain.organization import Role

LINK_LIFE: Final = timedelta(hours=24)
SESSION_IDLE: Final = timedelta(hours=12)
SESSION_LIFE: Final = timedelta(days=7)
PASSWORD_LENGTHS: Final = range(12, 257)


class LinkPurpose(Enum):
    """``setup``: the first organization and its admin; ``password``: set it; ``join``: an existing account joins.

    ``login``: nothing but that, for the demo.
    """

    SETUP = "setup"
    PASSWORD = "password"
    JOIN = "join"
    LOGIN = "login"


@frozen
class OneTimeLink:
    """A link that is used up by one POST. Only the SHA-256 of its token is stored.

    ``reusable`` is for the demo alone: its link logs in as often as it is opened.
    """

    token_hash: bytes
    purpose: LinkPurpose
    created_at: datetime
    expires_at: datetime
    user_id: UUID | None = None
    organization_id: UUID | None = None
    role: Role | None = None
    reusable: bool = False
    used_at: datetime | None = None

    def usable(self, now: datetime) -> bool:
        """Whether it still does what it is for."""
        return now < self.expires_at and (self.reusable or self.used_at is None)

    def used(self, now: datetime) -> OneTimeLink:
        """Return it used up."""
        return evolve(self, used_at=now)


@frozen
class Session:
    """A person's login on one browser. Only the SHA-256 of its token is stored; ``browser`` is to recognise it by."""

    token_hash: bytes
    user_id: UUID
    created_at: datetime
    last_seen_at: datetime
    browser: str | None = None

    @property
    def handle(self) -> str:
        """What its owner's pages call it by: the beginning of the hash, which opens nothing."""
        return self.token_hash.hex()[:16]

    def alive(self, now: datetime) -> bool:
        """Whether it is neither idle for 12 hours nor older than 7 days."""
        return now - self.last_seen_at < SESSION_IDLE and now - self.created_at < SESSION_LIFE

    def seen(self, now: datetime) -> Session:
        """Return it as used just now."""
        return evolve(self, last_seen_at=now)


def checked_password(password: str) -> str:
    """Return the password. Raises Invalid at ``/password`` unless it has 12 to 256 characters that can be encoded."""
    if len(password) not in PASSWORD_LENGTHS:
        fault = Fault("/password", "length", "must have 12 to 256 characters")
        raise Invalid(f"the password {fault.detail}", (fault,))
    if any("\ud800" <= c <= "\udfff" or c == "\0" for c in password):
        fault = Fault("/password", "unprintable", "holds characters that cannot be typed")
        raise Invalid(f"the password {fault.detail}", (fault,))
    return password
