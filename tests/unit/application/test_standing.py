"""Nobody's choice is overruled unseen, and what cannot be undone is known before somebody tries."""

from __future__ import annotations

from uuid import UUID

import pytest
from attrs import evolve

from lathe.application import home, projects, queries, releases, triage
from lathe.application.lists import EntryFilter
from lathe.application.standing import Seen
from lathe.domain.errors import Conflict
from lathe.domain.queue_entry import RejectReason
from lathe.domain.release import ReleaseState
from tests.unit.application.world import World, report

CLOSED = "release 2.5 is closed; what it holds stays"


@pytest.fixture
def entry_id(world: World) -> UUID:
    return waiting(world, 1)


def waiting(world: World, number: int) -> UUID:
    answer = world.received(report(number, repository="https://bitbucket.org/acme/unknown"))
    assert answer.entry
    return answer.entry.entry.id


def refused(world: World, entry_id: UUID, project_id: UUID, seen: Seen | None) -> tuple[str, str]:
    with pytest.raises(Conflict) as caught:
        triage.select_project(world.store, world.ben, entry_id, project_id, seen=seen)
    return caught.value.reason, caught.value.detail


def test_the_slower_one_of_two_learns_who_selected_what(world: World, entry_id: UUID) -> None:
    pay, books = world.project("Pay"), world.project("Books")
    seen = Seen(None)
    triage.select_project(world.store, world.ann, entry_id, pay.id, seen=seen)
    world.later(minutes=3, seconds=1)
    said = "Ann selected project Pay for this 3 min ago"
    assert refused(world, entry_id, books.id, seen) == ("project_changed", said)
    with pytest.raises(Conflict, match=said):
        triage.create_project(world.store, world.ids, world.ben, entry_id, "Ledger", seen=seen)
    assert world.entry(entry_id).project_id == pay.id
    same = triage.select_project(world.store, world.ben, entry_id, pay.id, seen=seen)
    assert same.project == pay, "to choose the same is no conflict"
    triage.select_project(world.store, world.ben, entry_id, books.id, seen=Seen(pay.id))
    triage.select_project(world.store, world.ben, entry_id, pay.id)
    assert world.entry(entry_id).project_id == pay.id, "who was shown it may choose another, and so may who asks not"


def test_who_saw_a_choice_that_was_taken_back_learns_that(world: World, entry_id: UUID) -> None:
    pay, books = world.project("Pay"), world.project("Books")
    triage.select_project(world.store, world.ann, entry_id, pay.id)
    triage.undo(world.store, world.ann, entry_id)
    said = "the choice of its project was taken back meanwhile"
    assert refused(world, entry_id, books.id, Seen(pay.id)) == ("project_changed", said)


def test_a_choice_that_nothing_is_written_down_of_is_somebodys(world: World, entry_id: UUID) -> None:
    pay, books = world.project("Pay"), world.project("Books")
    world.store.write(lambda tx: tx.entries.save(evolve(world.entry(entry_id), project_id=pay.id)))
    said = "somebody selected project Pay for this meanwhile"
    assert refused(world, entry_id, books.id, Seen(None)) == ("project_changed", said)


def test_an_archived_project_is_not_chosen(world: World, entry_id: UUID) -> None:
    pay = world.project("Pay")
    projects.change(world.store, world.ann, pay.id, archived=True)
    assert refused(world, entry_id, pay.id, None) == ("project_archived", "Pay is archived; restore it first")
    assert world.entry(entry_id).project_id is None


def test_what_a_closed_release_holds_is_known_to_stay(world: World, entry_id: UUID) -> None:
    pay = world.project("Pay")
    closing, other = world.release(pay, "2.5"), world.release(pay, "2.6")
    moved, rejected = waiting(world, 2), waiting(world, 3)
    triage.assign(world.store, world.ids, world.ann, entry_id, closing.id)
    build = triage.assign(world.store, world.ids, world.ann, moved, closing.id)
    triage.move(world.store, world.ann, build.build.id, other.id)
    triage.reject(world.store, world.ann, rejected, RejectReason.BROKEN)
    assert queries.entry_page(world.store, world.organization.id, entry_id).kept is None
    releases.change(world.store, world.ann, closing.id, state=ReleaseState.CLOSED)
    queue = home.releases_page(world.store, world.organization.id, EntryFilter()).queue
    assert len(queue.decided) == 3
    assert queue.kept == {entry_id: CLOSED}
    assert queries.entry_page(world.store, world.organization.id, entry_id).kept == CLOSED
    with pytest.raises(Conflict, match=CLOSED):
        triage.undo(world.store, world.ann, entry_id)
    triage.undo(world.store, world.ann, moved)
