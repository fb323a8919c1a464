"""The day of a time, as both databases can group by it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

_EPOCH = date(1970, 1, 1)


class Day(TypeDecorator[date]):
    """A day in UTC, on both databases the number of days since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_result_value(self, value: int | None, dialect: Dialect) -> date | None:  # noqa: ARG002 - the same on both
        """Return it as a date."""
        return None if value is None else _EPOCH + timedelta(days=value)


class _DayOf(FunctionElement[date]):
    inherit_cache = True
    name = "day_of"
    type = Day()


def day_of(time: ColumnElement[Any]) -> ColumnElement[date]:
    """Return the expression for the day of a `Time`."""
    return _DayOf(time)


@compiles(_DayOf, "postgresql")
def _on_postgresql(element: _DayOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(floor(extract(epoch FROM {compiler.process(element.clauses, **kw)}) / 86400) AS bigint)"


@compiles(_DayOf, "sqlite")
def _on_sqlite(element: _DayOf, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} / 86400000000)"
