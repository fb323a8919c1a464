"""SQLite: one file, one writer at a time over all processes, every acknowledged transaction on disk.

SQLite up to 3.51.2 can corrupt a database in WAL mode when two connections write or checkpoint at once. So every
writing transaction, every checkpoint and every closing of a connection that can write (the last one to close
checkpoints) holds one lock on a file beside the database, and automatic checkpoints are off. The writer itself copies
the WAL back when it has grown. Readers open the file for reading only: they cannot checkpoint, and wait for nobody.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from functools import cache, lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Connection,
    Dialect,
    Engine,
    LargeBinary,
    QueuePool,
    Table,
    UniqueConstraint,
    Uuid,
    bindparam,
    create_engine,
    event,
    insert,
)
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.types import TypeEngine

from lathe.adapters.sql.engine import Database, Fate
from lathe.adapters.sql.file_lock import OWNER_ONLY, FileLock, LockTimeout
from lathe.adapters.sql.prepared import Asked, Convert, Prepared, failed
from lathe.adapters.sql.rows import Values
from lathe.adapters.sql.schema import metadata
from lathe.adapters.sql.types import from_json, to_json
from lathe.domain.errors import OutcomeUnknown, Unavailable

PATIENCE_SECONDS: Final = 4.0
"""How long a transaction waits for another one to end before it gives up.

A delivery may first wait for the batch before its own to give up; both together must take less than the ten seconds
after which a CI system does.
"""

MIGRATION_PATIENCE_SECONDS: Final = 120.0
READERS: Final = 8

CHECKPOINT_BYTES: Final = 32 * 1024 * 1024
"""The size of the WAL from which on it is copied back into the database.

