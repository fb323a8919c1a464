"""Stores on fresh databases, which must have given back every connection in the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lathe.adapters.sql import SqlStore, migrate, open_store
from tests.integration.sql.helpers import in_use


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[SqlStore]:
    """A store on a fresh SQLite database; when the test is over it must hold no connection."""
    yield from _store(sqlite_url)


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[SqlStore]:
    """A store on a fresh PostgreSQL database; when the test is over it must hold no connection."""
    yield from _store(postgres_url)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> SqlStore:
    """A store on each database."""
    found = request.getfixturevalue(f"{request.param}_store")
    assert isinstance(found, SqlStore)
    return found


def _store(url: str) -> Iterator[SqlStore]:
    migrate(url)
    opened = open_store(url)
    yield opened
    assert in_use(opened) == 0
    opened.close()
