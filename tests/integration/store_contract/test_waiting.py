"""What waits, seen from the rules of today: which entries have a project by now, and which projects could be meant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from lathe.application.lists import Promising, Sought
from lathe.application.ports import Store
from lathe.domain.project import LinkedProject
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.steps import Reason, ReasonCode
from tests import samples
from tests.integration.store_contract.helpers import keep
from tests.integration.store_contract.world import World
from tests.samples import NOW

UNKNOWN, RELEASE, BACK, WEAK = (
    Reason(code, "It waits")
    for code in (
        ReasonCode.NO_PROJECT_MATCH,
        ReasonCode.NO_ACTIVE_RELEASE,
        ReasonCode.SENT_BACK,
        ReasonCode.NAME_MATCH_UNCONFIRMED,
    )
)


def promising(store: Store, world: World, look_at: int = 100) -> list[Promising]:
    found = store.read(lambda tx: tx.entries.promising(world.id, look_at))
    return [one for one in found if one.entry_id != world.entry.id]


def test_entries_whose_project_is_known_by_now_are_promising_newest_first(store: Store, world: World) -> None:
    mine, other = world.project, samples.project(world.id)
    linked, loose = world.repository, samples.repository(world.id)
    keep(store, other, loose)

    def waiting(minutes: int, reason: Reason, **changes: Any) -> QueueEntry:
        return samples.entry(world.id, reason=reason, created_at=NOW + timedelta(minutes=minutes), **changes)

    by_placement = {"project_id": mine.id, "placed_project_id": mine.id}
    selected = {"project_id": other.id, "placed_project_id": None}
    release = waiting(1, RELEASE, **by_placement)
    by_link = waiting(2, UNKNOWN, repository_id=linked.id)
    by_hand = waiting(3, UNKNOWN, repository_id=linked.id, **selected)
    moved = waiting(4, RELEASE, repository_id=linked.id, project_id=other.id, placed_project_id=other.id)
    confirmed = waiting(5, WEAK, project_id=other.id, placed_project_id=mine.id)
    keep(
        store,
        *(release, by_link, by_hand, moved, confirmed),
        waiting(6, UNKNOWN, repository_id=loose.id),
        waiting(7, WEAK, **by_placement),
        waiting(8, BACK, repository_id=linked.id, **by_placement),
        samples.rejected_entry(world.id, **by_placement),
    )

    def known(entry: QueueEntry, project_id: UUID) -> Promising:
        return Promising(entry.id, project_id, entry.facts.branch, entry.facts.tag)

    found = [
        known(confirmed, other.id),
        known(moved, mine.id),
        known(by_hand, other.id),
        known(by_link, mine.id),
        known(release, mine.id),
    ]
    assert promising(store, world) == found
    assert promising(store, world, look_at=5) == found[:2], "only the newest are looked at"


def test_times_of_waiting_come_newest_first(store: Store, world: World) -> None:
    later = NOW + timedelta(minutes=1)
    keep(store, samples.entry(world.id, created_at=later), samples.rejected_entry(world.id))
    assert store.read(lambda tx: tx.entries.pending_since(world.id, 9)) == [later, NOW]
    assert store.read(lambda tx: tx.entries.pending_since(world.id, 1)) == [later]


def test_some_of_many_are_found_by_their_ids(store: Store, world: World) -> None:
    entry, repository = samples.entry(world.id), samples.repository(world.id)
    keep(store, entry, repository, samples.entry(world.id))
    nobody = samples.new_id()
    entries = store.read(lambda tx: tx.entries.some(world.id, [entry.id, world.entry.id, nobody]))
    assert entries == {entry.id: entry, world.entry.id: world.entry}
    repositories = store.read(lambda tx: tx.repositories.some(world.id, [repository.id, nobody]))
    assert repositories == {repository.id: repository}


def test_candidates_of_several_repositories_are_those_of_each_once(store: Store, world: World) -> None:
    named, far = samples.project(world.id, name="Weather station"), samples.project(world.id, name="Zebra")
    keep(store, named, far)
    linked = Sought(None, world.repository.url, ("nothing",))
    by_name = Sought(None, samples.repo_url("acme/weather-station-api"), ("weather", "station", "api"))

    def read(*wanted: Sought) -> dict[UUID, LinkedProject]:
        found = store.read(lambda tx: tx.projects.candidates_of(world.id, wanted))
        assert len({one.project.id for one in found}) == len(found)
        return {one.project.id: one for one in found}

    found = read(linked, by_name, by_name, Sought(world.repository.uuid, None, ()))
    assert found[world.project.id] == LinkedProject(world.project, (world.repository,))
    assert found[named.id] == LinkedProject(named)
    assert far.id not in found
    assert read(Sought(None, None, ())) == {}
