"""Completes builds and entries with the names around them, in sets."""

from __future__ import annotations

from collections.abc import Container, Sequence
from uuid import UUID

from lathe.application.intake import BuildView, EntryView
from lathe.application.ports import Transaction
from lathe.domain.build import Build
from lathe.domain.project import Project
from lathe.domain.queue_entry import EntryStatus, QueueEntry
from lathe.domain.release import Release, choose_release


def build_views(tx: Transaction, organization_id: UUID, builds: Sequence[Build]) -> list[BuildView]:
    """Return each build with its project and release."""
    projects = tx.projects.some(organization_id, {build.project_id for build in builds})
    releases = tx.releases.some(organization_id, {build.release_id for build in builds})
    return [BuildView(build, projects[build.project_id], releases[build.release_id]) for build in builds]


def entry_views(
    tx: Transaction, organization_id: UUID, entries: Sequence[QueueEntry], active: list[Release] | None = None
) -> list[EntryView]:
    """Return each entry with its project and, while it is pending, what could be decided about it.

    That is the release that would be chosen in its project, and whether its repository could be remembered: it is
    known, reported by somebody who proved to be who they are, and belongs to no project now. ``active`` are all active
    releases, where they have been read already.
    """
    projects = tx.projects.some(organization_id, {e.project_id for e in entries if e.project_id})
    waiting = [e for e in entries if e.status is EntryStatus.PENDING]
    if active is None:
        active = tx.releases.active(organization_id) if any(e.project_id for e in waiting) else []
    linked = tx.repositories.find_links(organization_id, {e.repository_id for e in waiting if e.repository_id})
    return [_entry_view(entry, projects, active, linked) for entry in entries]


def _entry_view(
    entry: QueueEntry, projects: dict[UUID, Project], active: list[Release], linked: Container[UUID]
) -> EntryView:
    project = projects[entry.project_id] if entry.project_id else None
    if entry.status is not EntryStatus.PENDING:
        return EntryView(entry, project)
    can_remember = entry.verified and entry.repository_id is not None and entry.repository_id not in linked
    theirs = [release for release in active if project and release.project_id == project.id]
    choice = choose_release(theirs, entry.facts.branch, entry.facts.tag)
    return EntryView(entry, project, choice.release if choice else None, can_remember)


def build_view(tx: Transaction, build: Build) -> BuildView:
    """Return one build with its project and release."""
    return build_views(tx, build.organization_id, [build])[0]


def entry_view(tx: Transaction, entry: QueueEntry) -> EntryView:
    """Return one entry with its project and suggested release."""
    return entry_views(tx, entry.organization_id, [entry])[0]
