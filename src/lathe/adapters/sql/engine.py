"""How databases are reached: what SQLite and PostgreSQL share of it, and which of them an address means."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from enum import Enum, auto
from typing import Any

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lathe.adapters.sql.file_lock import LockTimeout
from lathe.adapters.sql.prepared import Asked
from lathe.adapters.sql.rows import Values
from lathe.domain.errors import Unavailable


class Fate(Enum):
    """What a failed statement means for the transaction it was part of."""

    AGAIN = auto()
    """Rolled back because of another transaction: the same work may succeed now."""
    AWAY = auto()
    """The database cannot be reached or cannot work. Before COMMIT: nothing was stored."""
    READ_ONLY = auto()
    """The database refuses to be written to."""
    WRONG = auto()
    """A mistake in the program, or in the database's contents."""


class Database(ABC):
    """One database, with connections that write and others that read. Everything in which databases differ is here."""

    writer: Engine
    reader: Engine

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection on which a transaction that may write has begun; without `commit` it is rolled back.

        Raises Unavailable if there is none to be had.
        """
        with self._began(self.writer) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one committed state and refuses to write. Raises Unavailable."""
        with self._began(self.reader) as connection:
            yield connection

    @abstractmethod
    def commit(self, connection: Connection) -> None:
        """Make the transaction durable.

        Raises OutcomeUnknown where nobody knows whether it is, Unavailable where it certainly is not and cannot be, and
        the database's error where it certainly is not (`fate` tells what then).
        """

    @abstractmethod
    def fate(self, error: DBAPIError) -> Fate:
        """Tell what a failed statement means."""

    @abstractmethod
    def violated(self, error: IntegrityError) -> str | None:
        """Return the name of the unique or foreign key constraint that was violated."""

    @abstractmethod
    def ask(self, connection: Connection, asked: Sequence[Asked]) -> list[Sequence[Any]]:
        """Return the rows of each query; none needs what another one finds."""

    @abstractmethod
    def tell(self, connection: Connection, told: Asked) -> None:
        """Change rows by a prepared statement."""

    @abstractmethod
    def insert(self, connection: Connection, table: Table, values: Sequence[Values]) -> None:
        """Insert rows, all of the same columns, in the fastest way."""

    @abstractmethod
    def together(self, connection: Connection) -> AbstractContextManager[None]:
        """Let what a block tells and inserts travel together; an error may come as late as at its end."""

    @abstractmethod
    def alone(self) -> AbstractContextManager[Connection]:
        """Give a connection that writes, not in a transaction yet, while no other process migrates."""

    @abstractmethod
    def exists(self) -> bool:
        """Tell whether the database is there, without making it. Raises Unavailable if that cannot be told."""

    def close(self) -> None:
        """Give back every connection."""
        self.writer.dispose()
        self.reader.dispose()

    @contextmanager
    def _began(self, engine: Engine) -> Iterator[Connection]:
        with self.reached():
            connection = engine.connect()
        try:
            with self.reached():
                connection.begin()
            yield connection
        finally:
            _give_back(connection)

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Turn failures to reach the database into Unavailable. Not for what may have been stored."""
        try:
            yield
        except (LockTimeout, PoolTimeout) as error:
            raise Unavailable("the database is busy") from error
        except DBAPIError as error:
            if self.fate(error) is Fate.WRONG:
                raise
            raise Unavailable("the database cannot be reached") from error


def _give_back(connection: Connection) -> None:
    """Roll back what was not committed; a connection on which even that fails is thrown away."""
    try:
        if not connection.invalidated:
            # The driver's own rollback: SQLAlchemy takes a transaction for ended whose COMMIT failed.
            connection.connection.rollback()
    except (SQLAlchemyError, connection.dialect.loaded_dbapi.Error):
        with suppress(SQLAlchemyError):
            connection.invalidate()
    finally:
        connection.close()


class NotNested(threading.local):
    """Refuses to begin a writing transaction inside another one of the same thread."""

    _inside = False

    @contextmanager
    def once(self) -> Iterator[None]:
        """Hold for the length of a block. Raises RuntimeError where it is held already."""
        if self._inside:
            raise RuntimeError("a transaction that writes was begun inside another one")
        self._inside = True
        try:
            yield
        finally:
            self._inside = False


def open_database(url: str, *, migrating: bool = False) -> Database:
    """Return the database at an address. Nothing is opened yet.

    With ``migrating`` it is made if it is not there, and its statements and locks may take as long as they need. Raises
    ValueError for an address of another kind.
    """
    # Here, so that a SQLite installation never loads the PostgreSQL driver and its libraries.
    if url.startswith("sqlite:"):
        from lathe.adapters.sql.sqlite import SqliteDatabase  # noqa: PLC0415

        return SqliteDatabase(url, migrating=migrating)
    if url.startswith(("postgresql://", "postgres://")):
        from lathe.adapters.sql.postgresql import PostgresDatabase  # noqa: PLC0415

        return PostgresDatabase(url, migrating=migrating)
    raise ValueError("a database address begins with sqlite:/// or postgresql://")
