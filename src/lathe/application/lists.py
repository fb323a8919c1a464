"""What lists can be asked for: filters, and places to go on from."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from attrs import frozen

from lathe.domain.audit import SubjectKind
from lathe.domain.delivery import Delivery, DeliveryStatus, lowest_id
from lathe.domain.queue_entry import EntryStatus
from lathe.domain.repo_url import RepoUrl


@frozen
class Place:
    """A place in a list that runs from the newest to the oldest: behind the row of that time and id."""

    created_at: datetime
    id: UUID


LOOKED_AT: Final = 10_000
"""How many builds or queue entries one page looks at in search of those that are wanted."""

ENOUGH_OF_A_COMMIT: Final = 5
"""How many digits of a commit leave few builds: of a million, one."""


@frozen
class ProjectFilter:
    """``q`` is the beginning of the name, case aside; ``archived`` None means both kinds."""

    q: str | None = None
    archived: bool | None = False


@frozen
class BuildFilter:
    """What builds are wanted.

    ``branch`` and ``source`` are exact, ``commit`` is a prefix (case aside), ``q`` the beginning of the name, number,
    branch, tag or commit (case aside).
    """

    project_id: UUID | None = None
    release_id: UUID | None = None
    branch: str | None = None
    commit: str | None = None
    source: str | None = None
    q: str | None = None

    @property
    def along(self) -> BuildFilter | None:
        """The list to go along in search of what is wanted; None where nothing else stands in between.

        The builds of a project and those of a release have lists of their own. The few of a commit are found as such,
        if enough of it is given.
        """
        if self.commit and len(self.commit) >= ENOUGH_OF_A_COMMIT:
            return None
        along = BuildFilter(None if self.release_id else self.project_id, self.release_id)
        return None if along == self else along


@frozen
class EntryFilter:
    """As for builds; ``status`` None means any."""

    status: EntryStatus | None = EntryStatus.PENDING
    project_id: UUID | None = None
    branch: str | None = None
    commit: str | None = None
    source: str | None = None
    q: str | None = None

    @property
    def along(self) -> EntryFilter | None:
        """As for builds: what waits, or waits of a project, has lists of its own; what was decided is among all."""
        waits = self.status is EntryStatus.PENDING
        along = EntryFilter(project_id=self.project_id) if waits else EntryFilter(status=None)
        return None if along == self else along


@frozen
class AuditFilter:
    """What events are wanted: about ``subjects`` (none given: about anything) or a kind of them, by whom, and when.

    ``actor_kind`` is that of `Actor`; ``since`` is included, ``until`` is not.
    """

    subjects: frozenset[UUID] = frozenset()
    kind: SubjectKind | None = None
    actor_id: UUID | None = None
    actor_kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


CLOCKS_APART: Final = timedelta(hours=1)
"""How far the clock that made a delivery's id may be from the store's, which says when it was received."""


@frozen
class DeliveryFilter:
    """What deliveries are wanted: ``since`` is included, ``until`` is not; the rest is exact."""

    status: DeliveryStatus | None = None
    source: str | None = None
    credential_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def lowest(self) -> UUID | None:
        """The id below which nothing can be wanted."""
        return lowest_id(self.since - CLOCKS_APART) if self.since else None

    @property
    def above(self) -> UUID | None:
        """The id from which on nothing can be wanted."""
        return lowest_id(self.until + CLOCKS_APART) if self.until else None


@frozen
class Looked:
    """The deliveries that were wanted of those that were looked at, and where to go on looking; None at the end."""

    rows: list[Delivery]
    next: Place | None


@frozen
class Sought:
    """A repository that matching looks for a project of: its UUID, its URL and the words of its name."""

    uuid: str | None
    url: RepoUrl | None
    name: tuple[str, ...]


@frozen
class Promising:
    """A waiting build whose project is known by now: a person selected it, its repository is linked, or only a release
    was missing."""

    entry_id: UUID
    project_id: UUID
    branch: str | None
    tag: str | None


@frozen
class DayCount:
    """How many builds a CI system reported on a day in UTC."""

    day: date
    source: str
    count: int
