"""Writing and reading rows: the few shapes of statement that every repository uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    false,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.selectable import TableValuedAlias

from lathe.adapters.sql.prepared import Asked, Prepared
from lathe.adapters.sql.types import Id, Time, given, listed
from lathe.application.lists import Place
from lathe.domain.errors import Conflict, NotFound

Values: TypeAlias = dict[str, Any]
"""A row by column name, on its way to the database."""

Query: TypeAlias = Select[Any] | CompoundSelect[Any]

_NOTHING: Final[Mapping[str, Any]] = {}


class Dialect(Protocol):
    """What rows must know of their database."""

    def violated(self, error: IntegrityError) -> str | None:
        """Return the name of the constraint that was violated."""
        ...

    def ask(self, connection: Connection, asked: Sequence[Asked]) -> list[Sequence[Any]]:
        """Return the rows of each query."""
        ...

    def tell(self, connection: Connection, told: Asked) -> None:
        """Change rows."""
        ...

    def insert(self, connection: Connection, table: Table, values: Sequence[Values]) -> None:
        """Insert rows, all of the same columns, in the fastest way."""
        ...

    def together(self, connection: Connection) -> AbstractContextManager[None]:
        """Let what a block tells and inserts travel together, where it travels at all."""
        ...


class Raced(Exception):
    """Another transaction added or removed a row meanwhile. The store rolls back and runs the work again."""


class Rows:
    """A connection on which a transaction runs."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self.connection = connection
        self.failed: Exception | None = None
        """The first statement that failed. Nothing can be committed after it, whoever caught the exception."""
        self._dialect = dialect

    @contextmanager
    def conflicts(self, **codes: tuple[str, str]) -> Iterator[None]:
        """Turn violations of the constraints named in ``codes`` into Conflict (code, sentence)."""
        try:
            yield
        except IntegrityError as error:
            found = codes.get(self._dialect.violated(error) or "")
            if found is None:
                raise
            code, detail = found
            conflict = Conflict(detail, code=code)
            self.failed = conflict
            raise conflict from error

    @contextmanager
    def races(self) -> Iterator[None]:
        """Turn violations of uniqueness into Raced: another transaction was first, and what it did must be seen."""
        try:
            yield
        except IntegrityError as error:
            if (self._dialect.violated(error) or "fk_").startswith("fk_"):
                raise
            raise Raced from error

    @contextmanager
    def refers(self, reference: str) -> Iterator[None]:
        """Turn a violation of the foreign key into Raced: another transaction removed what had been found."""
        try:
            yield
        except IntegrityError as error:
            if self._dialect.violated(error) != reference:
                raise
            raise Raced from error

    def add(self, table: Table, *values: Values) -> None:
        """Insert rows, all of the same columns."""
        if values:
            self._dialect.insert(self.connection, table, values)

    def replace(self, table: Table, *values: Values) -> int:
        """Update rows by organization and id with their other values, all of the same columns; return how many."""
        if not values:
            return 0
        return self.connection.execute(_replacing(table), [_addressed(row) for row in values]).rowcount

    def replace_one(self, table: Table, values: Values, noun: str) -> None:
        """Update one row. Raises NotFound."""
        if self.connection.execute(_replacing(table), _addressed(values)).rowcount == 0:
            raise NotFound(f"there is no such {noun}")

    def one(self, query: Select[Any], noun: str) -> Row[Any]:
        """Return the row that a query finds. Raises NotFound."""
        row = self.connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"there is no such {noun}")
        return row

    def find(self, query: Select[Any]) -> Row[Any] | None:
        """Return the row that a query finds, None if there is none."""
        return self.connection.execute(query).one_or_none()

    def all(self, query: Query, parameters: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """Return all rows that a query finds."""
        return self.connection.execute(query, parameters).all()

    def given(self, query: Prepared, parameters: Mapping[str, Any] = _NOTHING) -> Sequence[Any]:
        """Return all rows that a prepared query finds with these parameters."""
        return self._dialect.ask(self.connection, [(query, parameters)])[0]

    def given_each(self, *queries: Asked) -> list[Sequence[Any]]:
        """Return the rows of several prepared queries that do not depend on each other: one way there and back."""
        return self._dialect.ask(self.connection, queries)

    def together(self) -> AbstractContextManager[None]:
        """Let what is written in a block travel together; it is there, or its errors come, at the end of the block."""
        return self._dialect.together(self.connection)

    def change(self, statement: Prepared, parameters: Mapping[str, Any]) -> None:
        """Change rows by a prepared statement."""
        self._dialect.tell(self.connection, (statement, parameters))


def _replacing(table: Table) -> Any:
    by_id = and_(table.c.organization_id == bindparam("of_organization"), table.c.id == bindparam("of_id"))
    return update(table).where(by_id)


def _addressed(values: Values) -> Values:
    changed = dict(values)
    return {"of_organization": changed.pop("organization_id"), "of_id": changed.pop("id"), **changed}


def by_id(table: Table, organization_id: UUID, row_id: UUID) -> ColumnElement[bool]:
    """Return the condition that finds one row."""
    return and_(table.c.organization_id == organization_id, table.c.id == row_id)


def locked(query: Select[Any], *tables: Table, lock: bool = True) -> Select[Any]:
    """Return the query so that no other transaction can lock or change the rows it finds in ``tables``.

    References to the rows stay possible. SQLite has one writer at a time and locks no rows.
    """
    return query.with_for_update(of=tables or None, key_share=True) if lock else query


def newest_first(
    query: Select[Any],
    table: Table,
    limit: int | BindParameter[int],
    after: Place | None = None,
    until: Place | None = None,
) -> Select[Any]:
    """Return the query for a page of a list that runs from the newest to the oldest.

    It begins behind ``after``, and goes no further than ``until``.
    """
    row = tuple_(table.c.created_at, table.c.id)
    if after is not None:
        query = query.where(row < _placed(after))
    if until is not None:
        query = query.where(row >= _placed(until))
    return query.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)


