"""Stored deliveries in memory."""

from __future__ import annotations

from uuid import UUID

from attrs import evolve

from lathe.adapters.memory.tables import Tables
from lathe.application.lists import DeliveryFilter, Looked, Place
from lathe.domain.delivery import Delivery


class MemoryDeliveries:
    """Implements `Deliveries`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.deliveries

    def get(self, organization_id: UUID, delivery_id: UUID) -> Delivery:
        return self._rows.get(organization_id, delivery_id)

    def of_subject(
        self, organization_id: UUID, *, build_id: UUID | None = None, entry_id: UUID | None = None, limit: int = 50
    ) -> list[Delivery]:
        found = {
            row.id: row
            for subject, of in ((build_id, "build_id"), (entry_id, "entry_id"))
            if subject
            for row in self._rows.by("subject", subject, organization_id)
            if getattr(row, of) == subject
        }
        rows = sorted(found.values(), key=lambda row: (row.received_at, row.id), reverse=True)
        return [evolve(row, body=b"") for row in rows[:limit]]

    def look(
        self,
        organization_id: UUID,
        wanted: DeliveryFilter,
        limit: int,
        after: Place | None,
        look_at: int,
        *,
        bodies: bool = False,
    ) -> Looked:
        above = min((one for one in (after and after.id, wanted.above) if one), default=None)
        reached = [
            row
            for row in sorted(self._rows.scan(organization_id), key=lambda row: row.id, reverse=True)
            if (above is None or row.id < above) and (wanted.lowest is None or row.id >= wanted.lowest)
        ]
        looked_at = reached[:look_at]
        found = [row if bodies else evolve(row, body=b"") for row in looked_at if _is_wanted(row, wanted)]
        if len(found) > limit:
            return Looked(found[:limit], _place_of(found[limit - 1]))
        return Looked(found, _place_of(looked_at[-1]) if len(reached) > look_at else None)

    def newest(self, organization_id: UUID, limit: int) -> list[Delivery]:
        rows = sorted(self._rows.scan(organization_id), key=lambda row: row.id, reverse=True)
        return [evolve(row, body=b"") for row in rows[:limit]]


def _place_of(row: Delivery) -> Place:
    return Place(row.received_at, row.id)


def _is_wanted(row: Delivery, wanted: DeliveryFilter) -> bool:
    if wanted.status not in (None, row.status) or wanted.source not in (None, row.source):
        return False
    if wanted.credential_id not in (None, row.credential_id):
        return False
    late = wanted.since is None or row.received_at >= wanted.since
    return late and (wanted.until is None or row.received_at < wanted.until)
