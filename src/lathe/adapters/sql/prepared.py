"""Statements whose text never changes: compiled once for each kind of database, then handed straight to its driver.

Looking a statement up, converting its parameters and wrapping its rows anew took SQLAlchemy longer than most of the
statements of receiving take the database.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final, TypeAlias

from attrs import frozen
from sqlalchemy import ColumnElement, Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Convert: TypeAlias = Callable[[Any], Any]

Readers: TypeAlias = Callable[[TypeEngine[Any]], Convert | None]
"""Tells what makes a value of a column's type of what the driver gives, None where that is the value already."""

Asked: TypeAlias = "tuple[Prepared, Mapping[str, Any]]"
"""A prepared statement with its parameters."""

_numbers = count(1)


class Prepared:
    """A statement that is a constant of the program; what varies are its parameters."""

    def __init__(self, statement: Any, of: Convert | None = None, *, varying: int = 0) -> None:
        """Takes a SELECT of columns that have names, an INSERT, an UPDATE or a DELETE.

        ``of`` makes of a row what it stands for, a value that depends on nothing else: the same few rows are read over
        and over, and what was made of one is remembered. ``varying`` columns at its end are no part of that: a row is
        then the value and these columns.
        """
        self.number = next(_numbers)
        """By which it is called on connections that keep prepared statements."""
        self._statement = statement
        self._of = of
        self._varying = varying
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect, readers: Readers) -> Compiled:
        """Return it as the driver of a dialect takes it."""
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = self._compile(dialect, readers)
        return found

    def _compile(self, dialect: Dialect, readers: Readers) -> Compiled:
        made: SQLCompiler = self._statement.compile(dialect=dialect)
        order = made.positiontup
        if order is None:
            raise TypeError("a prepared statement takes its parameters by position")
        writers = {name: bound.type.dialect_impl(dialect).bind_processor(dialect) for name, bound in made.binds.items()}
        columns = list(self._statement.selected_columns) if self._statement.is_select else []
        constant = len(columns) - self._varying
        convert = _converting(columns[:constant], readers)
        if self._of is not None:
            convert = _remembering(convert, self._of)
        return Compiled(
            str(made),
            order,
            {name: bound.value for name, bound in made.binds.items() if not bound.required},
            {name: write for name, write in writers.items() if write},
            _with_varying(convert, columns[constant:], readers) if self._varying else convert,
        )


@frozen
class Compiled:
    """A statement as a driver takes it."""

    text: str
    order: Sequence[str]
    constants: Mapping[str, Any]
    writers: Mapping[str, Convert]
    convert: Convert
    """Makes what is wanted of a row as the driver gives it, which is a tuple."""

    def taken(self, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the parameters in their order, as the driver takes them."""
        values = {**self.constants, **parameters}
        for name, write in self.writers.items():
            values[name] = write(values[name])
        return tuple([values[name] for name in self.order])


def failed(connection: Connection, text: str, error: Any) -> Exception:
    """Return a driver's error as SQLAlchemy raises it; a connection that is lost is marked so."""
    dialect = connection.dialect
    if dialect.is_disconnect(error, connection.connection, None):
        connection.invalidate(error)
    made: Exception = DBAPIError.instance(text, None, error, dialect.loaded_dbapi.Error, dialect=dialect)
    return made


def _converting(columns: Sequence[ColumnElement[Any]], reader_of: Readers) -> Convert:
    """Return what makes a row of a driver one of our types, whose columns are attributes."""
    names = [column.name for column in columns]
    row: Any = namedtuple("Row", names)  # type: ignore[misc] # noqa: PYI024 - its fields are those of the statement
    readers = [(at, read) for at, column in enumerate(columns) if (read := reader_of(column.type))]

    def convert(raw: Sequence[Any]) -> Any:
        values = list(raw)
        for at, read in readers:
            if (value := values[at]) is not None:
                values[at] = read(value)
        return row._make(values)

    return convert if readers else row._make


def _remembering(convert: Convert, of: Convert) -> Convert:
    """Return what makes of a row what it stands for; from memory where the row was seen before."""
    return lru_cache(_REMEMBERED_ROWS)(lambda raw: of(convert(raw)))


def _with_varying(convert: Convert, varying: Sequence[ColumnElement[Any]], reader_of: Readers) -> Convert:
    """Return what makes of a row what its first columns stand for, and the rest."""
    first = -len(varying)
    rest = _converting(varying, reader_of)
    return lambda raw: (convert(raw[:first]), *rest(raw[first:]))


_REMEMBERED_ROWS: Final = 2048
