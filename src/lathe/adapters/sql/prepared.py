"""Statements whose text never changes: compiled once for each kind of database, then handed straight to its driver.

Looking a statement up, converting its parameters and wrapping its rows anew took SQLAlchemy longer than most of the
statements of receiving take the database.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeAlias
from uuid import UUID

from attrs import frozen
from sqlalchemy import Connection, Dialect, Uuid
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Convert: TypeAlias = Callable[[Any], Any]


class Prepared:
    """A statement that is a constant of the program; what varies are its parameters."""

    def __init__(self, statement: Any) -> None:
        """Takes a SELECT of columns that have names, an UPDATE or a DELETE."""
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def all(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Any]:
        """Return the rows that are found; their columns are attributes."""
        return self.finish(connection, self.start(connection, parameters))

    def start(self, connection: Connection, parameters: Mapping[str, Any]) -> DBAPICursor:
        """Send the statement; whoever wants its rows calls `finish`."""
        return self._for(connection.dialect).run(connection, parameters)

    def finish(self, connection: Connection, cursor: DBAPICursor) -> Sequence[Any]:
        """Return the rows that a started query finds."""
        try:
            return self._for(connection.dialect).read(cursor.fetchall())
        finally:
            cursor.close()

    def _for(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _compiled(self._statement, dialect)
        return found


@frozen
class _Compiled:
    """A statement as a driver takes it."""

    text: str
    order: Sequence[str] | None
    """The parameters of a driver that takes them by position."""
    constants: Mapping[str, Any]
    writers: Mapping[str, Convert]
    row: Callable[[Sequence[Any]], Any]
    readers: Sequence[tuple[int, Convert]]

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> DBAPICursor:
        """Hand the statement to the driver."""
        values = {**self.constants, **parameters}
        for name, write in self.writers.items():
            values[name] = write(values[name])
        taken: Any = tuple(values[name] for name in self.order) if self.order is not None else values
        return executed(connection, self.text, taken)

    def read(self, rows: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """Return the rows of the driver with our types."""
        row, readers = self.row, self.readers
        if not readers:
            return [row(values) for values in rows]
        found = []
        for raw in rows:
            values = list(raw)
            for at, read in readers:
                if (value := values[at]) is not None:
                    values[at] = read(value)
            found.append(row(values))
        return found


def executed(connection: Connection, text: str, parameters: Any, *, many: bool = False) -> DBAPICursor:
    """Run a statement of the driver's own form. Raises errors of the driver as SQLAlchemy does."""
    cursor = connection.connection.cursor()
    try:
        if many:
            cursor.executemany(text, parameters)
        else:
            cursor.execute(text, parameters)
    except connection.dialect.loaded_dbapi.Error as error:
        raise failed(connection, text, error) from error
    return cursor


def failed(connection: Connection, text: str, error: Any) -> Exception:
    """Return a driver's error as SQLAlchemy raises it; a connection that is lost is marked so."""
    dialect = connection.dialect
    if dialect.is_disconnect(error, connection.connection, None):
        connection.invalidate(error)
    made: Exception = DBAPIError.instance(text, None, error, dialect.loaded_dbapi.Error, dialect=dialect)
    return made


def _compiled(statement: Any, dialect: Dialect) -> _Compiled:
    made: SQLCompiler = statement.compile(dialect=dialect)
    writers = {name: bound.type.dialect_impl(dialect).bind_processor(dialect) for name, bound in made.binds.items()}
    columns = list(statement.selected_columns) if statement.is_select else []
    readers = [_reader(column.type, dialect) for column in columns]
    return _Compiled(
        str(made),
        made.positiontup if made.positional else None,
        {name: bound.value for name, bound in made.binds.items() if not bound.required},
        {name: write for name, write in writers.items() if write},
        _row_of([column.name for column in columns]),
        [(at, read) for at, read in enumerate(readers) if read],
    )


def _row_of(names: Sequence[str]) -> Convert:
    made: Any = namedtuple("Row", names)  # type: ignore[misc] # noqa: PYI024 - its fields are those of the statement
    make: Convert = made._make
    return make


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    read = kind.dialect_impl(dialect).result_processor(dialect, None)
    # The same few organizations, projects and releases are in most of the rows.
    return _uuid if read and isinstance(kind, Uuid) else read


_REMEMBERED_IDS: Final = 4096

_uuid = lru_cache(_REMEMBERED_IDS)(UUID)
