"""The same build: which reports speak of one build, and what is known of it in whatever order they arrive."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.build_report import BuildReport, BuildStatus
from lathe.domain.identity import (
    Identity,
    IdentityKey,
    believed,
    contradicts,
    event_time,
    find_identity,
    identity_key,
    is_newer,
    is_older,
    observed,
    repository_scope,
    run_key,
    same_commit,
    takes_over,
)
from tests.unit.domain.examples import ORGANIZATION, START, facts, minutes, number, statuses

KEY = IdentityKey("bitbucket", "repository:1", "run:8")
SHA = "bdf6fac0519ffd1562461eb82e018ff62efffbc9"
OTHER_SHA = "0b3f2c9d1e4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c"

# What is worse counts less, where two reports speak of one instant.
RANK = {"in_progress": 0, "stopped": 1, "failed": 2, "successful": 3}


@frozen
class Told:
    """One report as it arrives: what it says, of when, and whether its sender is believed."""

    status: BuildStatus
    at: datetime
    commit_sha: str | None
    branch: str | None = "main"
    verified: bool = True

    @property
    def report(self) -> BuildReport:
        return BuildReport(facts=facts(status=self.status, commit_sha=self.commit_sha, branch=self.branch))


def first(told: Told, ordinal: int = 0) -> Identity:
    return Identity(
        ORGANIZATION,
        number(100 + ordinal),
        KEY,
        ordinal,
        told.status,
        told.at,
        told.verified,
        told.commit_sha,
        told.branch,
        None,
    )


def after(reports: list[Told]) -> list[Identity]:
    """Return what is known once the reports, all of one key, have arrived in this order."""
    known: list[Identity] = []
    for told in reports:
        found = find_identity(known, told.report, verified=told.verified)
        if found is None:
            known.append(first(told, len(known)))
        else:
            known[known.index(found)] = observed(found, told.report, told.at, verified=told.verified)
    return known


def newest(reports: list[Told]) -> tuple[BuildStatus, datetime]:
    """Choose the newest by comparing each with each."""
    for one in reports:
        if all((one.at, RANK[one.status.value]) >= (r.at, RANK[r.status.value]) for r in reports):
            return one.status, one.at
    raise AssertionError("one of them is the newest")


def fullest(reports: list[Told]) -> str:
    return max((told.commit_sha or "" for told in reports), key=len).lower()


# Few instants, so that ties are common; commits are one commit, as different senders spell it.
instants = st.integers(0, 3).map(minutes)
spellings = st.sampled_from([None, SHA, SHA[:12], SHA[:7], SHA.upper(), SHA[:12].upper()])
of_one_build = st.builds(Told, statuses, instants, spellings)
of_anything = st.builds(
    Told,
    statuses,
    instants,
    st.sampled_from([None, SHA, SHA[:12], OTHER_SHA, OTHER_SHA[:7], "trunk"]),
    st.sampled_from([None, "main", "evil"]),
    verified=st.just(False),
)


# --- the order of events ----------------------------------------------------------------------------------------------


@given(st.lists(of_one_build, min_size=1, max_size=6), st.booleans(), st.data())
def test_reports_of_one_build_end_in_the_same_state_in_whatever_order_they_arrive(
    reports: list[Told], verified: bool, data: st.DataObject
) -> None:
    alike = [evolve(told, verified=verified) for told in reports]
    arrived = data.draw(st.permutations(alike))
    (known,) = after(arrived)
    assert (known.status, known.updated_at) == newest(alike)
    assert (known.commit_sha or "").lower() == fullest(alike)
    assert (known.verified, known.branch) == (verified, "main")


@given(st.lists(of_one_build, min_size=1, max_size=4), st.lists(of_anything, max_size=4), st.data())
def test_whatever_unverified_reports_say_and_whenever_a_verified_build_is_one_and_as_its_own_reports_say(
    own: list[Told], foreign: list[Told], data: st.DataObject
) -> None:
    branches = st.sampled_from(["main", None])
    own = [evolve(told, branch=data.draw(branches)) for told in own]
    arrived = data.draw(st.permutations(own + foreign))
    (known,) = [one for one in after(arrived) if one.verified]
    assert (known.status, known.updated_at) == newest(own)
    assert (known.commit_sha or "").lower() == fullest(own)
    assert known.branch == next((told.branch for told in own if told.branch), None)


@given(st.lists(of_one_build, min_size=1, max_size=5), st.data())
def test_a_redelivery_changes_nothing(reports: list[Told], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(reports))
    assert after([*reports, again]) == after(reports)


@given(of_one_build, of_one_build)
def test_an_older_report_changes_no_state(one: Told, other: Told) -> None:
    known = first(one)
    seen = observed(known, other.report, other.at - timedelta(minutes=10), verified=True)
    assert (seen.status, seen.updated_at) == (known.status, known.updated_at)


@given(of_one_build, statuses, instants)
def test_a_report_is_newer_or_older_or_says_the_very_same(told: Told, status: BuildStatus, at: datetime) -> None:
    known = first(told)
    same = (status, at) == (told.status, told.at)
    assert [is_newer(known, status, at), is_older(known, status, at), same].count(True) == 1


def test_a_later_report_decides_even_if_it_is_worse() -> None:
    known = first(Told(BuildStatus.SUCCESSFUL, minutes(0), SHA))
    assert is_newer(known, BuildStatus.IN_PROGRESS, minutes(0) + timedelta(microseconds=1))


def test_at_one_instant_the_better_result_decides() -> None:
    order = [BuildStatus.IN_PROGRESS, BuildStatus.STOPPED, BuildStatus.FAILED, BuildStatus.SUCCESSFUL]
    for worse, better in pairwise(order):
        assert is_newer(first(Told(worse, START, SHA)), better, START)
        assert is_older(first(Told(better, START, SHA)), worse, START)


@pytest.mark.parametrize(
    ("said", "counts_as"),
    [
        (None, START),
        (START - timedelta(days=900), START - timedelta(days=900)),
        (START, START),
        (START + timedelta(minutes=5), START + timedelta(minutes=5)),
        (START + timedelta(minutes=5, microseconds=1), START),
        (START + timedelta(days=900), START),
    ],
)
def test_a_clock_may_be_five_minutes_ahead(said: datetime | None, counts_as: datetime) -> None:
    assert event_time(said, START) == counts_as


# --- what a report adds -----------------------------------------------------------------------------------------------


def test_an_older_report_still_fills_in_what_was_unknown() -> None:
    known = evolve(first(Told(BuildStatus.SUCCESSFUL, minutes(5), None)), branch=None)
    report = BuildReport(facts=facts(status=BuildStatus.IN_PROGRESS, commit_sha=SHA, branch="main"))
    filled = evolve(known, commit_sha=SHA, branch="main")
    assert observed(known, report, minutes(1), verified=True) == filled


def test_a_branch_and_a_tag_of_two_reports_are_not_mixed() -> None:
    tagged = evolve(first(Told(BuildStatus.SUCCESSFUL, START, SHA)), branch=None, tag="v2")
    report = BuildReport(facts=facts(branch="main", commit_sha=SHA))
    assert observed(tagged, report, START, verified=True) == tagged
    on_main = first(Told(BuildStatus.SUCCESSFUL, START, SHA))
    assert observed(on_main, BuildReport(facts=facts(tag="v2")), START, verified=True) == on_main
    bare = evolve(on_main, branch=None)
    assert observed(bare, BuildReport(facts=facts(tag="v2")), START, verified=True).tag == "v2"


# --- verified and unverified ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known_verified", "verified", "is_believed", "replaces"),
    [(True, True, True, False), (True, False, False, False), (False, True, True, True), (False, False, True, False)],
)
def test_who_is_believed_and_who_takes_over(
    known_verified: bool, verified: bool, is_believed: bool, replaces: bool
) -> None:
    known = first(Told(BuildStatus.FAILED, START, SHA, verified=known_verified))
    assert believed(known, verified=verified) == is_believed
    assert takes_over(known, verified=verified) == replaces


@given(of_one_build, of_anything)
def test_an_unverified_report_never_changes_a_verified_build(told: Told, foreign: Told) -> None:
    known = first(told)
    assert observed(known, foreign.report, foreign.at, verified=False) is known


def test_a_verified_report_replaces_what_an_unverified_one_said_of_a_later_time() -> None:
    claimed = first(Told(BuildStatus.IN_PROGRESS, minutes(4), SHA, verified=False))
    seen = observed(claimed, Told(BuildStatus.SUCCESSFUL, minutes(0), None).report, minutes(0), verified=True)
    assert (seen.status, seen.updated_at, seen.commit_sha) == (BuildStatus.SUCCESSFUL, minutes(0), None)
    assert (seen.verified, seen.id, seen.branch) == (True, claimed.id, "main")


@pytest.mark.parametrize(("branch", "tag"), [("evil", None), (None, None), (None, "main"), ("main", "v2")])
def test_a_verified_report_does_not_believe_an_unverified_one_of_another_branch(
    branch: str | None, tag: str | None
) -> None:
    told = Told(BuildStatus.SUCCESSFUL, START, SHA)
    claimed = evolve(first(evolve(told, verified=False)), branch=branch, tag=tag)
    assert contradicts(claimed, told.report, verified=True)
    assert not contradicts(claimed, told.report, verified=False)
    assert not contradicts(evolve(claimed, verified=True), told.report, verified=True)
    assert find_identity([claimed], told.report, verified=True) is None


def test_a_verified_report_prefers_what_verified_reports_told() -> None:
    claimed = first(Told(BuildStatus.SUCCESSFUL, START, OTHER_SHA, verified=False))
    real = first(Told(BuildStatus.SUCCESSFUL, START, None), 1)
    assert find_identity([claimed, real], Told(BuildStatus.FAILED, START, None).report, verified=True) == real
    assert find_identity([claimed, real], Told(BuildStatus.FAILED, START, OTHER_SHA).report, verified=True) == real
    assert find_identity([claimed, real], Told(BuildStatus.FAILED, START, None).report, verified=False) == claimed


# --- contradiction ----------------------------------------------------------------------------------------------------

commits = st.none() | st.text("abAB01", max_size=4)


@given(commits, commits)
def test_two_commits_can_be_one_exactly_if_one_begins_with_the_other_or_is_unknown(
    one: str | None, other: str | None
) -> None:
    shared = min(len(one or ""), len(other or ""))
    assert same_commit(one, other) == ((one or "")[:shared].upper() == (other or "")[:shared].upper())


@given(st.booleans(), st.booleans())
def test_the_same_key_with_another_commit_is_another_build(known_verified: bool, verified: bool) -> None:
    known = first(Told(BuildStatus.SUCCESSFUL, START, SHA, verified=known_verified))
    other = Told(BuildStatus.SUCCESSFUL, START, OTHER_SHA, verified=verified)
    assert contradicts(known, other.report, verified=verified)
    assert [one.commit_sha for one in after([Told(BuildStatus.SUCCESSFUL, START, SHA), other])] == [SHA, OTHER_SHA]


def test_the_build_that_spells_the_commit_is_preferred_then_the_first() -> None:
    unknown, spelled = (
        first(Told(BuildStatus.SUCCESSFUL, START, None)),
        first(Told(BuildStatus.SUCCESSFUL, START, SHA), 1),
    )
    told = Told(BuildStatus.SUCCESSFUL, START, SHA[:7])
    assert find_identity([unknown, spelled], told.report, verified=True) == spelled
    assert find_identity([spelled, unknown], Told(BuildStatus.SUCCESSFUL, START, None).report, verified=True) == unknown
    assert find_identity([], told.report, verified=True) is None


# --- keys -------------------------------------------------------------------------------------------------------------

REPOSITORY = number(70)


def run_of(
    source: str,
    build_number: str | None = None,
    run_id: str | None = None,
    *,
    status_key: str | None = None,
    commit_sha: str | None = None,
    url: str | None = None,
    name: str = "Pipeline #8",
) -> str | None:
    said = facts(source=source, build_number=build_number, run_id=run_id, commit_sha=commit_sha, url=url, name=name)
    return run_key(BuildReport(facts=said, status_key=status_key))


@pytest.mark.parametrize(
    ("source", "what_names_the_run"),
    [
        ("bitbucket", "build_number"),
        ("github", "run_id"),
        ("gitlab", "run_id"),
        ("jenkins", "run_id"),
        ("azure", "run_id"),
        ("circleci", "run_id"),
        ("api", "run_id"),
    ],
)
def test_each_source_names_its_runs_by_what_does_not_repeat(source: str, what_names_the_run: str) -> None:
    plain = run_of(source, build_number="8", run_id="r8")
    by_number = run_of(source, build_number="9", run_id="r8")
    by_run_id = run_of(source, build_number="8", run_id="r9")
    if what_names_the_run == "build_number":
        assert plain == by_run_id != by_number
    else:
        assert plain == by_number != by_run_id


@pytest.mark.parametrize("source", ["github", "gitlab", "jenkins", "azure"])
def test_a_number_that_repeats_never_names_a_run(source: str) -> None:
    assert run_of(source, build_number="8") is None
    assert run_of(source, build_number="8", url="https://ci.test/1") != run_of(
        source, build_number="8", url="https://ci.test/2"
    )


@pytest.mark.parametrize("source", ["circleci", "api", "teamcity"])
def test_every_other_source_falls_back_on_its_number(source: str) -> None:
    assert run_of(source, build_number="8") == run_of(source, build_number="8", url="https://ci.test/2", commit_sha=SHA)
    assert run_of(source, build_number="8") != run_of(source, build_number="9")


def test_all_events_of_one_bitbucket_pipeline_speak_of_one_build() -> None:
    created = run_of("bitbucket", "8", commit_sha=SHA, url="https://bitbucket.org/a/b/8", name="P #8")
    updated = run_of("bitbucket", "8", commit_sha=SHA, url="https://bitbucket.org/a/b/8?x", name="P")
    span = run_of("bitbucket", "8", run_id="{5e}", name="pipeline_run")
    assert created == updated == span


def test_statuses_of_other_ci_systems_with_one_number_are_several_builds() -> None:
    runs = [
        run_of("bitbucket", "42"),
        run_of("bitbucket", "42", status_key="build", commit_sha=SHA),
        run_of("bitbucket", "42", status_key="lint", commit_sha=SHA),
        run_of("bitbucket", "42", status_key="lint", commit_sha=OTHER_SHA),
    ]
    assert len(set(runs)) == 4


def test_without_a_run_key_commit_status_key_url_and_name_tell_builds_apart() -> None:
    base = {"commit_sha": SHA, "url": "https://ci.test/1", "name": "Nightly"}
    keys = [
        run_of("bitbucket", status_key="k", **base),
        run_of("bitbucket", status_key="other", **base),
        run_of("bitbucket", **base),
        run_of("bitbucket", status_key="k", **base | {"commit_sha": OTHER_SHA}),
        run_of("bitbucket", status_key="k", **base | {"url": "https://ci.test/2"}),
        run_of("bitbucket", status_key="k", **base | {"name": "Weekly"}),
        run_of("bitbucket", status_key="k", name="Nightly", commit_sha=SHA),
        run_of("bitbucket", status_key="k", name="Nightly", url="https://ci.test/1"),
    ]
    assert None not in keys
    assert len(set(keys)) == len(keys)
    assert run_of("bitbucket", status_key="k", **base) == keys[0]


def test_a_build_with_neither_run_key_nor_commit_nor_url_has_no_identity() -> None:
    report = BuildReport(facts=facts(source="api"), status_key="k")
    assert run_key(report) is None
    assert identity_key(report, REPOSITORY) is None


ids = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=300)


@given(ids, ids)
def test_run_keys_are_short_and_differ_exactly_where_the_ids_do(one: str, other: str) -> None:
    keys = run_of("api", run_id=one), run_of("api", run_id=other)
    assert (keys[0] == keys[1]) == (one == other)
    assert all(key and len(key) <= 64 for key in keys)


@given(ids, ids, ids)
def test_facts_that_are_cut_elsewhere_are_other_facts(commit: str, key: str, url: str) -> None:
    whole = run_of("bitbucket", status_key=key, commit_sha=commit, url=url)
    assert whole != run_of("bitbucket", status_key=key + url, commit_sha=commit, url="")
    assert whole != run_of("bitbucket", status_key=key, commit_sha=commit + url, url="")
    assert whole is not None
    assert len(whole) <= 64


def test_a_report_that_names_only_its_release_is_told_apart_by_that() -> None:
    def named(release_id: UUID | None, project_id: UUID | None = None) -> str:
        report = BuildReport(facts=facts(build_number="5"), release_id=release_id, project_id=project_id)
        key = identity_key(report, None)
        assert key is not None
        return key.scope

    assert len({named(number(1)), named(number(2)), named(None), named(number(1), number(3))}) == 4
    assert named(number(1), number(3)) == named(None, number(3))


def scope_of(repository_id: UUID | None = None, project_id: UUID | None = None, name: str = "Nightly") -> str:
    report = BuildReport(facts=facts(source="api", name=name, build_number="8"), project_id=project_id)
    key = identity_key(report, repository_id)
    assert key is not None
    assert (key.source, key.run_key) == ("api", "run:8")
    return key.scope


def test_the_repository_is_the_scope_else_the_project_given_else_the_name() -> None:
    in_repository = scope_of(REPOSITORY)
    assert in_repository == scope_of(REPOSITORY, number(10), "Other") == repository_scope(REPOSITORY)
    assert in_repository != scope_of(number(71))
    assert scope_of(None, number(10)) == scope_of(None, number(10), "Other") != scope_of(None, number(11))
    assert scope_of(name="Nightly") == scope_of(name="Nightly") != scope_of(name="Weekly")
    assert len({in_repository, scope_of(None, REPOSITORY), scope_of(name=str(REPOSITORY))}) == 3
    assert scope_of(name="x" * 255) != scope_of(name="x" * 254)
    assert len(scope_of(name="x" * 255)) <= 64
