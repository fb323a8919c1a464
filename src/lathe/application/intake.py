"""The values that receiving deals in: what came in, what is known, what is to be written, what is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from attrs import Factory, define, field, frozen

from lathe.domain.api_key import ApiKey, Scope
from lathe.domain.build import Build
from lathe.domain.build_report import BuildReport
from lathe.domain.delivery import CredentialKind, Delivery, DeliveryStatus, without_credentials
from lathe.domain.errors import LatheError
from lathe.domain.first_answer import FirstAnswer
from lathe.domain.hook import Hook
from lathe.domain.identity import Identity
from lathe.domain.organization import Organization
from lathe.domain.placement import Placement
from lathe.domain.project import LinkedProject, Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.rate_limit import Decision, Window
from lathe.domain.release import Release
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import Repository, RepositoryLink
from lathe.domain.steps import Reason


@frozen
class Presented:
    """The credential of a request: the SHA-256 of a well-formed key, a hook whose signature was checked, or the bare
    organization id. Exactly the field that ``kind`` names is set."""

    kind: CredentialKind
    key_hash: bytes | None = None
    hook_id: UUID | None = None
    organization_id: UUID | None = None


@frozen
class Reading:
    """What a request says: a report, a reason why there is none, or what is wrong with it."""

    event: str | None
    delivery_id: str | None
    content: BuildReport | Reason | LatheError


@frozen
class Once:
    """The wish that a request is answered once, however often it comes.

    ``key`` is the sender's for it, ``writes`` how the first answer is written down. It is written inside the
    transaction, so that an answer that anybody has seen is the one that is kept.
    """

    key: str
    writes: Callable[[Received, Reading], bytes]


@frozen
class Incoming:
    """One delivery on its way in. ``source`` is the provider whose address it came to; ``body`` is what is stored.

    ``once`` goes with an API key.
    """

    presented: Presented
    source: str
    reading: Reading
    body: bytes
    headers: dict[str, str] = field(factory=dict)
    once: Once | None = None

    @property
    def sent_as(self) -> str | None:
        """The sender's id of the delivery, by which it is known when it comes again.

        Callers who proved nothing have ids of their own, or whoever learns an id could be first to use it and so keep
        the delivery of the one it belongs to from being taken.
        """
        sent = self.reading.delivery_id
        return f"unverified {sent}" if sent and self.presented.kind is CredentialKind.ORGANIZATION else sent

    @property
    def first_answer_name(self) -> bytes | None:
        """The name of the first answer that is repeated: nobody else can have it, since it is made of the credential
        too."""
        return sha256((self.presented.key_hash or b"") + self.once.key.encode()).digest() if self.once else None

    @property
    def digest(self) -> bytes:
        """What tells this body from another one, userinfo in URLs aside: a token there is a new one in each try."""
        return sha256(without_credentials(self.body)).digest()


@frozen
class Wanted:
    """What must be loaded to decide about one delivery.

    ``scope`` is an identity scope other than a repository; the identities of any repository that ``url`` or ``uuid``
    finds are wanted too, by ``source`` (of the report) and ``run_key``. ``delivery_source`` is the provider's.
    ``also`` are further URLs and UUIDs by which the batch may show that repository to go; they count like its own. The
    projects that fit the name of any repository found are wanted as those that fit ``name``. ``first_answer`` is the
    name of one.
    """

    presented: Presented
    delivery_source: str
    delivery_id: str | None = None
    source: str | None = None
    run_key: str | None = None
    scope: str | None = None
    url: RepoUrl | None = None
    uuid: str | None = None
    name: tuple[str, ...] = ()
    project_id: UUID | None = None
    release_id: UUID | None = None
    also: frozenset[RepoUrl | str] = frozenset()
    first_answer: bytes | None = None


@frozen
class Known:
    """Everything that deciding about a batch can need, over all its organizations.

    Credentials come with their windows, and as if they had never been used. ``deliveries`` are those that came before
    under the same delivery id (without bodies); ``builds`` and ``entries`` belong to them or to ``identities`` (a
    build's entry too). ``projects`` are candidates for matching and whatever project is named in the rest, ``releases``
    all active ones of those, and whatever release is named. ``first_answers`` may be such as stand no longer.
    """

    now: datetime
    keys: Mapping[bytes, tuple[ApiKey, Window]] = Factory(dict)
    hooks: Mapping[UUID, tuple[Hook, Window]] = Factory(dict)
    organizations: Mapping[UUID, tuple[Organization, Window]] = Factory(dict)
    deliveries: Sequence[Delivery] = ()
    repositories: Sequence[Repository] = ()
    links: Sequence[RepositoryLink] = ()
    identities: Sequence[Identity] = ()
    builds: Sequence[Build] = ()
    entries: Sequence[QueueEntry] = ()
    projects: Sequence[LinkedProject] = ()
    releases: Sequence[Release] = ()
    first_answers: Sequence[FirstAnswer] = ()


@frozen
class Usage:
    """The window of a credential after a batch, and how many of its requests were admitted in it."""

    organization_id: UUID
    id: UUID
    window: Window
    admitted: int


@define
class Changes:
    """What a batch writes. Each list holds each row once, in its final form.

    ``joined`` are pairs of repositories: everything of the first becomes the second's, and the first is removed.
    ``now`` is when the credentials were used. ``first_answers`` take the place of those of the same name that stand no
    longer; others that stand no longer may go too.
    """

    now: datetime
    keys: list[Usage] = field(factory=list)
    hooks: list[Usage] = field(factory=list)
    organizations: list[Usage] = field(factory=list)
    new_repositories: list[Repository] = field(factory=list)
    changed_repositories: list[Repository] = field(factory=list)
    joined: list[tuple[Repository, Repository]] = field(factory=list)
    new_identities: list[Identity] = field(factory=list)
    changed_identities: list[Identity] = field(factory=list)
    new_builds: list[Build] = field(factory=list)
    changed_builds: list[Build] = field(factory=list)
    new_entries: list[QueueEntry] = field(factory=list)
    changed_entries: list[QueueEntry] = field(factory=list)
    new_deliveries: list[Delivery] = field(factory=list)
    first_answers: list[FirstAnswer] = field(factory=list)


@frozen
class Admission:
    """A credential that was let in or refused for its limit: what the answer's headers say of it."""

    kind: CredentialKind
    credential_id: UUID
    organization_id: UUID
    scopes: frozenset[Scope]
    name: str
    decision: Decision | None = None
    expires_at: datetime | None = None

    @property
    def verified(self) -> bool:
        """Whether the caller proved to hold a secret; the bare organization id proves nothing."""
        return self.kind is not CredentialKind.ORGANIZATION

    @property
    def may_read(self) -> bool:
        """Whether answers may show what is stored beside what was sent."""
        return Scope.BUILDS_READ in self.scopes


@frozen
class BuildView:
    """A build with the names of where it is filed."""

    build: Build
    project: Project
    release: Release


@frozen
class EntryView:
    """A queue entry with its project, and the release that would be chosen there (None: no active one takes it).

    ``can_remember`` tells whether assigning it could teach a repository link; answers to reports do not look at that.
    """

    entry: QueueEntry
    project: Project | None = None
    suggested_release: Release | None = None
    can_remember: bool = False


@frozen
class Received:
    """What became of an admitted delivery. Exactly one of ``build``, ``entry`` and ``reason`` is set.

    ``written`` is the answer as it was first written down, where that was wished for. Of a request that came again
    there is nothing else: whatever became of the build meanwhile, the first answer is repeated.
    """

    status: DeliveryStatus
    delivery_id: UUID
    admission: Admission
    build: BuildView | None = None
    entry: EntryView | None = None
    reason: Reason | None = None
    placement: Placement | None = None
    written: bytes | None = None


@frozen
class Refused:
    """A delivery that was not taken, and why; ``admission`` where a credential was recognised."""

    error: LatheError
    admission: Admission | None = None


Answer = Received | Refused
