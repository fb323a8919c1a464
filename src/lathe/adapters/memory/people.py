"""Organizations, people, sessions and one-time links in memory."""

from __future__ import annotations

from uuid import UUID

from lathe.adapters.memory.tables import Tables
from lathe.domain.organization import Member, Organization, User
from lathe.domain.session import LinkPurpose, OneTimeLink, Session


class MemoryOrganizations:
    """Implements `Organizations`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.organizations

    def add(self, organization: Organization) -> None:
        self._rows.add(organization)

    def get(self, organization_id: UUID, *, lock: bool = False) -> Organization:  # noqa: ARG002
        return self._rows.get(None, organization_id)

    def find_by_slug(self, slug: str) -> Organization | None:
        return self._rows.one("slug_taken", slug)

    def save(self, organization: Organization) -> None:
        self._rows.save(organization)

    def all(self) -> list[Organization]:
        return sorted(self._rows.scan(None), key=lambda row: row.slug)


class MemoryUsers:
    """Implements `Users`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.users
        self._members = tables.members
        self._organizations = tables.organizations
        self._sessions = tables.sessions
        self._links = tables.links

    def add(self, user: User) -> None:
        self._rows.add(user)

    def get(self, user_id: UUID, *, lock: bool = False) -> User:  # noqa: ARG002 - see `MemoryStore`
        return self._rows.get(None, user_id)

    def find_by_email(self, email: str) -> User | None:
        return self._rows.one("email_taken", email)

    def save(self, user: User) -> None:
        self._rows.save(user)

    def forget(self, user_id: UUID) -> None:
        self._rows.remove(None, user_id)
        for session in self._sessions.by("person", user_id):
            self._sessions.remove(None, session.token_hash)
        for link in self._links.scan(None):
            if link.user_id == user_id:
                self._links.remove(None, link.token_hash)

    def any(self) -> bool:
        return bool(self._rows.scan(None))

    def join(self, member: Member) -> None:
        self._members.put(member)

    def leave(self, organization_id: UUID, user_id: UUID) -> None:
        self._members.get(organization_id, user_id)
        self._members.remove(organization_id, user_id)

    def member(self, organization_id: UUID, user_id: UUID) -> Member | None:
        return self._members.find(organization_id, user_id)

    def members(self, organization_id: UUID) -> list[tuple[User, Member]]:
        found = [(self.get(member.user_id), member) for member in self._members.scan(organization_id)]
        return sorted(found, key=lambda pair: pair[0].email)

    def memberships(self, user_id: UUID) -> list[tuple[Organization, Member]]:
        mine = self._members.by("person", user_id)
        found = [(self._organizations.get(None, member.organization_id), member) for member in mine]
        return sorted(found, key=lambda pair: pair[0].slug)


class MemorySessions:
    """Implements `Sessions`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.sessions

    def add(self, session: Session) -> None:
        self._rows.add(session)

    def find(self, token_hash: bytes) -> Session | None:
        return self._rows.find(None, token_hash)

    def save(self, session: Session) -> None:
        self._rows.save(session)

    def remove(self, token_hash: bytes) -> None:
        self._rows.remove(None, token_hash)

    def of_user(self, user_id: UUID) -> list[Session]:
        found = sorted(self._rows.by("person", user_id), key=lambda row: row.token_hash)
        return sorted(found, key=lambda row: row.last_seen_at, reverse=True)

    def remove_all(self, user_id: UUID) -> None:
        for session in self._rows.by("person", user_id):
            self.remove(session.token_hash)


class MemoryLinks:
    """Implements `Links`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.links

    def add(self, link: OneTimeLink) -> None:
        self._rows.add(link)

    def find(self, token_hash: bytes, *, lock: bool = False) -> OneTimeLink | None:  # noqa: ARG002 - see `MemoryStore`
        return self._rows.find(None, token_hash)

    def save(self, link: OneTimeLink) -> None:
        self._rows.save(link)

    def remove(self, purpose: LinkPurpose, user_id: UUID | None) -> None:
        for link in self._rows.by("purpose", purpose):
            if link.user_id == user_id:
                self._rows.remove(None, link.token_hash)

    def invitations(self, organization_id: UUID) -> list[OneTimeLink]:
        found = sorted(self._rows.by("organization", organization_id), key=lambda row: row.token_hash)
        return sorted(found, key=lambda row: row.created_at, reverse=True)

    def withdraw(self, organization_id: UUID, user_id: UUID, purpose: LinkPurpose | None = None) -> None:
        for link in self._rows.by("organization", organization_id):
            if link.user_id == user_id and purpose in (None, link.purpose):
                self._rows.remove(None, link.token_hash)
