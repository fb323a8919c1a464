"""What happened lately, by SQL: the newest ends of a few indexes, in one statement."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, bindparam, literal_column, select, true, union_all

from lathe.adapters.sql.rows import Rows
from lathe.adapters.sql.schema import audit, builds, deliveries, is_decided, is_pending, queue_entries
from lathe.adapters.sql.types import Id
from lathe.application.activity import LOOKED_AT, mark_of


class SqlActivity:
    """Implements `Activity`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def mark(self, organization_id: UUID) -> str:
        found = self._rows.connection.execute(_NEWEST, {"organization": organization_id})
        return mark_of(tuple(row) for row in found)


def _newest_of_all() -> CompoundSelect[Any]:
    b, q, d, a = builds.c, queue_entries.c, deliveries.c, audit.c
    parts = (
        # Of each kind: which ones, in what order, and what tells that one of them has changed.
        _newest(b, ~b.withdrawn, (b.created_at, b.id), b.created_at, b.release_id, b.build_status),
        _newest(q, is_pending, (q.created_at, q.id), q.created_at, q.project_id, q.status),
        _newest(q, is_decided, (q.decided_at, q.id), q.decided_at, q.build_id, q.status),
        _newest(d, true(), (d.id,), d.received_at, d.build_id, d.status),
        _newest(a, true(), (a.created_at, a.id), a.created_at, a.subject_id, a.action),
    )
    return union_all(*(select(literal_column(str(kind)), part.subquery()) for kind, part in enumerate(parts)))


def _newest(columns: Any, fits: ColumnElement[bool], order: tuple[ColumnElement[Any], ...], *more: Any) -> Select[Any]:
    """Return the statement of the newest rows of a kind. All kinds give columns of the same types."""
    query = select(columns.id, *more).where(columns.organization_id == bindparam("organization", type_=Id), fits)
    return query.order_by(*(column.desc() for column in order)).limit(literal_column(str(LOOKED_AT)))


_NEWEST: Final = _newest_of_all()  # made once: it is asked for with every page
