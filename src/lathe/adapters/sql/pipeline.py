"""PostgreSQL, one layer below psycopg's cursors: prepared statements in libpq's pipeline mode.

Statements that do not need each other's results travel together, one way there and back. Parameters go and values come
as text, and a value is converted only if its row is not remembered (see `Prepared`). A cursor for each statement took
longer than most of them take the database.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
from psycopg import errors
from psycopg.generators import fetch_many, pipeline_communicate
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import JSON, BigInteger, Boolean, Connection, Dialect, Integer, LargeBinary, Uuid
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import TypeEngine

from lathe.adapters.sql.prepared import Asked, Compiled, Convert, failed
from lathe.adapters.sql.types import Digest, Time

DIALECT: Final[Dialect] = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call] # as it is
"""How prepared statements are written: with parameters as the server itself numbers them."""

_PREPARED: Final = "prepared"
"""Under this name a connection remembers which statements its server knows."""

_ERRORS: Final = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED})


def exchanged(connection: Connection, asked: Sequence[Asked]) -> list[Sequence[Any]]:
    """Run statements in one exchange with the server, beginning a transaction where none runs; return their rows.

    Raises errors of the driver as SQLAlchemy does.
    """
    driver: Any = connection.connection.driver_connection
    known: set[int] = connection.info.setdefault(_PREPARED, set())
    compiled = [statement.compiled(DIALECT, _reader) for statement, _ in asked]
    fresh = {statement.number: made for (statement, _), made in zip(asked, compiled, strict=True)}
    fresh = {number: made for number, made in fresh.items() if number not in known}
    begin = driver.pgconn.transaction_status == TransactionStatus.IDLE
    commands: deque[Callable[[], None]] = deque()
    if begin:
        commands.append(partial(driver.pgconn.send_query_params, _begin(driver), None))
    commands.extend(partial(driver.pgconn.send_prepare, _name(n), made.text.encode()) for n, made in fresh.items())
    for (statement, parameters), made in zip(asked, compiled, strict=True):
        sent = [_written(value) for value in made.taken(parameters)]
        commands.append(partial(driver.pgconn.send_query_prepared, _name(statement.number), sent))
    try:
        results = _results(driver, commands)[begin:]
        # What was prepared stays so, whatever becomes of the transaction.
        known.update(n for n, result in zip(fresh, results, strict=False) if result.status == ExecStatus.COMMAND_OK)
        if wrong := next((result for result in results if result.status in _ERRORS), None):
            raise errors.error_from_result(wrong)
    except psycopg.Error as error:
        raise failed(connection, "; ".join(made.text for made in compiled), error) from error
    return [_rows(made, result) for made, result in zip(compiled, results[len(fresh) :], strict=True)]


def _results(driver: psycopg.Connection[Any], commands: deque[Callable[[], None]]) -> list[PGresult]:
    """Return the result of each command; after one that failed the others are not run, and say so."""
    commands.append(driver.pgconn.pipeline_sync)
    expected = len(commands)
    driver.pgconn.enter_pipeline_mode()
    try:
        results = driver.wait(_communicating(driver, commands, expected))
        driver.pgconn.exit_pipeline_mode()
    except BaseException:
        driver.close()  # nobody knows what it would answer next
        raise
    return results[:-1]


def _communicating(
    driver: psycopg.Connection[Any], commands: deque[Callable[[], None]], expected: int
) -> Generator[Any, Any, list[PGresult]]:
    """Send everything, reading what is answered meanwhile, so that neither side waits with its hands full."""
    found = yield from pipeline_communicate(driver.pgconn, commands)
    while len(found) < expected:
        found.append((yield from fetch_many(driver.pgconn)))
    return [results[0] for results in found]


def _rows(made: Compiled, result: PGresult) -> Sequence[Any]:
    value, columns = result.get_value, range(result.nfields)
    return [made.convert(tuple([value(row, column) for column in columns])) for row in range(result.ntuples)]


def _begin(driver: psycopg.Connection[Any]) -> bytes:
    """Return the BEGIN that psycopg would send."""
    level = driver.isolation_level.name.replace("_", " ") if driver.isolation_level else "READ COMMITTED"
    return f"BEGIN ISOLATION LEVEL {level} READ {'ONLY' if driver.read_only else 'WRITE'}".encode()


def _name(number: int) -> bytes:
    return b"lathe_%d" % number


def _written(value: Any) -> bytes | None:
    """Return a parameter as text."""
    if isinstance(value, str):
        return value.encode()
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat().encode()
    if isinstance(value, bytes):
        return rb"\x" + value.hex().encode()
    return str(value).lower().encode() if isinstance(value, bool) else str(value).encode()


def _reader(kind: TypeEngine[Any]) -> Convert:
    return next((read for of, read in _READERS.items() if isinstance(kind, of)), bytes.decode)


def _read_time(text: bytes) -> datetime:
    """Sessions are in UTC and write dates as ISO 8601 does."""
    return datetime.fromisoformat(text.decode())


_READERS: Final[dict[type[TypeEngine[Any]], Convert]] = {
    # The same few organizations, projects and releases are in most of the rows.
    Uuid: lru_cache(4096)(lambda text: UUID(text.decode())),
    Time: _read_time,
    Boolean: lambda text: text == b"t",
    Integer: int,
    BigInteger: int,
    JSON: orjson.loads,
    Digest: lambda text: bytes.fromhex(text.decode()),
    LargeBinary: lambda text: bytes.fromhex(text[2:].decode()),
}
