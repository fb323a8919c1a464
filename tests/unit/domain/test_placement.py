"""Placement: where a build goes and why, judged by the table of situations on the product page."""

from __future__ import annotations

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.build_report import BuildFacts, BuildStatus
from lathe.domain.matching import Ambiguous, Match, Matched, Unmatched, match
from lathe.domain.placement import (
    Outcome,
    Placement,
    choose_given,
    filed_by_hand,
    given_project,
    not_finished,
    overtaken,
    place,
)
from lathe.domain.project import Files
from lathe.domain.release import Release, ReleaseState
from lathe.domain.steps import Candidate, ReasonCode, Step
from tests.unit.domain.examples import (
    facts,
    finished,
    linked,
    minutes,
    number,
    project,
    refs,
    release,
    report_of,
    some_releases,
    statuses,
)
from tests.unit.domain.oracles import expected_release

STEPS = (Step("repository_uuid", "not_known", "…"), Step("repository_url", "nothing", "…"))
CANDIDATES = tuple(Candidate(number(value), f"P{value}", "repository_name") for value in (10, 11))


@st.composite
def matches(draw: st.DrawFn) -> Match:
    """Any answer that matching can give, or a project or release that the report names itself."""
    kind = draw(
        st.sampled_from(["unmatched", "ambiguous", "given", "repository_uuid", "repository_url", "repository_name"])
    )
    if kind == "unmatched":
        return Unmatched(STEPS)
    if kind == "ambiguous":
        return Ambiguous(CANDIDATES, (*STEPS, Step("repository_name", "ambiguous", "two fit", CANDIDATES)))
    files = draw(st.sampled_from(Files))
    if kind == "given":
        return given_project(project(10, "Pay API", files=files), draw(st.none() | st.just(release(20))))
    weak = draw(st.none() | st.just("too little")) if kind == "repository_name" else None
    steps = (*STEPS, Step(kind, "weak" if weak else "matched", "found", CANDIDATES[:1]))
    return Matched(project(10, "Pay API", files=files), kind, steps, weak)


builds = st.builds(
    lambda status, branch, tag: facts(status=status, branch=branch, tag=tag, repo="https://git.corp/acme/pay"),
    finished,
    refs,
    refs,
)


@frozen
class Situation:
    """A finished build, what matching said of it, the releases of the project, and what the organization demands."""

    facts: BuildFacts
    match: Match
    releases: list[Release]
    confirm: bool

    def placed(self) -> Placement:
        return place(self.facts, self.match, self.releases, confirm_name_matches=self.confirm)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    found = draw(matches())
    releases = draw(some_releases())
    if isinstance(found, Matched) and found.rule == "release_given":
        releases = [release(20, *draw(st.sampled_from([("v2.*",), ()])), state=draw(st.sampled_from(ReleaseState)))]
    return Situation(draw(builds), found, releases, draw(st.booleans()))


def row(s: Situation) -> tuple[str, str | None]:
    """Return outcome and reason as the table of the product page has them."""
    if isinstance(s.match, Unmatched | Ambiguous):
        if s.facts.status != BuildStatus.SUCCESSFUL:
            return "ignored", "build_not_successful"
        return "queued", "no_project_match" if isinstance(s.match, Unmatched) else "ambiguous_project"
    if s.facts.status != BuildStatus.SUCCESSFUL and s.match.project.files != Files.FINISHED:
        return "ignored", "build_not_successful"
    if s.match.weak or (s.confirm and s.match.rule == "repository_name"):
        return "queued", "name_match_unconfirmed"
    return ("created", None) if release_of(s) else ("queued", "no_active_release")


def release_of(s: Situation) -> Release | None:
    if isinstance(s.match, Matched) and s.match.rule == "release_given":
        return s.releases[0] if s.releases[0].state is ReleaseState.ACTIVE else None
    return expected_release(s.releases, s.facts.branch, s.facts.tag)


