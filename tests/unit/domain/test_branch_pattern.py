"""Branch patterns: judged by a translation to regular expressions, and by writing out what they may stand for."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.branch_pattern import PATTERNS_LIMIT, BranchPattern, parse_patterns
from lathe.domain.errors import Invalid

# Few characters, so that patterns and names meet often; the dot and the bracket mean something to a regular expression.
LETTERS = "ab/.["
names = st.text(LETTERS, max_size=8)
patterns = st.text(LETTERS + "*", min_size=1, max_size=8)


def expression(pattern: str) -> re.Pattern[str]:
    """Translate a pattern piece by piece: two stars or more cross slashes, one does not."""
    pieces = re.split(r"(\*+)", pattern)
    kinds = {0: "", 1: "[^/]*"}
    translated = (kinds.get(len(p), ".*") if set(p) <= {"*"} else re.escape(p) for p in pieces)
    return re.compile("".join(translated), re.DOTALL)


def fits(pattern: str, name: str) -> bool:
    """Tell from the definition alone, by trying all a star may stand for."""
    if not pattern:
        return not name
    stars = len(pattern) - len(pattern.lstrip("*"))
    if not stars:
        return name[:1] == pattern[0] and fits(pattern[1:], name[1:])
    taken = (name[:end] for end in range(len(name) + 1))
    return any((stars > 1 or "/" not in part) and fits(pattern[stars:], name[len(part) :]) for part in taken)


@given(patterns, names)
def test_a_pattern_matches_what_its_regular_expression_matches(pattern: str, name: str) -> None:
    assert BranchPattern(pattern).matches(name) == bool(expression(pattern).fullmatch(name))


@given(patterns, names)
def test_a_pattern_matches_what_it_may_stand_for(pattern: str, name: str) -> None:
    assert BranchPattern(pattern).matches(name) == fits(pattern, name)


def test_all_short_patterns_match_exactly_the_short_names_that_they_should() -> None:
    def texts(alphabet: str, longest: int) -> list[str]:
        return ["".join(t) for n in range(longest + 1) for t in itertools.product(alphabet, repeat=n)]

    wrong = [
        (pattern, name)
        for pattern in texts("a/*", 4)[1:]
        for name in texts("a/", 5)
        if BranchPattern(pattern).matches(name) != fits(pattern, name)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("main", ["main"], ["Main", "main2", "domain", ""]),
        (
            "release/2.*",
            ["release/2.", "release/2.4", "release/2.4-rc"],
            ["release/2", "release/2.4/fix", "release/214"],
        ),
        ("release/**", ["release/", "release/2/4"], ["release", "old/release/2"]),
        ("v2.*", ["v2.0"], ["V2.0", "v2/0"]),
        ("*", ["main", ""], ["a/b"]),
        ("**", ["main", "a/b", ""], []),
        ("**/fix", ["a/fix", "a/b/fix", "/fix"], ["fix"]),
        ("*/*", ["a/b"], ["a", "a/b/c"]),
    ],
)
def test_patterns_read_as_people_mean_them(pattern: str, matching: list[str], other: list[str]) -> None:
    parsed = BranchPattern.parse(pattern)
    assert [name for name in matching if not parsed.matches(name)] == []
    assert [name for name in other if parsed.matches(name)] == []


def test_a_pattern_full_of_stars_is_judged_at_once() -> None:
    assert not BranchPattern("*a" * 127).matches("a" * 254 + "b")
    assert BranchPattern("**a" * 85).matches("a" * 255)


@given(names.filter(bool), names.filter(bool))
def test_an_exact_name_is_more_specific_than_any_pattern_that_matches_it(name: str, pattern: str) -> None:
    starred = BranchPattern(pattern + "*" * 2)
    assert BranchPattern(name).specificity > starred.specificity


@given(patterns, patterns)
def test_of_two_patterns_with_wildcards_the_one_with_more_literal_characters_is_more_specific(a: str, b: str) -> None:
    one, other = a + "*", "*" + b
    longer_one = len(one.replace("*", "")) > len(other.replace("*", ""))
    assert (BranchPattern(one).specificity > BranchPattern(other).specificity) == longer_one


@given(patterns, patterns, st.sampled_from(LETTERS), st.data())
def test_a_star_in_place_of_a_literal_makes_a_pattern_wider_and_less_specific(
    before: str, after: str, literal: str, data: st.DataObject
) -> None:
    narrow, wide = before + literal + after, before + "**" + after
    name = data.draw(st.from_regex(expression(narrow), fullmatch=True, alphabet=st.sampled_from(LETTERS)))
    assert BranchPattern(narrow).matches(name)
    assert BranchPattern(wide).matches(name)
    assert BranchPattern(wide).specificity < BranchPattern(narrow).specificity


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "blank"),
        ("  ", "blank"),
        ("release 2", "has_blanks"),
        (" main", "has_blanks"),
        ("main\u00a0", "has_blanks"),
        ("x" * 256, "too_long"),
        ("a\0b", "unprintable"),
    ],
)
def test_what_is_no_pattern_is_refused_with_the_reason(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        BranchPattern.parse(text)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/branch_patterns", code)]
    assert caught.value.detail.startswith("branch pattern ")


def test_the_longest_pattern_is_kept() -> None:
    assert BranchPattern.parse("x" * 255).text == "x" * 255


def test_patterns_keep_their_order_and_lose_repetitions() -> None:
    parsed = parse_patterns(["v2.*", "main", "v2.*", "Main"])
    assert [pattern.text for pattern in parsed] == ["v2.*", "main", "Main"]


def test_the_fault_points_at_the_pattern_that_is_wrong() -> None:
    with pytest.raises(Invalid) as caught:
        parse_patterns(("main", "a b", ""))
    assert [fault.pointer for fault in caught.value.faults] == ["/branch_patterns/1"]


def test_a_release_has_a_bounded_number_of_patterns() -> None:
    most = [f"b{index}" for index in range(PATTERNS_LIMIT)]
    assert len(parse_patterns(most)) == PATTERNS_LIMIT
    with pytest.raises(Invalid) as caught:
        parse_patterns([*most, "one-more"])
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/branch_patterns", "too_many")]
