"""Filing by hand: assign, select a project, reject, undo, move, send back; and two people at once."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from lathe.application import projects, releases, triage
from lathe.application.intake import BuildView, EntryView
from lathe.domain.build import Filed
from lathe.domain.errors import Conflict, Invalid, NotFound
from lathe.domain.project import Project
from lathe.domain.queue_entry import EntryStatus, QueueEntry, RejectReason
from lathe.domain.release import Release, ReleaseState
from lathe.domain.repository import LinkKind
from lathe.domain.steps import ReasonCode
from tests.unit.application.world import World, report

LEDGER = "https://bitbucket.org/acme/ledger-import"


@pytest.fixture
def pay(world: World) -> Project:
    return world.project("Pay")


@pytest.fixture
def pay_25(world: World, pay: Project) -> Release:
    return world.release(pay, "2.5")


def waiting(world: World, number: int = 17) -> QueueEntry:
    answer = world.received(report(number, repository=LEDGER))
    assert answer.entry is not None
    return answer.entry.entry


def assign(world: World, entry: QueueEntry, release: Release, *, remember: bool = False) -> BuildView:
    return triage.assign(world.store, world.ids, world.ann, entry.id, release.id, remember_repository=remember)


def linked(world: World, project: Project) -> list[tuple[str, LinkKind]]:
    rows = projects.get(world.store, world.organization.id, project.id).repositories
    return [(repository.name, link.kind) for repository, link in rows]


def test_assigning_files_a_build_by_hand_and_remembers_nothing_unasked(world: World, pay_25: Release) -> None:
    entry = waiting(world)
    view = assign(world, entry, pay_25)
    assert (view.release, view.build.filed, view.build.entry_id) == (pay_25, Filed.BY_HAND, entry.id)
    assert view.build == world.build(view.build.id)
    assert view.build.facts == entry.facts
    assert [step.rule for step in view.build.placement.steps][-1] == "by_hand"
    assert "Ann" in view.build.placement.steps[-1].detail
    decided = world.entry(entry.id)
    assert (decided.status, decided.build_id, decided.decided_by) == (
        EntryStatus.ASSIGNED,
        view.build.id,
        world.ann.actor,
    )
    assert linked(world, view.project) == []


def test_a_remembered_repository_files_the_next_build_by_itself(world: World, pay: Project, pay_25: Release) -> None:
    assign(world, waiting(world), pay_25, remember=True)
    assert linked(world, pay) == [("acme/ledger-import", LinkKind.LEARNED)]
    answer = world.received(report(18, repository=LEDGER))
    assert answer.build is not None
    assert answer.build.build.filed is Filed.AUTOMATICALLY
    assign(world, waiting_for(world, 19), pay_25, remember=True)
    assert linked(world, pay) == [("acme/ledger-import", LinkKind.LEARNED)]


def waiting_for(world: World, number: int) -> QueueEntry:
    """Return an entry of the linked repository, which waits because it was sent back."""
    answer = world.received(report(number, repository=LEDGER))
    assert answer.build is not None
    return triage.requeue(world.store, world.ids, world.ann, answer.build.build.id).entry


def test_what_cannot_be_remembered_is_refused_and_nothing_is_filed(world: World, pay_25: Release) -> None:
    world.change(allow_org_id=True)
    nameless = world.received(report(1, repository=None)).entry
    unverified = world.received(report(2, repository=LEDGER), by=world.by_id()).entry
    for view, code in ((nameless, "no_repository"), (unverified, "unverified")):
        assert view is not None
        with pytest.raises(Invalid) as refused:
            assign(world, view.entry, pay_25, remember=True)
        assert [(f.pointer, f.code) for f in refused.value.faults] == [("/remember_repository", code)]
    entry = waiting(world, 3)
    world.project("Books", LEDGER)
    with pytest.raises(Conflict, match="Books"):
        assign(world, entry, pay_25, remember=True)
    assert world.builds() == []


def test_the_slower_of_two_people_reads_who_was_faster(world: World, pay: Project, pay_25: Release) -> None:
    entry = waiting(world)
    assign(world, entry, pay_25)
    world.later(minutes=5)
    for late in (
        lambda: triage.assign(world.store, world.ids, world.ben, entry.id, pay_25.id),
        lambda: triage.reject(world.store, world.ben, entry.id, RejectReason.BROKEN),
        lambda: triage.select_project(world.store, world.ben, entry.id, pay.id),
    ):
        with pytest.raises(Conflict, match=r"Ann assigned this to 2\.5 5 min ago"):
            late()
    assert len(world.builds()) == 1


def test_who_was_faster_is_said_before_anything_about_the_repository(world: World, pay_25: Release) -> None:
    entry = waiting(world)
    books_7 = world.release(world.project("Books"), "7")
    assign(world, entry, pay_25, remember=True)
    with pytest.raises(Conflict, match=r"Ann assigned this to 2\.5"):
        triage.assign(world.store, world.ids, world.ben, entry.id, books_7.id, remember_repository=True)


def test_a_repeated_assignment_may_still_teach_the_repository_and_undo_takes_that_back(
    world: World, pay: Project, pay_25: Release
) -> None:
    entry = waiting(world)
    view = assign(world, entry, pay_25)
    for _ in range(2):
        assert assign(world, entry, pay_25, remember=True) == view
        assert linked(world, pay) == [("acme/ledger-import", LinkKind.LEARNED)]
    assert assign(world, entry, pay_25) == view
    triage.undo(world.store, world.ann, entry.id)
    assert linked(world, pay) == []


def test_repeating_ones_own_decision_gives_the_same_result(world: World, pay_25: Release) -> None:
    entry, other = waiting(world), waiting(world, 18)
    assert assign(world, entry, pay_25) == assign(world, entry, pay_25)
    first = triage.reject(world.store, world.ann, other.id, RejectReason.OTHER, "an experiment")
    assert triage.reject(world.store, world.ann, other.id, RejectReason.OTHER, "an experiment") == first
    with pytest.raises(Conflict, match="Ann rejected this just now"):
        triage.reject(world.store, world.ann, other.id, RejectReason.BROKEN)


def test_builds_go_under_active_releases_that_are_there(world: World, pay: Project) -> None:
    entry = waiting(world)
    planned = world.release(pay, "3.0", state=ReleaseState.PLANNED)
    with pytest.raises(Conflict, match=r"3\.0 is planned"):
        assign(world, entry, planned)
    foreign = World("Globex", world.clock)
    for release_id in (uuid4(), foreign.release(foreign.project("Pay"), "1").id):
        with pytest.raises(Invalid) as refused:
            triage.assign(world.store, world.ids, world.ann, entry.id, release_id)
        assert refused.value.faults[0].pointer == "/release_id"
    with pytest.raises(NotFound):
        triage.assign(world.store, world.ids, world.ann, uuid4(), planned.id)
    assert world.entry(entry.id) == entry


def test_selecting_a_project_suggests_its_release_and_can_be_undone(
    world: World, pay: Project, pay_25: Release
) -> None:
    entry = waiting(world)
    view = triage.select_project(world.store, world.ann, entry.id, pay.id)
    assert (view.project, view.suggested_release, view.entry.status) == (pay, pay_25, EntryStatus.PENDING)
    assert triage.undo(world.store, world.ann, entry.id).project is None
    with pytest.raises(Conflict, match="nothing was decided"):
        triage.undo(world.store, world.ann, entry.id)
    with pytest.raises(Invalid):
        triage.select_project(world.store, world.ann, entry.id, uuid4())


def create_project(world: World, entry: QueueEntry, name: str, *, declare: bool = True) -> EntryView:
    return triage.create_project(world.store, world.ids, world.ann, entry.id, name, declare_repository=declare)


def test_a_project_is_made_for_an_entry_with_its_repository(world: World) -> None:
    view = create_project(world, waiting(world), "Ledger")
    assert view.project
    assert (view.entry.project_id, view.entry.status) == (view.project.id, EntryStatus.PENDING)
    assert (view.project.name, linked(world, view.project)) == ("Ledger", [("acme/ledger-import", LinkKind.DECLARED)])
    assert triage.undo(world.store, world.ann, view.entry.id).project is None


def test_a_project_is_made_without_a_repository_that_is_unknown_or_anothers_or_not_wanted(
    world: World, pay: Project
) -> None:
    nameless = world.received(report(1, repository=None)).entry
    assert nameless
    unwanted, owned = waiting(world, 2), waiting(world, 3)
    first, second = create_project(world, nameless.entry, "First"), create_project(world, unwanted, "2", declare=False)
    projects.declare_repository(world.store, world.ids, world.ann, pay.id, LEDGER)
    for view in (first, second, create_project(world, owned, "Third")):
        assert view.project
        assert linked(world, view.project) == []
    assert linked(world, pay) == [("acme/ledger-import", LinkKind.DECLARED)]


def test_no_project_is_left_behind_where_somebody_was_faster_or_the_name_is_taken(
    world: World, pay: Project, pay_25: Release
) -> None:
    entry, other = waiting(world, 1), waiting(world, 2)
    assign(world, entry, pay_25)
    for name in ("Ledger", "Pay"):
        with pytest.raises(Conflict, match=r"Ann assigned this to 2\.5"):
            create_project(world, entry, name)
    with pytest.raises(Conflict) as refused:
        create_project(world, other, "PAY")
    assert refused.value.reason == "name_taken"
    with pytest.raises(Invalid):
        create_project(world, other, " ")
    assert world.read(lambda tx: tx.projects.all(world.organization.id)) == [pay]
    assert world.entry(other.id) == other


def test_undoing_an_assignment_withdraws_the_build_and_its_link_and_assigning_again_revives_it(
    world: World, pay: Project, pay_25: Release
) -> None:
    entry = waiting(world)
    build = assign(world, entry, pay_25, remember=True).build
    undone = triage.undo(world.store, world.ben, entry.id).entry
    assert (undone.status, undone.project_id, undone.build_id) == (EntryStatus.PENDING, None, build.id)
    assert world.build(build.id).withdrawn
    assert (world.builds(), linked(world, pay)) == ([], [])
    again = assign(world, entry, world.release(pay, "2.6"))
    assert (again.build.id, again.build.withdrawn, again.release.name) == (build.id, False, "2.6")
    assert again.build.created_at == build.created_at


def test_undo_leaves_a_link_that_a_person_declared_meanwhile(world: World, pay: Project, pay_25: Release) -> None:
    entry = waiting(world)
    assign(world, entry, pay_25, remember=True)
    projects.declare_repository(world.store, world.ids, world.ann, pay.id, LEDGER)
    triage.undo(world.store, world.ann, entry.id)
    assert linked(world, pay) == [("acme/ledger-import", LinkKind.DECLARED)]


def test_a_rejection_can_be_undone_and_keeps_the_selected_project(world: World, pay: Project) -> None:
    entry = waiting(world)
    triage.select_project(world.store, world.ann, entry.id, pay.id)
    triage.reject(world.store, world.ann, entry.id, RejectReason.WRONG_BRANCH)
    undone = triage.undo(world.store, world.ann, entry.id)
    assert (undone.entry.status, undone.project, undone.entry.rejection) == (EntryStatus.PENDING, pay, None)


def test_what_a_closed_release_holds_stays(world: World, pay: Project, pay_25: Release) -> None:
    entry = waiting(world)
    build = assign(world, entry, pay_25).build
    releases.change(world.store, world.ann, pay_25.id, state=ReleaseState.CLOSED)
    with pytest.raises(Conflict, match="closed"):
        triage.undo(world.store, world.ann, entry.id)
    with pytest.raises(Conflict, match="closed"):
        triage.requeue(world.store, world.ids, world.ann, build.id)
    for other in (world.release(pay, "2.6"), world.release(pay, "3", state=ReleaseState.PLANNED)):
        with pytest.raises(Conflict, match="what it holds stays") as refused:
            triage.move(world.store, world.ann, build.id, other.id)
        assert refused.value.reason == "release_closed"
    assert triage.move(world.store, world.ann, build.id, pay_25.id).release.id == pay_25.id
    assert world.build(build.id) == build


def filed(world: World, project: Project, number: int = 1) -> UUID:
    projects.declare_repository(world.store, world.ids, world.ann, project.id, LEDGER)
    answer = world.received(report(number, repository=LEDGER))
    assert answer.build is not None
    return answer.build.build.id


def test_a_build_moves_to_another_active_release(world: World, pay: Project, pay_25: Release) -> None:
    build_id = filed(world, pay)
    books = world.project("Books")
    target = world.release(books, "7")
    view = triage.move(world.store, world.ann, build_id, target.id)
    assert (view.project, view.release, view.build.filed) == (books, target, Filed.BY_HAND)
    assert triage.move(world.store, world.ann, build_id, target.id) == view
    with pytest.raises(Conflict):
        triage.move(world.store, world.ann, build_id, world.release(books, "8", state=ReleaseState.PLANNED).id)


def test_a_filed_build_can_be_sent_back_and_assigned_again(world: World, pay: Project, pay_25: Release) -> None:
    build_id = filed(world, pay)
    view = triage.requeue(world.store, world.ids, world.ann, build_id)
    assert (view.entry.status, view.entry.reason.code) == (EntryStatus.PENDING, ReasonCode.SENT_BACK)
    assert "Ann sent this back from 2.5" in view.entry.reason.detail
    assert triage.requeue(world.store, world.ids, world.ben, build_id) == view
    with pytest.raises(Conflict, match="withdrawn"):
        triage.move(world.store, world.ann, build_id, pay_25.id)
    again = world.received(report(1, repository=LEDGER))
    assert again.entry is not None
    assert again.entry.entry.id == view.entry.id
    assert assign(world, view.entry, pay_25).build.id == build_id


def test_sending_back_what_was_assigned_by_hand_reopens_its_entry_and_revokes_its_link(
    world: World, pay: Project, pay_25: Release
) -> None:
    entry = waiting(world)
    build = assign(world, entry, pay_25, remember=True).build
    view = triage.requeue(world.store, world.ids, world.ann, build.id)
    assert (view.entry.id, view.entry.status) == (entry.id, EntryStatus.PENDING)
    assert linked(world, pay) == []


def test_builds_without_identity_are_triaged_all_the_same(world: World, pay: Project, pay_25: Release) -> None:
    answer = world.received(report(repository=LEDGER, commit_sha=None, build_number=None))
    assert answer.entry is not None
    build = assign(world, answer.entry.entry, pay_25).build
    assert triage.requeue(world.store, world.ids, world.ann, build.id).entry.id == answer.entry.entry.id
