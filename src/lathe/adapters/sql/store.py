"""The store on a database: begins, commits, runs again after races, and says what became of what failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from lathe.adapters.sql.activity import SqlActivity
from lathe.adapters.sql.audit import SqlAudit
from lathe.adapters.sql.builds import SqlBuilds
from lathe.adapters.sql.clock import TransactionClock
from lathe.adapters.sql.deliveries import SqlDeliveries
from lathe.adapters.sql.engine import Database, Fate, NotNested
from lathe.adapters.sql.entries import SqlEntries
from lathe.adapters.sql.hooks import SqlHooks
from lathe.adapters.sql.identities import SqlIdentities
from lathe.adapters.sql.intake import SqlIntakeSets
from lathe.adapters.sql.keys import SqlKeys
from lathe.adapters.sql.organizations import SqlOrganizations
from lathe.adapters.sql.projects import SqlProjects
from lathe.adapters.sql.releases import SqlReleases
from lathe.adapters.sql.repositories import SqlRepositories
from lathe.adapters.sql.rows import Raced, Rows
from lathe.adapters.sql.users import SqlLinks, SqlSessions, SqlUsers
from lathe.application import ports
from lathe.domain.errors import Unavailable

T = TypeVar("T")

ATTEMPTS: Final = 5
"""How often work is run before races with other transactions are called bad luck."""


class SqlTransaction:
    """Implements `Transaction` on a connection."""

    def __init__(self, rows: Rows, clock: ports.Clock | None) -> None:
        self._clock = TransactionClock(rows, clock)
        self.organizations: ports.Organizations = SqlOrganizations(rows)
        self.users: ports.Users = SqlUsers(rows)
        self.sessions: ports.Sessions = SqlSessions(rows)
        self.links: ports.Links = SqlLinks(rows)
        self.projects: ports.Projects = SqlProjects(rows)
        self.repositories: ports.Repositories = SqlRepositories(rows)
        self.releases: ports.Releases = SqlReleases(rows)
        self.builds: ports.Builds = SqlBuilds(rows)
        self.entries: ports.Entries = SqlEntries(rows)
        self.identities: ports.Identities = SqlIdentities(rows)
        self.deliveries: ports.Deliveries = SqlDeliveries(rows)
        self.keys: ports.Keys = SqlKeys(rows)
        self.hooks: ports.Hooks = SqlHooks(rows)
        self.audit: ports.Audit = SqlAudit(rows)
        self.intake: ports.IntakeSets = SqlIntakeSets(rows, self._clock)
        self.activity: ports.Activity = SqlActivity(rows)

    def now(self) -> datetime:
        """Return the clock's time."""
        return self._clock.now()


class SqlStore:
    """Implements `Store` on SQLite or PostgreSQL. One store may be used by many threads."""

    def __init__(self, database: Database, clock: ports.Clock | None = None) -> None:
        """Takes the time from ``clock``, or from the database itself."""
        self._database = database
        self._clock = clock
        self._not_nested = NotNested()

    def write(self, work: Callable[[ports.Transaction], T]) -> T:
        """Run ``work`` in one transaction; again, a few times at most, if another one was in its way.

        Raises what `Store.write` says, and RuntimeError inside another writing transaction of the same thread.
        """
        with self._not_nested.once():
            for _ in range(ATTEMPTS):
                try:
                    return self._attempt(work)
                except Raced:
                    continue
        raise Unavailable("others changed the same things again and again")

    def read(self, work: Callable[[ports.Transaction], T]) -> T:
        """Run ``work`` on one committed state. Raises Unavailable, and RuntimeError if it tries to write."""
        with self._database.reading() as connection:
            try:
                return work(self._transaction(connection)[0])
            except DBAPIError as error:
                if self._database.fate(error) is Fate.READ_ONLY:
                    raise RuntimeError("this transaction reads only") from error
                raise self._translated(error) from error

    def ping(self) -> None:
        """Ask the database for a sign of life. Raises Unavailable."""
        self.read(lambda transaction: transaction.now())

    def close(self) -> None:
        """Give back every connection."""
        self._database.close()

    def _attempt(self, work: Callable[[ports.Transaction], T]) -> T:
        """Run ``work`` once. Raises Raced if it is worth running again."""
        with self._database.writing() as connection:
            transaction, rows = self._transaction(connection)
            try:
                result = work(transaction)
                if rows.failed:
                    raise rows.failed
                self._database.commit(connection)
            except DBAPIError as error:
                raise self._translated(error) from error
        return result

    def _transaction(self, connection: Connection) -> tuple[SqlTransaction, Rows]:
        rows = Rows(connection, self._database)
        return SqlTransaction(rows, self._clock), rows

    def _translated(self, error: DBAPIError) -> Exception:
        """Return what to raise for a statement that failed before COMMIT, or a COMMIT that certainly did nothing."""
        match self._database.fate(error):
            case Fate.AGAIN:
                return Raced()
            case Fate.AWAY | Fate.READ_ONLY:
                return Unavailable("the database failed before anything was stored")
            case Fate.WRONG:
                return error