The pages of an index are written again and again; the rarer a checkpoint, the more of that it copies once.
"""

CHECKPOINT_WAIT_MS: Final = 100
"""How long a checkpoint waits for readers before it leaves the rest to the next one."""

_DIALECT: Final = SQLiteDialect_pysqlite(json_serializer=to_json, json_deserializer=from_json)

# A failure of these kinds leaves the database as it was before the transaction.
_NOTHING_HAPPENED = frozenset(
    {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY}
)
_AWAY = _NOTHING_HAPPENED | {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CORRUPT,
}


class SqliteDatabase(Database):
    """A database file and the lock beside it."""

    def __init__(self, url: str, *, migrating: bool = False) -> None:
        """Raises ValueError unless the address is of the form ``sqlite:///relative`` or ``sqlite:////absolute``."""
        self.path = database_path(url)
        self._wal = self.path.with_name(self.path.name + "-wal")
        self._may_make = migrating
        patience = MIGRATION_PATIENCE_SECONDS if migrating else PATIENCE_SECONDS
        self.lock = FileLock(self.path.with_name(self.path.name + ".writer-lock"), patience=patience)
        self.writer = self._engine("BEGIN IMMEDIATE", size=1)
        self.reader = self._engine("BEGIN", size=READERS, query_only=True)
        self._checkpoint_at = CHECKPOINT_BYTES

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the lock as long as the transaction lasts."""
        if not self.exists():
            raise Unavailable("there is no database")
        with self._locked(), super().writing() as connection:
            yield connection

    def commit(self, connection: Connection) -> None:
        """Make the transaction durable, and copy the WAL back if it has grown."""
        try:
            connection.commit()
        except DBAPIError as error:
            if isinstance(error, IntegrityError):
                raise
            if _code(error) in _NOTHING_HAPPENED:
                raise Unavailable("the database could not write") from error
            # The record of the COMMIT may have reached the disk although the call failed.
            raise OutcomeUnknown("the database did not say whether this was stored") from error
        self._checkpoint(connection)

    def fate(self, error: DBAPIError) -> Fate:
        """A full disk, a lock held by others, and a file that cannot be read are the outside world's faults."""
        code = _code(error)
        if code == sqlite3.SQLITE_READONLY:
            return Fate.READ_ONLY
        return Fate.AWAY if code in _AWAY else Fate.WRONG

    def violated(self, error: IntegrityError) -> str | None:
        """Return the name of the violated constraint, which SQLite tells by its columns."""
        found = re.search(r"UNIQUE constraint failed: (.+)", str(error.orig))
        return _UNIQUE.get(found[1]) if found else None

    def ask(self, connection: Connection, asked: Sequence[Asked]) -> list[Sequence[Any]]:
        """Run one after another."""
        return [self._found(connection, *one) for one in asked]

    def tell(self, connection: Connection, told: Asked) -> None:
        """Run it."""
        statement, parameters = told
        made = statement.compiled(connection.dialect, _reader)
        executed(connection, made.text, made.taken(parameters)).close()

    def insert(self, connection: Connection, table: Table, values: Sequence[Values]) -> None:
        """Insert rows one by one: nothing travels, and so nothing is gained by fewer statements."""
        statement, in_order, writers = _inserting(table, frozenset(values[0]), connection.dialect)
        rows = []
        for row in values:
            written = list(in_order(row))
            for at, write in writers:
                if (value := written[at]) is not None:
                    written[at] = write(value)
            rows.append(tuple(written))
        executed(connection, statement, rows, many=True).close()

    def together(self, connection: Connection) -> AbstractContextManager[None]:  # noqa: ARG002 - nothing travels
        """Nothing travels."""
        return nullcontext()

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """Hold the lock."""
        with self._locked(), self.writer.connect() as connection:
            yield connection

    def exists(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def close(self) -> None:
        """Give back every connection; the writer's at last, which leaves a database without a WAL."""
        self.reader.dispose()
        self.writer.dispose()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock for the length of a block. Raises Unavailable if others hold it for too long."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self.lock.held())
            except LockTimeout as error:
                raise Unavailable("the database is busy") from error
            except OSError as error:
                raise Unavailable("the database's folder cannot be written to") from error
            yield

    def _engine(self, begin: str, *, size: int, query_only: bool = False) -> Engine:
        def connect() -> sqlite3.Connection:
            if self._may_make:
                _make(self.path)
            return _connect(self.path, self.lock, query_only=query_only)

        # Every connection stays until the engine is disposed of: no overflow that would be closed after each use.
        engine = create_engine(
            "sqlite://",
            creator=connect,
            poolclass=QueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=PATIENCE_SECONDS,
            json_serializer=to_json,
            json_deserializer=from_json,
        )
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine

    @staticmethod
    def _found(connection: Connection, query: Prepared, parameters: Mapping[str, Any]) -> Sequence[Any]:
        made = query.compiled(connection.dialect, _reader)
        cursor = executed(connection, made.text, made.taken(parameters))
        try:
            return [*map(made.convert, cursor.fetchall())]
        finally:
            cursor.close()

    def _checkpoint(self, connection: Connection) -> None:
        """Copy the WAL back and empty it, if it is time; readers in the way put it off, they are not disturbed."""
        try:
            size = self._wal.stat().st_size
        except FileNotFoundError:
            return
        if size < self._checkpoint_at:
            return
        driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        try:
            driver.execute(f"PRAGMA busy_timeout = {CHECKPOINT_WAIT_MS}")
            in_the_way, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            driver.execute(_BUSY_TIMEOUT)
        except sqlite3.OperationalError:
            # What was committed stays committed, in the WAL. The next writer tries again.
            in_the_way = True
        self._checkpoint_at = size + CHECKPOINT_BYTES if in_the_way else CHECKPOINT_BYTES


def executed(connection: Connection, text: str, parameters: Any, *, many: bool = False) -> DBAPICursor:
    """Run a statement of the driver's own form. Raises errors of the driver as SQLAlchemy does."""
    cursor = connection.connection.cursor()
    try:
        if many:
            cursor.executemany(text, parameters)
        else:
            cursor.execute(text, parameters)
    except sqlite3.Error as error:
        raise failed(connection, text, error) from error
    return cursor


def _reader(kind: TypeEngine[Any]) -> Convert | None:
    if isinstance(kind, LargeBinary):
        return None  # bytes already
    read = kind.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
    # The same few organizations, projects and releases are in most of the rows.
    return _uuid if read and isinstance(kind, Uuid) else read


_uuid = lru_cache(4096)(UUID)


def _writer(kind: TypeEngine[Any]) -> Convert | None:
    """Return what makes of a value what the driver takes; the most frequent kinds without SQLAlchemy's detours."""
    if isinstance(kind, Uuid):
        return _hex
    if isinstance(kind, LargeBinary | Boolean):
        return None
    return kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)


