"""What tests of the SQL stores do to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lathe.adapters.sql import SqlStore
from lathe.adapters.sql.engine import Database
from lathe.application.intake import Changes
from lathe.domain.errors import NotFound
from lathe.domain.organization import Organization
from tests import samples


def database(store: SqlStore) -> Database:
    return store._database


def in_use(store: SqlStore) -> int:
    """Return how many connections somebody has not given back."""
    pools: Any = [database(store).writer.pool, database(store).reader.pool]
    return sum(pool.checkedout() for pool in pools)


def stored(store: SqlStore, organization: Organization) -> bool:
    try:
        store.read(lambda tx: tx.organizations.get(organization.id))
    except NotFound:
        return False
    return True


@contextmanager
def commits(store: SqlStore, commit: Callable[[Callable[[], None]], None]) -> Iterator[None]:
    """Let ``commit`` stand in for the COMMIT of writing transactions; it is handed the real one."""
    dialect: Any = database(store).writer.dialect
    real = dialect.do_commit
    dialect.do_commit = lambda connection: commit(lambda: real(connection))
    try:
        yield
    finally:
        del dialect.do_commit


def fill(store: SqlStore, organization: Organization, how_often: int) -> None:
    """Store deliveries that compression cannot shrink."""
    for _ in range(how_often):
        body = b"".join(samples.digest() for _ in range(2000))
        delivery = samples.delivery(organization.id, organization.id, body=body)
        store.write(lambda tx, delivery=delivery: tx.intake.save(Changes(samples.NOW, new_deliveries=[delivery])))  # type: ignore[misc]
