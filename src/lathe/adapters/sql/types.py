"""Column types and SQL constructs that hide what SQLite and PostgreSQL do differently from every query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import orjson
from sqlalchemy import JSON, BigInteger, Boolean, ColumnElement, LargeBinary, Text, Uuid, bindparam, column
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

Id: Final = Uuid()
"""PostgreSQL: uuid. SQLite: 32 hex digits, which sort as the ids do."""

Flag: Final = Boolean(create_constraint=False)

Sorted: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that is compared and sorted code point by code point on both databases, whatever their locale.

Whatever is looked up or sorted is of this type: an index serves only comparisons of its own collation.
"""

Json: Final = JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

Bytes: Final = LargeBinary()


class Time(TypeDecorator[datetime]):
    """An instant, to the microsecond. PostgreSQL: timestamptz. SQLite: microseconds since 1970 as an integer."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type that the database knows."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | int | None:
        """Raises ValueError for a time that could not be read again.

        One without a zone (nobody could say which instant that is), or beyond the years 1 to 9999 in UTC.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        if not _FIRST <= value <= _LAST:
            raise ValueError("a time beyond the years 1 to 9999 cannot be stored")
        return value if dialect.name == "postgresql" else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return it in UTC."""
        if value is None:
            return None
        if dialect.name == "postgresql":
            return cast("datetime", value).astimezone(UTC)
        return _EPOCH + timedelta(microseconds=value)


class Digest(TypeDecorator[bytes]):
    """A hash, as hex digits, so that it can be part of a JSON parameter and be read by people."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the same on both
        return None if value is None else value.hex()

    def process_result_value(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002 - ditto
        return None if value is None else bytes.fromhex(value)


class _Given(FunctionElement[Any]):
    """Rows that travel to the database as one JSON parameter."""

    inherit_cache = True
    name = "given"


def given(parameter: str, columns: Mapping[str, TypeEngine[Any]]) -> TableValuedAlias:
    """Return a table of rows that are handed over under ``parameter``, made by `listed`.

    The text of the statement stays the same however many rows there are, so that the database prepares it once.
    """
    shape = [column(name, kind) for name, kind in columns.items()]
    return _Given(bindparam(parameter, type_=Text()), *shape).table_valued(*shape, name=parameter)


def listed(values: Iterable[Mapping[str, Any]]) -> str:
    """Return the value of a `given` parameter: ids as they are, bytes as hex digits."""
    return to_json([*values])


@compiles(_Given, "postgresql")
def _given_on_postgresql(element: _Given, compiler: SQLCompiler, **kw: Any) -> str:
    parameter, *shape = element.clauses
    quoted = {c: compiler.preparer.quote(c.name) for c in shape}
    kinds = ", ".join(
        f"{quoted[c]} {'text' if is_binary(c) else compiler.dialect.type_compiler_instance.process(c.type)}"
        for c in shape
    )
    picked = ", ".join(f"decode({name}, 'hex') AS {name}" if is_binary(c) else name for c, name in quoted.items())
    return (
        f"(SELECT {picked} FROM json_to_recordset(CAST({compiler.process(parameter, **kw)} AS json))"  # noqa: S608 - names of ours
        f" AS listed_rows({kinds}))"
    )


@compiles(_Given, "sqlite")
def _given_on_sqlite(element: _Given, compiler: SQLCompiler, **kw: Any) -> str:
    parameter, *shape = element.clauses
    picked = ", ".join(f"{_from_text_on_sqlite(c)} AS {compiler.preparer.quote(c.name)}" for c in shape)
    return f"(SELECT {picked} FROM json_each({compiler.process(parameter, **kw)}))"  # noqa: S608 - names of ours


def _from_text_on_sqlite(part: ColumnElement[Any]) -> str:
    text = f"value ->> '{part.name}'"
    if isinstance(part.type, Uuid):
        return f"replace({text}, '-', '')"
    return f"unhex({text})" if is_binary(part) else text


def is_binary(part: ColumnElement[Any]) -> bool:
    """Tell whether a column holds bytes as such, which JSON carries as hex digits."""
    return isinstance(part.type, LargeBinary)


class _Holds(FunctionElement[bool]):
    """Whether one text contains another as it stands."""

    inherit_cache = True
    name = "holds"
    type = Boolean()


def holds(text: ColumnElement[str], part: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that ``text`` contains ``part``."""
    return _Holds(text, part)


@compiles(_Holds, "postgresql")
def _holds_on_postgresql(element: _Holds, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(strpos({compiler.process(element.clauses, **kw)}) > 0)"


@compiles(_Holds, "sqlite")
def _holds_on_sqlite(element: _Holds, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **kw)}) > 0)"


class _Now(FunctionElement[Any]):
    """The database's clock, which goes on inside a transaction."""

    inherit_cache = True
    name = "now"


@compiles(_Now, "postgresql")
def _now_on_postgresql(element: _Now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001 - the compiler's form
    return "clock_timestamp()"


@compiles(_Now, "sqlite")
def _now_on_sqlite(element: _Now, compiler: SQLCompiler, **kw: Any) -> str:  # noqa: ARG001 - the compiler's form
    # Milliseconds are what SQLite knows.
    return "CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER) * 1000"


def now() -> ColumnElement[datetime]:
    """Return the expression that reads the database's clock."""
    clock = _Now()
    clock.type = Time()
    return clock


def to_json(value: Any) -> str:
    """Serialize what a `Json` column takes."""
    return orjson.dumps(value).decode()


from_json = orjson.loads
