"""The audit log, by SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select

from lathe.adapters.sql.rows import Rows, Values, newest_first
from lathe.adapters.sql.schema import audit
from lathe.adapters.sql.values import actor_values
from lathe.application.lists import AuditFilter, Place
from lathe.domain.audit import Action, AuditEvent, Subject, SubjectKind
from lathe.domain.organization import Actor


def event_values(event: AuditEvent) -> Values:
    """Return the columns of an event."""
    return {
        "organization_id": event.organization_id,
        "id": event.id,
        "created_at": event.created_at,
        **actor_values("actor", event.actor),
        "action": event.action.value,
        "subject_kind": event.subject.kind.value,
        "subject_id": event.subject.id,
        "subject_name": event.subject.name,
        "detail": event.detail,
    }


class SqlAudit:
    """Implements `Audit`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, event: AuditEvent) -> None:
        with self._rows.races():
            self._rows.add(audit, event_values(event))

    def page(self, organization_id: UUID, wanted: AuditFilter, limit: int, after: Place | None) -> list[AuditEvent]:
        query = select(audit).where(audit.c.organization_id == organization_id, *_conditions(wanted))
        return [_event_of(row) for row in self._rows.all(newest_first(query, audit, limit, after))]

    def newest(self, organization_id: UUID) -> datetime | None:
        mine = select(audit.c.created_at).where(audit.c.organization_id == organization_id)
        row = self._rows.find(newest_first(mine, audit, 1))
        return row.created_at if row else None


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.subjects:
        found.append(audit.c.subject_id.in_(sorted(wanted.subjects)))
    if wanted.kind:
        found.append(audit.c.subject_kind == wanted.kind.value)
    if wanted.actor_id:
        found.append(audit.c.actor_id == wanted.actor_id)
    if wanted.actor_kind:
        found.append(audit.c.actor_kind == wanted.actor_kind)
    if wanted.since:
        found.append(audit.c.created_at >= wanted.since)
    if wanted.until:
        found.append(audit.c.created_at < wanted.until)
    return found


def _event_of(row: Any) -> AuditEvent:
    return AuditEvent(
        row.organization_id,
        row.id,
        row.created_at,
        Actor(row.actor_kind, row.actor_id, row.actor_name),
        Action(row.action),
        Subject(SubjectKind(row.subject_kind), row.subject_id, row.subject_name),
        row.detail,
    )