def last_looked_at(rows: Rows, query: Select[Any], table: Table, look_at: int, after: Place | None) -> Place | None:
    """Return the place of the last of ``look_at`` rows of a list behind ``after``, None if no more come behind it.

    ``query`` must ask for the columns of a place alone: they are read off the index that has the list in order.
    """
    two = rows.all(newest_first(query, table, 2, after).offset(look_at - 1))
    return Place(two[0].created_at, two[0].id) if len(two) == 2 else None


def _placed(place: Place) -> Any:
    return tuple_(literal(place.created_at, Time), literal(place.id, Id))


def begins_with(text: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Return the condition that a `Sorted` text begins with ``prefix``: a range, which an index can serve."""
    return and_(text >= prefix, text < prefix + "\U0010ffff") if prefix else text.is_not(None)


def found_by_search(search: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Return the condition that one of the lines of a search column begins with ``prefix``, case aside."""
    if "\n" in prefix:
        return false()
    return search.contains("\n" + prefix.casefold(), autoescape=True)


def ids_given(parameter: str = "ids") -> TableValuedAlias:
    """Return a table of rows addressed by organization and id, filled by `addresses`."""
    return given(parameter, {"organization_id": Id, "id": Id})


def addresses(values: Iterable[tuple[UUID, UUID]]) -> str:
    """Return the value of an `ids_given` parameter."""
    return listed({"organization_id": organization_id, "id": row_id} for organization_id, row_id in values)


def within(organization_id: UUID, ids: Collection[UUID]) -> str:
    """Return the value of an `ids_given` parameter for rows of one organization."""
    return addresses((organization_id, row_id) for row_id in ids)


def selected_by_id(table: Table, *columns: Any) -> Select[Any]:
    """Return the query for the rows of a table that an `ids_given` parameter names."""
    ids = ids_given()
    return select(*(columns or (table,))).join(
        ids, and_(table.c.organization_id == ids.c.organization_id, table.c.id == ids.c.id)
    )


def prefixed(prefix: str, table: Any) -> list[Any]:
    """Return the columns of a table under names that begin with ``prefix``, for rows of several tables."""
    return [c.label(prefix + c.name) for c in table.c]


class Part:
    """The columns of one table in a row of several, under their own names again."""

    def __init__(self, row: Row[Any], prefix: str) -> None:
        self._row = row
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, self._prefix + name)
