"""Running servers: `lathe serve` on each database, and the commands that are given beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from lathe.adapters.secret_box import create_key_file
from tests.programs import lathe, lathe_inside, serving

if TYPE_CHECKING:
    from tests.databases import PostgresServer

DATABASES: Final = ("sqlite", "postgresql")


@frozen
class Place:
    """A server that runs, with one process on SQLite and two on PostgreSQL."""

    kind: str
    address: str
    folder: Path
    settings: Mapping[str, str]

    def command(self, *arguments: str) -> Any:
        """Give a command beside the server, which must succeed; return what it prints."""
        done = lathe_inside(*arguments, "--json", cwd=self.folder, **self.settings)
        assert done.status == 0, done.err
        return done.json

    def program(self, *arguments: str) -> Any:
        """The same as a process of its own: when this returns, it has ended."""
        done = lathe(*arguments, "--json", cwd=self.folder, **self.settings)
        assert done.status == 0, done.err
        return json.loads(done.out)

    @property
    def database_url(self) -> str:
        """Where the server's database is."""
        return self.settings.get("LATHE_DATABASE_URL", f"sqlite:///{self.folder}/lathe.db")


@contextmanager
def running_place(kind: str, postgres: PostgresServer, folder: Path) -> Iterator[Place]:
    """Run a server on an empty database of this kind, as long as the block lasts."""
    if kind == "sqlite":
        with _served(kind, folder, {}) as place:
            yield place
        return
    name = postgres.create_database()
    try:
        with place_on_postgres(postgres.url(name), folder) as place:
            yield place
    finally:
        postgres.drop_database(name)


@contextmanager
def place_on_postgres(url: str, folder: Path) -> Iterator[Place]:
    """Run a server of two processes on the PostgreSQL database at this address."""
    key = folder / "lathe.key"
    create_key_file(key)
    with _served(
        "postgresql", folder, {"LATHE_DATABASE_URL": url, "LATHE_SECRET_KEY_FILE": str(key)}, "--workers", "2"
    ) as place:
        yield place


@contextmanager
def _served(kind: str, folder: Path, settings: Mapping[str, str], *arguments: str) -> Iterator[Place]:
    with serving(*arguments, cwd=folder, **settings) as (_, address):
        yield Place(kind, address, folder, settings)
