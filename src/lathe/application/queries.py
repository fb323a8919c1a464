"""What pages and the API read: frozen views, each from one consistent state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from attrs import evolve, frozen

from lathe.application.intake import BuildView, EntryView
from lathe.application.lists import BuildFilter, EntryFilter, Place, ProjectFilter
from lathe.application.placing import given_by, placed
from lathe.application.ports import Store, Transaction
from lathe.application.projects import ProjectView
from lathe.application.views import build_view, build_views, entry_view, entry_views
from lathe.domain.build_report import BuildReport
from lathe.domain.delivery import Delivery
from lathe.domain.errors import Invalid
from lathe.domain.placement import Placement
from lathe.domain.project import Project
from lathe.domain.queue_entry import EntryStatus
from lathe.domain.release import Release
from lathe.domain.text import words

T = TypeVar("T")

COUNTED_TO = 1000
QUEUE_SHOWN = 100
BRANCHES_SHOWN = 6
INACTIVE_SHOWN = 100
DECIDED_SHOWN = 10


@frozen
class Page(Generic[T]):
    """Rows of a list, newest first, and where it goes on; None at its end."""

    rows: list[T]
    next: Place | None


def builds(
    store: Store, organization_id: UUID, wanted: BuildFilter, limit: int, after: Place | None
) -> Page[BuildView]:
    """Return builds that are not withdrawn."""

    def work(tx: Transaction) -> Page[BuildView]:
        rows = build_views(tx, organization_id, tx.builds.page(organization_id, wanted, limit + 1, after))
        return _page(rows, limit, lambda view: Place(view.build.created_at, view.build.id))

    return store.read(work)


def entries(
    store: Store, organization_id: UUID, wanted: EntryFilter, limit: int, after: Place | None
) -> Page[EntryView]:
    """Return queue entries."""

    def work(tx: Transaction) -> Page[EntryView]:
        rows = entry_views(tx, organization_id, tx.entries.page(organization_id, wanted, limit + 1, after))
        return _page(rows, limit, lambda view: Place(view.entry.created_at, view.entry.id))

    return store.read(work)


def projects(
    store: Store, organization_id: UUID, wanted: ProjectFilter, limit: int, after: Place | None
) -> Page[ProjectView]:
    """Return projects with their repositories."""

    def work(tx: Transaction) -> Page[ProjectView]:
        found = tx.projects.page(organization_id, wanted, limit + 1, after)
        rows = [ProjectView(p, tuple(tx.repositories.of_project(organization_id, p.id))) for p in found]
        return _page(rows, limit, lambda view: Place(view.project.created_at, view.project.id))

    return store.read(work)


def releases(store: Store, organization_id: UUID, project_id: UUID, limit: int, after: Place | None) -> Page[Release]:
    """Return the releases of a project. Raises NotFound."""

    def work(tx: Transaction) -> Page[Release]:
        tx.projects.get(organization_id, project_id)
        rows = tx.releases.page(organization_id, project_id, limit + 1, after)
        return _page(rows, limit, lambda release: Place(release.created_at, release.id))

    return store.read(work)


def _page(rows: list[T], limit: int, place_of: Callable[[T], Place]) -> Page[T]:
    """Cut what was read one further than shown, to know whether the list goes on."""
    return Page(rows[:limit], place_of(rows[limit - 1]) if len(rows) > limit else None)


def build(store: Store, organization_id: UUID, build_id: UUID) -> BuildView:
    """Return one build, withdrawn or not. Raises NotFound."""
    return store.read(lambda tx: build_view(tx, tx.builds.get(organization_id, build_id)))


def entry(store: Store, organization_id: UUID, entry_id: UUID) -> EntryView:
    """Return one queue entry. Raises NotFound."""
    return store.read(lambda tx: entry_view(tx, tx.entries.get(organization_id, entry_id)))


def preview(store: Store, organization_id: UUID, report: BuildReport) -> Placement:
    """Return where a build would go by today's rules, if it were not known yet. Stores nothing.

    Raises Invalid if the report names a project or release that is not there.
    """

    def work(tx: Transaction) -> Placement:
        facts = report.facts
        given = given_by(
            report,
            lambda project_id: tx.projects.some(organization_id, {project_id}).get(project_id),
            lambda release_id: tx.releases.some(organization_id, {release_id}).get(release_id),
        )
        if isinstance(given, Invalid):
            raise given
        name = words(facts.repo_url.slug) if facts.repo_url else ()
        return placed(
            report,
            given,
            lambda: tx.projects.candidates(organization_id, report.repository_uuid, facts.repo_url, name),
            lambda project_id: tx.releases.of_project(organization_id, project_id),
            confirm_name_matches=tx.organizations.get(organization_id).confirm_name_matches,
        )

    return store.read(work)


@frozen
class ActiveRelease:
    """An active release with its newest build per branch, and how many it has (at most ``COUNTED_TO`` are counted)."""

    release: Release
    project: Project
    count: int
    newest: list[BuildView]


@frozen
class ReleasesPage:
    """Everything on the Releases page. The counts go no further than they say.

    ``inactive`` holds the newest planned and closed releases; ``more_inactive`` tells whether there are older ones.
    """

    queue: Page[EntryView]
    pending: int
    oldest_pending: datetime | None
    decided: list[EntryView]
    active: list[ActiveRelease]
    inactive: list[tuple[Release, Project]]
    more_inactive: bool
    projects: list[Project]
    last_build: BuildView | None
    now: datetime


def releases_page(store: Store, organization_id: UUID, after: Place | None = None) -> ReleasesPage:
    """Return the Releases page; its queue begins behind ``after``."""

    def work(tx: Transaction) -> ReleasesPage:
        pending = EntryFilter(EntryStatus.PENDING)
        waiting = entry_views(tx, organization_id, tx.entries.page(organization_id, pending, QUEUE_SHOWN + 1, after))
        inactive = tx.releases.inactive(organization_id, INACTIVE_SHOWN + 1)
        every_project = tx.projects.all(organization_id)
        by_id = {project.id: project for project in every_project}
        last = tx.builds.page(organization_id, BuildFilter(), 1, None)
        return ReleasesPage(
            queue=_page(waiting, QUEUE_SHOWN, lambda view: Place(view.entry.created_at, view.entry.id)),
            pending=tx.entries.count_pending(organization_id, COUNTED_TO),
            oldest_pending=tx.entries.oldest_pending(organization_id),
            decided=entry_views(tx, organization_id, tx.entries.decided(organization_id, DECIDED_SHOWN)),
            active=[_active(tx, release, by_id[release.project_id]) for release in tx.releases.active(organization_id)],
            inactive=[(release, by_id[release.project_id]) for release in inactive[:INACTIVE_SHOWN]],
            more_inactive=len(inactive) > INACTIVE_SHOWN,
            projects=every_project,
            last_build=build_view(tx, last[0]) if last else None,
            now=tx.now(),
        )

    return store.read(work)


def _active(tx: Transaction, release: Release, project: Project) -> ActiveRelease:
    newest = tx.builds.newest_per_branch(release.organization_id, release.id, BRANCHES_SHOWN)
    count = tx.builds.count(release.organization_id, release.id, COUNTED_TO)
    return ActiveRelease(release, project, count, [BuildView(one, project, release) for one in newest])


@frozen
class EntryPage:
    """One queue entry and what can be chosen for it: every project, and every active release with its project."""

    view: EntryView
    projects: list[Project]
    releases: list[tuple[Release, Project]]
    deliveries: list[Delivery]
    now: datetime


def entry_page(store: Store, organization_id: UUID, entry_id: UUID) -> EntryPage:
    """Return the page of a queue entry. Raises NotFound."""

    def work(tx: Transaction) -> EntryPage:
        view = entry_view(tx, tx.entries.get(organization_id, entry_id))
        every, open_ones = _choices(tx, organization_id)
        deliveries = tx.deliveries.of_subject(organization_id, entry_id=entry_id)
        return EntryPage(view, every, open_ones, deliveries, tx.now())

    return store.read(work)


@frozen
class BuildPage:
    """One build, its deliveries, and where it can be moved: every active release with its project."""

    view: BuildView
    releases: list[tuple[Release, Project]]
    deliveries: list[Delivery]
    now: datetime


def build_page(store: Store, organization_id: UUID, build_id: UUID) -> BuildPage:
    """Return the page of a build. Raises NotFound."""

    def work(tx: Transaction) -> BuildPage:
        view = build_view(tx, tx.builds.get(organization_id, build_id))
        _, open_ones = _choices(tx, organization_id)
        deliveries = tx.deliveries.of_subject(organization_id, build_id=build_id)
        return BuildPage(view, open_ones, deliveries, tx.now())

    return store.read(work)


def _choices(tx: Transaction, organization_id: UUID) -> tuple[list[Project], list[tuple[Release, Project]]]:
    """Return every project by name, and every active release by its project's name, the latest first in each."""
    every = tx.projects.all(organization_id)
    by_id = {project.id: project for project in every}
    place_of = {project.id: place for place, project in enumerate(every)}
    active = sorted(tx.releases.active(organization_id), key=lambda release: place_of[release.project_id])
    return every, [(release, by_id[release.project_id]) for release in active]


