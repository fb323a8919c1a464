"""The Build Queue: what people may do with an entry, in any order, judged by a model that keeps whole copies."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lathe.domain.errors import Conflict, Invalid
from lathe.domain.organization import Actor
from lathe.domain.placement import Outcome, Placement
from lathe.domain.queue_entry import (
    NOTE_LIMIT,
    Assignment,
    EntryStatus,
    QueueEntry,
    Rejection,
    RejectReason,
    age,
    sent_back_reason,
)
from lathe.domain.steps import Reason, ReasonCode
from tests.unit.domain.examples import ANN, BOB, ORGANIZATION, START, facts, minutes, number

WAITS = Reason(ReasonCode.NO_PROJECT_MATCH, "Repository acme/pay-api matches no project")


def waiting(project: int | None = None) -> QueueEntry:
    placed = number(project) if project else None
    return QueueEntry(
        ORGANIZATION,
        number(50),
        facts(),
        verified=True,
        reason=WAITS,
        placement=Placement(Outcome.QUEUED, (), WAITS, placed),
        created_at=START,
        project_id=placed,
        placed_project_id=placed,
    )


def assignment(release: int, build: int = 60, *, learned_link: bool = False) -> Assignment:
    return Assignment(number(build), number(release), f"R{release}", learned_link=learned_link)


people = st.sampled_from([ANN, BOB, Actor("key", ANN.id, "CI key"), Actor("command", None, "lathe")])
projects = st.sampled_from([10, 11, 12])
releases = st.sampled_from([20, 21])
rejections = st.builds(Rejection, st.sampled_from(RejectReason), st.sampled_from([None, "not ours"]))


class Decisions(RuleBasedStateMachine):
    """People decide about one entry, one after another.

    The model is a stack of copies: what the entry was before the decision that stands, and in a few plain words what
    that decision was. It never computes a state of its own from the entry's fields.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.entry = waiting()
        self.waiting = self.entry
        """The entry as it was when it last waited."""
        self.decision: tuple[str, Actor, object] | None = None
        self.decided_at = START
        self.placed: int | None = None
        self.build: int | None = None

    def _sentence(self) -> str:
        assert self.decision is not None
        what, who, how = self.decision
        passed = int((self.now - self.decided_at).total_seconds()) // 60
        ago = f"{passed} min ago" if passed else "just now"
        return f"{who.name} assigned this to R{how} {ago}" if what == "assigned" else f"{who.name} rejected this {ago}"

    def _refused(self, caught: pytest.ExceptionInfo[Conflict]) -> None:
        assert self.decision is not None
        assert (caught.value.detail, caught.value.reason) == (self._sentence(), f"already_{self.decision[0]}")

    @rule(count=st.sampled_from([0, 0.5, 1, 7]))
    def time_passes(self, count: float) -> None:
        self.now = min(self.now + timedelta(minutes=count), START + timedelta(minutes=59))

    @rule(by=people, project=projects, release=releases)
    def assign(self, by: Actor, project: int, release: int) -> None:
        repeated = self.decision is not None and self.decision[0] == "assigned"
        repeated = repeated and self.decision is not None and self.decision[1:] == (by, release)
        assert self.entry.repeats_assignment(number(release), by) == repeated
        done = assignment(release, self.build or 60)
        if self.decision:
            with pytest.raises(Conflict) as caught:
                self.entry.assigned(done, number(project), by, self.now)
            self._refused(caught)
            return
        self.waiting = self.entry
        self.entry = self.entry.assigned(done, number(project), by, self.now)
        self.build = 60
        self.decision, self.decided_at = ("assigned", by, release), self.now
        assert self.entry.project_id == number(project)

    @rule(by=people, rejection=rejections)
    def reject(self, by: Actor, rejection: Rejection) -> None:
        if self.decision == ("rejected", by, rejection):
            assert self.entry.rejected(rejection, by, self.now) is self.entry
        elif self.decision:
            with pytest.raises(Conflict) as caught:
                self.entry.rejected(rejection, by, self.now)
            self._refused(caught)
        else:
            self.waiting = self.entry
            self.entry = self.entry.rejected(rejection, by, self.now)
            self.decision, self.decided_at = ("rejected", by, rejection), self.now

    @rule(project=projects)
    def select_project(self, project: int) -> None:
        if self.decision:
            with pytest.raises(Conflict) as caught:
                self.entry.project_selected(number(project), self.now)
            self._refused(caught)
            return
        before = self.entry
        self.entry = before.project_selected(number(project), self.now)
        assert self.entry == evolve(before, project_id=number(project))

    @rule()
    def undo(self) -> None:
        if self.decision:
            self.entry = self.entry.undone()
            # Exactly as it was, but for the build: it is withdrawn, and assigning again revives it.
            assert self.entry == evolve(self.waiting, build_id=number(self.build) if self.build else None)
            self.decision = None
        elif self.entry.project_id is not None:
            before = self.entry
            self.entry = before.undone()
            assert self.entry == evolve(before, project_id=None)
        else:
            with pytest.raises(Conflict) as caught:
                self.entry.undone()
            assert caught.value.reason == "nothing_to_undo"

    @precondition(lambda self: self.decision is not None and self.decision[0] == "assigned")
    @rule(by=people)
    def send_back(self, by: Actor) -> None:
        reason = sent_back_reason(by, "R20")
        self.entry = self.entry.sent_back(reason)
        assert self.entry == evolve(self.waiting, build_id=number(60), reason=reason)
        self.decision = None

    @invariant()
    def the_entry_is_what_was_decided(self) -> None:
        entry = self.entry
        what, who, how = self.decision or ("pending", None, None)
        assert entry.status.value == what
        assert entry.decided_by == who
        assert entry.decided_at == (self.decided_at if who else None)
        assert entry.rejection == (how if what == "rejected" else None)
        assert (entry.assignment.release_id if entry.assignment else None) == (
            number(20 if how == 20 else 21) if what == "assigned" else None
        )
        assert entry.build_id == (number(self.build) if self.build else None)

    @invariant()
    def what_it_waits_with_never_changes(self) -> None:
        first = waiting()
        kept = evolve(first, reason=self.entry.reason)
        for name in ("id", "facts", "verified", "placement", "created_at", "placed_project_id", "candidates"):
            assert getattr(self.entry, name) == getattr(kept, name)


