"""The store in memory: one writer at a time, reads on the last committed state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from threading import Lock, get_ident
from typing import Any, TypeVar

from lathe.adapters.memory.activity import MemoryActivity
from lathe.adapters.memory.audit import MemoryAudit
from lathe.adapters.memory.credentials import MemoryHooks, MemoryKeys
from lathe.adapters.memory.deliveries import MemoryDeliveries
from lathe.adapters.memory.intake import MemoryIntakeSets
from lathe.adapters.memory.people import MemoryLinks, MemoryOrganizations, MemorySessions, MemoryUsers
from lathe.adapters.memory.products import MemoryProjects, MemoryReleases, MemoryRepositories
from lathe.adapters.memory.tables import ALL, Tables
from lathe.adapters.memory.triage import MemoryBuilds, MemoryEntries, MemoryIdentities
from lathe.adapters.memory.versions import Committed
from lathe.application import ports

T = TypeVar("T")


class MemoryTransaction:
    """Implements `Transaction` over the tables as it sees them."""

    def __init__(self, tables: Tables, clock: ports.Clock) -> None:
        self._clock = clock
        self.organizations: ports.Organizations = MemoryOrganizations(tables)
        self.users: ports.Users = MemoryUsers(tables)
        self.sessions: ports.Sessions = MemorySessions(tables)
        self.links: ports.Links = MemoryLinks(tables)
        self.projects: ports.Projects = MemoryProjects(tables)
        self.repositories: ports.Repositories = MemoryRepositories(tables)
        self.releases: ports.Releases = MemoryReleases(tables)
        self.builds: ports.Builds = MemoryBuilds(tables)
        self.entries: ports.Entries = MemoryEntries(tables)
        self.identities: ports.Identities = MemoryIdentities(tables)
        self.deliveries: ports.Deliveries = MemoryDeliveries(tables)
        self.keys: ports.Keys = MemoryKeys(tables)
        self.hooks: ports.Hooks = MemoryHooks(tables)
        self.audit: ports.Audit = MemoryAudit(tables)
        self.intake: ports.IntakeSets = MemoryIntakeSets(tables, clock)
        self.activity: ports.Activity = MemoryActivity(tables)

    def now(self) -> datetime:
        """Return the clock's time."""
        return self._clock.now()


class MemoryStore:
    """Implements `Store`.

    A writing transaction holds the one lock from its first to its last step, so ``lock=True`` has nothing to add and
    the repositories pass over it. Its changes lie on top of the committed state until it ends well.
    """

    def __init__(self, clock: ports.Clock) -> None:
        self._clock = clock
        self._writing = Lock()
        self._writer: int | None = None
        self._committed: dict[str, Committed[Any]] = {schema.noun: Committed() for schema in ALL}
        self._number = 0
        self._reads: Counter[int] = Counter()
        # Held for a moment only: while a commit becomes visible, and while a read begins or ends.
        self._latch = Lock()

    def write(self, work: Callable[[ports.Transaction], T]) -> T:
        """Run ``work`` in one transaction. Raises RuntimeError inside another one of the same thread."""
        if self._writer == get_ident():
            raise RuntimeError("a transaction that writes was begun inside another one")
        with self._writing:
            self._writer = get_ident()
            try:
                return self._run(work)
            finally:
                self._writer = None

    def read(self, work: Callable[[ports.Transaction], T]) -> T:
        """Run ``work`` on the last committed state; writing there raises RuntimeError."""
        with self._latch:
            snapshot = self._number
            self._reads[snapshot] += 1
        try:
            return work(MemoryTransaction(Tables(self._committed, snapshot, writable=False), self._clock))
        finally:
            with self._latch:
                self._reads[snapshot] -= 1
                if not self._reads[snapshot]:
                    del self._reads[snapshot]

    def close(self) -> None:
        """Nothing is held that must be given back."""

    def _run(self, work: Callable[[ports.Transaction], T]) -> T:
        tables = Tables(self._committed, self._number, writable=True)
        try:
            result = work(MemoryTransaction(tables, self._clock))
        finally:
            tables.close()
        with self._latch:
            number = self._number + 1
            tables.commit(number, horizon=min(self._reads, default=number))
            self._number = number
        return result
