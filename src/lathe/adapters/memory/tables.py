"""The tables of the store in memory: what addresses a row, what is unique, and what rows are looked up by."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

from attrs import frozen

from lathe.adapters.memory.versions import Committed, Index, Schema, Table
from lathe.application.lists import Place
from lathe.domain.api_key import ApiKey
from lathe.domain.audit import AuditEvent
from lathe.domain.build import Build
from lathe.domain.delivery import Delivery
from lathe.domain.first_answer import FirstAnswer
from lathe.domain.hook import Hook
from lathe.domain.identity import Identity
from lathe.domain.organization import Member, Organization, User
from lathe.domain.project import Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.rate_limit import Window
from lathe.domain.release import Release
from lathe.domain.repository import Repository, RepositoryLink
from lathe.domain.session import OneTimeLink, Session


@frozen
class CredentialWindow:
    """The requests that a key, a hook or an organization's id was admitted with lately."""

    organization_id: UUID
    id: UUID
    window: Window


def _repository_names(repository: Repository) -> Iterator[Hashable]:
    if repository.url:
        yield "url", repository.url.key
    if repository.uuid:
        yield "uuid", repository.uuid


def _sent_as(delivery: Delivery) -> Iterator[Hashable]:
    if delivery.provider_delivery_id is not None:
        yield delivery.source, delivery.provider_delivery_id


def _subjects(delivery: Delivery) -> Iterator[Hashable]:
    yield from (subject for subject in (delivery.build_id, delivery.entry_id) if subject)


ORGANIZATIONS: Final = Schema[Organization](
    "organization",
    lambda row: (None, row.id),
    [Index("slug_taken", lambda row: [row.slug], conflict="another organization has this address")],
)
USERS: Final = Schema[User](
    "person",
    lambda row: (None, row.id),
    [Index("email_taken", lambda row: [row.email], conflict="somebody has this e-mail address already")],
)
MEMBERS: Final = Schema[Member](
    "member",
    lambda row: (row.organization_id, row.user_id),
    [Index("person", lambda row: [row.user_id], everywhere=True, unique=False)],
)
SESSIONS: Final = Schema[Session](
    "session", lambda row: (None, row.token_hash), [Index("person", lambda row: [row.user_id], unique=False)]
)
LINKS: Final = Schema[OneTimeLink](
    "link",
    lambda row: (None, row.token_hash),
    [
        Index("purpose", lambda row: [row.purpose], unique=False),
        Index("organization", lambda row: [row.organization_id], unique=False),
    ],
)
PROJECTS: Final = Schema[Project](
    "project",
    lambda row: (row.organization_id, row.id),
    [
        Index("name_taken", lambda row: [row.name.casefold()], conflict="another project has this name"),
        Index("slug_taken", lambda row: [row.slug], conflict="another project has this address"),
    ],
)
REPOSITORIES: Final = Schema[Repository](
    "repository",
    lambda row: (row.organization_id, row.id),
    [Index("repository_known", _repository_names, conflict="this repository is known already")],
)
REPOSITORY_LINKS: Final = Schema[RepositoryLink](
    "repository link",
    lambda row: (row.organization_id, row.repository_id),
    [Index("project", lambda row: [row.project_id], unique=False)],
)
RELEASES: Final = Schema[Release](
    "release",
    lambda row: (row.organization_id, row.id),
    [
        Index(
            "name_taken",
            lambda row: [(row.project_id, row.name.casefold())],
            conflict="another release of the project has this name",
        ),
        Index("project", lambda row: [row.project_id], unique=False),
    ],
)
BUILDS: Final = Schema[Build]("build", lambda row: (row.organization_id, row.id))
ENTRIES: Final = Schema[QueueEntry]("queue entry", lambda row: (row.organization_id, row.id))
IDENTITIES: Final = Schema[Identity](
    "identity",
    lambda row: (row.organization_id, row.id),
    [
        Index("key_and_ordinal", lambda row: [(row.key, row.ordinal)]),
        Index("key", lambda row: [row.key], unique=False),
        Index("scope", lambda row: [row.key.scope], unique=False),
    ],
)
DELIVERIES: Final = Schema[Delivery](
    "delivery",
    lambda row: (row.organization_id, row.id),
    [Index("sent_as", _sent_as), Index("subject", _subjects, unique=False)],
)
FIRST_ANSWERS: Final = Schema[FirstAnswer]("first answer", lambda row: (row.organization_id, row.name))
KEYS: Final = Schema[ApiKey](
    "API key",
    lambda row: (row.organization_id, row.id),
    [
        Index("hash", lambda row: [row.hash], everywhere=True),
        Index("id", lambda row: [row.id], everywhere=True, unique=False),
    ],
)
HOOKS: Final = Schema[Hook](
    "hook", lambda row: (row.organization_id, row.id), [Index("id", lambda row: [row.id], everywhere=True)]
)
AUDIT: Final = Schema[AuditEvent]("audit event", lambda row: (row.organization_id, row.id))
WINDOWS: Final = Schema[CredentialWindow]("window", lambda row: (row.organization_id, row.id))

