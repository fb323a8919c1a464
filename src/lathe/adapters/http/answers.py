"""What the API answers. Fields that are there sometimes are left out where there is nothing to say.

Receipts go to callers that may not read (keys without ``builds:read``, hooks, organization ids): ids, status, reason
codes, and the facts that the request itself carried; no names of projects, no candidates, no steps.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from attrs import frozen

from lathe.adapters.http.reason_codes import IgnoredReasonCode, QueueReasonCode
from lathe.adapters.web.optional import Sometimes


@frozen
class Named:
    """Something by its id and name."""

    id: UUID
    name: str


@frozen
class Reference:
    """Something by its id alone."""

    id: UUID


@frozen
class Actor:
    """Who did something: a ``user``, a ``key`` or a ``command`` on the server."""

    kind: str
    name: str
    id: Sometimes[UUID] = None


@frozen
class Candidate:
    """A project that could be meant, and the rule that found it."""

    id: UUID
    name: str
    rule: str


@frozen
class QueueReason:
    """Why a build waits: a stable code (``sent_back``: by a person), and a sentence for people."""

    code: QueueReasonCode
    detail: str


@frozen
class IgnoredReason:
    """Why there is nothing to file: a stable code, and a sentence for people."""

    code: IgnoredReasonCode
    detail: str


@frozen
class QueueReasonReceipt:
    """The reason's code."""

    code: QueueReasonCode


@frozen
class IgnoredReasonReceipt:
    """The reason's code; with a sentence where it speaks of nothing but what was sent."""

    code: IgnoredReasonCode
    detail: Sometimes[str] = None


@frozen
class Step:
    """One rule that was tried."""

    rule: str
    result: str
    detail: str
    candidates: list[Candidate]


@frozen
class Placement:
    """Where a build goes and why: the rules in the order tried."""

    outcome: Literal["created", "queued", "ignored"]
    steps: list[Step]
    reason: Sometimes[QueueReason | IgnoredReason] = None
    project_id: Sometimes[UUID] = None
    release_id: Sometimes[UUID] = None


@frozen
class PlacementReceipt:
    """What became of a build."""

    outcome: Literal["created", "queued", "ignored"]


BuildStatus = Literal["in_progress", "successful", "failed", "stopped"]


@frozen(kw_only=True)
class Build:
    """A filed build. ``verified`` is false for reports that only an organization id vouched for."""

    id: UUID
    name: str
    build_number: str | None
    run_id: Sometimes[str] = None
    commit_sha: str | None
    branch: str | None
    tag: str | None
    repo_url: str | None
    source: str
    url: str | None
    status: BuildStatus
    author: str | None
    finished_at: datetime | None
    project: Named
    release: Named
    filed: Literal["automatically", "by_hand"]
    verified: bool
    withdrawn: bool
    created_at: datetime
    placement: Sometimes[Placement] = None


@frozen(kw_only=True)
class QueueEntry:
    """A build that waits in the Build Queue, or what was decided about it.

    ``status`` is the entry's; how the build itself ended is ``build_status``.
    """

    id: UUID
    name: str
    build_number: str | None
    run_id: Sometimes[str] = None
    commit_sha: str | None
    branch: str | None
    tag: str | None
    repo_url: str | None
    source: str
    url: str | None
    build_status: BuildStatus
    author: str | None
    finished_at: datetime | None
    status: Literal["pending", "assigned", "rejected"]
    reason: QueueReason
    project: Sometimes[Named] = None
    candidates: list[Candidate]
    suggested_release: Sometimes[Named] = None
    build_id: Sometimes[UUID] = None
    rejected: Sometimes[Rejection] = None
    decided_by: Sometimes[Actor] = None
    verified: bool
    created_at: datetime
    decided_at: Sometimes[datetime] = None
    placement: Sometimes[Placement] = None


@frozen
class Rejection:
    """Why a build was not wanted."""

    reason: Literal["duplicate", "wrong_branch", "broken", "other"]
    note: Sometimes[str] = None


@frozen(kw_only=True)
class BuildReceipt:
    """A filed build, for callers that may not read: its ids, and the facts that this request carried."""

    id: UUID
    name: Sometimes[str] = None
    build_number: Sometimes[str] = None
    run_id: Sometimes[str] = None
    commit_sha: Sometimes[str] = None
    branch: Sometimes[str] = None
    tag: Sometimes[str] = None
    repo_url: Sometimes[str] = None
    source: Sometimes[str] = None
    url: Sometimes[str] = None
    status: Sometimes[BuildStatus] = None
    author: Sometimes[str] = None
    finished_at: Sometimes[datetime] = None
    project: Reference
    release: Reference


