"""What the databases promise underneath the store: nothing lost, nothing twice, nobody waiting for the dead."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from lathe.adapters.sql import SqlStore, migrate, open_store, postgresql, sqlite
from lathe.adapters.sql.engine import Database
from lathe.adapters.sql.store import ATTEMPTS
from lathe.application.intake import Changes
from lathe.application.ports import Transaction
from lathe.domain.errors import Conflict, NotFound, OutcomeUnknown, Unavailable
from lathe.domain.identity import IdentityKey
from lathe.domain.organization import Organization
from tests import samples
from tests.databases import PostgresServer


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[SqlStore]:
    """A store on a fresh SQLite database; when the test is over it must hold no connection."""
    yield from _store(sqlite_url)


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[SqlStore]:
    """A store on a fresh PostgreSQL database; when the test is over it must hold no connection."""
    yield from _store(postgres_url)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> SqlStore:
    """A store on each database."""
    found = request.getfixturevalue(f"{request.param}_store")
    assert isinstance(found, SqlStore)
    return found


def _store(url: str) -> Iterator[SqlStore]:
    migrate(url)
    opened = open_store(url)
    yield opened
    assert in_use(opened) == 0
    opened.close()


def database(store: SqlStore) -> Database:
    return store._database


def in_use(store: SqlStore) -> int:
    """Return how many connections somebody has not given back."""
    pools: Any = [database(store).writer.pool, database(store).reader.pool]
    return sum(pool.checkedout() for pool in pools)


def stored(store: SqlStore, organization: Organization) -> bool:
    try:
        store.read(lambda tx: tx.organizations.get(organization.id))
    except NotFound:
        return False
    return True


@contextmanager
def commits(store: SqlStore, commit: Callable[[Callable[[], None]], None]) -> Iterator[None]:
    """Let ``commit`` stand in for the COMMIT of writing transactions; it is handed the real one."""
    dialect: Any = database(store).writer.dialect
    real = dialect.do_commit
    dialect.do_commit = lambda connection: commit(lambda: real(connection))
    try:
        yield
    finally:
        del dialect.do_commit


# --- connections ------------------------------------------------------------------------------------------------------


def test_every_sqlite_connection_is_durable_and_leaves_checkpoints_to_the_writer(sqlite_store: SqlStore) -> None:
    def pragmas(engine: Engine, how_many: int) -> list[dict[str, object]]:
        with ExitStack() as stack:
            connections = [stack.enter_context(engine.connect()) for _ in range(how_many)]
            names = ("journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys", "query_only")
            return [{n: c.exec_driver_sql(f"PRAGMA {n}").scalar() for n in names} for c in connections]

    wanted = {"journal_mode": "wal", "synchronous": 2, "wal_autocheckpoint": 0, "foreign_keys": 1}
    opened = database(sqlite_store)
    assert pragmas(opened.writer, 1) == [wanted | {"query_only": 0}]
    assert pragmas(opened.reader, sqlite.READERS) == [wanted | {"query_only": 1}] * sqlite.READERS


def test_postgres_connections_name_themselves_and_give_up_in_time(postgres_store: SqlStore) -> None:
    for engine in (database(postgres_store).writer, database(postgres_store).reader):
        with engine.connect() as connection:
            names = ("application_name", "TimeZone", "statement_timeout", "lock_timeout")
            assert [connection.exec_driver_sql(f"SHOW {n}").scalar() for n in names] == ["lathe", "UTC", "8s", "5s"]


def test_several_hosts_in_the_address_are_tried_in_turn(postgres_server: PostgresServer, postgres_url: str) -> None:
    migrate(postgres_url)
    name = postgres_url.rpartition("/")[2]
    hosts = f"127.0.0.1:1,127.0.0.1:{postgres_server.port}"
    several = open_store(f"postgresql://lathe@{hosts}/{name}?target_session_attrs=read-write")
    several.ping()
    several.close()


def test_the_time_is_the_database_s_own_and_goes_on(store: SqlStore) -> None:
    def twice(tx: Transaction) -> tuple[datetime, datetime]:
        first = tx.now()
        time.sleep(0.005)
        return first, tx.now()

    first, second = store.write(twice)
    assert first < second
    assert first.tzinfo is UTC
    assert abs(datetime.now(UTC) - first) < timedelta(seconds=30)


def test_errors_of_every_kind_leave_no_connection_behind(store: SqlStore) -> None:
    organization = samples.organization()
    store.write(lambda tx: tx.organizations.add(organization))

    def interrupted(_: Transaction) -> None:
        raise KeyboardInterrupt

    def wrong(tx: Transaction) -> None:
        tx.releases.add(samples.release(organization.id, samples.new_id()))  # of a project that is not there

    for _ in range(2 * sqlite.READERS):
        for run in (store.write, store.read):
            with pytest.raises(KeyboardInterrupt):
                run(interrupted)
            with pytest.raises(Exception, match=r"(?i)foreign|reads only"):
                run(wrong)
        with pytest.raises(Conflict):
            store.write(lambda tx: tx.organizations.add(samples.organization(slug=organization.slug)))
        assert in_use(store) == 0
    store.ping()


# --- the lock beside SQLite -------------------------------------------------------------------------------------------

HOLD_THE_LOCK = """
import sys, time
from lathe.adapters.sql import open_store
from tests import samples

