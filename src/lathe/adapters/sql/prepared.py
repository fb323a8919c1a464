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
from sqlalchemy import JSON, ColumnElement, Connection, Dialect, LargeBinary, Uuid
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Convert: TypeAlias = Callable[[Any], Any]


class Prepared:
    """A statement that is a constant of the program; what varies are its parameters."""

    def __init__(self, statement: Any, of: Convert | None = None, *, varying: int = 0) -> None:
        """Takes a SELECT of columns that have names, an UPDATE or a DELETE.

        ``of`` makes of a row what it stands for, a value that depends on nothing else: the same few rows are read over
        and over, and what was made of one is remembered. ``varying`` columns at its end are no part of that: a row is
        then the value and these columns.
        """
        self._statement = statement
        self._of = of
        self._varying = varying
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
            found = self._compiled[dialect.name] = _compiled(self._statement, dialect, self._of, self._varying)
        return found


@frozen
class _Compiled:
    """A statement as a driver takes it."""

    text: str
    order: Sequence[str] | None
    """The parameters of a driver that takes them by position."""
    constants: Mapping[str, Any]
    writers: Mapping[str, Convert]
    convert: Convert
    """Makes what is wanted of a row as the driver gives it."""

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> DBAPICursor:
        """Hand the statement to the driver."""
        values = {**self.constants, **parameters}
        for name, write in self.writers.items():
            values[name] = write(values[name])
        taken: Any = tuple(values[name] for name in self.order) if self.order is not None else values
        return executed(connection, self.text, taken)

    def read(self, rows: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """Return what the rows of the driver stand for."""
        return [*map(self.convert, rows)]


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


def _compiled(statement: Any, dialect: Dialect, of: Convert | None, varying: int) -> _Compiled:
    made: SQLCompiler = statement.compile(dialect=dialect)
    writers = {name: bound.type.dialect_impl(dialect).bind_processor(dialect) for name, bound in made.binds.items()}
    columns = list(statement.selected_columns) if statement.is_select else []
    constant = len(columns) - varying
    convert = _converting(columns[:constant], dialect)
    if of is not None:
        convert = _remembering(columns[:constant], dialect, convert, of)
    return _Compiled(
        str(made),
        made.positiontup if made.positional else None,
        {name: bound.value for name, bound in made.binds.items() if not bound.required},
        {name: write for name, write in writers.items() if write},
        _with_varying(convert, columns[constant:], dialect) if varying else convert,
    )


def _converting(columns: Sequence[ColumnElement[Any]], dialect: Dialect) -> Convert:
    """Return what makes a row of a driver one of our types, whose columns are attributes."""
    names = [column.name for column in columns]
    row: Any = namedtuple("Row", names)  # type: ignore[misc] # noqa: PYI024 - its fields are those of the statement
    readers = [(at, read) for at, column in enumerate(columns) if (read := _reader(column.type, dialect))]

    def convert(raw: Sequence[Any]) -> Any:
        values = list(raw)
        for at, read in readers:
            if (value := values[at]) is not None:
                values[at] = read(value)
        return row._make(values)

    return convert if readers else row._make


def _remembering(columns: Sequence[ColumnElement[Any]], dialect: Dialect, convert: Convert, of: Convert) -> Convert:
    """Return what makes of a row what it stands for; from memory where the row was seen before."""

    def made(raw: Sequence[Any]) -> Any:
        return of(convert(raw))

    # psycopg hands JSON over as lists, by which nothing can be remembered.
    listed = dialect.name == "postgresql" and any(isinstance(column.type, JSON) for column in columns)
    return made if listed else lru_cache(_REMEMBERED_ROWS)(made)


def _with_varying(convert: Convert, varying: Sequence[ColumnElement[Any]], dialect: Dialect) -> Convert:
    """Return what makes of a row what its first columns stand for, and the rest as it is."""
    if any(_reader(column.type, dialect) for column in varying):
        raise TypeError("columns that vary are handed on as the driver gives them")
    count = -len(varying)
    return lambda raw: (convert(raw[:count]), *raw[count:])


def _reader(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    if isinstance(kind, LargeBinary):
        return None  # bytes, from every driver
    read = kind.dialect_impl(dialect).result_processor(dialect, None)
    # The same few organizations, projects and releases are in most of the rows.
    return _uuid if read and isinstance(kind, Uuid) else read


_REMEMBERED_IDS: Final = 4096
_REMEMBERED_ROWS: Final = 2048

_uuid = lru_cache(_REMEMBERED_IDS)(UUID)
