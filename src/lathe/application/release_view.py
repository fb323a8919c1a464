"""What the page of a release shows: its builds, how many came when, and what opening or closing it would mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.application.intake import BuildView
from lathe.application.lists import LOOKED_AT, BuildFilter, DayCount, Place
from lathe.application.ports import Store, Transaction
from lathe.application.queries import COUNTED_TO, Page, paged
from lathe.domain.project import Project
from lathe.domain.release import Release

CHARTED_DAYS: Final = 28

CHARTED: Final = 10_000
"""How many builds at most are counted for the chart of a release, the newest ones."""


@frozen
class ReleasePage:
    """One release with its project, a page of its builds and how many there are (at most ``COUNTED_TO`` are counted).

    ``per_day`` counts its builds of the last ``CHARTED_DAYS``, the newest ``CHARTED`` of them; ``siblings`` are the
    other active releases of the project.
    """

    release: Release
    project: Project
    builds: Page[BuildView]
    count: int
    per_day: list[DayCount]
    siblings: list[Release]
    now: datetime


def release_page(
    store: Store, organization_id: UUID, release_id: UUID, *, wanted: BuildFilter, limit: int, after: Place | None
) -> ReleasePage:
    """Return the page of a release; ``wanted`` filters its builds. Raises NotFound."""

    def work(tx: Transaction) -> ReleasePage:
        release = tx.releases.get(organization_id, release_id)
        project = tx.projects.get(organization_id, release.project_id)
        active = tx.releases.active_of_projects(organization_id, [project.id])
        theirs = evolve(wanted, release_id=release.id)
        until = tx.builds.reach(organization_id, theirs, after, LOOKED_AT)
        found = tx.builds.page(organization_id, theirs, limit + 1, after, until)
        rows = [BuildView(one, project, release) for one in found]
        return ReleasePage(
            release=release,
            project=project,
            builds=paged(rows, limit, lambda view: Place(view.build.created_at, view.build.id), until),
            count=tx.builds.counts(organization_id, [release_id], COUNTED_TO)[release_id],
            per_day=tx.builds.per_day(organization_id, release_id, _first_charted(tx.now()), CHARTED),
            siblings=[one for one in active.get(project.id, []) if one != release],
            now=tx.now(),
        )

    return store.read(work)


def _first_charted(now: datetime) -> datetime:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=CHARTED_DAYS - 1)