def work(tx):
    tx.organizations.add(samples.organization(slug="unfinished"))
    print("writing", flush=True)
    time.sleep(60)

open_store(sys.argv[1]).write(work)
"""


@contextmanager
def writing_process(url: str) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of a writing transaction."""
    command = [sys.executable, "-c", HOLD_THE_LOCK, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_writer_that_is_killed_frees_the_lock_and_leaves_nothing(sqlite_store: SqlStore, sqlite_url: str) -> None:
    with writing_process(sqlite_url) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        organization = samples.organization()
        sqlite_store.write(lambda tx: tx.organizations.add(organization))
    assert stored(sqlite_store, organization)
    assert sqlite_store.read(lambda tx: tx.organizations.find_by_slug("unfinished")) is None


def test_a_writer_waits_for_another_process_only_so_long(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate(sqlite_url)
    monkeypatch.setattr(sqlite, "PATIENCE_SECONDS", 0.2)
    store = open_store(sqlite_url)
    with writing_process(sqlite_url):
        with pytest.raises(Unavailable):
            store.write(lambda tx: tx.organizations.add(samples.organization()))
        store.ping()  # readers wait for nobody
    store.write(lambda tx: tx.organizations.add(samples.organization()))
    store.close()


def test_only_one_thread_writes_at_a_time(sqlite_store: SqlStore) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(tx: Transaction) -> None:
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.002)
        inside.pop()

    threads = [threading.Thread(target=lambda: [sqlite_store.write(work) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert most == [1] * 40


def fill(store: SqlStore, organization: Organization, how_often: int) -> None:
    """Store deliveries that compression cannot shrink."""
    for _ in range(how_often):
        body = b"".join(samples.digest() for _ in range(2000))
        delivery = samples.delivery(organization.id, organization.id, body=body)
        store.write(lambda tx, delivery=delivery: tx.intake.save(Changes(samples.NOW, new_deliveries=[delivery])))  # type: ignore[misc]


@pytest.fixture
def wal(sqlite_path: Path) -> Path:
    """The write-ahead log of the SQLite database."""
    return sqlite_path.with_name(sqlite_path.name + "-wal")


SMALL = 256 * 1024


def test_the_log_stays_small_however_much_is_written(
    sqlite_store: SqlStore, sqlite_path: Path, wal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_BYTES", SMALL)
    monkeypatch.setattr(database(sqlite_store), "_checkpoint_at", SMALL)
    organization = samples.organization()
    sqlite_store.write(lambda tx: tx.organizations.add(organization))
    sizes = []
    for _ in range(12):
        fill(sqlite_store, organization, 2)
        sizes.append(wal.stat().st_size)
    assert max(sizes) < 2 * SMALL
    assert sqlite_path.stat().st_size > 4 * SMALL


def test_a_reader_in_the_way_puts_the_checkpoint_off_and_is_not_disturbed(
    sqlite_store: SqlStore, wal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_BYTES", SMALL)
    monkeypatch.setattr(database(sqlite_store), "_checkpoint_at", SMALL)
    organization = samples.organization()
    sqlite_store.write(lambda tx: tx.organizations.add(organization))

    def look(tx: Transaction) -> int:
        assert tx.organizations.get(organization.id) == organization
        writer = threading.Thread(target=fill, args=(sqlite_store, organization, 12))
        writer.start()
        writer.join(timeout=30)
        assert tx.organizations.get(organization.id) == organization
        return wal.stat().st_size

    assert sqlite_store.read(look) > 2 * SMALL
    fill(sqlite_store, organization, 12)
    assert wal.stat().st_size < 2 * SMALL


# --- what became of a COMMIT ------------------------------------------------------------------------------------------


def lost_connection() -> Exception:
    return psycopg.OperationalError("server closed the connection unexpectedly")


def sqlite_error(code: int) -> Exception:
    error = sqlite3.OperationalError("on purpose")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("arrived", [True, False])
def test_a_commit_without_an_answer_is_unknown_and_never_run_again(store: SqlStore, arrived: bool) -> None:
    organization = samples.organization()
    is_sqlite = database(store).writer.dialect.name == "sqlite"
    runs = []

    def commit(really: Callable[[], None]) -> None:
        if arrived:
            really()
        raise sqlite_error(sqlite3.SQLITE_IOERR_FSYNC) if is_sqlite else lost_connection()

    def work(tx: Transaction) -> None:
        runs.append(1)
        tx.organizations.add(organization)

    with commits(store, commit), pytest.raises(OutcomeUnknown):
        store.write(work)
    assert runs == [1]
    assert stored(store, organization) is arrived
    assert in_use(store) == 0
    store.write(lambda tx: tx.organizations.add(samples.organization()))


def test_a_full_disk_at_commit_stored_nothing_and_says_so(sqlite_store: SqlStore) -> None:
    organization = samples.organization()

    def commit(_: Callable[[], None]) -> None:
        raise sqlite_error(sqlite3.SQLITE_FULL)

    with commits(sqlite_store, commit), pytest.raises(Unavailable) as caught:
        sqlite_store.write(lambda tx: tx.organizations.add(organization))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert not stored(sqlite_store, organization)


def test_a_full_disk_is_no_acknowledgement_and_passes_when_there_is_space(sqlite_store: SqlStore) -> None:
    organization = samples.organization()
    sqlite_store.write(lambda tx: tx.organizations.add(organization))

    def limit_pages(to: int) -> None:
        with database(sqlite_store).writer.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {to}")

    limit_pages(1)  # as many as there are
    with pytest.raises(Unavailable) as caught:
        fill(sqlite_store, organization, 20)
    assert not isinstance(caught.value, OutcomeUnknown)
    limit_pages(1_000_000)
    fill(sqlite_store, organization, 1)


def test_a_serialization_failure_at_commit_runs_the_work_again(postgres_store: SqlStore) -> None:
    organization = samples.organization()
    failures = [psycopg.errors.SerializationFailure("on purpose")]
    runs = []

    def commit(really: Callable[[], None]) -> None:
        if failures:
            raise failures.pop()
        really()

    def work(tx: Transaction) -> None:
        runs.append(1)
        tx.organizations.add(organization)

    with commits(postgres_store, commit):
        postgres_store.write(work)
    assert runs == [1, 1]
    assert stored(postgres_store, organization)


def test_a_commit_that_no_standby_confirmed_is_unknown(postgres_server: PostgresServer, postgres_url: str) -> None:
    migrate(postgres_url)
    store = open_store(f"{postgres_url}?options=-c%20synchronous_commit%3Don")
    store.ping()
    with psycopg.connect(postgres_server.url("postgres", user="postgres"), autocommit=True) as admin:

        def wait_for_standby(name: str) -> None:
            admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
            admin.execute("SELECT pg_reload_conf()")

        def cancel_when_waiting() -> None:
            waiting = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            deadline = time.monotonic() + 20
            while not admin.execute(waiting).fetchall() and time.monotonic() < deadline:
                time.sleep(0.01)

        wait_for_standby("one_that_is_not_there")
        try:
            time.sleep(0.2)  # the server reads its configuration when it comes to it
            canceller = threading.Thread(target=cancel_when_waiting)
            canceller.start()
            with pytest.raises(OutcomeUnknown, match="synchronous replication"):
                store.write(lambda tx: tx.organizations.add(samples.organization()))
            canceller.join(timeout=30)
        finally:
            wait_for_standby("")
    store.close()


# --- connections that are lost ----------------------------------------------------------------------------------------


def terminate_all(server: PostgresServer, url: str) -> None:
    """End every connection to a database from the server's side, and wait until they are gone."""
    name = url.rpartition("/")[2]
    with psycopg.connect(server.url("postgres", user="postgres"), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])


def test_a_connection_lost_before_commit_stored_nothing(
    postgres_store: SqlStore, postgres_server: PostgresServer, postgres_url: str
) -> None:
    organization = samples.organization()
    runs = []

    def work(tx: Transaction) -> None:
        runs.append(1)
        tx.organizations.add(organization)
        terminate_all(postgres_server, postgres_url)
        tx.organizations.add(samples.organization())

    with pytest.raises(Unavailable) as caught:
        postgres_store.write(work)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert runs == [1]
    assert not stored(postgres_store, organization)
    assert in_use(postgres_store) == 0


def test_a_connection_lost_while_reading_is_unavailable_and_the_next_one_works(
    postgres_store: SqlStore, postgres_server: PostgresServer, postgres_url: str
) -> None:
    def work(tx: Transaction) -> None:
        terminate_all(postgres_server, postgres_url)
        tx.now()

    with pytest.raises(Unavailable):
        postgres_store.read(work)
    postgres_store.ping()


def test_connections_that_died_while_idle_are_replaced_unnoticed(
    postgres_store: SqlStore, postgres_server: PostgresServer, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres_store.ping()
    postgres_store.write(lambda tx: tx.now())
    terminate_all(postgres_server, postgres_url)
    monkeypatch.setattr(postgresql, "IDLE_SECONDS", 0.0)
    postgres_store.ping()
    postgres_store.write(lambda tx: tx.organizations.add(samples.organization()))


# --- races ------------------------------------------------------------------------------------------------------------


def identified(tx: Transaction, key: IdentityKey, organization: Organization) -> None:
    identity = samples.identity(organization.id, key=key)
    tx.intake.save(Changes(samples.NOW, new_identities=[identity]))


def test_a_row_that_another_transaction_added_makes_the_work_run_again(
    postgres_store: SqlStore, postgres_url: str
) -> None:
    organization, key = samples.organization(), samples.identity_key()
    postgres_store.write(lambda tx: tx.organizations.add(organization))
    faster = open_store(postgres_url)
    runs = []

    def work(tx: Transaction) -> str:
        runs.append(1)
        if len(runs) > 1:
            return "saw it"
        faster.write(lambda other: identified(other, key, organization))
        identified(tx, key, organization)
        return "was first"

    assert postgres_store.write(work) == "saw it"
    assert runs == [1, 1]
    faster.close()


def test_work_that_collides_again_and_again_is_given_up(store: SqlStore) -> None:
    organization, key = samples.organization(), samples.identity_key()
    store.write(lambda tx: tx.organizations.add(organization))
    store.write(lambda tx: identified(tx, key, organization))
    runs = []

    def work(tx: Transaction) -> None:
        runs.append(1)
        identified(tx, key, organization)

    with pytest.raises(Unavailable):
        store.write(work)
    assert len(runs) == ATTEMPTS
    assert in_use(store) == 0


def test_two_that_wait_for_each_other_both_get_through(postgres_store: SqlStore) -> None:
    organization = samples.organization()
    project = samples.project(organization.id)
    releases = [samples.release(organization.id, project.id) for _ in range(2)]

    def prepare(tx: Transaction) -> None:
        tx.organizations.add(organization)
        tx.projects.add(project)
        for release in releases:
            tx.releases.add(release)

    postgres_store.write(prepare)
    both_hold_one = threading.Barrier(2, timeout=10)
    ended, runs = [], []

    def cross(first: int) -> None:
        tries: list[int] = []

        def work(tx: Transaction) -> None:
            tries.append(first)
            tx.releases.get(organization.id, releases[first].id, lock=True)
            if len(tries) == 1:
                both_hold_one.wait()
            tx.releases.get(organization.id, releases[1 - first].id, lock=True)

        postgres_store.write(work)
        runs.extend(tries)
        ended.append(first)

    threads = [threading.Thread(target=cross, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(ended) == [0, 1]
    assert len(runs) == 3


def test_nothing_is_committed_after_a_conflict_whoever_caught_it(store: SqlStore) -> None:
    first, second = samples.organization(), samples.organization()
    store.write(lambda tx: tx.organizations.add(first))

    def work(tx: Transaction) -> None:
        tx.organizations.add(second)
        try:
            tx.organizations.add(samples.organization(slug=first.slug))
        except Conflict:
            return

    with pytest.raises(Conflict) as caught:
        store.write(work)
    assert caught.value.reason == "slug_taken"
    assert not stored(store, second)
