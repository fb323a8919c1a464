"""Connections, and the lock beside SQLite: nobody waits for the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lathe.adapters.sql import SqlStore, is_current, migrate, open_store, sqlite
from lathe.application.ports import Transaction
from lathe.domain.errors import Conflict, Unavailable
from lathe.domain.organization import Organization
from tests import samples
from tests.databases import PostgresServer
from tests.integration.sql.helpers import database, fill, in_use, stored

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


# --- the files of SQLite ----------------------------------------------------------------------------------------------


@pytest.fixture
def lax_umask() -> Iterator[None]:
    """A process that takes no permission away from what it makes."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(path: Path) -> dict[str, str]:
    """Return the modes of a database and everything beside it."""
    return {one.name: oct(one.stat().st_mode & 0o777) for one in path.parent.iterdir()}


@pytest.mark.usefixtures("lax_umask")
def test_a_new_database_and_all_beside_it_are_for_its_owner_only(sqlite_url: str, sqlite_path: Path) -> None:
    migrate(sqlite_url)
    with closing(open_store(sqlite_url)) as store:
        store.write(lambda tx: tx.organizations.add(samples.organization()))
        store.ping()
        names = ("lathe.db", "lathe.db-shm", "lathe.db-wal", "lathe.db.writer-lock")
        assert modes(sqlite_path) == dict.fromkeys(names, "0o600")


def test_a_database_that_is_there_keeps_its_mode(sqlite_url: str, sqlite_path: Path) -> None:
    sqlite_path.touch()
    sqlite_path.chmod(0o640)
    migrate(sqlite_url)
    with closing(open_store(sqlite_url)) as store:
        store.write(lambda tx: tx.organizations.add(samples.organization()))
    assert modes(sqlite_path)["lathe.db"] == "0o640"


def test_a_database_that_is_closed_keeps_nothing_in_its_log(sqlite_url: str, sqlite_path: Path) -> None:
    migrate(sqlite_url)
    with closing(open_store(sqlite_url)) as store:
        store.ping()
        store.write(lambda tx: tx.organizations.add(samples.organization()))
        store.ping()
    assert sorted(modes(sqlite_path)) == ["lathe.db", "lathe.db.writer-lock"]


# --- the lock beside SQLite -------------------------------------------------------------------------------------------


@pytest.fixture
def wal(sqlite_path: Path) -> Path:
    """The write-ahead log of the SQLite database."""
    return sqlite_path.with_name(sqlite_path.name + "-wal")


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
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
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


WRITE_AND_DIE = """
import os, sys
from lathe.adapters.sql import open_store
from tests import samples

open_store(sys.argv[1]).write(lambda tx: tx.organizations.add(samples.organization(slug="finished")))
os._exit(0)
"""


def test_a_reader_finds_what_a_dead_writer_left_in_the_log_and_leaves_it_there(
    sqlite_url: str, sqlite_path: Path, wal: Path
) -> None:
    migrate(sqlite_url)
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, sqlite_url], check=True, cwd=Path(__file__).parents[3])
    before = sqlite_path.read_bytes(), wal.read_bytes()
    with closing(open_store(sqlite_url)) as store:
        assert store.read(lambda tx: tx.organizations.find_by_slug("finished"))
    # The last connection to close checkpoints if it can, and a reader holds no lock for that.
    assert (sqlite_path.read_bytes(), wal.read_bytes()) == before
    assert before[1]


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


def test_readers_open_and_close_connections_beside_a_writer(sqlite_store: SqlStore, sqlite_url: str) -> None:
    all_are_reading = threading.Barrier(sqlite.READERS, timeout=20)

    def look(tx: Transaction) -> list[Organization]:
        all_are_reading.wait()  # each has a connection of its own
        return tx.organizations.all()

    def work(tx: Transaction) -> None:
        tx.organizations.add(samples.organization())
        with ThreadPoolExecutor(sqlite.READERS + 1) as pool:
            reading = [pool.submit(sqlite_store.read, look) for _ in range(sqlite.READERS)]
            asking = pool.submit(is_current, sqlite_url)
            within = sqlite.PATIENCE_SECONDS / 2
            assert asking.result(within)
            assert [one.result(within) for one in reading] == [[]] * sqlite.READERS

    sqlite_store.write(work)


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
