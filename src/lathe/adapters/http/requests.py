"""What callers send: bodies and query parameters, with their limits. The rest of the program validates nothing again.

Null means the same as leaving a field out.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Final
from uuid import UUID

from attrs import frozen

from lathe.adapters.http.kinds import (
    Choice,
    Count,
    Flag,
    Id,
    Link,
    Many,
    Number,
    Prose,
    Repository,
    Text,
    Time,
    visible,
)
from lathe.adapters.http.signatures import PROVIDERS
from lathe.application.projects import REPOSITORIES_LIMIT
from lathe.domain.branch_pattern import PATTERN_LIMIT, PATTERNS_LIMIT
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.hook import Provider
from lathe.domain.project import Files
from lathe.domain.queue_entry import NOTE_LIMIT, RejectReason
from lathe.domain.release import ReleaseState
from lathe.domain.repo_url import LONGEST, RepoUrl
from lathe.domain.text import NAME_LIMIT

COMMIT_LIMIT: Final = 64
SOURCE_PATTERN: Final = "^[a-z][a-z0-9_-]{0,31}$"

AnId = Annotated[UUID, Id()]
Name = Annotated[str, Text(NAME_LIMIT)]
Commit = Annotated[str, visible(COMMIT_LIMIT)]
Source = Annotated[str, Text(32, SOURCE_PATTERN)]
Limit = Annotated[int, Count(1, 200)]
Cursor = Annotated[str, visible(256)]


class ReportedStatus(Enum):
    """How a finished build ended."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    STOPPED = "stopped"


@frozen
class BuildBody:
    """A finished build. ``name`` is required.

    ``build_number`` is a text or an integer. ``run_id`` is what identifies the run where the number does not.
    ``source`` is the CI system. ``repo_url`` takes any form that git uses. With ``project_id`` or ``release_id`` no
    matching is needed.
    """

    name: Name
    build_number: Annotated[str, Number(NAME_LIMIT)] | None = None
    commit_sha: Commit | None = None
    branch: Name | None = None
    tag: Name | None = None
    repo_url: Annotated[RepoUrl, Repository()] | None = None
    url: Annotated[str, Link()] | None = None
    run_id: Name | None = None
    status: Annotated[ReportedStatus, Choice(ReportedStatus)] | None = None
    source: Source | None = None
    author: Name | None = None
    finished_at: Annotated[datetime, Time()] | None = None
    project_id: AnId | None = None
    release_id: AnId | None = None


@frozen
class AssignBody:
    """Where to file a waiting build; ``remember_repository`` links its repository to the release's project."""

    release_id: AnId
    remember_repository: Annotated[bool, Flag()] | None = None


@frozen
class RejectBody:
    """Why a waiting build is not wanted; ``other`` needs a note."""

    reason: Annotated[RejectReason, Choice(RejectReason)]
    note: Annotated[str, Prose(NOTE_LIMIT)] | None = None


@frozen
class SelectProjectBody:
    """The project of a waiting build."""

    project_id: AnId


@frozen
class MoveBody:
    """Another release for a filed build."""

    release_id: AnId


_RepositoryUrls = Annotated[list[str], Many(Text(LONGEST), REPOSITORIES_LIMIT)]
_Patterns = Annotated[list[str], Many(Text(PATTERN_LIMIT), PATTERNS_LIMIT)]


@frozen
class ProjectBody:
    """A new project with the addresses of its repositories. ``files``: which finished builds it files."""

    name: Name
    repositories: _RepositoryUrls | None = None
    files: Annotated[Files, Choice(Files)] | None = None


@frozen
class ProjectChange:
    """What is to change of a project. ``archived`` needs that none of its releases is active."""

    name: Name | None = None
    files: Annotated[Files, Choice(Files)] | None = None
    archived: Annotated[bool, Flag()] | None = None


@frozen
class RepositoryBody:
    """A repository that belongs to a project, by its address."""

    url: Annotated[str, Text(LONGEST)]


@frozen
class ReleaseBody:
    """A new release, ``planned`` unless said otherwise. In a pattern ``*`` does not cross ``/``, ``**`` does."""

    name: Name
    state: Annotated[ReleaseState, Choice(ReleaseState)] | None = None
    branch_patterns: _Patterns | None = None


@frozen
class ReleaseChange:
    """What is to change of a release."""

    name: Name | None = None
    state: Annotated[ReleaseState, Choice(ReleaseState)] | None = None
    branch_patterns: _Patterns | None = None


@frozen
class HookBody:
    """A new hook, for the deliveries of one provider."""

    provider: Annotated[Provider, Choice(PROVIDERS)]


@frozen
class ReplayBody:
    """Whether to file what the delivery speaks of; if not, nothing is stored."""

    file: Annotated[bool, Flag()] | None = None


# --- query parameters -------------------------------------------------------------------------------------------------


class QueueStatus(Enum):
    """Which queue entries to list."""

    PENDING = "pending"
    ASSIGNED = "assigned"
    REJECTED = "rejected"
    ANY = "any"


class WhetherArchived(Enum):
    """Which projects to list."""

    NO = "no"
    YES = "yes"
    ANY = "any"


@frozen
class NoQuery:
    """This address takes no parameters."""


@frozen
class ListQuery:
    """Any list: up to ``limit`` rows (50), and the ``cursor`` that the page before gave."""

    limit: Limit | None = None
    cursor: Cursor | None = None


@frozen
class ProjectsQuery(ListQuery):
    """``q``: the beginning of the name. ``archived``: without those that are (``no``, unless said otherwise), or they
    alone, or both."""

    q: Name | None = None
    archived: Annotated[WhetherArchived, Choice(WhetherArchived)] | None = None


@frozen
class BuildsQuery(ListQuery):
    """``commit`` is the beginning of a hash; ``q`` the beginning of name, number, branch, tag or commit."""

    project: AnId | None = None
    release: AnId | None = None
    branch: Name | None = None
    commit: Commit | None = None
    source: Source | None = None
    q: Name | None = None


@frozen
class QueueQuery(ListQuery):
    """``status`` is ``pending`` unless said otherwise; the rest as for builds."""

    status: Annotated[QueueStatus, Choice(QueueStatus)] | None = None
    project: AnId | None = None
    branch: Name | None = None
    commit: Commit | None = None
    source: Source | None = None
    q: Name | None = None


@frozen
class DeliveriesQuery(ListQuery):
    """``source`` is the provider whose address was used (``api`` for our own), ``credential`` the id of a key, a hook,
    the organization, or who replayed; ``since`` is included, ``until`` is not. ``q`` is found anywhere in a delivery;
    the address of a repository finds all spellings of it."""

    status: Annotated[DeliveryStatus, Choice(DeliveryStatus)] | None = None
    source: Source | None = None
    credential: AnId | None = None
    since: Annotated[datetime, Time()] | None = None
    until: Annotated[datetime, Time()] | None = None
    q: Name | None = None
