"""Organization, the tenant to which everything but people belongs; its members and their roles."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.errors import Fault, Invalid
from lathe.domain.text import checked_name

ORGANIZATION_RATE_LIMIT: Final = 60


class Role(Enum):
    """What a member may do: everything, work with projects and the queue, or read."""

    ADMIN = "admin"
    TESTER = "tester"
    VIEWER = "viewer"

    def may(self, needed: Role) -> bool:
        """Tell whether this role includes what ``needed`` may do."""
        order = (Role.VIEWER, Role.TESTER, Role.ADMIN)
        return order.index(self) >= order.index(needed)


@frozen
class Organization:
    """A tenant. ``allow_org_id``: its bare id may authenticate; ``confirm_name_matches``: name matches are queued."""

    id: UUID
    name: str
    slug: str
    created_at: datetime
    allow_org_id: bool = False
    confirm_name_matches: bool = False
    rate_limit: int = ORGANIZATION_RATE_LIMIT

    def renamed(self, name: str) -> Organization:
        """Return it under another name; the slug stays, since addresses use it. Raises Invalid."""
        return evolve(self, name=checked_name(name))


class Theme(Enum):
    """How pages look: as the person's system does, light, or dark."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@frozen
class Preferences:
    """How a person likes the pages. ``shortcuts``: single keys do things in the Build Queue."""

    theme: Theme = Theme.SYSTEM
    shortcuts: bool = True


@frozen
class User:
    """A person. ``password_hash`` is None until the one-time link was used."""

    id: UUID
    email: str
    name: str
    created_at: datetime
    password_hash: str | None = None
    preferences: Preferences = Preferences()


@frozen
class Member:
    """A person in an organization."""

    organization_id: UUID
    user_id: UUID
    role: Role
    since: datetime


@frozen
class Actor:
    """Who decided something, kept with it. ``kind`` is ``user``, ``key`` or ``command``; ``name`` is to read."""

    kind: str
    id: UUID | None
    name: str


def checked_email(value: str) -> str:
    """Return the address in the one form accounts are found by. Raises Invalid at ``/email``."""
    email = checked_name(value, "/email", 254).lower()
    local, at, host = email.rpartition("@")
    # What nobody sees would let one account pass for another in the list of members.
    visible = email.isprintable() and not any(c.isspace() for c in email)
    if not (local and at and "." in host.strip(".")) or not visible:
        raise Invalid("that is not an e-mail address", (Fault("/email", "not_an_email", "is not an e-mail address"),))
    return email
