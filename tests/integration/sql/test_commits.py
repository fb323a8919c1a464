"""What became of a transaction: nothing is acknowledged that is not stored, nothing is stored twice."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from lathe.adapters.sql import SqlStore, migrate, open_store, postgresql
from lathe.adapters.sql.store import ATTEMPTS
from lathe.application.intake import Changes
from lathe.application.ports import Transaction
from lathe.domain.errors import Conflict, OutcomeUnknown, Unavailable
from lathe.domain.identity import IdentityKey
from lathe.domain.organization import Organization
from tests import samples
from tests.databases import PostgresServer
from tests.integration.sql.helpers import commits, database, fill, in_use, stored

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
    assert len(runs) >= 3  # at least one was sacrificed and ran again


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
