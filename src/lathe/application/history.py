"""Reads the audit log."""

from __future__ import annotations

from uuid import UUID

from lathe.application.lists import AuditFilter, Place
from lathe.application.ports import Store, Transaction
from lathe.application.queries import Page
from lathe.domain.audit import AuditEvent

HISTORY_SHOWN = 50


def log(store: Store, organization_id: UUID, wanted: AuditFilter, limit: int, after: Place | None) -> Page[AuditEvent]:
    """Return what was changed, the last change first."""
    rows = store.read(lambda tx: tx.audit.page(organization_id, wanted, limit + 1, after))
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], Place(last.created_at, last.id) if last else None)


def history_of(tx: Transaction, organization_id: UUID, *subjects: UUID | None) -> list[AuditEvent]:
    """Return the last changes of a few things together, for the page of one of them."""
    known = frozenset(one for one in subjects if one)
    return tx.audit.page(organization_id, AuditFilter(known), HISTORY_SHOWN, None) if known else []
