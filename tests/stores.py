"""Opens each kind of store for tests, and a migrated database for those that need one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lathe.application.ports import Clock, Store

KINDS: Final = ("memory", "sqlite", "postgres")


def open_store(kind: str, clock: Clock | None, url: Callable[[], str]) -> Store:
    """Return a store of ``kind``; ``url`` gives the address of the migrated database where it takes one.

    Without a clock a database uses its own, as it does in real life.
    """
    if kind == "memory":
        from lathe.adapters.clock import SystemClock  # noqa: PLC0415
        from lathe.adapters.memory.store import MemoryStore  # noqa: PLC0415

        return MemoryStore(clock or SystemClock())
    from lathe.adapters.sql import open_store as open_sql_store  # noqa: PLC0415

    return open_sql_store(url(), clock=clock)


def migrated(url: str) -> str:
    """Bring the database at ``url`` up to date and return its address."""
    from lathe.adapters.sql import migrate  # noqa: PLC0415

    migrate(url)
    return url
