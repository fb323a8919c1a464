"""One decision about several entries: each for itself, and an honest report."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from lathe.application import bulk, releases, triage
from lathe.application.bulk import Refusal, Report
from lathe.application.standing import Own, Seen
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
        (entries[0], entries[2], entries[3]),
        (
            Refusal("Pipeline #1 for main", "Ann assigned this to 2.1 2 min ago"),
            Refusal("A build", "is not in this queue"),
        ),
    )
    assert sorted(build.release_id == release.id for build in world.builds()) == [False, True, True, True]
    again = bulk.assign(world.store, world.ids, world.ben, [entries[0], entries[2]], release.id)
    assert again == Report((entries[0], entries[2])), "repeating one's own decision is no conflict"
    assert len(world.builds()) == 4


def test_several_get_their_project(world: World) -> None:
    pay = world.project("Pay")
    entries = waiting(world, 3)
    assert bulk.select_project(world.store, world.ann, entries, pay.id, {}) == Report(tuple(entries))
    assert {entry.project_id for entry in world.entries()} == {pay.id}


def test_several_are_rejected_for_one_reason(world: World) -> None:
    entries = waiting(world, 3)
    assert bulk.reject(world.store, world.ann, entries[:2], RejectReason.OTHER, "Old tests") == Report(
        tuple(entries[:2])
    )
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
        lambda: bulk.select_project(world.store, world.ann, entries, uuid4(), {}),
        lambda: bulk.reject(world.store, world.ann, entries, RejectReason.OTHER, " "),
    )
    for act in acts:
        with pytest.raises(Invalid):
            act()
    assert statuses(world) == {EntryStatus.PENDING}


# --- undoing it -------------------------------------------------------------------------------------------------------


def own(world: World, status: EntryStatus) -> Own:
    return Own(status, world.clock.now())


def test_what_was_filed_together_is_taken_back_together_but_not_what_others_did_since(world: World) -> None:
    pay = world.project("Pay")
    release, other = world.release(pay, "2.5"), world.release(pay, "2.1")
    entries = waiting(world, 4)
    bulk.assign(world.store, world.ids, world.ben, entries, release.id)
    shown = own(world, EntryStatus.ASSIGNED)
    world.later(minutes=1)
    for one, who in ((entries[0], world.ann), (entries[1], world.ben)):
        triage.undo(world.store, world.ann, one)
        triage.assign(world.store, world.ids, who, one, other.id)
    triage.undo(world.store, world.ann, entries[2])
    result = bulk.undo(world.store, world.ben, entries, shown)
    assert result.decided == (entries[3],)
    assert [one.why for one in result.refused] == [
        "Ann assigned this to 2.1 just now",
        "Ben assigned this to 2.1 just now",
        "there is nothing left to undo",
    ]
    assert world.entry(entries[3]).status is EntryStatus.PENDING


def test_what_a_closed_release_holds_stays_and_is_told(world: World) -> None:
    release = world.release(world.project("Pay"), "2.5")
    entries = waiting(world, 2)
    bulk.assign(world.store, world.ids, world.ben, entries, release.id)
    releases.change(world.store, world.ann, release.id, state=ReleaseState.CLOSED)
    result = bulk.undo(world.store, world.ben, entries, own(world, EntryStatus.ASSIGNED))
    assert (result.done, {one.why for one in result.refused}) == (0, {"release 2.5 is closed; what it holds stays"})


def test_a_choice_of_project_is_taken_back_by_who_made_it(world: World) -> None:
    pay, books = world.project("Pay"), world.project("Books")
    entries = waiting(world, 3)
    triage.select_project(world.store, world.ann, entries[0], pay.id)
    assert bulk.select_project(world.store, world.ben, entries, pay.id, {}).done == 3
    triage.undo(world.store, world.ann, entries[1])
    result = bulk.undo(world.store, world.ben, entries, own(world, EntryStatus.PENDING))
    assert result == Report(
        (entries[2],),
        (
            Refusal("Pipeline #0 for main", "Ann selected project Pay for this just now"),
            Refusal("Pipeline #1 for main", "there is nothing left to undo"),
        ),
    )
    seen = {one: Seen(None) for one in entries}
    result = bulk.select_project(world.store, world.ben, entries, books.id, seen)
    assert (result.decided, len(result.refused)) == ((entries[1], entries[2]), 1)
