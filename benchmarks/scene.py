"""An organization that deliveries are sent to: a database, 200 projects, thousands of API keys, and what is stored."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import psycopg
from attrs import define, field, frozen
from sqlalchemy import update

from benchmarks.fill import make_products
from benchmarks.servers import Answered, post
from lathe.adapters.ids import RandomIds
from lathe.adapters.sql import migrate, open_store
from lathe.adapters.sql.engine import open_database
from lathe.adapters.sql.schema import usage
from lathe.adapters.sql.sqlite import database_path
from lathe.application import organizations
from lathe.application.login import TOKEN_BYTES, open_session
from lathe.application.ports import Transaction
from lathe.domain.api_key import ENTROPY_BYTES, Scope, key_text, new_key
from lathe.domain.organization import Member, Organization, Role, User
from lathe.domain.rate_limit import WINDOW_SECONDS, Window, pack
from lathe.entrypoints.sample_bodies import commit_of, commit_status, event_headers

LIMIT = 60
"""Requests a minute: what a key has by default."""

FULL = 58
"""So many requests in the last minute, evenly: a window that is all but full. Each second one more leaves it."""

PLENTY = 100_000
"""A limit that is kept in buckets of a second, and that nobody reaches."""

TABLES = ("builds", "queue_entries", "deliveries")

_NUMBER, _COMMIT = 7_777_777, "f" * 40
"""Stand in a prepared body for what is each delivery's own."""

_SECOND = 1_000_000


class WrongRows(Exception):
    """What is stored is not what was answered: the figures of such a server mean nothing."""


@frozen
class Key:
    """An API key of the organization, with its text."""

    id: UUID
    text: str


def bodies(first: int, count: int) -> Iterator[bytes]:
    """Make bodies of Bitbucket, each of a build of its own: of twenty, one of a repository that fits no project, two of
    projects without an active release, the others are filed."""
    prepared: dict[str, str] = {}
    for number in range(first, first + count):
        kind, turn = number % 20, number // 20
        if kind == 0:
            name = f"bench/unknown-{number % 97}x"
        else:
            name = f"bench/service-{turn % 20 * 10 + (9 if kind <= 2 else kind % 9):03}-backend"
        if name not in prepared:
            made = commit_status(repository=name, number=_NUMBER, branch="main", commit=_COMMIT)
            prepared[name] = json.dumps(made)
        body = prepared[name].replace(str(_NUMBER), str(number)).replace(_COMMIT, commit_of(name, number))
        yield body.encode()


def _now() -> int:
    return time.time_ns() // 1000  # noqa: TID251 - both databases read the clock of this machine


def full_window() -> Window:
    """Return the window of a key with a limit of 60 that was used once a second until now."""
    now = _now()
    step = WINDOW_SECONDS * _SECOND // FULL
    return Window.of(*((now - step * back, 1) for back in reversed(range(FULL))))


def full_buckets() -> Window:
    """Return the window of a key with a high limit that was used often in every second until now."""
    end = _now() // _SECOND * _SECOND - 1
    return Window.of(*((end - back * _SECOND, 20) for back in reversed(range(WINDOW_SECONDS))))


def spent_window() -> Window:
    """Return the window of a key with a limit of 60 that was used 60 times just now: the next minute it is refused."""
    return Window.of((_now(), LIMIT))


