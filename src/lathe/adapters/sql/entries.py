"""The Build Queue, by SQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, select

from lathe.adapters.sql.builds import facts_wanted
from lathe.adapters.sql.rows import Rows, Values, by_id, last_looked_at, locked, newest_first, selected_by_id, within
from lathe.adapters.sql.schema import is_decided, is_pending, queue_entries, repository_links
from lathe.adapters.sql.values import (
    actor_of,
    actor_values,
    candidates_json,
    candidates_of,
    facts_of,
    facts_values,
    placement_json,
    placement_of,
    reason_values,
    required_reason,
    uuid_of,
)
from lathe.application.lists import EntryFilter, Place, Promising
from lathe.domain.queue_entry import Assignment, EntryStatus, QueueEntry, Rejection, RejectReason
from lathe.domain.steps import ReasonCode

# Literals: a parameter would hide from the database that a partial index has all the rows.
_STATUS: Final[dict[EntryStatus, ColumnElement[bool]]] = {
    status: queue_entries.c.status == literal_column(f"'{status.value}'") for status in EntryStatus
}


def entry_values(entry: QueueEntry) -> Values:
    """Return the columns of a queue entry."""
    return {
        "organization_id": entry.organization_id,
        "id": entry.id,
        **facts_values(entry.facts),
        "verified": entry.verified,
        **reason_values(entry.reason),
        "placement": placement_json(entry.placement),
        "created_at": entry.created_at,
        "status": entry.status.value,
        "candidates": candidates_json(entry.candidates),
        "project_id": entry.project_id,
        "placed_project_id": entry.placed_project_id,
        "repository_id": entry.repository_id,
        "identity_id": entry.identity_id,
        "build_id": entry.build_id,
        "assignment": _assignment_json(entry.assignment),
        "reject_reason": entry.rejection.reason.value if entry.rejection else None,
        "reject_note": entry.rejection.note if entry.rejection else None,
        **actor_values("decided_by", entry.decided_by),
        "decided_at": entry.decided_at,
    }


def entry_of(row: Any) -> QueueEntry:
    """Return the queue entry that a row holds."""
    return QueueEntry(
        organization_id=row.organization_id,
        id=row.id,
        facts=facts_of(row),
        verified=row.verified,
        reason=required_reason(row),
        placement=placement_of(row.placement),
        created_at=row.created_at,
        status=EntryStatus(row.status),
        candidates=candidates_of(row.candidates),
        project_id=row.project_id,
        placed_project_id=row.placed_project_id,
        repository_id=row.repository_id,
        identity_id=row.identity_id,
        build_id=row.build_id,
        assignment=_assignment_of(row.assignment),
        rejection=Rejection(RejectReason(row.reject_reason), row.reject_note) if row.reject_reason else None,
        decided_by=actor_of(row.decided_by_kind, row.decided_by_id, row.decided_by_name),
        decided_at=row.decided_at,
    )


def _assignment_json(assignment: Assignment | None) -> dict[str, Any] | None:
    if assignment is None:
        return None
    return {
        "build_id": assignment.build_id.hex,
        "release_id": assignment.release_id.hex,
        "release_name": assignment.release_name,
        "learned_link": assignment.learned_link,
        "project_before": assignment.project_before.hex if assignment.project_before else None,
    }


def _assignment_of(stored: dict[str, Any] | None) -> Assignment | None:
    if stored is None:
        return None
    return Assignment(
        UUID(stored["build_id"]),
        UUID(stored["release_id"]),
        stored["release_name"],
        stored["learned_link"],
        uuid_of(stored["project_before"]),
    )


def _wanted(organization_id: UUID, wanted: EntryFilter) -> list[ColumnElement[bool]]:
    conditions = [queue_entries.c.organization_id == organization_id, *facts_wanted(queue_entries, wanted)]
    if wanted.status is not None:
        conditions.append(_STATUS[wanted.status])
    if wanted.project_id is not None:
        conditions.append(queue_entries.c.project_id == wanted.project_id)
    return conditions


class SqlEntries:
    """Implements `Entries`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, entry: QueueEntry) -> None:
        self._rows.add(queue_entries, entry_values(entry))

    def get(self, organization_id: UUID, entry_id: UUID, *, lock: bool = False) -> QueueEntry:
        query = select(queue_entries).where(by_id(queue_entries, organization_id, entry_id))
        return entry_of(self._rows.one(locked(query, lock=lock), "queue entry"))

    def save(self, entry: QueueEntry) -> None:
        self._rows.replace_one(queue_entries, entry_values(entry), "queue entry")

    def page(
        self, organization_id: UUID, wanted: EntryFilter, limit: int, after: Place | None, until: Place | None = None
    ) -> list[QueueEntry]:
        query = select(queue_entries).where(*_wanted(organization_id, wanted))
        return self._list(newest_first(query, queue_entries, limit, after, until))

    def reach(self, organization_id: UUID, wanted: EntryFilter, after: Place | None, look_at: int) -> Place | None:
        if wanted.along is None:
            return None
        places = select(queue_entries.c.created_at, queue_entries.c.id)
        query = places.where(*_wanted(organization_id, wanted.along))
        return last_looked_at(self._rows, query, queue_entries, look_at, after)

    def decided(self, organization_id: UUID, limit: int) -> list[QueueEntry]:
        query = select(queue_entries).where(queue_entries.c.organization_id == organization_id, is_decided)
        last_first = queue_entries.c.decided_at.desc(), queue_entries.c.id.desc()
        return self._list(query.order_by(*last_first).limit(limit))

    def oldest_pending(self, organization_id: UUID) -> datetime | None:
        query = _pending(organization_id, queue_entries.c.created_at).order_by(queue_entries.c.created_at).limit(1)
        return self._rows.connection.execute(query).scalar()

    def count_pending(self, organization_id: UUID, project_id: UUID, at_most: int) -> int:
        theirs = _pending(organization_id, literal_column("1").label("one"))
        some = theirs.where(queue_entries.c.project_id == project_id).limit(at_most).subquery()
        return int(self._rows.connection.execute(select(func.count()).select_from(some)).scalar_one())

    def pending_since(self, organization_id: UUID, limit: int) -> list[datetime]:
        since = queue_entries.c.created_at
        query = newest_first(_pending(organization_id, since), queue_entries, limit)
        return list(self._rows.connection.execute(query).scalars())

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, QueueEntry]:
        found = self._rows.all(selected_by_id(queue_entries), {"ids": within(organization_id, ids)}) if ids else ()
        return {row.id: entry_of(row) for row in found}

    def promising(self, organization_id: UUID, look_at: int) -> list[Promising]:
        found = self._rows.all(_promising(organization_id, look_at))
        return [Promising(row.id, row.known_project_id, row.branch, row.tag) for row in found]

    def _list(self, query: Select[Any]) -> list[QueueEntry]:
        return [entry_of(row) for row in self._rows.all(query)]


