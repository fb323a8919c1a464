"""The audit log in memory."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from lathe.adapters.memory.tables import Tables, page_of
from lathe.application.lists import AuditFilter, Place
from lathe.domain.audit import AuditEvent


class MemoryAudit:
    """Implements `Audit`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.audit

    def add(self, event: AuditEvent) -> None:
        self._rows.add(event)

    def page(self, organization_id: UUID, wanted: AuditFilter, limit: int, after: Place | None) -> list[AuditEvent]:
        rows = self._rows.scan(organization_id)
        return page_of((row for row in rows if _is_wanted(row, wanted)), limit, after)

    def newest(self, organization_id: UUID) -> datetime | None:
        return max((row.created_at for row in self._rows.scan(organization_id)), default=None)


def _is_wanted(row: AuditEvent, wanted: AuditFilter) -> bool:
    if wanted.subjects and row.subject.id not in wanted.subjects:
        return False
    if wanted.kind not in (None, row.subject.kind) or wanted.actor_kind not in (None, row.actor.kind):
        return False
    if wanted.actor_id not in (None, row.actor.id):
        return False
    late = wanted.since is None or row.created_at >= wanted.since
    return late and (wanted.until is None or row.created_at < wanted.until)
