"""The active releases that a page offers to choose among: bounded, however many there are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from attrs import frozen

from lathe.application.ports import Transaction
from lathe.application.views import ActiveReleases
from lathe.domain.project import Project
from lathe.domain.release import Release

OFFERED: Final = 60
"""How many active releases are offered beside those of the projects that are likely."""


@frozen
class Choices:
    """Active releases by project, in the order of the projects' names, the most recently activated first in each.

    Where they are not ``complete``, somebody who wants another one has to say its project first.
    """

    releases: list[tuple[Project, list[Release]]]
    complete: bool

    def first(self, project: Project | None, but: UUID | None = None) -> list[tuple[Project, list[Release]]]:
        """Return them with those of a project before the others, and without the release ``but``."""
        rest = [(one, [release for release in theirs if release.id != but]) for one, theirs in self.releases]
        return sorted(((one, theirs) for one, theirs in rest if theirs), key=lambda group: group[0] != project)


def choices(tx: Transaction, organization_id: UUID, likely: Iterable[UUID]) -> Choices:
    """Return all active releases of the projects that are ``likely``, and those in which something happened last."""
    recent = tx.releases.active(organization_id, OFFERED + 1)
    theirs = tx.releases.active_of_projects(organization_id, {*likely})
    return offered(tx, organization_id, recent, theirs)


def offered(tx: Transaction, organization_id: UUID, recent: list[Release], theirs: ActiveReleases) -> Choices:
    """Return the same of what was read already; ``recent`` is one longer than what is offered where there are more."""
    every = {release.id: release for release in recent[:OFFERED]}
    every |= {release.id: release for releases in theirs.values() for release in releases}
    groups: dict[UUID, list[Release]] = {}
    for release in sorted(every.values(), key=lambda one: (one.activated_at or one.created_at, one.id), reverse=True):
        groups.setdefault(release.project_id, []).append(release)
    projects = tx.projects.some(organization_id, groups)
    by_name = sorted(projects.values(), key=lambda project: (project.name.casefold(), project.id))
    return Choices([(project, groups[project.id]) for project in by_name], len(recent) <= OFFERED)
