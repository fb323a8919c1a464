"""PostgreSQL, by psycopg. The address goes to libpq as it is: several hosts and ``target_session_attrs`` included."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Final, cast

import psycopg
from psycopg import IsolationLevel
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import Diagnostic
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, SQLAlchemyError

from lathe.adapters.sql.engine import Database, Fate
from lathe.adapters.sql.pipeline import exchanged
from lathe.adapters.sql.prepared import Asked, Prepared
from lathe.adapters.sql.rows import Values
from lathe.adapters.sql.schema import deliveries
from lathe.adapters.sql.types import Digest, from_json, given, is_binary, to_json
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
    "datestyle": "ISO",
    "bytea_output": "hex",
    "statement_timeout": "8s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "30s",
    # Everything asked here is a handful of rows by an index, beginning with what the statement was given. A statement
    # is planned once, for whatever the tables hold then: in a young database, left to itself, PostgreSQL would plan to
    # read the whole of nearly empty tables, and every batch would get slower.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "join_collapse_limit": "1",
    "jit": "off",
}
MIGRATING: Final = {"timezone": "UTC", "statement_timeout": "0", "lock_timeout": "0"}

IDLE_SECONDS: Final = 1.0
"""A connection that was idle for longer is tried before it is used."""

ANALYZED_AT: Final = tuple(1000 * 2**n for n in range(7))
"""The numbers of stored deliveries at which a young database is told to look at its tables.

Which of two indexes that begin with the organization tells more can only be known from the tables. PostgreSQL would
look by itself, but after minutes in which every batch gets slower.
"""

_LOOK = """
SET LOCAL default_statistics_target = 10;
ANALYZE
    deliveries (organization_id, source, provider_delivery_id),
    identities (organization_id, scope, source, run_key),
    builds (organization_id, id),
    queue_entries (organization_id, id),
    repositories (organization_id, url_key, uuid)
"""
_KNOWN_DELIVERIES = text("SELECT reltuples FROM pg_class WHERE oid = 'deliveries'::regclass")

ADVISORY_LOCK: Final = 0x6C61746865
"""The number under which migrating processes wait for each other."""

_WAITING: Final = "waiting"
"""Under this name a connection keeps what is to travel together."""

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
        self._deliveries = 0
        self.writer = self._engine(MIGRATING if migrating else SESSION, IsolationLevel.READ_COMMITTED, read_only=False)
        self.reader = self._engine(SESSION, IsolationLevel.REPEATABLE_READ, read_only=True)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection; afterwards, when a young database has grown, let it look at what it has."""
        before = self._deliveries
        with super().writing() as connection:
            yield connection
        if any(before < number <= self._deliveries for number in ANALYZED_AT):
            self._analyze()

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
        lost = isinstance(error.orig, psycopg.OperationalError | psycopg.InterfaceError)
        return Fate.AWAY if lost else Fate.WRONG

    def violated(self, error: IntegrityError) -> str | None:
        """Return the name of the violated constraint."""
        return error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None

    def ask(self, connection: Connection, asked: Sequence[Asked]) -> list[Sequence[Any]]:
        """Ask all in one exchange."""
        return exchanged(connection, asked)

    def tell(self, connection: Connection, told: Asked) -> None:
        """Tell it, or keep it for what travels together."""
        waiting: list[Asked] | None = connection.info.get(_WAITING)
        if waiting is None:
            exchanged(connection, [told])
        else:
            waiting.append(told)

    def insert(self, connection: Connection, table: Table, values: Sequence[Values]) -> None:
        """Insert rows by one statement with one parameter: one round trip, and little to adapt."""
        if table is deliveries:
            self._deliveries += len(values)
        self.tell(connection, (_inserting(table, tuple(values[0])), {"new_rows": _as_json(table, values)}))

    @contextmanager
    def together(self, connection: Connection) -> Iterator[None]:
        """Send everything at the end of the block, in one exchange."""
        waiting: list[Asked] = []
        connection.info[_WAITING] = waiting
        try:
            yield
        finally:
            del connection.info[_WAITING]
        if waiting:
            exchanged(connection, waiting)

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

    def _analyze(self) -> None:
        """Let the database look at its tables, unless it knows more rows than this process can have added."""
        with suppress(SQLAlchemyError), self.writer.connect() as connection:
            if connection.execute(_KNOWN_DELIVERIES).scalar_one() < self._deliveries * 2 / 3:
                connection.exec_driver_sql(_LOOK)
                connection.commit()

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
            # It would forget what it prepared, and what we did, after every transaction that ends without COMMIT.
            connection.prepare_threshold = None
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
def _inserting(table: Table, columns: tuple[str, ...]) -> Prepared:
    new_rows = given("new_rows", {name: table.c[name].type for name in columns})
    return Prepared(insert(table).from_select(list(columns), select(*new_rows.c)))


def _as_json(table: Table, values: Sequence[Values]) -> str:
    """Return rows as JSON, in which bytes are hex digits."""
    in_hex = [c.name for c in table.c if isinstance(c.type, Digest) or is_binary(c)]
    if in_hex:
        values = [{n: v.hex() if n in in_hex and v is not None else v for n, v in row.items()} for row in values]
    return to_json(values)


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
