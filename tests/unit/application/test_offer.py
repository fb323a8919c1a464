"""What waits and places cleanly by now is offered, and filed as the rules say; nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import pytest
from attrs import evolve

from lathe.application import offer, projects, releases, triage
from lathe.application.offer import Filed
from lathe.application.ports import Transaction
from lathe.application.today import PlacedToday, placed_today
from lathe.domain.build import Filed as HowFiled
from lathe.domain.build_report import BuildStatus
from lathe.domain.project import Project
from lathe.domain.queue_entry import EntryStatus, QueueEntry, RejectReason
from lathe.domain.release import Release, ReleaseState
from tests.unit.application.world import PAY, UUID_OF_PAY, World, report

LEDGER = "https://bitbucket.org/acme/ledger-import"


@pytest.fixture
def pay(world: World) -> Project:
    return world.project("Pay", PAY)


def waiting(world: World, number: int = 1, **facts: object) -> QueueEntry:
    answer = world.received(report(number, **facts))  # type: ignore[arg-type]
    assert answer.entry is not None
    return answer.entry.entry


def offered(world: World) -> list[PlacedToday]:
    return world.read(lambda tx: offer.offered(tx, world.organization.id))


def offered_to(world: World, project: Project) -> list[UUID]:
    return [one.entry.id for one in offer.offered_to(world.store, world.organization.id, project.id)]


def ids(found: list[PlacedToday]) -> list[UUID]:
    return [one.entry.id for one in found]


def file(world: World, *entries: QueueEntry) -> Filed:
    return offer.file_offered(world.store, world.ids, world.ben, [entry.id for entry in entries])


def active(world: World, project: Project, name: str, *patterns: str) -> Release:
    return world.release(project, name, *patterns)


# --- what is offered --------------------------------------------------------------------------------------------------


def test_what_waited_for_a_release_is_offered_once_one_takes_it(world: World, pay: Project) -> None:
    on_main, on_branch = waiting(world, 1), waiting(world, 2, branch="release/2.5")
    assert offered(world) == []
    release = active(world, pay, "2.5", "release/2.*")
    assert [(one.entry, one.project, one.release) for one in offered(world)] == [(on_branch, pay, release)]
    active(world, pay, "2.6")
    assert ids(offered(world)) == [on_branch.id, on_main.id]
    assert offered_to(world, pay) == [on_branch.id, on_main.id]


def test_what_waited_for_a_project_is_offered_once_its_repository_is_linked(world: World, pay: Project) -> None:
    active(world, pay, "2.5")
    first, second = waiting(world, 1, repository=LEDGER), waiting(world, 2, repository=LEDGER)
    assert offered(world) == []
    projects.declare_repository(world.store, world.ids, world.ann, pay.id, LEDGER)
    assert ids(offered(world)) == [second.id, first.id]
    for one in offered(world):
        assert [step.rule for step in one.placement.steps][-2:] == ["repository_url", "active_release"]


def test_what_a_person_gave_a_project_is_offered_though_the_rules_know_none(world: World, pay: Project) -> None:
    entry = waiting(world, repository=LEDGER)
    triage.select_project(world.store, world.ann, entry.id, pay.id)
    assert offered(world) == []
    active(world, pay, "2.5")
    [one] = offered(world)
    assert [step.rule for step in one.placement.steps] == ["project_selected", "active_release"]


def test_a_build_that_named_its_project_is_offered_under_that(world: World, pay: Project) -> None:
    named = evolve(report(repository=LEDGER), project_id=pay.id)
    entry = world.received(named).entry
    assert entry
    active(world, pay, "2.5")
    assert [(one.entry.id, one.project) for one in offered(world)] == [(entry.entry.id, pay)]


def test_a_repository_known_by_its_uuid_alone_is_offered_by_that(world: World, pay: Project) -> None:
    world.received(report(1, uuid=UUID_OF_PAY))
    entry = waiting(world, 2, repository=None, uuid=UUID_OF_PAY)
    active(world, pay, "2.5")
    found = {one.entry.id: one.placement for one in offered(world)}
    assert found[entry.id].steps[0].rule == "repository_uuid"


def test_a_project_that_fits_by_name_is_offered_on_its_own_page_only(world: World) -> None:
    entry = waiting(world, repository=LEDGER)
    nameless = waiting(world, 2, repository=None)
    ledger = world.project("Ledger import")
    assert offered_to(world, ledger) == [], "it has no active release"
    active(world, ledger, "1")
    assert offered(world) == []
    assert offered_to(world, ledger) == [entry.id]
    assert offered_to(world, world.project("Pay")) == []
    assert world.entry(nameless.id).status is EntryStatus.PENDING


def test_nothing_that_takes_a_guess_is_offered(world: World, pay: Project) -> None:
    books = world.project("Books")
    weak = waiting(world, 1, repository="https://bitbucket.org/acme/books-import")
    between = [world.project(name) for name in ("Mobile app", "Mobile backend")]
    ambiguous = waiting(world, 2, repository="https://github.com/acme/mobile")
    for project in (books, *between):
        active(world, project, "1")
        assert offered_to(world, project) == []
    assert offered(world) == []
    assert {weak.id, ambiguous.id} == {entry.id for entry in world.entries()}


def test_every_name_match_is_a_guess_where_the_organization_says_so(world: World) -> None:
    waiting(world, repository=LEDGER)
    ledger = world.project("Ledger import")
    active(world, ledger, "1")
    world.change(confirm_name_matches=True)
    assert offered_to(world, ledger) == []


def test_what_was_sent_back_or_named_its_release_or_failed_since_is_not_offered(world: World, pay: Project) -> None:
    release = active(world, pay, "2.5")
    built = world.received(report(1)).build
    assert built
    triage.requeue(world.store, world.ids, world.ann, built.build.id)
    releases.change(world.store, world.ann, release.id, state=ReleaseState.CLOSED)
    named = world.received(evolve(report(2), release_id=release.id)).entry
    assert named
    failing = waiting(world, 3)
    world.later(minutes=1)
    world.received(report(3, status=BuildStatus.FAILED, at=world.clock.now()))
    releases.change(world.store, world.ann, release.id, state=ReleaseState.ACTIVE)
    assert world.entry(failing.id).facts.status is BuildStatus.FAILED
    assert (offered(world), offered_to(world, pay)) == ([], [])


def test_only_so_many_are_offered_at_once(world: World, pay: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [waiting(world, number) for number in range(4)]
    active(world, pay, "2.5")
    monkeypatch.setattr(offer, "OFFERED", 2)
    newest = [entry.id for entry in entries[:1:-1]]
    assert (ids(offered(world)), offered_to(world, pay)) == (newest, newest)


# --- filing -----------------------------------------------------------------------------------------------------------


def test_filing_what_is_offered_says_by_which_rules_and_by_whom(world: World, pay: Project) -> None:
    entry = waiting(world)
    release = active(world, pay, "2.5")
    assert file(world, entry) == Filed((entry.id,), 0)
    [build] = world.builds()
    assert (build.release_id, build.entry_id, build.filed) == (release.id, entry.id, HowFiled.BY_HAND)
    assert [step.rule for step in build.placement.steps] == [
        "repository_uuid",
        "repository_url",
        "active_release",
        "by_hand",
    ]
    assert "Ben had it filed by the rules as they were then" in build.placement.steps[-1].detail
    decided = world.entry(entry.id)
    assert (decided.status, decided.decided_by) == (EntryStatus.ASSIGNED, world.ben.actor)
    triage.undo(world.store, world.ben, entry.id)
    assert (world.builds(), ids(offered(world))) == ([], [entry.id])


def test_what_others_decided_meanwhile_stays_so_and_the_rest_is_filed(world: World, pay: Project) -> None:
    rejected, filed, good, foreign = (waiting(world, number) for number in range(4))
    release = active(world, pay, "2.5")
    triage.reject(world.store, world.ann, rejected.id, RejectReason.BROKEN)
    triage.assign(world.store, world.ids, world.ann, filed.id, release.id)
    result = file(world, rejected, filed, good, evolve(foreign, id=uuid4()))
    assert result == Filed((good.id,), 3)
    assert [world.entry(one.id).decided_by for one in (rejected, filed, good)] == [
        world.ann.actor,
        world.ann.actor,
        world.ben.actor,
    ]


def test_what_does_not_place_any_more_goes_on_waiting(world: World, pay: Project) -> None:
    entry = waiting(world)
    release = active(world, pay, "2.5")
    assert ids(offered(world)) == [entry.id]
    releases.change(world.store, world.ann, release.id, state=ReleaseState.CLOSED)
    assert file(world, entry) == Filed((), 1)
    assert world.entry(entry.id).status is EntryStatus.PENDING


def close(world: World, release: Release, _: QueueEntry) -> None:
    releases.change(world.store, world.ann, release.id, state=ReleaseState.CLOSED)


def reject(world: World, _: Release, entry: QueueEntry) -> None:
    triage.reject(world.store, world.ann, entry.id, RejectReason.BROKEN)


@pytest.mark.parametrize(("meanwhile", "status"), [(close, EntryStatus.PENDING), (reject, EntryStatus.REJECTED)])
def test_what_somebody_does_between_looking_and_filing_counts(
    world: World,
    pay: Project,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Callable[[World, Release, QueueEntry], None],
    status: EntryStatus,
) -> None:
    entry, release = waiting(world), active(world, pay, "2.5")
    write = world.store.write

    def late(work: Callable[[Transaction], object]) -> object:
        monkeypatch.undo()
        meanwhile(world, release, entry)
        return write(work)

    monkeypatch.setattr(world.store, "write", late)
    assert file(world, entry) == Filed((), 1)
    assert world.entry(entry.id).status is status


def test_what_is_filed_is_placed_once_for_all_and_once_more_under_lock(
    world: World, pay: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [waiting(world, number) for number in range(3)]
    active(world, pay, "2.5")
    asked: list[int] = []

    def counted(tx: Transaction, organization_id: UUID, some: Sequence[QueueEntry]) -> list[PlacedToday]:
        asked.append(len(some))
        return placed_today(tx, organization_id, some)

    monkeypatch.setattr(offer, "placed_today", counted)
    assert file(world, *entries).passed_over == 0
    assert asked == [3, 1, 1, 1]


def test_a_release_that_closes_while_the_rules_are_asked_takes_nothing(
    world: World, pay: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = waiting(world)
    release = active(world, pay, "2.5")
    asked: Callable[..., list[PlacedToday]] = placed_today

    def closing(tx: Transaction, *args: object) -> list[PlacedToday]:
        found = asked(tx, *args)
        monkeypatch.setattr(offer, "placed_today", closing_then)
        return found

    def closing_then(tx: Transaction, *args: object) -> list[PlacedToday]:
        found = asked(tx, *args)
        tx.releases.save(release.moved_to(ReleaseState.CLOSED, tx.now()))
        return found

    monkeypatch.setattr(offer, "placed_today", closing)
    assert file(world, entry) == Filed((), 1)
    assert world.entry(entry.id).status is EntryStatus.PENDING
