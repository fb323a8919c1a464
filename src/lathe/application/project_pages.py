"""The list of projects, and the page of one."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import frozen

from lathe.application.lists import Place, ProjectFilter
from lathe.application.ports import Store, Transaction
from lathe.application.projects import ProjectView, project_views
from lathe.application.queries import COUNTED_TO, Page, paged
from lathe.application.views import ActiveReleases
from lathe.domain.build import Build
from lathe.domain.project import Project
from lathe.domain.release import Release

ARCHIVED_SHOWN: Final = 100


@frozen
class ProjectRow:
    """A project in the list, with its active releases, the most recently activated first, and its newest build."""

    view: ProjectView
    active: list[Release]
    newest: Build | None


@frozen
class ProjectsPage:
    """Projects in use, newest first, and the newest of those that are archived."""

    rows: Page[ProjectRow]
    archived: list[Project]
    now: datetime


def projects_page(
    store: Store, organization_id: UUID, limit: int, after: Place | None, q: str | None = None
) -> ProjectsPage:
    """Return the list of projects whose names begin with ``q``, from behind ``after``. It costs the same statements
    however many there are."""

    def work(tx: Transaction) -> ProjectsPage:
        found = tx.projects.page(organization_id, ProjectFilter(q), limit + 1, after)
        active = tx.releases.active_of_projects(organization_id, {project.id for project in found})
        rows = _rows(tx, organization_id, found, active)
        return ProjectsPage(
            paged(rows, limit, lambda row: Place(row.view.project.created_at, row.view.project.id)),
            tx.projects.page(organization_id, ProjectFilter(archived=True), ARCHIVED_SHOWN, None),
            tx.now(),
        )

    return store.read(work)


def _rows(tx: Transaction, organization_id: UUID, projects: list[Project], active: ActiveReleases) -> list[ProjectRow]:
    newest = tx.builds.newest_of_projects(organization_id, [project.id for project in projects])
    views = project_views(tx, organization_id, projects)
    return [ProjectRow(view, active.get(view.project.id, []), newest.get(view.project.id)) for view in views]


@frozen
class ProjectPage:
    """One project with its repositories, its releases, newest first, and its newest build.

    ``waiting`` is how many builds of it wait in the queue, counted no further than ``COUNTED_TO``.
    """

    view: ProjectView
    releases: list[Release]
    newest: Build | None
    waiting: int
    now: datetime


def project_page(store: Store, organization_id: UUID, project_id: UUID) -> ProjectPage:
    """Return the page of a project. Raises NotFound."""

    def work(tx: Transaction) -> ProjectPage:
        project = tx.projects.get(organization_id, project_id)
        releases = tx.releases.of_project(organization_id, project_id)
        [row] = _rows(tx, organization_id, [project], {})
        waiting = tx.entries.count_pending(organization_id, project_id, COUNTED_TO)
        return ProjectPage(row.view, releases, row.newest, waiting, tx.now())

    return store.read(work)
