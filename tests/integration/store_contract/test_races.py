"""Two at once: two threads on one store in memory, two processes on one database.

Each race is also run with what protects it removed. A judge that finds nothing wrong then would judge nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import closing, nullcontext
from uuid import UUID

import pytest

from lathe.adapters.memory.clock import SettableClock
from lathe.adapters.memory.store import MemoryStore
from lathe.adapters.sql import candidates, open_store
from lathe.application.lists import BuildFilter, EntryFilter
from lathe.application.ports import Store, Transaction
from lathe.domain.api_key import ApiKey
from lathe.domain.identity import repository_scope
from lathe.domain.queue_entry import EntryStatus
from lathe.domain.repository import Repository
from tests import samples
from tests.integration.store_contract.helpers import keep, stored
from tests.integration.store_contract.races import (
    ROUNDS,
    Answering,
    Assigning,
    Identifying,
    Joining,
    Outcomes,
    Spending,
    Track,
    Way,
    beyond_the_limit,
    on_processes,
    on_threads,
    rounds_without_one_row,
    rounds_without_one_winner,
    two_processes,
)
from tests.integration.store_contract.world import World, populated

LIMIT = ROUNDS // 2

# What removes the protection of a decision, where asking for no lock is enough and where it is not: SQLite has one
# writer at a time whatever it is asked for, so only a decision in two transactions can go wrong there.
CARELESS_ASSIGNING = {
    "memory": Way.IN_TWO_TRANSACTIONS,
    "sqlite": Way.IN_TWO_TRANSACTIONS,
    "postgres": Way.WITHOUT_LOCK,
}


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    """Two processes for all races of this module."""
    with two_processes() as pool:
        yield pool


@pytest.fixture
def track(kind: str, store: Store, url: Callable[[], str], request: pytest.FixtureRequest) -> Track:
    """Where two race on the store under test."""
    if kind == "memory":
        return on_threads(store)
    return on_processes(request.getfixturevalue("processes"), kind, url())


def assigning(store: Store, world: World) -> Assigning:
    entries = [samples.entry(world.id) for _ in range(ROUNDS)]
    keep(store, *entries)
    return Assigning(world.id, world.project.id, world.release.id, tuple(entry.id for entry in entries))


def identifying(store: Store, world: World) -> Identifying:
    second = samples.key(world.id)
    keep(store, second)
    return Identifying(world.id, (world.key.hash, second.hash))


def answering(store: Store, world: World) -> Answering:
    second = samples.key(world.id)
    keep(store, second)
    return Answering(world.id, (world.key.hash, second.hash))


def joining(store: Store, world: World) -> Joining:
    keys = [samples.bare_key(world.id) for _ in range(2)]
    pairs = [(samples.repository(world.id, url=None), unmatched(world)) for _ in range(ROUNDS)]
    keep(store, *keys, *(one for pair in pairs for one in pair))
    return Joining(world.id, tuple(key.hash for key in keys), tuple(pairs))


def unmatched(world: World) -> Repository:
    """Return a repository, known by its URL, whose name no project bears."""
    return samples.bare_repository(world.id, url=samples.repo_url(f"acme/{samples.unique('unheard')}"))


def left_behind(store: Store, world: World, race: Joining, outcomes: Outcomes) -> list[str]:
    """Return the rounds whose run is not kept, once, under the one repository that stayed."""

    def look(tx: Transaction) -> Iterator[str]:
        for number, (_, kept) in enumerate(race.repositories):
            entry = tx.entries.get(world.id, UUID(str(outcomes[0][number].about)))
            identity = entry.identity_id and tx.identities.get(world.id, entry.identity_id)
            if not identity or identity.key.scope != repository_scope(kept.id) or entry.repository_id != kept.id:
                yield f"{number}: {entry} {identity}"
        entries = tx.entries.page(world.id, EntryFilter(None), 2 * ROUNDS + 2, None)
        if len(entries) != ROUNDS + 1:
            yield f"{len(entries)} entries"

    return store.read(lambda tx: list(look(tx)))


def spending(store: Store, world: World) -> tuple[Spending, Callable[[Outcomes], list[str]]]:
    def judged(outcomes: Outcomes) -> list[str]:
        key = stored(store, world.key)
        assert isinstance(key, ApiKey)
        return beyond_the_limit(outcomes, LIMIT, key.requests)

    return Spending(world.id, world.key.id, world.key.hash, LIMIT), judged


def test_of_two_people_who_assign_one_entry_exactly_one_wins(store: Store, world: World, track: Track) -> None:
    race = assigning(store, world)
    outcomes = track(race, Way.SAFE)
    assert rounds_without_one_winner(outcomes) == []
    winners = {one.about for racer in outcomes for one in racer if one.what == "won"}
    builds = store.read(lambda tx: tx.builds.page(world.id, BuildFilter(), 2 * ROUNDS + 1, None))
    assert {build.id for build in builds} == winners | {world.build.id}
    entries = store.read(lambda tx: [tx.entries.get(world.id, entry_id) for entry_id in race.entry_ids])
    assert {entry.build_id for entry in entries} == winners
    assert {entry.status for entry in entries} == {EntryStatus.ASSIGNED}


def test_of_two_deliveries_that_name_a_build_first_one_makes_it_and_the_other_finds_it(
    store: Store, world: World, track: Track
) -> None:
    outcomes = track(identifying(store, world), Way.SAFE)
    assert rounds_without_one_row(outcomes) == []


def test_of_two_requests_that_are_answered_once_one_is_and_the_other_finds_its_answer(
    store: Store, world: World, track: Track
) -> None:
    outcomes = track(answering(store, world), Way.SAFE)
    assert rounds_without_one_row(outcomes) == []


def test_a_run_is_kept_once_while_its_two_repositories_turn_out_to_be_one(
    store: Store, world: World, track: Track
) -> None:
    race = joining(store, world)
    outcomes = track(race, Way.SAFE)
    assert rounds_without_one_row(outcomes) == []
    assert left_behind(store, world, race, outcomes) == []


def test_two_who_share_a_key_are_admitted_no_more_often_than_its_limit(
    store: Store, world: World, track: Track
) -> None:
    race, judged = spending(store, world)
    assert judged(track(race, Way.SAFE)) == []


def test_without_the_lock_both_people_win(kind: str, store: Store, world: World, track: Track) -> None:
    outcomes = track(assigning(store, world), CARELESS_ASSIGNING[kind])
    assert rounds_without_one_winner(outcomes) != []


def test_deliveries_that_do_not_look_again_fail(store: Store, world: World, track: Track) -> None:
    outcomes = track(identifying(store, world), Way.IN_TWO_TRANSACTIONS)
    assert rounds_without_one_row(outcomes) != []


def test_requests_that_do_not_look_again_are_not_answered_once(store: Store, world: World, track: Track) -> None:
    outcomes = track(answering(store, world), Way.IN_TWO_TRANSACTIONS)
    assert rounds_without_one_row(outcomes) != []


def test_a_run_is_kept_twice_where_its_repository_may_go_meanwhile(store: Store, world: World, track: Track) -> None:
    outcomes = track(joining(store, world), Way.IN_TWO_TRANSACTIONS)
    assert rounds_without_one_row(outcomes) != []


def test_without_the_lock_more_are_admitted_than_the_limit(store: Store, world: World, track: Track) -> None:
    race, judged = spending(store, world)
    assert judged(track(race, Way.IN_TWO_TRANSACTIONS)) != []


def test_the_store_in_memory_needs_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore(SettableClock())
    world = populated(store)
    monkeypatch.setattr(store, "_writing", nullcontext())
    track = on_threads(store)
    assert rounds_without_one_winner(track(assigning(store, world), Way.SAFE)) != []
    assert rounds_without_one_row(track(identifying(store, world), Way.SAFE)) != []
    assert rounds_without_one_row(track(answering(store, world), Way.SAFE)) != []
    assert rounds_without_one_row(track(joining(store, world), Way.SAFE)) != []
    race, judged = spending(store, world)
    assert judged(track(race, Way.SAFE)) != []


def test_the_store_on_postgresql_needs_its_lock_on_repositories(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "_KEPT_REPOSITORIES", candidates._REPOSITORIES)
    with closing(open_store(postgres_database)) as store:
        outcomes = on_threads(store)(joining(store, populated(store)), Way.SAFE)
    assert rounds_without_one_row(outcomes) != []
