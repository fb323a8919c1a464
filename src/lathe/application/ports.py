"""What the use cases need from outside. Adapters implement these; one contract suite holds every store to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from lathe.application.intake import Answer, Changes, Incoming, Known, Reading, Wanted
from lathe.application.lists import (
    AuditFilter,
    BuildFilter,
    DayCount,
    DeliveryFilter,
    EntryFilter,
    Looked,
    Place,
    ProjectFilter,
    Promising,
    Sought,
)
from lathe.domain.api_key import ApiKey
from lathe.domain.audit import AuditEvent
from lathe.domain.build import Build
from lathe.domain.delivery import Delivery
from lathe.domain.hook import Hook
from lathe.domain.identity import Identity
from lathe.domain.organization import Member, Organization, User
from lathe.domain.project import LinkedProject, Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.rate_limit import Window
from lathe.domain.release import Release
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import Repository, RepositoryLink
from lathe.domain.session import LinkPurpose, OneTimeLink, Session

T = TypeVar("T")


class Store(Protocol):
    """Where everything is kept. It owns begin, commit and retry; use cases hand it the work of one transaction."""

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one transaction and return its result after the COMMIT is durable.

        ``work`` may run more than once (after a race the store rolls back and runs it again), so it must change nothing
        but the transaction. Whatever it raises rolls everything back and is raised here. Raises Unavailable if the
        store cannot be reached (nothing was stored) and OutcomeUnknown if a COMMIT was sent and not answered.
        """
        ...

    def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` on one consistent, committed state, without locks; writing there is an error.

        Raises Unavailable if the store cannot be reached.
        """
        ...

    def close(self) -> None:
        """Give back every connection. The store is not used afterwards."""
        ...


class Transaction(Protocol):
    """One transaction. Every method that takes an organization sees and touches only that one's rows.

    Methods named ``get`` raise NotFound where nothing is there (or it is another organization's), ``find`` return None.
    With ``lock`` no other transaction can lock or change the row until this one ends. ``add`` stores a new row,
    ``save`` replaces the row of the same id. Lists come in the order that their docstring says.
    """

    organizations: Organizations
    users: Users
    sessions: Sessions
    links: Links
    projects: Projects
    repositories: Repositories
    releases: Releases
    builds: Builds
    entries: Entries
    identities: Identities
    deliveries: Deliveries
    keys: Keys
    hooks: Hooks
    audit: Audit
    intake: IntakeSets
    activity: Activity

    def now(self) -> datetime:
        """Return the store's clock (UTC), the same for all processes on this store; it moves inside a transaction."""
        ...


class Organizations(Protocol):
    """Tenants. Addressed by id without an organization: they are the organization."""

    def add(self, organization: Organization) -> None:
        """Store it. Raises Conflict (``slug_taken``)."""
        ...

    def get(self, organization_id: UUID, *, lock: bool = False) -> Organization: ...

    def find_by_slug(self, slug: str) -> Organization | None: ...

    def save(self, organization: Organization) -> None: ...

    def all(self) -> list[Organization]:
        """Return every one, by slug. For the command line and first run only."""
        ...


class Users(Protocol):
    """People and their memberships. People belong to no organization; members do."""

    def add(self, user: User) -> None:
        """Store the person. Raises Conflict (``email_taken``)."""
        ...

    def get(self, user_id: UUID, *, lock: bool = False) -> User: ...

    def find_by_email(self, email: str) -> User | None: ...

    def save(self, user: User) -> None: ...

    def forget(self, user_id: UUID) -> None:
        """Remove a person who belongs to no organization, along with the person's links and sessions."""
        ...

    def any(self) -> bool:
        """Whether there is anybody at all."""
        ...

    def join(self, member: Member) -> None:
        """Make the person a member, or give the member another role."""
        ...

    def leave(self, organization_id: UUID, user_id: UUID) -> None:
        """End a membership. Raises NotFound."""
        ...

    def member(self, organization_id: UUID, user_id: UUID) -> Member | None: ...

    def members(self, organization_id: UUID) -> list[tuple[User, Member]]:
        """Return all members by e-mail address."""
        ...

    def memberships(self, user_id: UUID) -> list[tuple[Organization, Member]]:
        """Return the organizations the person belongs to, by slug."""
        ...


class Sessions(Protocol):
    """Logins, found by the hash of their token."""

    def add(self, session: Session) -> None: ...

    def find(self, token_hash: bytes) -> Session | None: ...

    def save(self, session: Session) -> None: ...

    def remove(self, token_hash: bytes) -> None:
        """End one; absent is fine."""
        ...

    def of_user(self, user_id: UUID) -> list[Session]:
        """Return a person's, the one that was used last first, those that are over included."""
        ...

    def remove_all(self, user_id: UUID) -> None:
        """End all of a person's."""
        ...


class Links(Protocol):
    """One-time links, found by the hash of their token."""

    def add(self, link: OneTimeLink) -> None: ...

    def find(self, token_hash: bytes, *, lock: bool = False) -> OneTimeLink | None: ...

    def save(self, link: OneTimeLink) -> None: ...

    def remove(self, purpose: LinkPurpose, user_id: UUID | None) -> None:
        """Forget every link of a purpose that was made for a person (None: for nobody, as set-up links are)."""
        ...

    def invitations(self, organization_id: UUID) -> list[OneTimeLink]:
        """Return the links that lead into an organization, newest first, those used up or over included."""
        ...

    def withdraw(self, organization_id: UUID, user_id: UUID, purpose: LinkPurpose | None = None) -> None:
        """Forget every link, or every one of a purpose, that leads a person into an organization."""
        ...


class Projects(Protocol):
    """Projects of an organization."""

    def add(self, project: Project) -> None:
        """Store it. Raises Conflict: ``name_taken`` (case aside) or ``slug_taken``."""
        ...

    def get(self, organization_id: UUID, project_id: UUID, *, lock: bool = False) -> Project: ...

    def find_by_slug(self, organization_id: UUID, slug: str) -> Project | None: ...

    def save(self, project: Project) -> None:
        """Replace it. Raises Conflict (``name_taken``)."""
        ...

    def page(self, organization_id: UUID, wanted: ProjectFilter, limit: int, after: Place | None) -> list[Project]:
        """Return up to ``limit``, newest first, beginning behind ``after``."""
        ...

    def all(self, organization_id: UUID) -> list[Project]:
        """Return every one by name, case aside (for choosing one)."""
        ...

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Project]:
        """Return those of ``ids`` that are there, by id."""
        ...

    def candidates(
        self, organization_id: UUID, uuid: str | None, url: RepoUrl | None, name: tuple[str, ...]
    ) -> list[LinkedProject]:
        """Return at least every project that matching could find for a repository, each with all its repositories."""
        ...

    def candidates_of(self, organization_id: UUID, wanted: Collection[Sought]) -> list[LinkedProject]:
        """Return the same for several repositories at once, each project once."""
        ...


class Repositories(Protocol):
    """Repositories of an organization and their links to projects."""

    def add(self, repository: Repository) -> None:
        """Store it. Raises Conflict (``repository_known``) if its URL or UUID is known."""
        ...

    def get(self, organization_id: UUID, repository_id: UUID) -> Repository: ...

    def find_by_url(self, organization_id: UUID, url: RepoUrl) -> Repository | None: ...

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Repository]:
        """Return those of ``ids`` that are there, by id."""
        ...

    def link(self, link: RepositoryLink) -> None:
        """Store the link. Raises Conflict (``repository_linked``) if the repository has one."""
        ...

    def find_link(self, organization_id: UUID, repository_id: UUID) -> RepositoryLink | None: ...

    def find_links(self, organization_id: UUID, repository_ids: Collection[UUID]) -> dict[UUID, RepositoryLink]:
        """Return the links of those repositories that have one, by repository."""
        ...

    def unlink(self, organization_id: UUID, repository_id: UUID) -> None:
        """Remove the link. Raises NotFound if there is none."""
        ...

    def of_projects(
        self, organization_id: UUID, project_ids: Collection[UUID]
    ) -> dict[UUID, list[tuple[Repository, RepositoryLink]]]:
        """Return what is linked to each of the projects, oldest link first. Projects without any are left out."""
        ...


class Releases(Protocol):
    """Releases of an organization's projects."""

    def add(self, release: Release) -> None:
        """Store it. Raises Conflict (``name_taken``) if the project has one of that name, case aside."""
        ...

    def get(self, organization_id: UUID, release_id: UUID, *, lock: bool = False) -> Release: ...

    def save(self, release: Release) -> None:
        """Replace it. Raises Conflict (``name_taken``)."""
        ...

    def of_project(self, organization_id: UUID, project_id: UUID) -> list[Release]:
        """Return all of a project's, newest first."""
        ...

    def active(self, organization_id: UUID, limit: int) -> list[Release]:
        """Return up to ``limit`` active ones, in the order of what happened last in them: their activation, or their
        newest build that is not withdrawn."""
        ...

    def count_active(self, organization_id: UUID, at_most: int) -> int:
        """Return how many are active, counting no further than ``at_most``."""
        ...

    def active_of_projects(self, organization_id: UUID, project_ids: Collection[UUID]) -> dict[UUID, list[Release]]:
        """Return the active ones of each of the projects, the most recently activated first. Projects without any are
        left out."""
        ...

    def inactive(self, organization_id: UUID, limit: int) -> list[Release]:
        """Return up to ``limit`` planned and closed ones, newest first."""
        ...

    def page(self, organization_id: UUID, project_id: UUID, limit: int, after: Place | None) -> list[Release]:
        """Return up to ``limit`` of a project's, newest first, beginning behind ``after``."""
        ...

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Release]:
        """Return those of ``ids`` that are there, by id."""
        ...


class Builds(Protocol):
    """Filed builds of an organization."""

    def add(self, build: Build) -> None: ...

    def get(self, organization_id: UUID, build_id: UUID, *, lock: bool = False) -> Build: ...

    def save(self, build: Build) -> None: ...

    def page(
        self, organization_id: UUID, wanted: BuildFilter, limit: int, after: Place | None, until: Place | None = None
    ) -> list[Build]:
        """Return up to ``limit`` that are not withdrawn, newest first, beginning behind ``after``.

        None is behind ``until``: what `reach` returned, so that it costs the same however rare is what is wanted.
        """
        ...

    def reach(self, organization_id: UUID, wanted: BuildFilter, after: Place | None, look_at: int) -> Place | None:
        """Return how far a page looks: the place of the last of ``look_at`` builds that it goes along behind ``after``;
        None if no more come then, or if what is wanted can be gone to at once (`BuildFilter.along`)."""
        ...

    def newest_per_branch(
        self, organization_id: UUID, release_ids: Collection[UUID], limit: int, look_at: int
    ) -> dict[UUID, list[Build]]:
        """Return, by release, the newest build of each branch (or tag, or none), newest first, of at most ``limit``
        branches each. Releases without builds are left out.

        Only the newest ``look_at`` builds of a release are looked at, so that it costs the same however many there
        are: a branch whose newest build lies behind them is left out.
        """
        ...

    def newest_of_projects(self, organization_id: UUID, project_ids: Collection[UUID]) -> dict[UUID, Build]:
        """Return the newest build of each of the projects that is not withdrawn. Projects without any are left
        out."""
        ...

    def counts(self, organization_id: UUID, release_ids: Collection[UUID], at_most: int) -> dict[UUID, int]:
        """Return, for every one of the releases, how many it has that are not withdrawn, counting each no further than
        ``at_most``."""
        ...

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Build]:
        """Return those of ``ids`` that are there, by id, withdrawn or not."""
        ...

    def per_day(self, organization_id: UUID, release_id: UUID, since: datetime, look_at: int) -> list[DayCount]:
        """Return how many of a release that are not withdrawn came on each day in UTC, by source, days and sources in
        their order; of the newest ``look_at``, and not before ``since``."""
        ...


class Entries(Protocol):
    """The Build Queue of an organization."""

    def add(self, entry: QueueEntry) -> None: ...

    def get(self, organization_id: UUID, entry_id: UUID, *, lock: bool = False) -> QueueEntry: ...

    def save(self, entry: QueueEntry) -> None: ...

    def page(
        self, organization_id: UUID, wanted: EntryFilter, limit: int, after: Place | None, until: Place | None = None
    ) -> list[QueueEntry]:
        """Return up to ``limit``, newest first, beginning behind ``after``, none behind ``until`` (see `reach`)."""
        ...

    def reach(self, organization_id: UUID, wanted: EntryFilter, after: Place | None, look_at: int) -> Place | None:
        """Return how far a page looks, as for builds."""
        ...

    def decided(self, organization_id: UUID, limit: int) -> list[QueueEntry]:
        """Return the ``limit`` last assigned or rejected ones, the last decision first."""
        ...

    def oldest_pending(self, organization_id: UUID) -> datetime | None:
        """Return since when the oldest one waits."""
        ...

    def count_pending(self, organization_id: UUID, project_id: UUID, at_most: int) -> int:
        """Return how many of a project wait, counting no further than ``at_most``."""
        ...

    def pending_since(self, organization_id: UUID, limit: int) -> list[datetime]:
        """Return since when the newest ``limit`` wait, newest first."""
        ...

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, QueueEntry]:
        """Return those of ``ids`` that are there, by id."""
        ...

    def promising(self, organization_id: UUID, look_at: int) -> list[Promising]:
        """Return those of the newest ``look_at`` pending ones whose project is known by now, newest first.

        What was sent back is none of them: a person did not want it where the rules had put it.
        """
        ...


class Identities(Protocol):
    """The newest known state of each build's identity."""

    def get(self, organization_id: UUID, identity_id: UUID, *, lock: bool = False) -> Identity: ...

    def save(self, identity: Identity) -> None: ...


class Deliveries(Protocol):
    """Stored deliveries. They are written by ``IntakeSets.save``."""

    def get(self, organization_id: UUID, delivery_id: UUID) -> Delivery:
        """Return it with its body."""
        ...

    def of_subject(
        self, organization_id: UUID, *, build_id: UUID | None = None, entry_id: UUID | None = None, limit: int = 50
    ) -> list[Delivery]:
        """Return the deliveries that spoke of a build or entry, newest first, with empty bodies."""
        ...

    def look(
        self,
        organization_id: UUID,
        wanted: DeliveryFilter,
        limit: int,
        after: Place | None,
        look_at: int,
        *,
        bodies: bool = False,
    ) -> Looked:
        """Return up to ``limit`` of those that are wanted among the next ``look_at`` behind ``after``, by their ids.

        That is nearly by time, the last first; of the place only the id counts. However few are wanted, it costs no
        more than looking at so many; those outside the time that is wanted do not count. Without ``bodies`` they are
        left out.
        """
        ...

    def newest(self, organization_id: UUID, limit: int) -> list[Delivery]:
        """Return the ``limit`` last ones by their ids, which is nearly by time, the last first, with empty bodies."""
        ...


class Keys(Protocol):
    """API keys of an organization. Their windows are kept apart from what people change."""

    def add(self, key: ApiKey) -> None: ...

    def get(self, organization_id: UUID, key_id: UUID, *, lock: bool = False) -> ApiKey: ...

    def save(self, key: ApiKey) -> None:
        """Replace what people change (name, limit, revocation); counts of use and the window stay."""
        ...

    def all(self, organization_id: UUID) -> list[ApiKey]:
        """Return every one, newest first, revoked ones included."""
        ...

    def admit(self, key_hash: bytes) -> tuple[ApiKey, Window] | None:
        """Lock the key with that hash, in whatever organization, and return it with its window of requests."""
        ...

    def spend(self, key: ApiKey, window: Window, now: datetime) -> None:
        """Keep the window after one more admitted request, and count it."""
        ...

    def count_refused(self, refused: dict[UUID, int]) -> None:
        """Add requests that were refused for their limit, by key id."""
        ...


class Hooks(Protocol):
    """Signed webhook addresses of an organization."""

    def add(self, hook: Hook) -> None: ...

    def get(self, organization_id: UUID, hook_id: UUID, *, lock: bool = False) -> Hook: ...

    def find(self, hook_id: UUID) -> Hook | None:
        """Return the hook of that id, in whatever organization, revoked ones included."""
        ...

    def save(self, hook: Hook) -> None:
        """Replace what people change (secrets, revocation); counts of use and the window stay."""
        ...

    def all(self, organization_id: UUID) -> list[Hook]:
        """Return every one, newest first, revoked ones included."""
        ...

    def count_refused(self, refused: dict[UUID, int]) -> None:
        """Add requests that were refused (wrong signature, limit), by hook id; unknown ids are passed over."""
        ...


class Audit(Protocol):
    """The audit log of an organization. What is in it stays as it is."""

    def add(self, event: AuditEvent) -> None:
        """Store it. An event that another transaction added under the same id makes the store run the work again."""
        ...

    def page(self, organization_id: UUID, wanted: AuditFilter, limit: int, after: Place | None) -> list[AuditEvent]:
        """Return up to ``limit``, newest first, beginning behind ``after``."""
        ...

    def newest(self, organization_id: UUID) -> datetime | None:
        """Return the time of the last one."""
        ...


class IntakeSets(Protocol):
    """Receiving, in sets: a handful of statements for one delivery or for a hundred."""

    def load(self, wanted: Sequence[Wanted]) -> Known:
        """Lock the credentials in ``wanted`` (keys by id, then hooks, then organizations), then the identities (by id),
        read the clock, and return all that deciding about these deliveries can need. It may return more, never less.
        """
        ...

    def save(self, changes: Changes) -> None:
        """Write everything. A row that another transaction added meanwhile makes the store run the work again."""
        ...


class Activity(Protocol):
    """What happened in an organization lately."""

    def mark(self, organization_id: UUID) -> str:
        """Return a short text that is another one after something changed that pages show.

        That is: a build was filed, moved, withdrawn or got another result, an entry was queued or decided, or its
        project chosen. It looks at the newest of each kind only, and so costs the same however many there are.
        """
        ...


class Ids(Protocol):
    """Randomness and new ids."""

    def new(self) -> UUID:
        """Return a new UUIDv7: ids of one process sort by the time they were made."""
        ...

    def entropy(self, size: int) -> bytes:
        """Return ``size`` unpredictable bytes."""
        ...


class Clock(Protocol):
    """The time, for stores that have none of their own."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        ...


class SecretBox(Protocol):
    """Encrypts secrets that must be read again. ``context`` names the row; a secret opens in its own row only."""

    def seal(self, secret: bytes, context: bytes) -> bytes: ...

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return the secret. Raises ValueError if it was sealed with another key or context, or changed since."""
        ...


class PasswordHasher(Protocol):
    """Hashes passwords, slowly on purpose."""

    def hash(self, password: str) -> str: ...

    def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether the password fits; takes as long for an unknown person (None)."""
        ...


class ReportParser(Protocol):
    """Reads what one provider sends. Never raises: what cannot be read is a value too."""

    def read(self, headers: dict[str, str], body: bytes) -> Reading:
        """Return what the request says; header names are lower case."""
        ...


class Intake(Protocol):
    """Takes deliveries one by one and answers each after it is durably stored."""

    async def submit(self, incoming: Incoming) -> Answer:
        """Return what became of it. Raises Unavailable (full, or shutting down; nothing stored) or OutcomeUnknown."""
        ...


class ChangeFeed(Protocol):
    """Tells that something changed in an organization, whichever process changed it."""

    def mark(self, organization_id: UUID) -> str:
        """Return the mark from which ``after`` goes on; it may be a moment old, never newer than the store.

        Raises Unavailable.
        """
        ...

    async def after(self, organization_id: UUID, since: str, seconds: float) -> str | None:
        """Return the organization's mark as soon as it is not ``since``, and ``since`` after so many seconds.

        None as soon as the feed is closed, which the server does when it stops.
        """
        ...