@define
class Scene:
    """One organization in one database. Builds that are sent are numbered, beginning behind ``sent``."""

    name: str
    url: str
    organization: Organization
    many: Sequence[Key]
    """Keys with the usual limit."""
    hot: Key
    """A key that may be used as often as one likes."""
    session: str
    """The token of a tester's session."""
    sent: int = 0
    delivered: int = 0
    """How many deliveries were answered, over all loads."""
    ids: RandomIds = field(factory=RandomIds)

    @classmethod
    def make(cls, name: str, url: str, keys: int) -> Self:
        """Make the database's schema, and everything in it. The server makes its key file by itself."""
        migrate(url)
        ids = RandomIds()
        with closing(open_store(url)) as store:
            organization = organizations.create(store, ids, "Bench")
            make_products(store, ids, organization.id)
            texts = [key_text(ids.entropy(ENTROPY_BYTES)) for _ in range(keys + 1)]
            token = ids.entropy(TOKEN_BYTES).hex()

            def work(tx: Transaction) -> list[Key]:
                user = User(ids.new(), "tester@example.com", "Tester", tx.now(), None)
                tx.users.add(user)
                tx.users.join(Member(organization.id, user.id, Role.TESTER, tx.now()))
                open_session(tx, user.id, token, None)
                return [_add_key(tx, ids, organization.id, text, n) for n, text in enumerate(texts)]

            hot, *many = store.write(work)
        return cls(name, url, organization, many, hot, token)

    def deliveries(self, count: int, keys: Sequence[Key]) -> Iterator[bytes]:
        """Make requests, each a delivery and a build of its own, that use the keys in turn."""
        first, self.sent = self.sent + 1, self.sent + count
        for number, body in enumerate(bodies(first, count)):
            headers = event_headers("repo:commit_status_updated", str(self.ids.new()))
            headers["Authorization"] = f"Bearer {keys[number % len(keys)].text}"
            yield post("/api/webhooks/bitbucket", headers, body)

    def set_windows(self, window: Window, keys: Sequence[Key] | None = None) -> None:
        """Let keys look as if they had been used so: all of the organization if none are named."""
        change = update(usage).where(usage.c.organization_id == self.organization.id).values(window=pack(window))
        if keys is not None:
            change = change.where(usage.c.id.in_([key.id for key in keys]))
        database = open_database(self.url)
        try:
            with database.writing() as connection:
                connection.execute(change)
                database.commit(connection)
        finally:
            database.close()

    def rows(self) -> dict[str, int]:
        """Return how many builds, entries and deliveries are stored."""
        return {table: self.ask(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}

    def ask(self, question: str) -> list[tuple[Any, ...]]:
        """Ask the database itself, past the program."""
        if self.url.startswith("sqlite"):
            import sqlite3  # noqa: PLC0415

            with closing(sqlite3.connect(f"file:{database_path(self.url)}?mode=ro", uri=True)) as file:
                return list(file.execute(question))
        with psycopg.connect(self.url, autocommit=True) as connection:
            return list(connection.execute(question.encode()))

    def check(self, before: Mapping[str, int], answered: Answered, *, expected: frozenset[int]) -> None:
        """Compare what is stored since ``before`` with what was answered. Raises WrongRows."""
        answers = answered.statuses
        stored = {table: count - before[table] for table, count in self.rows().items()}
        filed, queued = answers.get(201, 0), answers.get(202, 0)
        if stored != {"builds": filed, "queue_entries": queued, "deliveries": filed + queued}:
            raise WrongRows(f"{self.name}: stored {stored}, answered {dict(answers)}")
        if not set(answers) <= expected:
            raise WrongRows(f"{self.name}: answered {dict(answers)}, and nothing but {sorted(expected)} was to come")
        self.delivered += filed + queued


def _add_key(tx: Transaction, ids: RandomIds, organization_id: UUID, text: str, number: int) -> Key:
    """Add a key. The first one may be used as often as one likes."""
    key = new_key(
        organization_id=organization_id,
        key_id=ids.new(),
        text=text,
        name=f"ci {number}",
        scopes=list(Scope),
        now=tx.now(),
        created_by="bench",
        rate_limit=LIMIT if number else PLENTY,
        expires_at=None,
    )
    tx.keys.add(key)
    return Key(key.id, text)


def environment(scene: Scene, base: Mapping[str, str], key_file: Path) -> dict[str, str]:
    """Return the environment of a server of this organization."""
    settings = {"LATHE_DATABASE_URL": scene.url, "LATHE_SECRET_KEY_FILE": str(key_file)}
    return {name: value for name, value in base.items() if not name.startswith("LATHE_")} | settings