TestDecisions = Decisions.TestCase
TestDecisions.settings = settings(max_examples=60, stateful_step_count=30)


@given(st.none() | projects, st.lists(projects, max_size=3))
def test_undoing_a_selection_returns_to_the_project_that_the_rules_filled_in(
    placed: int | None, selected: list[int]
) -> None:
    entry = first = waiting(placed)
    for project in selected:
        entry = entry.project_selected(number(project), START)
    assert entry.selected == (bool(selected) and selected[-1] != placed)
    if entry.selected:
        assert entry.undone() == first
    else:
        assert entry == first
        with pytest.raises(Conflict, match="nothing was decided here"):
            entry.undone()


def test_undoing_an_assignment_keeps_the_project_that_was_selected_before() -> None:
    selected = waiting(10).project_selected(number(11), START)
    assigned = selected.assigned(assignment(20), number(12), ANN, START)
    assert assigned.undone() == evolve(selected, build_id=number(60))


def test_an_assignment_remembers_what_undo_needs() -> None:
    taught = waiting(10).assigned(assignment(20, learned_link=True), number(12), ANN, START)
    assert taught.assignment == Assignment(number(60), number(20), "R20", learned_link=True, project_before=number(10))


def test_somebody_elses_same_decision_is_no_repetition() -> None:
    assigned = waiting().assigned(assignment(20), number(10), ANN, START)
    assert assigned.repeats_assignment(number(20), evolve(ANN, name="Ann of the new name"))
    assert not assigned.repeats_assignment(number(20), BOB)
    assert not assigned.repeats_assignment(number(21), ANN)
    assert not assigned.repeats_assignment(number(20), evolve(ANN, kind="key"))
    assert not waiting().repeats_assignment(number(20), ANN)


def test_the_one_who_is_late_reads_who_was_faster_where_and_when() -> None:
    assigned = waiting().assigned(assignment(20), number(10), ANN, START)
    with pytest.raises(Conflict, match="Ann assigned this to R20 5 min ago"):
        assigned.rejected(Rejection(RejectReason.BROKEN), BOB, minutes(5))
    rejected = waiting().rejected(Rejection(RejectReason.BROKEN), BOB, START)
    with pytest.raises(Conflict, match="Bob rejected this just now"):
        rejected.assigned(assignment(20), number(10), ANN, START)


def test_a_decision_without_a_name_still_stands() -> None:
    nameless = evolve(waiting(), status=EntryStatus.REJECTED, rejection=Rejection(RejectReason.BROKEN))
    with pytest.raises(Conflict, match="somebody rejected this 3 min ago"):
        nameless.project_selected(number(10), minutes(3))
    assert nameless.undone() == waiting()


def test_the_reason_of_a_build_sent_back_says_who_and_from_where() -> None:
    assert sent_back_reason(BOB, "2.4") == Reason(ReasonCode.SENT_BACK, "Bob sent this back from 2.4")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (0, "just now"),
        (59.9, "just now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 day ago"),
        (2 * 86400, "2 days ago"),
        (40 * 86400, "40 days ago"),
    ],
)
def test_an_age_is_said_in_the_largest_unit_that_is_full(seconds: float, said: str) -> None:
    assert age(START + timedelta(seconds=seconds), START) == said


@pytest.mark.parametrize(
    ("reason", "note", "kept"),
    [
        (RejectReason.DUPLICATE, None, None),
        (RejectReason.WRONG_BRANCH, "", None),
        (RejectReason.BROKEN, "  \n", None),
        (RejectReason.BROKEN, " of #7\nsee there ", "of #7\nsee there"),
        (RejectReason.OTHER, "not ours", "not ours"),
        (RejectReason.OTHER, "x" * NOTE_LIMIT, "x" * NOTE_LIMIT),
    ],
)
def test_a_rejection_keeps_its_note_if_there_is_one(reason: RejectReason, note: str | None, kept: str | None) -> None:
    assert Rejection.checked(reason, note) == Rejection(reason, kept)


@pytest.mark.parametrize(
    ("reason", "note", "code"),
    [
        (RejectReason.OTHER, None, "blank"),
        (RejectReason.OTHER, "", "blank"),
        (RejectReason.OTHER, " \t ", "blank"),
        (RejectReason.BROKEN, "x" * (NOTE_LIMIT + 1), "too_long"),
        (RejectReason.BROKEN, "a\0b", "unprintable"),
    ],
)
def test_a_rejection_without_words_of_its_own_or_with_bad_ones_is_refused(
    reason: RejectReason, note: str | None, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        Rejection.checked(reason, note)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/note", code)]
