"""Migrations: what they make is the schema, and they may be run by several at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from lathe.adapters.sql import is_current, migrate, open_store
from lathe.adapters.sql.engine import open_database
from lathe.adapters.sql.schema import metadata
from lathe.domain.errors import Unavailable
from tests import samples

PROCESSES = 4

MIGRATE_WHEN_TOLD = """
import sys
from lathe.adapters.sql import migrate
print("ready", flush=True)
sys.stdin.readline()
migrate(sys.argv[1])
"""

DESCRIBE = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE name NOT IN ('alembic_version') AND sql IS NOT NULL",
    "postgresql": """
        SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT 'constraint ' || conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT 'column ' || table_name || '.' || column_name,
               concat_ws(' ', data_type, is_nullable, collation_name, column_default)
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL
        SELECT 'options ' || relname, array_to_string(reloptions, ', ')
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
    """,
}


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh database of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def connected() -> Iterator[Callable[[str], Connection]]:
    """Connects to databases, and gives everything back in the end."""
    opened = []

    def connect(url: str) -> Connection:
        database = open_database(url, migrating=True)
        connection = database.writer.connect()
        opened.append((database, connection))
        return connection

    yield connect
    for database, connection in opened:
        connection.close()
        database.close()


def described(connection: Connection) -> dict[str, str]:
    """Return what the database itself says of its schema."""
    found = connection.execute(text(DESCRIBE[connection.dialect.name])).all()
    connection.rollback()
    described = {name: _in_order(str(definition)) for name, definition in found}
    return {name: definition for name, definition in described.items() if "alembic_version" not in name + definition}


def _in_order(definition: str) -> str:
    """Return it without what means nothing: blanks, and the order of a table's constraints."""
    return ", ".join(sorted(" ".join(definition.split()).removesuffix(" )").split(", ")))


def test_the_migrated_schema_is_the_metadata(url: str, connected: Callable[[str], Connection]) -> None:
    migrate(url)
    context = MigrationContext.configure(connected(url), opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, metadata) == []


def test_the_migrated_schema_is_what_the_metadata_itself_makes(
    url: str, connected: Callable[[str], Connection]
) -> None:
    migrate(url)
    connection = connected(url)
    migrated = described(connection)
    metadata.drop_all(connection)
    connection.commit()
    assert described(connection) == {}
    metadata.create_all(connection)
    connection.commit()
    assert described(connection) == migrated
    assert migrated


def test_migrating_again_changes_nothing(url: str, connected: Callable[[str], Connection]) -> None:
    migrate(url)
    organization = samples.organization()
    with closing(open_store(url)) as store:
        store.write(lambda tx: tx.organizations.add(organization))
    before = described(connected(url))
    migrate(url)
    assert described(connected(url)) == before
    with closing(open_store(url)) as store:
        assert store.read(lambda tx: tx.organizations.get(organization.id)) == organization


def test_four_processes_that_migrate_a_fresh_database_at_once_all_succeed(url: str) -> None:
    command = [sys.executable, "-c", MIGRATE_WHEN_TOLD, url]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=60) for process in running]
    assert [(process.returncode, errors) for process, (_, errors) in zip(running, ended, strict=True)] == [
        (0, "")
    ] * PROCESSES
    assert is_current(url)


def test_a_database_is_current_once_it_is_migrated_and_not_before(url: str) -> None:
    assert not is_current(url)
    migrate(url)
    assert is_current(url)


def test_a_database_of_another_version_is_not_current(url: str, connected: Callable[[str], Connection]) -> None:
    migrate(url)
    connection = connected(url)
    connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    connection.commit()
    assert not is_current(url)


def test_asking_whether_a_database_is_current_makes_none(sqlite_url: str, sqlite_path: Path) -> None:
    assert not is_current(sqlite_url)
    assert list(sqlite_path.parent.iterdir()) == []


def test_opening_a_store_makes_no_database(sqlite_url: str, sqlite_path: Path) -> None:
    with closing(open_store(sqlite_url)) as store, pytest.raises(Unavailable):
        store.ping()
    assert not sqlite_path.exists()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    url = "postgresql://lathe@127.0.0.1:1/lathe"
    for ask in (is_current, migrate):
        with pytest.raises(Unavailable):
            ask(url)


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "postgresql://h/%zz", "lathe.db"]
)
def test_an_address_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        open_store(url)
