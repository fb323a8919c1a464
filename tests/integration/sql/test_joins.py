"""Repositories that turn out to be one while others work with them: nothing is left under the one that goes.

On PostgreSQL, since nobody else writes meanwhile on SQLite.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from attrs import evolve, frozen

from lathe.adapters.sql import SqlStore, open_store
from lathe.application.intake import Changes, Presented, Wanted
from lathe.application.ports import Transaction
from lathe.domain.api_key import ApiKey
from lathe.domain.delivery import CredentialKind
from lathe.domain.project import Project
from lathe.domain.repository import Repository
from tests import samples


@frozen
class Two:
    """A repository known by its UUID, and one known by its URL, that a report will show to be the same."""

    key: ApiKey
    project: Project
    by_uuid: Repository
    by_url: Repository

    @property
    def joined(self) -> Repository:
        """The one that stays."""
        return evolve(self.by_url, uuid=self.by_uuid.uuid)

    def join(self, tx: Transaction) -> None:
        """Do what that report does."""
        tx.intake.save(Changes(samples.NOW, joined=[(self.by_uuid, self.joined)], changed_repositories=[self.joined]))


@pytest.fixture
def two(postgres_store: SqlStore) -> Two:
    """Two repositories that were not joined yet, with a project and a key."""
    organization = samples.organization()
    of = organization.id
    two = Two(samples.key(of), samples.project(of), samples.repository(of, url=None), samples.bare_repository(of))

    def prepare(tx: Transaction) -> None:
        tx.organizations.add(organization)
        tx.keys.add(two.key)
        tx.projects.add(two.project)
        tx.repositories.add(two.by_uuid)
        tx.repositories.add(two.by_url)

    postgres_store.write(prepare)
    return two


@pytest.fixture
def faster(postgres_url: str, postgres_store: SqlStore) -> Iterator[SqlStore]:
    """Another process's store, whose transactions come between."""
    opened = open_store(postgres_url)
    yield opened
    opened.close()


def wait_until_somebody_waits(url: str) -> None:
    """Return when a transaction waits for the lock of another one."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + 20
    with psycopg.connect(url, autocommit=True) as connection:
        while not connection.execute(waiting).fetchall():
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.005)


def test_a_batch_that_waited_for_a_join_finds_the_link_where_it_is_now(
    postgres_store: SqlStore, faster: SqlStore, postgres_url: str, two: Two
) -> None:
    of = two.key.organization_id
    link = samples.repository_link(of, two.by_uuid.id, two.project.id)
    postgres_store.write(lambda tx: tx.repositories.link(link))
    joining = threading.Event()

    def join(tx: Transaction) -> None:
        two.join(tx)
        joining.set()
        wait_until_somebody_waits(postgres_url)

    joiner = threading.Thread(target=lambda: faster.write(join))
    joiner.start()
    assert joining.wait(timeout=20)
    presented = Presented(CredentialKind.KEY, key_hash=two.key.hash)
    wanted = Wanted(presented, "bitbucket", url=two.by_url.url, uuid=two.by_uuid.uuid)
    known = postgres_store.write(lambda tx: tx.intake.load([wanted]))
    joiner.join(timeout=30)
    assert known.repositories == [two.joined]
    assert known.links == [evolve(link, repository_id=two.by_url.id)]


def changed(tx: Transaction, two: Two) -> None:
    """Write what a report taught the repository that goes."""
    taught = evolve(two.by_uuid, url=samples.repo_url(f"acme/{samples.unique('renamed')}"))
    tx.intake.save(Changes(samples.NOW, changed_repositories=[taught]))


def linked(tx: Transaction, two: Two) -> None:
    """Let a person teach the link of the repository that goes."""
    tx.repositories.link(samples.repository_link(two.key.organization_id, two.by_uuid.id, two.project.id))


@pytest.mark.parametrize("use", [lambda tx, two: two.join(tx), changed, linked], ids=["joined", "changed", "linked"])
def test_work_with_a_repository_that_was_joined_meanwhile_runs_again(
    postgres_store: SqlStore, faster: SqlStore, two: Two, use: Callable[[Transaction, Two], None]
) -> None:
    runs = []

    def work(tx: Transaction) -> str:
        runs.append(1)
        if len(runs) > 1:
            return "saw it"
        faster.write(two.join)
        use(tx, two)
        return "did not see it"

    assert postgres_store.write(work) == "saw it"
    assert runs == [1, 1]
