"""PostgreSQL, by psycopg. The address goes to libpq as it is: several hosts and ``target_session_attrs`` included."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, cast

import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import Diagnostic
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Insert,
    LargeBinary,
    Table,
    create_engine,
    event,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError

from lathe.adapters.sql.engine import Database, Fate
from lathe.adapters.sql.rows import Values
from lathe.adapters.sql.types import Digest, from_json, given, to_json
from lathe.domain.errors import OutcomeUnknown

DEFAULTS: Final = {
    "application_name": "lathe",
    "client_encoding": "utf8",
    "connect_timeout": "3",
    # A host that went silent is noticed within seconds, not within the kernel's hours.
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "6000",
}
"""What the address does not say otherwise."""

SESSION: Final = {
    "timezone": "UTC",
    "statement_timeout": "8s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
}
MIGRATING: Final = {"timezone": "UTC", "statement_timeout": "0", "lock_timeout": "0"}

IDLE_SECONDS: Final = 1.0
"""A connection that was idle for longer is tried before it is used."""

ADVISORY_LOCK: Final = 0x6C61746865
"""The number under which migrating processes wait for each other."""

# SQLSTATE classes and codes: serialization failures and deadlocks; what the outside world does to a database.
_AGAIN = frozenset({"40001", "40P01"})
_AWAY = ("08", "53", "57", "58", "55P03", "28", "3D000")
_CERTAINLY_ROLLED_BACK = ("40", "23")


class PostgresDatabase(Database):
    """A database on a server, with one pool of connections that write and one of those that read."""

    def __init__(self, url: str, *, migrating: bool = False) -> None:
        """Raises ValueError if libpq cannot read the address."""
        try:
            self._parameters = DEFAULTS | {k: str(v) for k, v in conninfo_to_dict(url).items() if v is not None}
        except psycopg.ProgrammingError as error:
            raise ValueError("that is not an address of a PostgreSQL database") from error
        self.writer = self._engine(MIGRATING if migrating else SESSION, IsolationLevel.READ_COMMITTED, read_only=False)
        self.reader = self._engine(SESSION, IsolationLevel.REPEATABLE_READ, read_only=True)

    def commit(self, connection: Connection) -> None:
        """Make the transaction durable.

        PostgreSQL calls a COMMIT successful whose wait for a synchronous standby was cancelled, and only warns. What is
        not on the standby is lost with the primary, so a warning during COMMIT counts as not knowing.
        """
        driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        warnings: list[str] = []

        def listen(notice: Diagnostic) -> None:
            if notice.severity_nonlocalized == "WARNING":
                warnings.append(notice.message_primary or "")

        driver.add_notice_handler(listen)
        try:
            connection.commit()
        except DBAPIError as error:
            if _state(error).startswith(_CERTAINLY_ROLLED_BACK):
                raise
            raise OutcomeUnknown("the database did not say whether this was stored") from error
        finally:
            driver.remove_notice_handler(listen)
        if warnings:
            raise OutcomeUnknown(f"the database stored this with a warning: {warnings[0]}")

    def fate(self, error: DBAPIError) -> Fate:
        """A failure without a SQLSTATE is one of the connection."""
        state = _state(error)
        if state in _AGAIN:
            return Fate.AGAIN
        if state == "25006":
            return Fate.READ_ONLY
        if state:
            return Fate.AWAY if state.startswith(_AWAY) else Fate.WRONG
        return Fate.AWAY if isinstance(error.orig, psycopg.OperationalError) else Fate.WRONG

    def violated(self, error: IntegrityError) -> str | None:
        """Return the name of the violated constraint."""
        return error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None

    def insert(self, connection: Connection, table: Table, values: Sequence[Values]) -> None:
        """Insert rows by one statement with one parameter: one round trip, and little to adapt."""
        connection.execute(_inserting(table, tuple(values[0])), {"new_rows": _as_json(table, values)})

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Hold an advisory lock of the session, which ends with it."""
        with self.writer.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": ADVISORY_LOCK})
            connection.commit()
            try:
                yield connection
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": ADVISORY_LOCK})
                connection.commit()

    def exists(self) -> bool:
        """A server that answers has its database."""
        return True

    def _engine(self, session: dict[str, str], level: IsolationLevel, *, read_only: bool) -> Engine:
        options = " ".join(f"-c {name}={value}" for name, value in session.items())
        own = self._parameters.get("options", "")
        parameters: dict[str, Any] = self._parameters | {"options": f"{options} {own}".strip()}

        def connect() -> psycopg.Connection[Any]:
            connection = psycopg.connect(**parameters)
            set_json_dumps(to_json, connection)
            set_json_loads(from_json, connection)
            connection.isolation_level = level
            connection.read_only = read_only
            return connection

        engine = create_engine(
            "postgresql+psycopg://",
            creator=connect,
            pool_size=5,
            max_overflow=5,
            pool_timeout=5,
            use_native_hstore=False,
        )
        event.listen(engine, "checkin", _remember_when)
        event.listen(engine, "checkout", lambda driver, record, _: _try_if_idle(engine, driver, record))
        return engine


@cache
def _inserting(table: Table, columns: tuple[str, ...]) -> Insert:
    new_rows = given("new_rows", {name: table.c[name].type for name in columns})
    return insert(table).from_select(list(columns), select(*new_rows.c))


def _as_json(table: Table, values: Sequence[Values]) -> str:
    """Return rows as JSON, in which bytes are what PostgreSQL reads as such."""
    in_hex = {column.name: "" if isinstance(column.type, Digest) else "\\x" for column in table.c if _is_bytes(column)}
    if in_hex:
        values = [
            {n: in_hex[n] + v.hex() if n in in_hex and v is not None else v for n, v in row.items()} for row in values
        ]
    return to_json(values)


def _is_bytes(column: Column[Any]) -> bool:
    return isinstance(column.type, Digest | LargeBinary)


def _remember_when(_: Any, record: Any) -> None:
    record.info["idle_since"] = time.monotonic()


def _try_if_idle(engine: Engine, driver: Any, record: Any) -> None:
    """Send a connection that was idle for long once to the server and back; if that fails the pool opens a new one."""
    since = record.info.get("idle_since")
    if since is None or time.monotonic() - since < IDLE_SECONDS:
        return
    try:
        engine.dialect.do_ping(driver)
    except psycopg.Error as error:
        raise DisconnectionError("the connection was lost while it was idle") from error


def _state(error: DBAPIError) -> str:
    return (error.orig.sqlstate or "") if isinstance(error.orig, psycopg.Error) else ""
