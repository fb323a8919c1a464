"""Fills a database with months of history: a million builds and a hundred thousand entries that wait.

``python -m benchmarks.fill URL [--builds N] [--pending N] [--bodies N]`` makes the database at ``sqlite:///path`` or
``postgresql://…`` if it is not there, an organization in it with 200 projects, and their history. `fill` does the last
part alone, for an organization that is there. It stores what nine months of receiving would have left:

- builds, most of them filed by the rules, one in forty by a person from the queue; under five releases of each project
  that came one after the other, from three CI systems, a few repositories far more often than most;
- queue entries that wait (for a release or for a project), one tenth as many that were rejected, and the audit log of
  what was decided;
- for each of them its identity and its delivery. The last 150,000 deliveries have their bodies, those of others
  were removed as too old: bodies are most of the size.

Numbers of builds begin at 1 in each repository; `Filled.highest` says where they end. Rows go straight into the tables,
in the order of their time, with every index in place as in real life: six minutes for the million on two cores, 4.7 GB.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, cast
from uuid import UUID

from attrs import evolve, frozen
from sqlalchemy import JSON, Connection, Table

from benchmarks.history import Come, History, Stream, stray
from lathe.adapters.ids import RandomIds
from lathe.adapters.sql import migrate, open_store
from lathe.adapters.sql.audit import event_values
from lathe.adapters.sql.builds import build_values
from lathe.adapters.sql.deliveries import delivery_values
from lathe.adapters.sql.engine import Database, open_database
from lathe.adapters.sql.entries import entry_values
from lathe.adapters.sql.identities import identity_values
from lathe.adapters.sql.rows import Values
from lathe.adapters.sql.schema import audit, builds, deliveries, identities, queue_entries
from lathe.adapters.sql.sqlite import SqliteDatabase
from lathe.adapters.sql.types import to_json
from lathe.application import keys, organizations, projects, releases
from lathe.application.caller import command_caller
from lathe.application.intake import Changes
from lathe.application.ports import Ids, Store, Transaction
from lathe.domain.api_key import Scope
from lathe.domain.project import LinkedProject, Project
from lathe.domain.release import Release, ReleaseState
from lathe.domain.repository import Repository

BUILDS, PENDING, BODIES = 1_000_000, 100_000, 150_000
PROJECTS: Final = 200
STRAYS: Final = 97
"""How many repositories belong to no project."""

PAST: Final = ("0.6", "0.7", "0.8", "0.9")
"""The closed releases that each project gets, before the one that is active."""

AT_ONCE: Final = 10_000


@frozen
class Filled:
    """What was stored. ``highest`` is the highest number that a build has in any repository."""

    organization_id: UUID
    builds: int
    pending: int
    rejected: int
    deliveries: int
    highest: int


def fill(
    url: str, organization_id: UUID, *, builds: int = BUILDS, pending: int = PENDING, bodies: int = BODIES
) -> Filled:
    """Store the history of an organization whose projects are there, each with its repository.

    Builds are filed under the projects that have an active release; what waits is for those that have none, and for
    nobody. The database must be migrated, and nobody else may use it meanwhile.
    """
    ids = RandomIds()
    with closing(open_store(url)) as store:
        now = store.read(lambda tx: tx.now())
        filing, waiting = _streams(store, ids, organization_id, now)
        key, _ = keys.create(store, ids, command_caller(organization_id), "history", [Scope.BUILDS_CREATE])
    rejected = pending // 10
    history = History(now, filing, waiting, key.id)
    database = open_database(url, migrating=True)
    try:
        _store(database, history.go(builds, pending, rejected, bodies))
        _look(database)
    finally:
        database.close()
    highest = max(history.highest.values(), default=0)
    return Filled(organization_id, builds, pending, rejected, builds + pending + rejected, highest)


# --- projects, repositories, releases ---------------------------------------------------------------------------------


def make_products(store: Store, ids: Ids, organization_id: UUID, count: int = PROJECTS) -> None:
    """Make projects, each with a repository; one in ten has no active release."""
    caller = command_caller(organization_id)
    for number in range(count):
        url = f"https://bitbucket.org/bench/service-{number:03}-backend"
        project = projects.create(store, ids, caller, f"Service {number:03}", [url]).project
        state = ReleaseState.PLANNED if number % 10 == 9 else ReleaseState.ACTIVE
        releases.create(store, ids, caller, project.id, "1.0", state=state)


def _streams(store: Store, ids: RandomIds, organization_id: UUID, now: datetime) -> tuple[list[Stream], list[Stream]]:
    """Return whose builds are filed and whose builds wait, having added what nine months would have left of those."""

    def work(tx: Transaction) -> tuple[list[Stream], list[Stream]]:
        every = [project for project in tx.projects.all(organization_id) if not project.archived]
        of = {project.id for project in every}
        linked = tx.repositories.of_projects(organization_id, of)
        active = tx.releases.active_of_projects(organization_id, of)
        known = {one.id: _taught(one, ids) for project in every for one, _ in linked.get(project.id, ())}
        strays = [stray(organization_id, ids, number, now) for number in range(STRAYS)]
        tx.intake.save(Changes(now, new_repositories=strays, changed_repositories=list(known.values())))
        filing: list[Stream] = []
        waiting = [Stream(one) for one in strays]
        for project in every:
            repositories = [known[one.id] for one, _ in linked.get(project.id, ())]
            taking = active.get(project.id, [])[:1]
            if taking:
                past = _past(project, ids, now)
                for release in past:
                    tx.releases.add(release)
                taking = [*past, *taking]
            streams = [Stream(one, LinkedProject(project, (one,)), tuple(taking)) for one in repositories]
            (filing if taking else waiting).extend(streams)
        return filing, waiting

    return store.write(work)


def _taught(repository: Repository, ids: RandomIds) -> Repository:
    """Return a repository as it is after its first report, which carries the UUID too."""
    return repository if repository.uuid else evolve(repository, uuid=f"bitbucket:{ids.new()}")


def _past(project: Project, ids: RandomIds, now: datetime) -> list[Release]:
    """Return the releases that took builds before, each for a fifth of the time."""
    months = [now - timedelta(days=270 - 54 * number) for number in range(len(PAST) + 1)]
    spans = zip(PAST, months, months[1:], strict=False)
    return [
        Release(project.organization_id, ids.new(), project.id, name, ReleaseState.CLOSED, (), began, began, ended)
        for name, began, ended in spans
    ]


# --- rows -------------------------------------------------------------------------------------------------------------

_TABLES: Final[Sequence[tuple[Table, str, Callable[[Any], Values]]]] = (
    (identities, "identity", identity_values),
    (builds, "build", build_values),
    (queue_entries, "entry", entry_values),
    (deliveries, "delivery", delivery_values),
    (audit, "event", event_values),
)


def _store(database: Database, history: Iterator[Come]) -> None:
    with _writing(database) as write:
        while some := [*islice(history, AT_ONCE)]:
            write(
                [
                    (table, [values(row) for one in some if (row := getattr(one, name))])
                    for table, name, values in _TABLES
                ]
            )


Write = Callable[[Iterable[tuple[Table, Sequence[Values]]]], None]


@contextmanager
def _writing(database: Database) -> Iterator[Write]:
    """Give what stores rows of several tables in one transaction."""

    def write(rows: Iterable[tuple[Table, Sequence[Values]]]) -> None:
        with database.writing() as connection:
            for table, values in rows:
                if not values:
                    continue
                if connection.dialect.name == "postgresql":
                    _copy(connection, table, values)
                else:
                    database.insert(connection, table, values)
            database.commit(connection)

    if isinstance(database, SqliteDatabase):
        with database.writer.connect() as connection:
            driver = cast("sqlite3.Connection", connection.connection.driver_connection)
            # Nothing here must outlive a power cut, and the pages of large indexes are written again and again.
            driver.execute("PRAGMA synchronous = OFF")
            driver.execute("PRAGMA cache_size = -1000000")
    yield write


def _copy(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    columns = [table.c[name] for name in rows[0]]
    places = [place for place, column in enumerate(columns) if isinstance(column.type, JSON)]
    names = ", ".join(f'"{column.name}"' for column in columns)
    cursor = cast("Any", connection.connection.cursor())
    with cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
        for row in rows:
            values = [*row.values()]
            for place in places:
                if values[place] is not None:
                    values[place] = to_json(values[place])
            copy.write_row(values)


def _look(database: Database) -> None:
    """Let PostgreSQL tidy up and see how much there is, as it does by itself in time. SQLite is never told."""
    if isinstance(database, SqliteDatabase):
        return
    with database.writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE)")


# --- the command ------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill a database with months of builds.")
    parser.add_argument("url", help="sqlite:///path or postgresql://…")
    parser.add_argument("--builds", type=int, default=BUILDS)
    parser.add_argument("--pending", type=int, default=PENDING)
    parser.add_argument("--bodies", type=int, default=BODIES)
    wanted = parser.parse_args()
    began = time.monotonic()
    migrate(wanted.url)
    ids = RandomIds()
    with closing(open_store(wanted.url)) as store:
        organization = organizations.create(store, ids, "Bench")
        make_products(store, ids, organization.id)
    done = fill(wanted.url, organization.id, builds=wanted.builds, pending=wanted.pending, bodies=wanted.bodies)
    took = time.monotonic() - began
    print(f"{done.builds:,} builds, {done.pending:,} pending, {done.deliveries:,} deliveries in {took:.0f} s")
    print(f"organization {done.organization_id}")


if __name__ == "__main__":
    main()
