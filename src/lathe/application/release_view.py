"""What the page of a release shows: its builds, how many came when, and what opening or closing it would mean."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.application.intake import BuildView
from lathe.application.lists import Arrival, BuildFilter, Place
from lathe.application.ports import Store, Transaction
from lathe.application.queries import COUNTED_TO, Page, paged
from lathe.domain.project import Project
from lathe.domain.release import Release

CHARTED: Final = 3000
"""How many builds at most the chart of a release is made from, the newest ones."""


@frozen
class ReleasePage:
    """One release with its project, a page of its builds and how many there are (at most ``COUNTED_TO`` are counted).

    ``arrivals`` are its newest builds, at most ``CHARTED``; ``siblings`` the other active releases of the project.
    """

    release: Release
    project: Project
    builds: Page[BuildView]
    count: int
    arrivals: list[Arrival]
    siblings: list[Release]
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
        return ReleasePage(
            release=release,
            project=project,
            builds=paged(rows, limit, lambda view: Place(view.build.created_at, view.build.id)),
            count=tx.builds.counts(organization_id, [release_id], COUNTED_TO)[release_id],
            arrivals=tx.builds.arrivals(organization_id, release_id, CHARTED),
            siblings=[
                one for one in tx.releases.of_project(organization_id, project.id) if one.active and one != release
            ],
            now=tx.now(),
        )

    return store.read(work)
