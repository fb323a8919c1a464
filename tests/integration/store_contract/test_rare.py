"""What is rare among very many: a page looks at a number of rows, and says where to go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from lathe.application.lists import BuildFilter, EntryFilter, Place
from lathe.application.ports import Store
from lathe.domain.queue_entry import EntryStatus
from tests import samples
from tests.integration.store_contract.helpers import keep
from tests.integration.store_contract.world import World

ROWS, LOOK_AT, LIMIT = 13, 4, 2
FACTS = [
    samples.facts(source="rare" if n % 6 == 1 else "often", branch="b", commit_sha=f"{n:02}fe" * 10, name=f"Run {n}")
    for n in range(ROWS)
]
TIMES = [samples.NOW + timedelta(minutes=1, microseconds=n // 2) for n in range(ROWS)]
"""Two rows each have one time."""


def place(row: Any) -> Place:
    return Place(row.created_at, row.id)


def walked(page: Callable[[Place | None], tuple[list[Any], Place | None]]) -> tuple[list[Any], int]:
    """Return all rows of a walk that looks only so far at once, and how many pages it took."""
    rows: list[Any] = []
    after, pages = None, 0
    while True:
        found, until = page(after)
        pages += 1
        rows += found[:LIMIT]
        after = place(found[LIMIT - 1]) if len(found) > LIMIT else until
        if after is None:
            return rows, pages


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({"source": "rare"}, lambda one: one.facts.source == "rare"),
        ({"branch": "b", "q": "run 1"}, lambda one: one.facts.name.startswith("Run 1")),
        ({"commit": "0"}, lambda one: one.facts.commit_sha.startswith("0")),
        ({"source": "never"}, lambda _: False),
    ],
)
def test_a_walk_that_looks_only_so_far_at_once_shows_all_that_fit(
    store: Store, world: World, wanted: dict[str, Any], fits: Callable[[Any], bool]
) -> None:
    builds = [world.new_build(facts=facts, created_at=at) for facts, at in zip(FACTS, TIMES, strict=True)]
    entries = [samples.entry(world.id, facts=facts, created_at=at) for facts, at in zip(FACTS, TIMES, strict=True)]
    keep(store, *builds, world.new_build(facts=FACTS[0], withdrawn=True), *entries, samples.rejected_entry(world.id))

    def of_builds(after: Place | None) -> tuple[list[Any], Place | None]:
        asked = BuildFilter(release_id=world.release.id, **wanted)
        until = store.read(lambda tx: tx.builds.reach(world.id, asked, after, LOOK_AT))
        return store.read(lambda tx: tx.builds.page(world.id, asked, LIMIT + 1, after, until)), until

    def of_entries(after: Place | None) -> tuple[list[Any], Place | None]:
        asked = EntryFilter(**wanted)
        until = store.read(lambda tx: tx.entries.reach(world.id, asked, after, LOOK_AT))
        return store.read(lambda tx: tx.entries.page(world.id, asked, LIMIT + 1, after, until)), until

    walks: list[tuple[Any, list[Any]]] = [(of_builds, builds), (of_entries, entries)]
    for page, rows in walks:
        found, pages = walked(page)
        assert found == sorted(filter(fits, rows), key=lambda one: (one.created_at, one.id), reverse=True)
        assert pages > ROWS // LOOK_AT


def test_how_far_a_page_looks_is_the_place_of_the_last_row_that_it_looks_at(store: Store, world: World) -> None:
    builds = [world.new_build(facts=facts, created_at=at) for facts, at in zip(FACTS, TIMES, strict=True)]
    keep(store, *builds)
    newest = sorted([*builds, world.build], key=lambda one: (one.created_at, one.id), reverse=True)
    wanted = BuildFilter(q="run")

    def reach(after: Place | None, look_at: int) -> Place | None:
        return store.read(lambda tx: tx.builds.reach(world.id, wanted, after, look_at))

    assert reach(None, 1) == place(newest[0])
    assert reach(place(newest[2]), 3) == place(newest[5])
    assert reach(None, len(newest) - 1) == place(newest[-2])
    assert reach(None, len(newest)) is None
    assert reach(place(newest[-1]), 1) is None


@pytest.mark.parametrize("wanted", [{}, {"commit": "00fe0"}])
def test_what_can_be_gone_to_at_once_has_no_such_end(store: Store, world: World, wanted: dict[str, Any]) -> None:
    keep(store, *(world.new_build(facts=facts) for facts in FACTS))
    assert store.read(lambda tx: tx.builds.reach(world.id, BuildFilter(**wanted), None, 1)) is None
    keep(store, *(samples.entry(world.id, facts=facts) for facts in FACTS))
    for status in (EntryStatus.PENDING, None):
        assert store.read(lambda tx, s=status: tx.entries.reach(world.id, EntryFilter(status=s), None, 1)) is None  # type: ignore[misc]
