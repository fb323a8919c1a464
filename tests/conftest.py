"""What every test may ask for: databases, a browser, and how Hypothesis searches."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.browser import running_chromium
from tests.databases import running_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.databases import PostgresServer

# No deadlines: other work on the machine must not fail a test. On CI the same examples every time, so that a red run
# tells about the change; elsewhere new ones, and `thorough` (HYPOTHESIS_PROFILE=thorough) for a long search.
settings.register_profile("default", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one for each test process."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a fresh, empty PostgreSQL database."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def sqlite_path(tmp_path: Path) -> Path:
    """Where a fresh SQLite database may be made; nothing is there yet."""
    return tmp_path / "lathe.db"


@pytest.fixture
def sqlite_url(sqlite_path: Path) -> str:
    """The address of that SQLite database."""
    return f"sqlite:///{sqlite_path}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running browser; open a context of your own in it.

    One for each module, not one for the session: while it runs, Playwright occupies the thread's event loop, and tests
    of other modules need to run theirs.
    """
    with running_chromium() as browser:
        yield browser
