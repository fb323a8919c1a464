"""The store under test. Databases are migrated once; each test works in organizations of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lathe.adapters.memory.clock import MORNING, SettableClock
from lathe.application.ports import Store
from tests.databases import PostgresServer
from tests.integration.store_contract.world import World, populated
from tests.stores import KINDS, migrated, open_store

Url = Callable[[], str]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of store under test."""
    return str(request.param)


@pytest.fixture(scope="session")
def sqlite_database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of one migrated SQLite database for the whole suite."""
    return migrated(f"sqlite:///{tmp_path_factory.mktemp('contract') / 'lathe.db'}")


@pytest.fixture(scope="session")
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of one migrated PostgreSQL database for the whole suite."""
    name = postgres_server.create_database()
    yield migrated(postgres_server.url(name))
    postgres_server.drop_database(name)


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest) -> Url:
    """The address of the database of this kind, made when it is asked for."""
    return lambda: str(request.getfixturevalue(f"{kind}_database"))


@pytest.fixture(scope="session")
def shared_clock() -> SettableClock:
    """The clock of all stores under test."""
    return SettableClock()


@pytest.fixture
def clock(shared_clock: SettableClock) -> SettableClock:
    """The clock that the store under test goes by; for each test it is the same time."""
    shared_clock.set(MORNING)
    return shared_clock


@pytest.fixture(scope="session")
def opened_stores() -> Iterator[dict[str, Store]]:
    """The stores that were opened so far, by kind: each is opened once."""
    opened: dict[str, Store] = {}
    yield opened
    for store in opened.values():
        store.close()


@pytest.fixture
def store(kind: str, clock: SettableClock, url: Url, opened_stores: dict[str, Store]) -> Store:
    """The store under test."""
    if kind not in opened_stores:
        opened_stores[kind] = open_store(kind, clock, url)
    return opened_stores[kind]


@pytest.fixture
def world(store: Store) -> World:
    """A fresh organization with one row of everything."""
    return populated(store)


@pytest.fixture
def other(store: Store) -> World:
    """Another organization, with one row of everything too."""
    return populated(store)