def _pending(organization_id: UUID, *columns: Any) -> Select[Any]:
    return select(*columns).where(queue_entries.c.organization_id == organization_id, is_pending)


def _promising(organization_id: UUID, look_at: int) -> Select[Any]:
    """Look at few columns of the newest entries only, so that it costs the same however many wait."""
    columns = (queue_entries.c[name] for name in _LOOKED_AT)
    waiting = newest_first(_pending(organization_id, *columns), queue_entries, look_at).subquery("waiting").c
    link = repository_links.c
    known = case(
        (waiting.project_id.is_distinct_from(waiting.placed_project_id), waiting.project_id),
        (link.project_id.is_not(None), link.project_id),
        (waiting.reason_code == ReasonCode.NO_ACTIVE_RELEASE.value, waiting.project_id),
    )
    linked = and_(
        link.organization_id == waiting.organization_id,
        link.repository_id == waiting.repository_id,
    )
    return (
        select(waiting.id, waiting.branch, waiting.tag, known.label("known_project_id"))
        .join_from(waiting.id.table, repository_links, linked, isouter=True)
        .where(known.is_not(None), waiting.reason_code != ReasonCode.SENT_BACK.value)
        .order_by(waiting.created_at.desc(), waiting.id.desc())
    )


_LOOKED_AT: Final = (
    "organization_id",
    "id",
    "created_at",
    "branch",
    "tag",
    "reason_code",
    "project_id",
    "placed_project_id",
    "repository_id",
)
