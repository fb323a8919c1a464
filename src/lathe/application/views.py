"""Completes builds and entries with the names around them, in sets."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from lathe.application.intake import BuildView, EntryView
from lathe.application.ports import Transaction
from lathe.domain.build import Build
from lathe.domain.project import Project
from lathe.domain.queue_entry import EntryStatus, QueueEntry
from lathe.domain.release import Release, choose_release

ActiveReleases: TypeAlias = Mapping[UUID, list[Release]]
"""Active releases by project, the most recently activated first."""


def build_views(tx: Transaction, organization_id: UUID, builds: Sequence[Build]) -> list[BuildView]:
    """Return each build with its project and release."""
    projects = tx.projects.some(organization_id, {build.project_id for build in builds})
    releases = tx.releases.some(organization_id, {build.release_id for build in builds})
    return [BuildView(build, projects[build.project_id], releases[build.release_id]) for build in builds]


def entry_views(
    tx: Transaction, organization_id: UUID, entries: Sequence[QueueEntry], active: ActiveReleases | None = None
) -> list[EntryView]:
    """Return each entry with its project and, while it is pending, what could be decided about it.

    That is the release that would be chosen in its project, and whether its repository could be remembered: it is
    known, reported by somebody who proved to be who they are, and belongs to no project now. ``active`` are the active
    releases of their projects, where they have been read already.
    """
    projects = tx.projects.some(organization_id, {e.project_id for e in entries if e.project_id})
    waiting = [e for e in entries if e.status is EntryStatus.PENDING]
    if active is None:
        active = tx.releases.active_of_projects(organization_id, {e.project_id for e in waiting if e.project_id})
    linked = tx.repositories.find_links(organization_id, {e.repository_id for e in waiting if e.repository_id})
    return [_entry_view(entry, projects, active, linked) for entry in entries]


def _entry_view(
    entry: QueueEntry, projects: dict[UUID, Project], active: ActiveReleases, linked: Container[UUID]
) -> EntryView:
    project = projects[entry.project_id] if entry.project_id else None
    if entry.status is not EntryStatus.PENDING:
        return EntryView(entry, project)
    can_remember = entry.verified and entry.repository_id is not None and entry.repository_id not in linked
    theirs = active.get(project.id, []) if project else []
    choice = choose_release(theirs, entry.facts.branch, entry.facts.tag)
    return EntryView(entry, project, choice.release if choice else None, can_remember)


def build_view(tx: Transaction, build: Build) -> BuildView:
    """Return one build with its project and release."""
    return build_views(tx, build.organization_id, [build])[0]


def entry_view(tx: Transaction, entry: QueueEntry) -> EntryView:
    """Return one entry with its project and suggested release."""
    return entry_views(tx, entry.organization_id, [entry])[0]
