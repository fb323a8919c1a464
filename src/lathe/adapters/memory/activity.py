"""What happened lately, in memory."""

from __future__ import annotations

from uuid import UUID

from lathe.adapters.memory.audit import MemoryAudit
from lathe.adapters.memory.deliveries import MemoryDeliveries
from lathe.adapters.memory.tables import Tables
from lathe.adapters.memory.triage import MemoryBuilds, MemoryEntries
from lathe.application.activity import LOOKED_AT, mark_of
from lathe.application.lists import AuditFilter, BuildFilter, EntryFilter


class MemoryActivity:
    """Implements `Activity`."""

    def __init__(self, tables: Tables) -> None:
        self._builds = MemoryBuilds(tables)
        self._entries = MemoryEntries(tables)
        self._deliveries = MemoryDeliveries(tables)
        self._audit = MemoryAudit(tables)

    def mark(self, organization_id: UUID) -> str:
        filed = self._builds.page(organization_id, BuildFilter(), LOOKED_AT, None)
        waiting = self._entries.page(organization_id, EntryFilter(), LOOKED_AT, None)
        decided = self._entries.decided(organization_id, LOOKED_AT)
        heard = self._deliveries.newest(organization_id, LOOKED_AT)
        noted = self._audit.page(organization_id, AuditFilter(), LOOKED_AT, None)
        return mark_of(
            (
                *(("filed", row.id, row.release_id, row.facts.status) for row in filed),
                *(("waiting", row.id, row.project_id) for row in waiting),
                *(("decided", row.id, row.decided_at) for row in decided),
                *(("heard", row.id) for row in heard),
                *(("noted", row.id) for row in noted),
            )
        )
