"""What stands about an entry by the time that somebody decides: is it as it was shown, and can it be undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import frozen

from lathe.application.caller import Caller
from lathe.application.lists import AuditFilter
from lathe.application.ports import Transaction
from lathe.domain.audit import Action, AuditEvent
from lathe.domain.errors import Conflict
from lathe.domain.queue_entry import EntryStatus, QueueEntry, age
from lathe.domain.release import Release, ReleaseState

_LOOKED_BACK: Final = 50
"""Among how many of the newest events of an entry the choice of its project is looked for."""


@frozen
class Seen:
    """What somebody saw of an entry before deciding: its project, None if it had none."""

    project_id: UUID | None


@frozen
class Own:
    """A decision of one's own: of which outcome (``pending`` for a project that was chosen), made until when.

    The time is not asked of a choice of project, which leaves none on the entry.
    """

    status: EntryStatus
    until: datetime


def must_be_as_seen(tx: Transaction, entry: QueueEntry, project_id: UUID, seen: Seen | None) -> None:
    """Raise Conflict if another project than ``project_id`` was chosen for a pending entry since it was seen."""
    if seen is None or entry.project_id in (seen.project_id, project_id):
        return
    raise Conflict(_choice(tx, entry) or "the choice of its project was taken back meanwhile", code="project_changed")


def must_be_own(tx: Transaction, caller: Caller, entry: QueueEntry, own: Own) -> None:
    """Raise Conflict unless what stands is the caller's own decision, as ``own`` says."""
    if entry.status is own.status and _is_own(tx, caller, entry, own):
        return
    chosen = _choice(tx, entry) if own.status is EntryStatus.PENDING else None
    raise Conflict(entry.decision(tx.now()) or chosen or "there is nothing left to undo", code="decided_since")


def _is_own(tx: Transaction, caller: Caller, entry: QueueEntry, own: Own) -> bool:
    if entry.status is EntryStatus.PENDING:
        event = _chosen(tx, entry)
        by = event.actor if event else None
    else:
        by = entry.decided_by if (entry.decided_at or entry.created_at) <= own.until else None
    return by is not None and (by.kind, by.id) == (caller.actor.kind, caller.actor.id)


def _choice(tx: Transaction, entry: QueueEntry) -> str | None:
    """Say who chose the project of a pending entry, and how long ago; None if nobody did."""
    if entry.project_id is None or not entry.selected:
        return None
    event = _chosen(tx, entry)
    who, when = (event.actor.name, age(tx.now(), event.created_at)) if event else ("somebody", "meanwhile")
    return f"{who} selected project {tx.projects.get(entry.organization_id, entry.project_id).name} for this {when}"


def _chosen(tx: Transaction, entry: QueueEntry) -> AuditEvent | None:
    """Return when the project of an entry was last chosen, None if it is the one that it was placed in."""
    if not entry.selected:
        return None
    events = tx.audit.page(entry.organization_id, AuditFilter(frozenset({entry.id})), _LOOKED_BACK, None)
    return next((event for event in events if event.action is Action.PROJECT_SELECTED), None)


def kept(tx: Transaction, organization_id: UUID, entries: Sequence[QueueEntry]) -> dict[UUID, str]:
    """Return why a decision cannot be undone, by the id of each entry whose build is in a closed release."""
    builds = tx.builds.some(organization_id, {e.build_id for e in entries if e.assignment and e.build_id})
    releases = tx.releases.some(organization_id, {build.release_id for build in builds.values()})
    found = {}
    for entry in entries:
        build = builds.get(entry.build_id) if entry.assignment and entry.build_id else None
        if build and (why := why_kept(releases[build.release_id])):
            found[entry.id] = why
    return found


def why_kept(release: Release) -> str | None:
    """Return why nothing leaves a release, None while it is not closed."""
    return f"release {release.name} is closed; what it holds stays" if release.state is ReleaseState.CLOSED else None


def must_not_be_closed(release: Release) -> None:
    """Raise Conflict if a release is closed: what it holds stays."""
    if why := why_kept(release):
        raise Conflict(why, code="release_closed")
