"""What pages read of many releases, branches and builds at once: bounded, counted, and in the order that they show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import evolve

from lathe.application.lists import DayCount
from lathe.application.ports import Store
from lathe.domain.build import Build
from lathe.domain.release import ReleaseState
from tests import samples
from tests.integration.store_contract.helpers import keep
from tests.integration.store_contract.world import World
from tests.samples import NOW


def test_active_releases_come_by_what_happened_last_in_them_and_others_by_age(store: Store, world: World) -> None:
    def release(minutes: int, state: ReleaseState) -> Any:
        activated = NOW + timedelta(minutes=minutes)
        created = NOW - timedelta(minutes=minutes)
        return samples.release(world.id, world.project.id, state=state, activated_at=activated, created_at=created)

    active = [release(minutes, ReleaseState.ACTIVE) for minutes in (3, 1, 2)]
    idle = [release(4, ReleaseState.PLANNED), release(6, ReleaseState.CLOSED), release(5, ReleaseState.PLANNED)]
    keep(store, *active, *idle)
    assert store.read(lambda tx: tx.releases.active(world.id, 9)) == [active[0], active[2], active[1], world.release]
    later, withdrawn = NOW + timedelta(minutes=2, seconds=30), NOW + timedelta(hours=1)
    built = [evolve(world.new_build(created_at=at), release_id=active[1].id) for at in (later, NOW)]
    gone = evolve(world.new_build(created_at=withdrawn, withdrawn=True), release_id=active[2].id)
    keep(store, *built, gone)
    assert store.read(lambda tx: tx.releases.active(world.id, 9)) == [active[0], active[1], active[2], world.release]
    assert store.read(lambda tx: tx.releases.active(world.id, 2)) == [active[0], active[1]]
    for most, count in ((0, 0), (3, 3), (9, 4)):
        assert store.read(lambda tx, most=most: tx.releases.count_active(world.id, most)) == count  # type: ignore[misc]
    assert store.read(lambda tx: tx.releases.inactive(world.id, 10)) == [idle[0], idle[2], idle[1]]
    assert store.read(lambda tx: tx.releases.inactive(world.id, 2)) == [idle[0], idle[2]]


def test_the_active_releases_of_projects_come_by_their_last_activation(store: Store, world: World) -> None:
    def release(project: Any, minutes: int, **changes: Any) -> Any:
        return samples.release(world.id, project.id, activated_at=NOW + timedelta(minutes=minutes), **changes)

    second, bare = samples.project(world.id), samples.project(world.id)
    older, newer = release(second, 1), release(second, 2)
    keep(
        store,
        second,
        bare,
        older,
        newer,
        release(second, 3, state=ReleaseState.CLOSED),
        release(bare, 4, state=ReleaseState.PLANNED),
    )
    asked = [world.project.id, second.id, bare.id]
    found = store.read(lambda tx: tx.releases.active_of_projects(world.id, asked))
    assert found == {world.project.id: [world.release], second.id: [newer, older]}


def test_waiting_builds_of_a_project_are_counted_no_further_than_asked(store: Store, world: World) -> None:
    of_project = [samples.entry(world.id, project_id=world.project.id) for _ in range(3)]
    decided = samples.rejected_entry(world.id, project_id=world.project.id)
    before = store.read(lambda tx: tx.entries.count_pending(world.id, world.project.id, 9))
    keep(store, *of_project, decided, samples.entry(world.id))

    def count(most: int) -> int:
        return store.read(lambda tx: tx.entries.count_pending(world.id, world.project.id, most))

    assert [count(most) for most in (0, 2, 9)] == [0, 2, before + 3]


def test_the_oldest_pending_entry_is_known(store: Store, world: World) -> None:
    fresh = [samples.entry(world.id, created_at=NOW - timedelta(hours=n)) for n in range(1, 4)]
    rejected = samples.rejected_entry(world.id, created_at=NOW - timedelta(days=9))
    keep(store, *fresh, rejected)
    assert store.read(lambda tx: tx.entries.oldest_pending(world.id)) == NOW - timedelta(hours=3)


def test_the_newest_build_of_each_branch_comes_newest_first(store: Store, world: World) -> None:
    def build(minutes: int, branch: str | None, tag: str | None = None, **changes: Any) -> Build:
        facts = samples.facts(branch=branch, tag=tag)
        return world.new_build(facts=facts, created_at=NOW + timedelta(minutes=minutes), **changes)

    main, older, hotfix = build(5, "main", "v3"), build(4, "main"), build(3, "hotfix/1")
    tagged, tagged_before, neither, nothing = build(2, None, "v2"), build(1, None, "v2"), build(7, None), build(6, None)
    withdrawn = build(9, "main", withdrawn=True)
    second, empty = (samples.release(world.id, world.project.id) for _ in range(2))
    of_second = evolve(build(8, "main"), release_id=second.id)
    keep(store, second, empty, of_second, main, older, hotfix, tagged, tagged_before, neither, nothing, withdrawn)

    def read(most: int) -> dict[UUID, list[Build]]:
        asked = [world.release.id, second.id, empty.id]
        return store.read(lambda tx: tx.builds.newest_per_branch(world.id, asked, most, 100))

    assert read(10) == {world.release.id: [neither, main, hotfix, tagged], second.id: [of_second]}
    assert read(2) == {world.release.id: [neither, main], second.id: [of_second]}
    assert store.read(lambda tx: tx.builds.newest_per_branch(world.id, [], 10, 10)) == {}


def test_a_branch_behind_the_newest_builds_of_its_release_is_left_out(store: Store, world: World) -> None:
    branches = ["main", "hotfix/1", "main", "main", "main", "old"]
    fresh = [
        world.new_build(facts=samples.facts(branch=branch), created_at=NOW + timedelta(minutes=9 - n))
        for n, branch in enumerate(branches)
    ]
    second = samples.release(world.id, world.project.id)
    of_second = evolve(world.new_build(), release_id=second.id)
    newer = world.new_build(created_at=NOW + timedelta(minutes=10), withdrawn=True)
    keep(store, second, of_second, newer, *fresh)

    def read(look_at: int) -> dict[UUID, list[Build]]:
        asked = [world.release.id, second.id]
        return store.read(lambda tx: tx.builds.newest_per_branch(world.id, asked, 10, look_at))

    main, hotfix, old = fresh[0], fresh[1], fresh[5]
    assert read(1) == {world.release.id: [main], second.id: [of_second]}
    assert read(5) == {world.release.id: [main, hotfix], second.id: [of_second]}
    assert read(6) == {world.release.id: [main, hotfix, old], second.id: [of_second]}


def test_the_newest_build_of_each_project_is_one_that_is_not_withdrawn(store: Store, world: World) -> None:
    second, empty = samples.project(world.id), samples.project(world.id)
    release = samples.release(world.id, second.id)
    of_second = [
        evolve(world.new_build(created_at=NOW + timedelta(minutes=n)), project_id=second.id, release_id=release.id)
        for n in range(3)
    ]
    newer = world.new_build(created_at=NOW + timedelta(minutes=1))
    withdrawn = world.new_build(created_at=NOW + timedelta(minutes=2), withdrawn=True)
    keep(store, second, empty, release, *of_second, newer, withdrawn)
    asked = [world.project.id, second.id, empty.id]
    found = store.read(lambda tx: tx.builds.newest_of_projects(world.id, asked))
    assert found == {world.project.id: newer, second.id: of_second[2]}


def test_builds_of_a_release_are_counted_no_further_than_asked(store: Store, world: World) -> None:
    empty = samples.release(world.id, world.project.id)
    keep(store, world.new_build(), world.new_build(), world.new_build(withdrawn=True), empty)

    def read(most: int) -> dict[UUID, int]:
        return store.read(lambda tx: tx.builds.counts(world.id, [world.release.id, empty.id], most))

    assert [read(most) for most in (0, 2, 1000)] == [{world.release.id: count, empty.id: 0} for count in (0, 2, 3)]
    assert store.read(lambda tx: tx.builds.counts(world.id, [], 10)) == {}


def test_builds_of_a_release_are_counted_by_day_and_source(store: Store, world: World) -> None:
    midnight = (NOW + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    moment = timedelta(microseconds=1)
    jenkins = {"facts": samples.facts(source="jenkins")}
    fresh = [
        world.new_build(created_at=midnight - moment),
        world.new_build(created_at=midnight - moment, **jenkins),
        world.new_build(created_at=midnight),
        world.new_build(created_at=midnight + timedelta(days=1) - moment),
        world.new_build(created_at=midnight, **jenkins),
    ]
    elsewhere = samples.release(world.id, world.project.id)
    withdrawn = world.new_build(withdrawn=True, created_at=midnight)
    other = evolve(world.new_build(created_at=midnight), release_id=elsewhere.id)
    keep(store, elsewhere, *fresh, withdrawn, other)

    def read(since: datetime, look_at: int) -> list[DayCount]:
        return store.read(lambda tx: tx.builds.per_day(world.id, world.release.id, since, look_at))

    first, second = NOW.date(), midnight.date()
    assert read(NOW, 9) == [
        DayCount(first, "bitbucket", 2),  # the world's own is one of them
        DayCount(first, "jenkins", 1),
        DayCount(second, "bitbucket", 2),
        DayCount(second, "jenkins", 1),
    ]
    assert read(midnight, 9) == [DayCount(second, "bitbucket", 2), DayCount(second, "jenkins", 1)]
    assert read(NOW, 1) == [DayCount(second, "bitbucket", 1)]