@frozen(kw_only=True)
class QueueEntryReceipt:
    """A queue entry, for callers that may not read: its ids, status and reason, and the facts of this request."""

    id: UUID
    name: Sometimes[str] = None
    build_number: Sometimes[str] = None
    run_id: Sometimes[str] = None
    commit_sha: Sometimes[str] = None
    branch: Sometimes[str] = None
    tag: Sometimes[str] = None
    repo_url: Sometimes[str] = None
    source: Sometimes[str] = None
    url: Sometimes[str] = None
    build_status: Sometimes[BuildStatus] = None
    author: Sometimes[str] = None
    finished_at: Sometimes[datetime] = None
    status: Literal["pending", "assigned", "rejected"]
    reason: QueueReasonReceipt
    project: Sometimes[Reference] = None
    suggested_release: Sometimes[Reference] = None
    build_id: Sometimes[UUID] = None


# --- receiving --------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Created:
    """The build is filed."""

    status: Literal["created"] = "created"
    delivery_id: UUID
    build: Build | BuildReceipt
    placement: Placement | PlacementReceipt


@frozen(kw_only=True)
class Queued:
    """The build waits in the Build Queue."""

    status: Literal["queued"] = "queued"
    delivery_id: UUID
    queue_entry: QueueEntry | QueueEntryReceipt
    placement: Placement | PlacementReceipt


@frozen(kw_only=True)
class DuplicateBuild:
    """The build is known, and filed."""

    status: Literal["duplicate"] = "duplicate"
    delivery_id: UUID
    build: Build | BuildReceipt


@frozen(kw_only=True)
class DuplicateEntry:
    """The build is known, and waits or was decided about."""

    status: Literal["duplicate"] = "duplicate"
    delivery_id: UUID
    queue_entry: QueueEntry | QueueEntryReceipt


@frozen(kw_only=True)
class Ignored:
    """There is nothing to file."""

    status: Literal["ignored"] = "ignored"
    delivery_id: UUID
    reason: IgnoredReason | IgnoredReasonReceipt


# --- projects, releases, hooks ----------------------------------------------------------------------------------------


@frozen
class Repository:
    """A repository of a project: ``declared`` by a person, or ``learned`` from an assignment. ``url`` is null while
    only the provider's id of it is known."""

    id: UUID
    url: str | None
    name: str
    kind: Literal["declared", "learned"]
    linked_by: Actor
    linked_at: datetime


@frozen
class RepositoryReceipt:
    """A repository, for callers that may not read."""

    id: UUID


@frozen
class Project:
    """A product under test. ``files``: the ``successful`` builds, or every ``finished`` one."""

    id: UUID
    name: str
    slug: str
    files: Literal["successful", "finished"]
    archived: bool
    repositories: list[Repository]
    created_at: datetime


@frozen
class ProjectReceipt:
    """A project, for callers that may not read."""

    id: UUID


@frozen
class Release:
    """What testers test towards."""

    id: UUID
    project: Named
    name: str
    state: Literal["planned", "active", "closed"]
    branch_patterns: list[str]
    created_at: datetime
    activated_at: datetime | None
    closed_at: datetime | None


@frozen
class ReleaseReceipt:
    """A release, for callers that may not read."""

    id: UUID
    project: Reference


@frozen(kw_only=True)
class Hook:
    """A signed webhook address. ``secret`` is there once: when it was made or rotated."""

    id: UUID
    provider: Literal["bitbucket", "github", "gitlab", "generic"]
    address: str
    created_at: datetime
    created_by: str
    last_delivery_at: datetime | None
    requests: int
    refused: int
    revoked_at: datetime | None
    secret: Sometimes[str] = None


# --- lists ------------------------------------------------------------------------------------------------------------


@frozen
class Builds:
    """Builds, newest first. A page looks at 10,000 at most: where few fit, it may hold none and yet go on."""

    data: list[Build]
    next_cursor: str | None


@frozen
class QueueEntries:
    """Queue entries, newest first. As for builds, a page may hold none and yet go on."""

    data: list[QueueEntry]
    next_cursor: str | None


@frozen
class Projects:
    """Projects, newest first."""

    data: list[Project]
    next_cursor: str | None


@frozen
class Releases:
    """Releases of a project, newest first."""

    data: list[Release]
    next_cursor: str | None


@frozen
class Hooks:
    """Hooks, newest first, revoked ones included."""

    data: list[Hook]
    next_cursor: str | None