@given(situations())
def test_every_finished_build_goes_where_the_table_says(s: Situation) -> None:
    placed = s.placed()
    assert (placed.outcome.value, placed.reason.code.value if placed.reason else None) == row(s)


@given(situations())
def test_a_placement_has_a_reason_or_a_release_and_always_steps(s: Situation) -> None:
    placed = s.placed()
    created = placed.outcome is Outcome.CREATED
    chosen = release_of(s) if created else None
    assert (placed.reason is None) == created
    assert placed.release_id == (chosen.id if chosen else None)
    assert placed.steps[: len(s.match.steps)] == s.match.steps
    assert all(step.rule and step.result and step.detail for step in placed.steps)
    assert placed.reason is None or placed.reason.detail


@given(situations())
def test_the_project_is_filled_in_exactly_where_one_was_found_and_something_is_kept(s: Situation) -> None:
    placed = s.placed()
    found = s.match.project.id if isinstance(s.match, Matched) else None
    assert placed.project_id == (None if placed.outcome is Outcome.IGNORED else found)


@given(situations())
def test_candidates_are_shown_where_a_person_has_to_choose_or_confirm(s: Situation) -> None:
    placed = s.placed()
    expected: tuple[Candidate, ...] = ()
    if placed.reason and placed.reason.code is ReasonCode.AMBIGUOUS_PROJECT:
        expected = CANDIDATES
    if placed.reason and placed.reason.code is ReasonCode.NAME_MATCH_UNCONFIRMED:
        expected = CANDIDATES[:1]
    assert placed.candidates == expected


@given(situations())
def test_the_order_of_the_releases_changes_nothing(s: Situation) -> None:
    assert evolve(s, releases=s.releases[::-1]).placed() == s.placed()


# --- the sentences that people read -----------------------------------------------------------------------------------

PAY = project(10, "Pay API")
FOUND = Matched(PAY, "repository_url", (Step("repository_url", "matched", "linked", CANDIDATES[:1]),))


def why(placed: Placement) -> str:
    return placed.reason.detail if placed.reason else placed.steps[-1].detail


def test_an_unknown_repository_is_named_by_owner_and_name() -> None:
    report = report_of("https://bitbucket.org/acme/pay-api")
    assert why(place(report.facts, match(report, []), [])) == "Repository acme/pay-api matches no project"


def test_a_repository_known_by_its_uuid_alone_is_not_named() -> None:
    report = report_of(None, "bitbucket:{1}")
    assert why(place(report.facts, match(report, []), [])) == "The report names a repository that is not known"


def test_a_report_without_a_repository_is_told_so() -> None:
    report = report_of(None)
    assert why(place(report.facts, match(report, [linked(10, "Pay")]), [])) == "The report names no repository"


def test_a_weak_match_says_what_is_missing() -> None:
    weak = evolve(FOUND, rule="repository_name", weak="it already has a repository on git.corp")
    expected = "Only the repository's name points to Pay API: it already has a repository on git.corp"
    assert why(place(facts(), weak, [])) == expected
    named = evolve(FOUND, rule="repository_name")
    demanded = "Only the repository's name points to Pay API: this organization wants every match by name confirmed"
    assert why(place(facts(), named, [], confirm_name_matches=True)) == demanded


@pytest.mark.parametrize(
    ("releases", "build", "sentence"),
    [
        ([], facts(branch="main"), "Pay API has no active release"),
        ([release(20, state=ReleaseState.CLOSED)], facts(branch="main"), "Pay API has no active release"),
        ([release(20, "v*")], facts(branch="main"), "Pay API has no active release for main"),
        ([release(20, "v*")], facts(tag="w1"), "Pay API has no active release for w1"),
        ([release(20, "v*")], facts(), "Pay API has no active release for a build without branch or tag"),
        ([release(20, "m*", name="2.4")], facts(branch="main"), "A branch pattern of release 2.4 fits main"),
        (
            [release(20, name="2.4")],
            facts(branch="main"),
            "Release 2.4 takes every branch that no other release claims",
        ),
        (
            [
                release(20, "m*", name="2.4", activated_at=minutes(2)),
                release(21, "*n", name="2.3"),
                release(22, "main*n"),
            ],
            facts(branch="main"),
            "A branch pattern of release 2.4 fits main; so do 2.3, but 2.4 was activated last",
        ),
    ],
)
def test_the_last_step_explains_the_release(releases: list[Release], build: BuildFacts, sentence: str) -> None:
    assert place(build, FOUND, releases).steps[-1].detail == sentence


