"""The store on SQLite and PostgreSQL, from one source."""

from __future__ import annotations

from lathe.adapters.sql.engine import open_database
from lathe.adapters.sql.migrating import is_current, migrate
from lathe.adapters.sql.store import SqlStore
from lathe.application.ports import Clock

__all__ = ["SqlStore", "is_current", "migrate", "open_store"]


def open_store(url: str, *, clock: Clock | None = None) -> SqlStore:
    """Return the store at ``sqlite:///path`` or ``postgresql://…``, whose schema must be current. Connects when used.

    The time is the database's own unless a ``clock`` is given. Raises ValueError for an address of another kind.
    """
    return SqlStore(open_database(url), clock)
