"""People, memberships, sessions and one-time links, by SQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, select

from lathe.adapters.sql.organizations import organization_of
from lathe.adapters.sql.rows import Part, Rows, Values, locked, prefixed
from lathe.adapters.sql.schema import links, members, organizations, sessions, users
from lathe.domain.errors import NotFound
from lathe.domain.organization import Member, Organization, Preferences, Role, Theme, User
from lathe.domain.session import LinkPurpose, OneTimeLink, Session


class SqlUsers:
    """Implements `Users`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, user: User) -> None:
        with self._rows.conflicts(uq_users_email=("email_taken", "somebody has this e-mail address already")):
            self._rows.add(users, _user_values(user))

    def get(self, user_id: UUID, *, lock: bool = False) -> User:
        query = locked(select(users).where(users.c.id == user_id), lock=lock)
        return _user_of(self._rows.one(query, "person"))

    def find_by_email(self, email: str) -> User | None:
        row = self._rows.find(select(users).where(users.c.email == email))
        return _user_of(row) if row else None

    def save(self, user: User) -> None:
        with self._rows.conflicts(uq_users_email=("email_taken", "somebody has this e-mail address already")):
            change = users.update().where(users.c.id == user.id).values(_user_values(user))
            if self._rows.connection.execute(change).rowcount == 0:
                raise NotFound("there is no such person")

    def forget(self, user_id: UUID) -> None:
        for table, theirs in ((sessions, sessions.c.user_id), (links, links.c.user_id), (users, users.c.id)):
            self._rows.connection.execute(table.delete().where(theirs == user_id))

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

    def leave(self, organization_id: UUID, user_id: UUID) -> None:
        mine = and_(members.c.organization_id == organization_id, members.c.user_id == user_id)
        if self._rows.connection.execute(members.delete().where(mine)).rowcount == 0:
            raise NotFound("there is no such member")

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
        "preferences": _preferences_values(user.preferences),
    }


def _user_of(row: Any) -> User:
    return User(row.id, row.email, row.name, row.created_at, row.password_hash, _preferences_of(row.preferences))


def _preferences_values(preferences: Preferences) -> Values | None:
    """Return nothing for what nobody has chosen, as for people from before there was a choice."""
    if preferences == Preferences():
        return None
    return {"theme": preferences.theme.value, "shortcuts": preferences.shortcuts}


def _preferences_of(kept: Values | None) -> Preferences:
    return Preferences(Theme(kept["theme"]), kept["shortcuts"]) if kept else Preferences()


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
        return _session_of(row) if row else None

    def of_user(self, user_id: UUID) -> list[Session]:
        query = select(sessions).where(sessions.c.user_id == user_id)
        recent = sessions.c.last_seen_at.desc(), sessions.c.token_hash
        return [_session_of(row) for row in self._rows.all(query.order_by(*recent))]

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
        "browser": session.browser,
    }


def _session_of(row: Any) -> Session:
    return Session(row.token_hash, row.user_id, row.created_at, row.last_seen_at, row.browser)


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

    def invitations(self, organization_id: UUID) -> list[OneTimeLink]:
        mine = select(links).where(links.c.organization_id == organization_id)
        recent = links.c.created_at.desc(), links.c.token_hash
        return [_link_of(row) for row in self._rows.all(mine.order_by(*recent))]

    def withdraw(self, organization_id: UUID, user_id: UUID, purpose: LinkPurpose | None = None) -> None:
        theirs = and_(links.c.organization_id == organization_id, links.c.user_id == user_id)
        such = links.delete().where(theirs)
        self._rows.connection.execute(such.where(links.c.purpose == purpose.value) if purpose else such)


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
