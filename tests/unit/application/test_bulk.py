"""One decision about several entries: each for itself, and an honest report."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from lathe.application import bulk, triage
from lathe.application.bulk import Refusal, Report
from lathe.domain.errors import Invalid
from lathe.domain.queue_entry import EntryStatus, RejectReason
from lathe.domain.release import ReleaseState
from tests.unit.application.world import World, report


def waiting(world: World, count: int) -> list[UUID]:
    answers = [world.received(report(n, repository="https://bitbucket.org/acme/unknown")) for n in range(count)]
    return [answer.entry.entry.id for answer in answers if answer.entry]


def statuses(world: World) -> set[EntryStatus]:
    return {entry.status for entry in world.entries()}


def test_several_are_filed_and_who_was_faster_is_named(world: World) -> None:
    pay = world.project("Pay")
    release, other = world.release(pay, "2.5"), world.release(pay, "2.1")
    entries = waiting(world, 4)
    triage.assign(world.store, world.ids, world.ann, entries[1], other.id)
    world.later(minutes=2)
    result = bulk.assign(world.store, world.ids, world.ben, [*entries, uuid4()], release.id)
    assert result == Report(
        3,
        (
            Refusal("Pipeline #1 for main", "Ann assigned this to 2.1 2 min ago"),
            Refusal("A build", "is not in this queue"),
        ),
    )
    assert sorted(build.release_id == release.id for build in world.builds()) == [False, True, True, True]
    again = bulk.assign(world.store, world.ids, world.ben, [entries[0], entries[2]], release.id)
    assert again == Report(2), "repeating one's own decision is no conflict"
    assert len(world.builds()) == 4


def test_several_get_their_project(world: World) -> None:
    pay = world.project("Pay")
    entries = waiting(world, 3)
    assert bulk.select_project(world.store, world.ann, entries, pay.id) == Report(3)
    assert {entry.project_id for entry in world.entries()} == {pay.id}


def test_several_are_rejected_for_one_reason(world: World) -> None:
    entries = waiting(world, 3)
    assert bulk.reject(world.store, world.ann, entries[:2], RejectReason.OTHER, "Old tests") == Report(2)
    assert [world.entry(one).status for one in entries] == [
        EntryStatus.REJECTED,
        EntryStatus.REJECTED,
        EntryStatus.PENDING,
    ]


def test_a_release_that_takes_no_builds_is_a_conflict_of_each(world: World) -> None:
    planned = world.release(world.project("Pay"), "3", state=ReleaseState.PLANNED)
    result = bulk.assign(world.store, world.ids, world.ann, waiting(world, 2), planned.id)
    assert (result.done, len(result.refused)) == (0, 2)
    assert "is planned" in result.refused[0].why


def test_what_can_be_said_of_all_at_once_is_refused_as_a_whole(world: World) -> None:
    entries = waiting(world, 2)
    acts: tuple[Callable[[], Report], ...] = (
        lambda: bulk.assign(world.store, world.ids, world.ann, entries, uuid4()),
        lambda: bulk.select_project(world.store, world.ann, entries, uuid4()),
        lambda: bulk.reject(world.store, world.ann, entries, RejectReason.OTHER, " "),
    )
    for act in acts:
        with pytest.raises(Invalid):
            act()
    assert statuses(world) == {EntryStatus.PENDING}
