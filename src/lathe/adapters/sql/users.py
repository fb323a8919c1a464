"""People, memberships, sessions and one-time links, by SQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, select

from lathe.adapters.sql.organizations import organization_of
from lathe.adapters.sql.rows import Part, Rows, Values, locked, prefixed
from lathe.adapters.sql.schema import links, members, organizations, sessions, users
from lathe.domain.errors import NotFound
from lathe.domain.organization import Member, Organization, Role, User
from lathe.domain.session import LinkPurpose, OneTimeLink, Session


class SqlUsers:
    """Implements `Users`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, user: User) -> None:
        with self._rows.conflicts(uq_users_email=("email_taken", "somebody has this e-mail address already")):
            self._rows.add(users, _user_values(user))

    def get(self, user_id: UUID) -> User:
        return _user_of(self._rows.one(select(users).where(users.c.id == user_id), "person"))

    def find_by_email(self, email: str) -> User | None:
        row = self._rows.find(select(users).where(users.c.email == email))
        return _user_of(row) if row else None

    def save(self, user: User) -> None:
        with self._rows.conflicts(uq_users_email=("email_taken", "somebody has this e-mail address already")):
            change = users.update().where(users.c.id == user.id).values(_user_values(user))
            if self._rows.connection.execute(change).rowcount == 0:
                raise NotFound("there is no such person")

    def any(self) -> bool:
        return bool(self._rows.connection.execute(select(exists(select(users.c.id)))).scalar())

    def join(self, member: Member) -> None:
        values = {"role": member.role.value, "since": member.since}
        mine = and_(members.c.organization_id == member.organization_id, members.c.user_id == member.user_id)
        # Two that join the same person at once meet at the primary key; the store runs the later one again.
        if self._rows.connection.execute(members.update().where(mine).values(values)).rowcount == 0:
            with self._rows.races():
                self._rows.add(
                    members, {"organization_id": member.organization_id, "user_id": member.user_id, **values}
                )

    def member(self, organization_id: UUID, user_id: UUID) -> Member | None:
        mine = and_(members.c.organization_id == organization_id, members.c.user_id == user_id)
        row = self._rows.find(select(members).where(mine))
        return _member_of(row) if row else None

    def members(self, organization_id: UUID) -> list[tuple[User, Member]]:
        query = (
            select(*members.c, *prefixed("person_", users))
            .join(users, users.c.id == members.c.user_id)
            .where(members.c.organization_id == organization_id)
            .order_by(users.c.email)
        )
        return [(_user_of(Part(row, "person_")), _member_of(row)) for row in self._rows.all(query)]

    def memberships(self, user_id: UUID) -> list[tuple[Organization, Member]]:
        query = (
            select(*members.c, *prefixed("of_", organizations))
            .join(organizations, organizations.c.id == members.c.organization_id)
            .where(members.c.user_id == user_id)
            .order_by(organizations.c.slug)
        )
        return [(organization_of(Part(row, "of_")), _member_of(row)) for row in self._rows.all(query)]


def _user_values(user: User) -> Values:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "created_at": user.created_at,
        "password_hash": user.password_hash,
    }


def _user_of(row: Any) -> User:
    return User(row.id, row.email, row.name, row.created_at, row.password_hash)


def _member_of(row: Any) -> Member:
    return Member(row.organization_id, row.user_id, Role(row.role), row.since)


class SqlSessions:
    """Implements `Sessions`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, session: Session) -> None:
        self._rows.add(sessions, _session_values(session))

    def find(self, token_hash: bytes) -> Session | None:
        row = self._rows.find(select(sessions).where(sessions.c.token_hash == token_hash))
        return Session(row.token_hash, row.user_id, row.created_at, row.last_seen_at) if row else None

    def save(self, session: Session) -> None:
        mine = sessions.c.token_hash == session.token_hash
        change = sessions.update().where(mine).values(_session_values(session))
        if self._rows.connection.execute(change).rowcount == 0:
            raise NotFound("there is no such session")

    def remove(self, token_hash: bytes) -> None:
        self._rows.connection.execute(sessions.delete().where(sessions.c.token_hash == token_hash))

    def remove_all(self, user_id: UUID) -> None:
        self._rows.connection.execute(sessions.delete().where(sessions.c.user_id == user_id))


def _session_values(session: Session) -> Values:
    return {
        "token_hash": session.token_hash,
        "user_id": session.user_id,
        "created_at": session.created_at,
        "last_seen_at": session.last_seen_at,
    }


class SqlLinks:
    """Implements `Links`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, link: OneTimeLink) -> None:
        self._rows.add(links, _link_values(link))

    def find(self, token_hash: bytes, *, lock: bool = False) -> OneTimeLink | None:
        row = self._rows.find(locked(select(links).where(links.c.token_hash == token_hash), lock=lock))
        return _link_of(row) if row else None

    def save(self, link: OneTimeLink) -> None:
        change = links.update().where(links.c.token_hash == link.token_hash).values(_link_values(link))
        if self._rows.connection.execute(change).rowcount == 0:
            raise NotFound("there is no such link")

    def remove(self, purpose: LinkPurpose, user_id: UUID | None) -> None:
        theirs = links.c.user_id.is_(None) if user_id is None else links.c.user_id == user_id
        self._rows.connection.execute(links.delete().where(links.c.purpose == purpose.value, theirs))


def _link_values(link: OneTimeLink) -> Values:
    return {
        "token_hash": link.token_hash,
        "purpose": link.purpose.value,
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "user_id": link.user_id,
        "organization_id": link.organization_id,
        "role": link.role.value if link.role else None,
        "reusable": link.reusable,
        "used_at": link.used_at,
    }


def _link_of(row: Any) -> OneTimeLink:
    return OneTimeLink(
        row.token_hash,
        LinkPurpose(row.purpose),
        row.created_at,
        row.expires_at,
        row.user_id,
        row.organization_id,
        Role(row.role) if row.role else None,
        row.reusable,
        row.used_at,
    )