def test_a_named_release_is_taken_whatever_its_patterns() -> None:
    named = release(20, "v2.*", name="2.4")
    placed = place(facts(branch="main"), given_project(PAY, named), [named])
    assert placed.release_id == named.id
    assert [step.detail for step in placed.steps] == [
        "The report names release 2.4 of Pay API",
        "Release 2.4 is active",
    ]


@pytest.mark.parametrize("state", [ReleaseState.PLANNED, ReleaseState.CLOSED])
def test_a_named_release_that_is_not_active_takes_nothing_and_says_nothing_of_others(state: ReleaseState) -> None:
    named = release(20, state=state)
    assert choose_given([named]) is None
    assert why(place(facts(), given_project(PAY, named), [named])) == "The release that the report names is not active"


def test_a_named_project_still_chooses_among_its_releases() -> None:
    placed = place(facts(branch="main"), given_project(PAY), [release(20, "v*"), release(21)])
    assert placed.release_id == number(21)
    assert placed.steps[0] == Step("project_given", "matched", "The report names project Pay API")


def test_unwanted_results_say_whose_rule_that_is() -> None:
    failed = facts(name="Pipeline #8", status=BuildStatus.FAILED)
    assert why(place(failed, FOUND, [])) == "Pipeline #8 failed, and Pay API files successful builds only"
    assert why(place(failed, Unmatched(STEPS), [])) == "Pipeline #8 failed, and it belongs to no known project"


# --- the other ways a placement comes about ---------------------------------------------------------------------------


def test_a_run_that_has_not_ended_is_nothing_to_file_yet() -> None:
    placed = not_finished(facts(name="Pipeline #8", status=BuildStatus.IN_PROGRESS))
    assert placed.outcome is Outcome.IGNORED
    assert placed.reason is not None
    assert placed.reason.code is ReasonCode.BUILD_NOT_FINISHED
    assert why(placed) == placed.steps[-1].detail == "Pipeline #8 has not finished yet"


@given(statuses)
def test_an_overtaken_report_is_ignored_for_what_is_known_of_its_build(known: BuildStatus) -> None:
    placed = overtaken(facts(name="Pipeline #8"), known)
    assert placed.outcome is Outcome.IGNORED
    assert placed.reason is not None
    running = known is BuildStatus.IN_PROGRESS
    assert placed.reason.code is (ReasonCode.BUILD_NOT_FINISHED if running else ReasonCode.BUILD_NOT_SUCCESSFUL)
    assert ("in progress" in why(placed)) == running
    assert placed.steps[-1].detail == why(placed)


def test_a_note_comes_before_all_other_steps() -> None:
    placed = place(facts(), FOUND, [release(20)])
    note = Step("same_build", "contradicted", "Another build of the same number is known")
    assert placed.noting(note) == evolve(placed, steps=(note, *placed.steps))


def test_what_a_person_decides_comes_last_and_what_the_rules_said_stays() -> None:
    waiting = place(facts(branch="main"), FOUND, [])
    filed = filed_by_hand(waiting, "Ann assigned it", release(20, name="2.4"))
    assert filed.steps[:-1] == waiting.steps
    assert (filed.outcome, filed.reason, filed.release_id, filed.project_id) == (
        Outcome.CREATED,
        None,
        number(20),
        number(10),
    )
    assert why(filed) == "Ann assigned it to 2.4"
