"""Releases: their states, and which of them a build belongs to, judged by a naive chooser."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given

from lathe.domain.branch_pattern import BranchPattern, Specificity
from lathe.domain.errors import Conflict, Invalid
from lathe.domain.release import Release, ReleaseState, choose_release
from tests.unit.domain.examples import minutes, refs, release, some_releases
from tests.unit.domain.oracles import expected_release


@given(some_releases(), refs, refs)
def test_the_release_chosen_is_the_one_that_the_product_page_describes(
    releases: list[Release], branch: str | None, tag: str | None
) -> None:
    choice = choose_release(releases, branch, tag)
    assert (choice.release if choice else None) == expected_release(releases, branch, tag)


@given(some_releases(), refs, refs)
def test_the_order_of_the_releases_changes_nothing(
    releases: list[Release], branch: str | None, tag: str | None
) -> None:
    assert choose_release(reversed(releases), branch, tag) == choose_release(releases, branch, tag)
    assert choose_release(sorted(releases, key=lambda r: r.id), branch, tag) == choose_release(releases, branch, tag)


@given(some_releases(), refs, refs)
def test_a_choice_is_active_and_lists_its_equals_itself_first_and_the_latest_before_the_earlier(
    releases: list[Release], branch: str | None, tag: str | None
) -> None:
    choice = choose_release(releases, branch, tag)
    if choice is None:
        return
    assert choice.release.active
    assert choice.equal[0] == choice.release
    times = [r.activated_at or r.created_at for r in choice.equal]
    assert times == sorted(times, reverse=True)
    assert {bool(r.branch_patterns) for r in choice.equal} == {choice.rule == "branch_pattern"}
    assert len({r.closeness(branch, tag) for r in choice.equal}) == 1


@given(some_releases(), refs, refs)
def test_releases_that_are_not_active_might_as_well_not_be_there(
    releases: list[Release], branch: str | None, tag: str | None
) -> None:
    assert choose_release([r for r in releases if r.active], branch, tag) == choose_release(releases, branch, tag)


def test_a_release_with_patterns_never_takes_a_branch_that_none_of_them_matches() -> None:
    assert choose_release([release(20, "release/*")], "main", None) is None
    assert choose_release([release(20, "release/*")], None, None) is None


def test_a_pattern_that_matches_beats_every_release_without_patterns() -> None:
    choice = choose_release([release(20, "**"), release(21, activated_at=minutes(5))], "main", None)
    assert choice is not None
    assert (choice.release.id.int, choice.rule) == (20, "branch_pattern")


def test_a_tag_counts_as_much_as_a_branch() -> None:
    choice = choose_release([release(20, "main*"), release(21, "v2.4")], "main", "v2.4")
    assert choice is not None
    assert choice.release.id.int == 21


def test_the_closeness_of_a_release_is_that_of_its_most_specific_pattern_that_fits() -> None:
    one = release(20, "**", "release/**", "release/2.*", "v*")
    assert one.closeness("release/2.4", None) == Specificity(exact=False, literals=10)
    assert one.closeness("release/2.4/fix", None) == Specificity(exact=False, literals=8)
    assert release(20, "v*").closeness("main", "") is None
    assert release(20).closeness("main", None) is None


ALLOWED = {
    (ReleaseState.PLANNED, ReleaseState.ACTIVE),
    (ReleaseState.PLANNED, ReleaseState.CLOSED),
    (ReleaseState.ACTIVE, ReleaseState.CLOSED),
    (ReleaseState.CLOSED, ReleaseState.ACTIVE),
}


@pytest.mark.parametrize("old", ReleaseState)
@pytest.mark.parametrize("new", ReleaseState)
def test_a_release_goes_from_planned_to_active_to_closed_and_may_be_reopened(
    old: ReleaseState, new: ReleaseState
) -> None:
    before = evolve(release(20, state=old, name="2.4"), closed_at=minutes(1))
    if old is new:
        assert before.moved_to(new, minutes(9)) is before
    elif (old, new) in ALLOWED:
        after = before.moved_to(new, minutes(9))
        if new is ReleaseState.ACTIVE:
            assert after == evolve(before, state=new, activated_at=minutes(9), closed_at=None)
        else:
            assert after == evolve(before, state=new, closed_at=minutes(9))
    else:
        with pytest.raises(Conflict, match=f"release 2.4 is {old.value} and cannot become {new.value}") as caught:
            before.moved_to(new, minutes(9))
        assert caught.value.reason == "release_state"


def test_a_reopened_release_is_the_most_recently_activated() -> None:
    old = release(20, activated_at=minutes(1)).moved_to(ReleaseState.CLOSED, minutes(3))
    reopened = old.moved_to(ReleaseState.ACTIVE, minutes(4))
    choice = choose_release([release(21, activated_at=minutes(2)), reopened], "main", None)
    assert choice is not None
    assert choice.release == reopened


def test_a_release_can_be_renamed_and_fed_by_other_branches() -> None:
    one = release(20, "main")
    assert one.renamed(" 2.5 ") == evolve(one, name="2.5")
    assert one.with_patterns((BranchPattern("v2.*"),)).branch_patterns == (BranchPattern("v2.*"),)
    with pytest.raises(Invalid):
        one.renamed(" ")
