"""The clock of a transaction: the database's own, which all processes share, unless another one was given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from attrs import frozen
from sqlalchemy import select

from lathe.adapters.sql.prepared import Asked, Prepared
from lathe.adapters.sql.rows import Rows
from lathe.adapters.sql.types import now
from lathe.application.ports import Clock

_READ: Final = Prepared(select(now().label("now")))


@frozen
class TransactionClock:
    """Implements `Clock`."""

    _rows: Rows
    _given: Clock | None

    def now(self) -> datetime:
        """Return the time in UTC."""
        return self.after()[0]

    def after(self, *queries: Asked) -> tuple[datetime, list[Sequence[Any]]]:
        """Return the time in UTC as the queries were through, and what they found; all on one way there and back."""
        if self._given:
            found = self._rows.given_each(*queries)
            return self._given.now(), found
        *found, read = self._rows.given_each(*queries, (_READ, {}))
        return read[0].now, found
