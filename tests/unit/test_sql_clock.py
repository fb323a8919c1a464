"""A transaction reads its clock when all that is asked beside it is through: others may have held a lock till then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from lathe.adapters.sql.clock import TransactionClock
from lathe.adapters.sql.prepared import Asked
from lathe.adapters.sql.rows import Rows
from tests import samples


class Order:
    """Rows and a clock that remember in which order they were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def given_each(self, *queries: Asked) -> list[Sequence[Any]]:
        self.asked.append(f"{len(queries)} queries")
        return [[] for _ in queries]

    def now(self) -> datetime:
        self.asked.append("the clock")
        return samples.NOW


def test_a_clock_that_was_given_is_read_after_the_queries() -> None:
    order, query = Order(), cast(Asked, ())
    assert TransactionClock(cast(Rows, order), order).after(query, query) == (samples.NOW, [[], []])
    assert order.asked == ["2 queries", "the clock"]
