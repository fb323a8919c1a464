"""Makes a long history of a short one: each row again, earlier and earlier, by the databases themselves.

To invent a million builds one by one takes longer than to measure them. So `fill` invents some, and here the databases
repeat them, each time nine months earlier, under ids and run keys of their own and without bodies, which are removed as
too old by then. What people decided is not repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast
from uuid import UUID

import psycopg
from sqlalchemy import Column, Connection, Table, select

from benchmarks.fill import Filled, fill
from lathe.adapters.sql.deliveries import packed
from lathe.adapters.sql.engine import Database, open_database
from lathe.adapters.sql.schema import builds, deliveries, identities, queue_entries
from lathe.adapters.sql.sqlite import SqliteDatabase
from lathe.adapters.sql.types import Bytes, Time

TIMES: Final = 8
BY_HAND: Final = 40
"""One build of so many was filed by a person, and is not repeated."""

APART: Final = 271 * 24 * 3600 * 1000
"""Milliseconds between two repetitions."""

_IDS: Final = {"id", "build_id", "entry_id", "identity_id"}
_NAMES: Final = {"run_key", "provider_delivery_id"}
_WAITS: Final = (
    "(entry_id IS NULL OR EXISTS (SELECT 1 FROM queue_entries AS waiting WHERE waiting.status = 'pending'"
    " AND waiting.organization_id = {table}.organization_id AND waiting.id = {table}.entry_id))"
)
_REPEATED: Final[tuple[tuple[Table, str], ...]] = (
    # Entries last: whether one waits is asked of those that were there before.
    (identities, _WAITS),
    (deliveries, _WAITS),
    (builds, "entry_id IS NULL"),
    (queue_entries, "status = 'pending'"),
)

_EARLIER_ON_POSTGRESQL: Final = """
CREATE FUNCTION pg_temp.earlier(one uuid, milliseconds bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
  SELECT (lpad(to_hex(('x' || left(replace(one::text, '-', ''), 12))::bit(48)::bigint - milliseconds), 12, '0')
          || right(replace(one::text, '-', ''), 20))::uuid
$$
"""


def fill_long(url: str, organization_id: UUID, *, builds: int, pending: int) -> Filled:
    """Store the history of an organization, a little more than asked for; return what `fill` did of it."""
    some = builds * BY_HAND // ((BY_HAND - 1) * TIMES) + 1
    filled = fill(url, organization_id, builds=some, pending=pending // TIMES + 1)
    database = open_database(url, migrating=True)
    try:
        with _without_indexes(database):
            _repeat(database, organization_id)
    finally:
        database.close()
    if database.writer.dialect.name == "postgresql":
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")  # or it would happen by itself while something is measured
    return filled


def _repeat(database: Database, organization_id: UUID) -> None:
    for table, fits in _REPEATED:
        with database.writing() as connection:
            earlier = _earlier(connection)
            # Repetitions are older, so these stay those that were there before.
            oldest = select(table.c.id).where(table.c.organization_id == organization_id).order_by(table.c.id)
            first = connection.scalar(oldest.limit(1))
            for time in range(1, TIMES):
                columns = ", ".join(f'"{column.name}"' for column in table.c)
                values = ", ".join(_repeated(column, time, earlier) for column in table.c)
                connection.exec_driver_sql(
                    f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM {table.name}"
                    f" WHERE organization_id = '{_written(connection, organization_id)}'"
                    f" AND id >= '{_written(connection, first)}' AND {fits.format(table=table.name)}"
                )
            database.commit(connection)


def _repeated(column: Column[Any], time: int, earlier: str) -> str:
    """Return what a column holds in a row that is repeated for that time."""
    name, on_postgresql = f'"{column.name}"', earlier.startswith("pg_temp")
    if column.name in _IDS:
        return f"{earlier}({name}, {APART * time})"
    if isinstance(column.type, Time):
        return f"{name} - interval '{APART * time} ms'" if on_postgresql else f"{name} - {APART * time * 1000}"
    if column.name in _NAMES:
        return f"{name} || '~{time}'"
    if column.type is Bytes:
        empty = packed(b"").hex()
        return f"'\\x{empty}'::bytea" if on_postgresql else f"x'{empty}'"
    return name


def _earlier(connection: Connection) -> str:
    """Teach a database to make ids earlier; return what that is called."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_EARLIER_ON_POSTGRESQL.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
        return "pg_temp.earlier"

    def earlier(one: str | None, milliseconds: int) -> str | None:
        return one and f"{int(one[:12], 16) - milliseconds:012x}{one[12:]}"

    driver = cast("Any", connection.connection.driver_connection)
    driver.create_function("earlier", 2, earlier, deterministic=True)
    return "earlier"


def _written(connection: Connection, one: Any) -> str:
    """Return an id as a database writes it."""
    return str(one) if connection.dialect.name == "postgresql" else UUID(str(one)).hex


@contextmanager
def _without_indexes(database: Database) -> Iterator[None]:
    """Drop what only lists and look-ups need, and make it anew at the end: ten times as fast as row by row."""
    indexes = [index for table, _ in _REPEATED for index in table.indexes if not index.unique]
    if isinstance(database, SqliteDatabase):
        with database.writer.connect() as connection:
            driver = cast("Any", connection.connection.driver_connection)
            # Nothing here must outlive a power cut, and the pages of large indexes are written again and again.
            driver.execute("PRAGMA synchronous = OFF")
            driver.execute("PRAGMA cache_size = -1000000")
    with database.writing() as connection:
        for index in indexes:
            index.drop(connection)
        database.commit(connection)
    yield
    with database.writing() as connection:
        for index in indexes:
            index.create(connection)
        database.commit(connection)
    with database.alone() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
