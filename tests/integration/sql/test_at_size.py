"""What lists and pages ask of a large database: no table that grows is read whole, and none is put in order.

The plans are those that the database makes by itself, knowing how much there is. And what it then does is counted:
going along an index to its end is a plan that looks well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any, Final
from unittest import mock
from uuid import UUID

import pytest
from attrs import field, frozen
from sqlalchemy import Connection, event, func, select, update

from benchmarks import fill
from lathe.adapters.ids import RandomIds
from lathe.adapters.sql import SqlStore, migrate, open_store
from lathe.adapters.sql.schema import builds, deliveries, is_pending, queue_entries, releases
from lathe.application import (
    build_page,
    connecting,
    home,
    lists,
    organizations,
    project_pages,
    queries,
    release_view,
)
from lathe.application import deliveries as seen_deliveries
from lathe.application.intake import Changes
from lathe.application.lists import BuildFilter, DeliveryFilter, EntryFilter, Place
from lathe.application.ports import Store, Transaction
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.queue_entry import EntryStatus
from lathe.entrypoints.compose import PARSERS
from tests import samples
from tests.integration.sql.helpers import database

if TYPE_CHECKING:
    from pathlib import Path

    from tests.databases import PostgresServer

BUILDS, PENDING, DECIDED, PROJECTS, LOOKED_AT = 20_000, 10_000, 4_000, 40, 500
GROWING: Final = ("builds", "queue_entries", "deliveries", "identities")
ROWS_READ: Final = 2_500
"""How many rows of a growing table a statement may touch on PostgreSQL: fewer than any of them has."""

STEPS: Final = 40_000
"""How many steps SQLite's machine may take for a statement: six for each row of the smallest of these tables, and it
takes more than that to pass over one."""

OF_MANY: Final = re.compile(r" AS (newest|number) ")
"""What a statement gives that looks at the newest builds of each of many releases: eight times as much is well then."""


@frozen
class Large:
    """A filled database, and what is asked of it."""

    store: SqlStore
    of: UUID
    project: UUID
    release: UUID
    build: UUID
    entry: UUID
    deep: Place


Ask = Callable[[Store, Large], object]

READERS: Final[seen_deliveries.Readers] = {str(name): parser for name, parser in PARSERS.items()}


def _builds(**wanted: Any) -> Ask:
    return lambda store, at: queries.builds(store, at.of, BuildFilter(**_filled(at, wanted)), 50, None)


def _entries(**wanted: Any) -> Ask:
    return lambda store, at: queries.entries(store, at.of, EntryFilter(**_filled(at, wanted)), 50, None)


def _filled(at: Large, wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(at, name.removesuffix("_id")) if value is ... else value for name, value in wanted.items()}


ASKED: dict[str, Ask] = {
    "builds": _builds(),
    "builds, deep": lambda store, at: queries.builds(store, at.of, BuildFilter(), 50, at.deep),
    "builds of a project": _builds(project_id=...),
    "builds of a release": _builds(release_id=...),
    "builds of a branch of a release": _builds(release_id=..., branch="release/1.0"),
    "builds of no branch of a release": _builds(release_id=..., branch="nowhere"),
    "builds of a branch": _builds(branch="main"),
    "builds of no branch": _builds(branch="nowhere"),
    "builds of no branch of a project": _builds(project_id=..., branch="nowhere"),
    "builds of no source": _builds(source="nothing"),
    "builds of a commit": _builds(commit="abcdef"),
    "builds of a digit of a commit": _builds(commit="a"),
    "builds of a digit of a commit of no source": _builds(commit="a", source="nothing"),
    "builds by text": _builds(q="zzz"),
    "builds of a release by text": _builds(release_id=..., q="zzz"),
    "queue": _entries(),
    "queue of a project": _entries(project_id=...),
    "queue by text": _entries(q="zzz"),
    "queue of no branch": _entries(branch="nowhere"),
    "queue of a commit": _entries(commit="abcdef"),
    "every entry": _entries(status=None),
    "rejected entries": _entries(status=EntryStatus.REJECTED),
    "assigned entries of a project": _entries(status=EntryStatus.ASSIGNED, project_id=...),
    "deliveries": lambda store, at: _deliveries(store, at, DeliveryFilter()),
    "invalid deliveries": lambda store, at: _deliveries(store, at, DeliveryFilter(DeliveryStatus.INVALID)),
    "deliveries of no source": lambda store, at: _deliveries(store, at, DeliveryFilter(source="nothing")),
    "Releases page": lambda store, at: home.releases_page(store, at.of, EntryFilter()),
    "what is seen from afar": lambda store, at: home.glance(store, at.of, EntryFilter()),
    "page of a release": lambda store, at: release_view.release_page(
        store, at.of, at.release, wanted=BuildFilter(), limit=50, after=None
    ),
    "Projects page": lambda store, at: project_pages.projects_page(store, at.of, 50, None),
    "page of a project": lambda store, at: project_pages.project_page(store, at.of, at.project),
    "page of a build": lambda store, at: build_page.build_page(store, at.of, at.build),
    "page of an entry": lambda store, at: queries.entry_page(store, at.of, at.entry),
    "Deliveries page": lambda store, at: seen_deliveries.delivery_list(
        store, READERS, at.of, seen_deliveries.Search(), limit=50, after=None
    ),
    "first steps": lambda store, at: connecting.first_steps(store, at.of),
    "what happened lately": lambda store, at: store.read(lambda tx: tx.activity.mark(at.of)),
}


def _deliveries(store: Store, at: Large, wanted: DeliveryFilter) -> object:
    return seen_deliveries.listed(store, READERS, at.of, seen_deliveries.Search(wanted), limit=50, after=None)


class Watch:
    """Explains every statement that a connection is about to run, and collects what is wrong with it."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._inside = False

    @contextmanager
    def over(self, store: SqlStore) -> Iterator[Watch]:
        engines = (database(store).writer, database(store).reader)
        for engine in engines:
            event.listen(engine, "before_cursor_execute", self._look)
        try:
            yield self
        finally:
            for engine in engines:
                event.remove(engine, "before_cursor_execute", self._look)

    def _look(self, connection: Connection, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        if self._inside or not statement.startswith(("SELECT", "WITH", "UPDATE")):
            return
        self._inside = True
        of = _of_sqlite if connection.dialect.name == "sqlite" else _of_postgresql
        self.faults += [f"{fault}: {statement}" for fault in of(connection, statement, parameters)]
        self._inside = False


def _of_sqlite(connection: Connection, statement: str, parameters: Any) -> Iterator[str]:
    driver: Any = connection.connection.driver_connection
    plan = [detail for *_, detail in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    growing = "|".join(GROWING)
    for detail in plan:
        if re.match(rf"SCAN ({growing})\b", detail) or "AUTOMATIC" in detail:
            yield detail
    done: list[None] = []
    driver.set_progress_handler(lambda: done.append(None), 1000)
    driver.execute(statement, parameters).fetchall()
    driver.set_progress_handler(None, 1000)
    if len(done) * 1000 > STEPS * _times(statement):
        yield f"{len(done)} thousand steps"


def _of_postgresql(connection: Connection, statement: str, parameters: Any) -> Iterator[str]:
    cursor: Any = connection.connection.cursor()
    ((plan,),) = cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters).fetchall()
    cursor.close()
    most = ROWS_READ * _times(statement)
    for node in _nodes(plan[0]["Plan"]):
        kind, table = node["Node Type"], node.get("Relation Name")
        removed = sum(node.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck", "Join Filter"))
        read = (node["Actual Rows"] + removed) * node["Actual Loops"]
        if table in GROWING and (kind == "Seq Scan" or read > most):
            yield f"{kind} of {read} rows of {table}"
        if "Sort" in kind and (put := sum(one["Actual Rows"] * one["Actual Loops"] for one in node["Plans"])) > most:
            yield f"{kind} of {put} rows"


def _times(statement: str) -> int:
    return 8 if OF_MANY.search(statement) else 1


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def large(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Large]:
    """A filled database of each kind, which knows how much it holds."""
    name = postgres_server.create_database()
    folder: Path = tmp_path_factory.mktemp("large")
    url = f"sqlite:///{folder}/lathe.db" if request.param == "sqlite" else postgres_server.url(name)
    migrate(url)
    with closing(open_store(url)) as store:
        organization = organizations.create(store, RandomIds(), "Large")
        fill.make_products(store, RandomIds(), organization.id, count=PROJECTS)
        fill.fill(url, organization.id, builds=BUILDS, pending=PENDING, bodies=0)
        _decide_the_newest(store)
        yield _large(store, organization.id)
    postgres_server.drop_database(name)


def _decide_the_newest(store: SqlStore) -> None:
    """Let what waits lie behind much that was decided."""
    with database(store).writing() as connection:
        newest = select(queue_entries.c.id).where(is_pending).order_by(queue_entries.c.id.desc()).limit(DECIDED)
        decided = {"status": "rejected", "reject_reason": "broken", "decided_at": queue_entries.c.created_at}
        connection.execute(update(queue_entries).where(queue_entries.c.id.in_(newest)).values(decided))
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE queue_entries")
        connection.commit()


def _large(store: SqlStore, of: UUID) -> Large:
    with database(store).reader.connect() as connection:
        counted = select(builds.c.release_id, builds.c.project_id)
        active = counted.join(releases, releases.c.id == builds.c.release_id).where(releases.c.state == "active")
        release, project = connection.execute(
            active.group_by(builds.c.release_id, builds.c.project_id).order_by(func.count().desc()).limit(1)
        ).one()
        build = connection.execute(select(builds.c.id).where(builds.c.release_id == release).limit(1)).scalar_one()
        entry = connection.execute(select(queue_entries.c.id).where(is_pending).limit(1)).scalar_one()
        places = select(builds.c.created_at, builds.c.id).order_by(builds.c.created_at)
        deep = Place(*connection.execute(places.offset(BUILDS // 100).limit(1)).one())
    return Large(store, of, project, release, build, entry, deep)


@pytest.fixture(autouse=True)
def looking_less_far() -> Iterator[None]:
    """Let a page look at fewer rows than there are, as it does where there are very many."""
    with ExitStack() as stack:
        for module in (lists, seen_deliveries, queries, release_view):
            stack.enter_context(mock.patch.object(module, "LOOKED_AT", LOOKED_AT))
        yield


@pytest.mark.parametrize("asked", ASKED)
def test_no_list_and_no_page_reads_a_whole_table_or_puts_it_in_order(large: Large, asked: str) -> None:
    with Watch().over(large.store) as watch:
        ASKED[asked](large.store, large)
    assert watch.faults == []


INDEXES: Final = sorted(str(index.name) for table in (builds, queue_entries, deliveries) for index in table.indexes)


@pytest.mark.parametrize("index", INDEXES)
def test_without_any_one_of_the_indexes_something_reads_too_much(large: Large, index: str) -> None:
    with Watch().over(large.store) as watch, pytest.raises(_Undone):
        large.store.write(lambda tx: _ask_without(index, tx, large, watch))
    assert watch.faults, f"nothing needs {index}"


class _Undone(Exception):
    """Rolls back."""


def _ask_without(index: str, tx: Transaction, large: Large, watch: Watch) -> None:
    """Ask everything until something is wrong."""
    rows: Any = tx.builds
    rows._rows.connection.exec_driver_sql(f"DROP INDEX {index}")
    for ask in ASKED.values():
        ask(_Within(tx), large)  # type: ignore[arg-type] # nothing else of a store is asked for
        if watch.faults:
            raise _Undone
    absorbed, kept = samples.repository(large.of), samples.repository(large.of)
    for one in (absorbed, kept):
        tx.repositories.add(one)
    tx.intake.save(Changes(samples.NOW, joined=[(absorbed, kept)]))
    raise _Undone


@frozen
class _Within:
    """Reads inside a transaction that has begun."""

    _tx: Transaction = field()

    def read(self, work: Callable[[Transaction], Any]) -> Any:
        return work(self._tx)