def _hex(value: UUID) -> str:
    return f"{value.int:032x}"


@cache
def _inserting(
    table: Table, columns: frozenset[str], dialect: Dialect
) -> tuple[str, Callable[[Values], Sequence[Any]], Sequence[tuple[int, Callable[[Any], Any]]]]:
    """Return the text of an INSERT, how to put a row into its order, and by place what makes the driver take a value.

    Both stay the same for a table, and finding them out anew for every batch took longer than the INSERT itself.
    """
    order = [column.name for column in table.c if column.name in columns]
    made = insert(table).values({name: bindparam(name) for name in order}).compile(dialect=dialect)
    writers = [_writer(table.c[name].type) for name in order]
    return str(made), itemgetter(*order), [(at, write) for at, write in enumerate(writers) if write]


def database_path(url: str) -> Path:
    """Return the absolute path that an address names. Raises ValueError if it names none."""
    prefix, _, path = url.partition(":///")
    if prefix != "sqlite" or not path or path.startswith(":memory:") or "?" in path:
        raise ValueError("a SQLite address is sqlite:///relative/path or sqlite:////absolute/path")
    return Path(path).absolute()


_BUSY_TIMEOUT: Final = f"PRAGMA busy_timeout = {int(PATIENCE_SECONDS * 1000)}"


class _Connection(sqlite3.Connection):
    """A connection that holds the lock while it closes."""

    lock: FileLock | None = None

    def close(self) -> None:
        with self.lock.held() if self.lock else nullcontext():
            super().close()


def _make(path: Path) -> None:
    """Make an empty database if there is none, for its owner only: it holds password hashes.

    SQLite would make it readable for others; what it puts beside a database has the mode of that. A file that is there
    is not even opened: closing it would take away the locks that this process's connections hold on it.
    """
    # What else may be wrong with the path, SQLite will say.
    with suppress(OSError):
        os.close(os.open(path.resolve(), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY))


def _connect(path: Path, lock: FileLock, *, query_only: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={'ro' if query_only else 'rw'}",
        uri=True,
        isolation_level=None,  # the engine begins transactions, the driver none of its own
        check_same_thread=False,  # the pool hands a connection to one thread at a time
        factory=_Connection,
    )
    connection.lock = None if query_only else lock
    # SQLite has it from 3.41 on.
    connection.create_function("unhex", 1, bytes.fromhex, deterministic=True)
    try:
        connection.execute(_BUSY_TIMEOUT)
        if not query_only:
            _set_wal_mode(connection, lock)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA query_only = {'ON' if query_only else 'OFF'}")
    except BaseException:
        connection.close()
        raise
    return connection


def _set_wal_mode(connection: sqlite3.Connection, lock: FileLock) -> None:
    """Set the mode where it is not set yet. That writes, and so takes the lock; else readers wait for nobody."""
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        with lock.held():
            connection.execute("PRAGMA journal_mode = WAL")


def _code(error: DBAPIError) -> int | None:
    """Return SQLite's primary result code; extended ones carry it in their lowest byte."""
    extended: Any = getattr(error.orig, "sqlite_errorcode", None)
    return extended & 0xFF if isinstance(extended, int) else None


def _unique_by_columns() -> dict[str, str]:
    found = {}
    for table in metadata.tables.values():
        uniques: list[Any] = [c for c in table.constraints if isinstance(c, UniqueConstraint) or c is table.primary_key]
        uniques += [index for index in table.indexes if index.unique]
        for unique in uniques:
            columns = ", ".join(f"{table.name}.{column.name}" for column in unique.columns)
            found[columns] = str(unique.name)
    return found


_UNIQUE: Final = _unique_by_columns()