ALL: Final[tuple[Schema[Any], ...]] = (
    ORGANIZATIONS,
    USERS,
    MEMBERS,
    SESSIONS,
    LINKS,
    PROJECTS,
    REPOSITORIES,
    REPOSITORY_LINKS,
    RELEASES,
    BUILDS,
    ENTRIES,
    IDENTITIES,
    DELIVERIES,
    FIRST_ANSWERS,
    KEYS,
    HOOKS,
    AUDIT,
    WINDOWS,
)


class Tables:
    """All tables as one transaction sees them."""

    def __init__(self, committed: dict[str, Committed[Any]], snapshot: int, *, writable: bool) -> None:
        def table(schema: Schema[T]) -> Table[T]:
            opened = Table(schema, committed[schema.noun], snapshot, writable=writable)
            self._all.append(opened)
            return opened

        self._all: list[Table[Any]] = []
        self.organizations = table(ORGANIZATIONS)
        self.users = table(USERS)
        self.members = table(MEMBERS)
        self.sessions = table(SESSIONS)
        self.links = table(LINKS)
        self.projects = table(PROJECTS)
        self.repositories = table(REPOSITORIES)
        self.repository_links = table(REPOSITORY_LINKS)
        self.releases = table(RELEASES)
        self.builds = table(BUILDS)
        self.entries = table(ENTRIES)
        self.identities = table(IDENTITIES)
        self.deliveries = table(DELIVERIES)
        self.first_answers = table(FIRST_ANSWERS)
        self.keys = table(KEYS)
        self.hooks = table(HOOKS)
        self.audit = table(AUDIT)
        self.windows = table(WINDOWS)

    def close(self) -> None:
        """Take no more changes."""
        for table in self._all:
            table.close()

    def commit(self, number: int, horizon: int) -> None:
        """Make all changes visible to later transactions."""
        for table in self._all:
            table.commit(number, horizon)

    def window(self, organization_id: UUID, credential_id: UUID) -> Window:
        """Return the window of a credential, an empty one if it was never used."""
        kept = self.windows.find(organization_id, credential_id)
        return kept.window if kept else Window()


class Listed(Protocol):
    """What lists from the newest to the oldest are made of."""

    @property
    def id(self) -> UUID: ...

    @property
    def created_at(self) -> datetime: ...


T = TypeVar("T")
L = TypeVar("L", bound=Listed)


def age_order(row: Listed) -> tuple[datetime, UUID]:
    """Return what lists are ordered by: the time of creation, and the id where that is equal."""
    return row.created_at, row.id


def newest_first(rows: Iterable[L]) -> list[L]:
    """Return the rows, the newest first."""
    return sorted(rows, key=age_order, reverse=True)


def page_of(rows: Iterable[L], limit: int, after: Place | None, until: Place | None = None) -> list[L]:
    """Return up to ``limit`` of the rows, newest first, beginning behind ``after`` and going no further than
    ``until``."""
    behind = (row for row in rows if after is None or age_order(row) < (after.created_at, after.id))
    within = (row for row in behind if until is None or age_order(row) >= (until.created_at, until.id))
    return newest_first(within)[:limit]


def last_looked_at(rows: Sequence[L], look_at: int) -> Place | None:
    """Return the place of the last of ``look_at`` rows, None if no more come behind it."""
    return Place(*age_order(rows[look_at - 1])) if len(rows) > look_at else None


def begins(text: str | None, prefix: str) -> bool:
    """Tell whether a text begins with ``prefix``, case aside."""
    return text is not None and text.casefold().startswith(prefix.casefold())
