"""What the Releases page shows: the Build Queue, what can be decided about it, and every release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.application import choices, lists
from lathe.application.choices import Choices
from lathe.application.intake import BuildView, EntryView
from lathe.application.lists import BuildFilter, EntryFilter, Place
from lathe.application.offer import offered
from lathe.application.ports import Store, Transaction
from lathe.application.queries import COUNTED_TO, Page, paged
from lathe.application.standing import kept
from lathe.application.today import PlacedToday
from lathe.application.views import ActiveReleases, build_view, entry_views
from lathe.domain.project import Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.release import Release

QUEUE_SHOWN: Final = 50
ACTIVE_SHOWN: Final = choices.OFFERED
BRANCHES_SHOWN: Final = 6
LOOKED_AT: Final = 200
"""How many of the newest builds of a release are looked through for its branches."""
INACTIVE_SHOWN: Final = 100
DECIDED_SHOWN: Final = 10


@frozen
class QueueView:
    """The Build Queue: a page of what waits, and what can be chosen for it.

    ``since`` is when each of the newest entries came, newest first, at most ``COUNTED_TO``: how many wait, and how
    long. ``kept`` says of those ``decided`` that cannot be undone why, by id. ``offered`` are those that would be filed
    without guessing now. ``projects`` can be chosen: all that are not archived, by name. ``active`` are the active
    releases of every project that an entry of the page has or could have; ``choices`` are those and others.
    ``project`` is the one whose builds alone are on the page, archived or not; an id that names none leaves nothing
    out.
    """

    page: Page[EntryView]
    project: Project | None
    since: list[datetime]
    oldest: datetime | None
    decided: list[EntryView]
    kept: dict[UUID, str]
    offered: list[PlacedToday]
    active: ActiveReleases
    choices: Choices
    projects: list[Project]
    last_build: BuildView | None
    now: datetime

    @property
    def pending(self) -> int:
        """How many wait, counted no further than ``COUNTED_TO``."""
        return len(self.since)


def _queue(
    tx: Transaction, organization_id: UUID, wanted: EntryFilter, after: Place | None, recent: list[Release]
) -> QueueView:
    project = _asked(tx, organization_id, wanted)
    waiting, active = _waiting(tx, organization_id, wanted, project, after)
    last = tx.builds.page(organization_id, BuildFilter(), 1, None)
    decided = tx.entries.decided(organization_id, DECIDED_SHOWN)
    return QueueView(
        page=waiting,
        project=project,
        since=tx.entries.pending_since(organization_id, COUNTED_TO),
        oldest=tx.entries.oldest_pending(organization_id),
        decided=entry_views(tx, organization_id, decided),
        kept=kept(tx, organization_id, decided),
        offered=offered(tx, organization_id),
        active=active,
        choices=choices.offered(tx, organization_id, recent, active),
        projects=[project for project in tx.projects.all(organization_id) if not project.archived],
        last_build=build_view(tx, last[0]) if last else None,
        now=tx.now(),
    )


def _asked(tx: Transaction, organization_id: UUID, wanted: EntryFilter) -> Project | None:
    asked = {wanted.project_id} if wanted.project_id else set()
    return next(iter(tx.projects.some(organization_id, asked).values()), None)


def _waiting(
    tx: Transaction, organization_id: UUID, wanted: EntryFilter, project: Project | None, after: Place | None
) -> tuple[Page[EntryView], ActiveReleases]:
    wanted = evolve(wanted, project_id=project.id if project else None)
    until = tx.entries.reach(organization_id, wanted, after, lists.LOOKED_AT)
    entries = tx.entries.page(organization_id, wanted, QUEUE_SHOWN + 1, after, until)
    active = tx.releases.active_of_projects(organization_id, _concerned(entries))
    views = entry_views(tx, organization_id, entries, active)
    return paged(views, QUEUE_SHOWN, lambda view: Place(view.entry.created_at, view.entry.id), until), active


def _concerned(entries: Iterable[QueueEntry]) -> set[UUID]:
    """Return the projects that entries have, and those that they could belong to."""
    return {one for entry in entries for one in (entry.project_id, *(c.id for c in entry.candidates)) if one}


@frozen
class ActiveRelease:
    """An active release with its newest build per branch, and how many it has (at most ``COUNTED_TO`` are counted).

    The branches are the ``BRANCHES_SHOWN`` that were built last, of those among its newest ``LOOKED_AT`` builds.
    """

    release: Release
    project: Project
    count: int
    newest: list[BuildView]


@frozen
class ReleasesPage:
    """Everything on the Releases page.

    ``active`` are those in which something happened last, ``active_count`` is how many there are, counted no further
    than ``COUNTED_TO``. ``inactive`` holds the newest planned and closed releases; ``more_inactive`` tells whether
    there are older ones.
    """

    queue: QueueView
    active: list[ActiveRelease]
    active_count: int
    inactive: list[tuple[Release, Project]]
    more_inactive: bool


def releases_page(store: Store, organization_id: UUID, wanted: EntryFilter, after: Place | None = None) -> ReleasesPage:
    """Return the Releases page; ``wanted`` and ``after`` are about its queue. It costs the same statements however many
    releases there are."""

    def work(tx: Transaction) -> ReleasesPage:
        recent = tx.releases.active(organization_id, ACTIVE_SHOWN + 1)
        active = recent[:ACTIVE_SHOWN]
        inactive = tx.releases.inactive(organization_id, INACTIVE_SHOWN + 1)
        projects = tx.projects.some(organization_id, {release.project_id for release in (*active, *inactive)})
        return ReleasesPage(
            queue=_queue(tx, organization_id, wanted, after, recent),
            active=_active(tx, organization_id, active, projects),
            active_count=tx.releases.count_active(organization_id, COUNTED_TO),
            inactive=[(release, projects[release.project_id]) for release in inactive[:INACTIVE_SHOWN]],
            more_inactive=len(inactive) > INACTIVE_SHOWN,
        )

    return store.read(work)


def _active(
    tx: Transaction, organization_id: UUID, releases: Sequence[Release], projects: dict[UUID, Project]
) -> list[ActiveRelease]:
    ids = [release.id for release in releases]
    newest = tx.builds.newest_per_branch(organization_id, ids, BRANCHES_SHOWN, LOOKED_AT)
    counts = tx.builds.counts(organization_id, ids, COUNTED_TO)
    found = []
    for release in releases:
        project = projects[release.project_id]
        builds = [BuildView(build, project, release) for build in newest.get(release.id, ())]
        found.append(ActiveRelease(release, project, counts[release.id], builds))
    return found


@frozen
class Glance:
    """What an open Releases page compares itself with: a part of everything that is on it.

    ``rows`` are those of its page of the queue, ``choices`` the active releases of every project that one of them has
    or could have; the rest is as in `ReleasesPage`.
    """

    rows: list[EntryView]
    choices: ActiveReleases
    pending: int
    active: list[ActiveRelease]
    active_count: int
    now: datetime


def glance(store: Store, organization_id: UUID, wanted: EntryFilter, after: Place | None = None) -> Glance:
    """Return what is to be seen of the Releases page from afar; as `releases_page`, for a fraction of its cost."""

    def work(tx: Transaction) -> Glance:
        project = _asked(tx, organization_id, wanted)
        waiting, choices_of_rows = _waiting(tx, organization_id, wanted, project, after)
        active = tx.releases.active(organization_id, ACTIVE_SHOWN)
        projects = tx.projects.some(organization_id, {release.project_id for release in active})
        return Glance(
            rows=waiting.rows,
            choices=choices_of_rows,
            pending=len(tx.entries.pending_since(organization_id, COUNTED_TO)),
            active=_active(tx, organization_id, active, projects),
            active_count=tx.releases.count_active(organization_id, COUNTED_TO),
            now=tx.now(),
        )

    return store.read(work)
