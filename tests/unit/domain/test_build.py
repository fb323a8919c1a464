"""Builds and their facts: what later reports may change, and what stays as it was filed."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.build import Build, Filed
from lathe.domain.build_report import BuildFacts, BuildStatus, longer, with_missing_facts, with_newer_facts
from lathe.domain.placement import Outcome, Placement
from lathe.domain.repo_url import RepoUrl
from tests.unit.domain.examples import ORGANIZATION, START, minutes, number, statuses


def one_of(*values: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from(values)


some_facts = st.builds(
    BuildFacts,
    source=st.just("bitbucket"),
    name=st.sampled_from(["Pipeline #8", "P"]),
    status=statuses,
    build_number=one_of("8"),
    run_id=one_of("{5e}"),
    commit_sha=one_of("bdf6fac", "bdf6fac0519f", "bdf6fac0519ffd1562461eb82e018ff62efffbc9"),
    branch=one_of("main", "release/2.4"),
    tag=one_of("v2"),
    repo_url=st.none() | st.just(RepoUrl("bitbucket.org", ("acme", "pay"))),
    url=one_of("https://ci.test/1", "https://ci.test/2"),
    author=one_of("Ada", "Ann"),
    finished_at=st.none() | st.sampled_from([minutes(1), minutes(2)]),
)


@given(some_facts, some_facts)
def test_a_newer_report_changes_status_end_and_link_and_nothing_that_placed_the_build(
    known: BuildFacts, told: BuildFacts
) -> None:
    after = with_newer_facts(known, told)
    assert after.status == (known.status if told.status is BuildStatus.IN_PROGRESS else told.status)
    assert after.finished_at == (told.finished_at or known.finished_at)
    assert after.url == (told.url or known.url)
    unchanged = evolve(after, status=known.status, finished_at=known.finished_at, url=known.url)
    assert unchanged == with_missing_facts(known, told)


@given(some_facts, some_facts)
def test_facts_once_known_stay_and_unknown_ones_are_filled_in(known: BuildFacts, told: BuildFacts) -> None:
    after = with_missing_facts(known, told)
    for name in ("author", "build_number", "run_id", "repo_url"):
        before, said = getattr(known, name), getattr(told, name)
        assert getattr(after, name) == (said if before is None else before)
    for name in ("name", "source", "status", "url", "finished_at"):
        assert getattr(after, name) == getattr(known, name)
    assert len(after.commit_sha or "") == max(len(known.commit_sha or ""), len(told.commit_sha or ""))


@given(some_facts, some_facts)
def test_branch_and_tag_come_from_one_report(known: BuildFacts, told: BuildFacts) -> None:
    source = known if known.branch or known.tag else told
    after = with_missing_facts(known, told)
    assert (after.branch, after.tag) == (source.branch, source.tag)


@given(some_facts, some_facts)
def test_the_same_report_again_adds_nothing(known: BuildFacts, told: BuildFacts) -> None:
    for merge in (with_newer_facts, with_missing_facts):
        assert merge(merge(known, told), told) == merge(known, told)


def test_the_fuller_spelling_of_a_commit_is_kept() -> None:
    assert longer("bdf6fac", "bdf6fac0519f") == longer("bdf6fac0519f", "bdf6fac") == "bdf6fac0519f"
    assert longer(None, "bdf6fac") == longer("bdf6fac", "") == "bdf6fac"
    assert longer(None, None) is None
    assert longer("BDF6FAC", "bdf6fac") == "BDF6FAC"


def test_the_ref_is_the_branch_else_the_tag() -> None:
    bare = BuildFacts(source="api", name="Build")
    assert bare.ref is None
    assert evolve(bare, tag="v2").ref == "v2"
    assert evolve(bare, tag="v2", branch="main").ref == "main"


def test_every_state_but_in_progress_is_an_end() -> None:
    assert [status.value for status in BuildStatus if not status.finished] == ["in_progress"]


def test_filing_by_hand_revives_a_withdrawn_build_under_its_id() -> None:
    placement = Placement(Outcome.CREATED, (), None, number(10), number(20))
    known = BuildFacts(source="api", name="Build")
    build = Build(
        ORGANIZATION,
        number(60),
        number(10),
        number(20),
        known,
        Filed.AUTOMATICALLY,
        verified=True,
        placement=placement,
        created_at=START,
        withdrawn=True,
    )
    moved = evolve(build, project_id=number(11), release_id=number(21), filed=Filed.BY_HAND, withdrawn=False)
    assert build.filed_under(number(11), number(21)) == moved