@frozen
class ProjectPage:
    """One project with its repositories and releases, newest first."""

    view: ProjectView
    releases: list[Release]
    now: datetime


def project_page(store: Store, organization_id: UUID, project_id: UUID) -> ProjectPage:
    """Return the page of a project. Raises NotFound."""

    def work(tx: Transaction) -> ProjectPage:
        project = tx.projects.get(organization_id, project_id)
        repositories = tuple(tx.repositories.of_project(organization_id, project_id))
        theirs = tx.releases.of_project(organization_id, project_id)
        return ProjectPage(ProjectView(project, repositories), theirs, tx.now())

    return store.read(work)


@frozen
class ReleasePage:
    """One release with its project, its builds and how many there are."""

    release: Release
    project: Project
    builds: Page[BuildView]
    count: int
    now: datetime


def release_page(
    store: Store, organization_id: UUID, release_id: UUID, *, wanted: BuildFilter, limit: int, after: Place | None
) -> ReleasePage:
    """Return the page of a release; ``wanted`` filters its builds. Raises NotFound."""

    def work(tx: Transaction) -> ReleasePage:
        release = tx.releases.get(organization_id, release_id)
        project = tx.projects.get(organization_id, release.project_id)
        theirs = evolve(wanted, release_id=release.id)
        rows = [BuildView(one, project, release) for one in tx.builds.page(organization_id, theirs, limit + 1, after)]
        page = _page(rows, limit, lambda view: Place(view.build.created_at, view.build.id))
        return ReleasePage(release, project, page, tx.builds.count(organization_id, release_id, COUNTED_TO), tx.now())

    return store.read(work)
