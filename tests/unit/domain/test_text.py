"""Text: what may be kept of it, what may be a link, and the words that names are compared by."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lathe.domain.errors import Invalid
from lathe.domain.text import checked_name, slugged, text_fault, web_link, words

# Surrogates included: JSON can spell half a pair, and Python keeps it.
anything = st.text(st.characters(exclude_categories=()), max_size=20)


def code(value: str, *, limit: int = 10, empty: bool = False, prose: bool = False) -> str | None:
    fault = text_fault(value, "/field", limit, empty=empty, prose=prose)
    return fault.code if fault else None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("main", None),
        ("ten chars!", None),
        ("eleven char", "too_long"),
        ("💸" * 10, None),  # characters count, not bytes
        ("", "blank"),
        (" \t ", "blank"),
        ("a\0b", "unprintable"),
        ("a\nb", "unprintable"),
        ("a\x7fb", "unprintable"),
        ("a\x85b", "unprintable"),
        ("a\ud83d", "unprintable"),
    ],
)
def test_a_text_is_kept_or_refused_with_the_reason(value: str, expected: str | None) -> None:
    assert code(value) == expected


def test_an_empty_text_is_kept_where_that_is_allowed() -> None:
    assert code("", empty=True) is None
    assert code("\0", empty=True) == "unprintable"


def test_prose_may_have_lines_and_tabs_and_still_no_other_controls() -> None:
    assert code("a\r\n\tb", prose=True) is None
    assert [code(f"a{c}b", prose=True) for c in "\0\x0b\x0c\x1b\x7f\udfff"] == ["unprintable"] * 6


def test_a_fault_points_at_the_field_and_counts_its_characters() -> None:
    fault = text_fault("x" * 12, "/name", 10)
    assert fault is not None
    assert (fault.pointer, fault.detail) == ("/name", "has 12 characters; at most 10 are kept")


@given(anything)
def test_a_text_is_kept_exactly_if_it_is_short_not_blank_and_without_controls_and_surrogates(value: str) -> None:
    categories = {unicodedata.category(c) for c in value}
    good = bool(value.strip()) and len(value) <= 10 and not categories & {"Cc", "Cs"}
    assert (code(value) is None) == good


@given(anything)
def test_a_checked_name_is_the_name_without_blanks_around_it_or_an_error_at_its_field(value: str) -> None:
    if text_fault(value, "/title", 12) is None:
        assert checked_name(value, "/title", 12) == value.strip() != ""
        return
    with pytest.raises(Invalid, match="title ") as caught:
        checked_name(value, "/title", 12)
    assert [fault.pointer for fault in caught.value.faults] == ["/title"]


@pytest.mark.parametrize(
    "value", ["https://ci.test/1", "http://ci.test", "HTTPS://CI.TEST/#!/results/8", "https://user@ci.test/x?y=1"]
)
def test_http_and_https_addresses_may_be_links(value: str) -> None:
    assert web_link(value) == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "//ci.test",
        "ci.test/1",
        "https://",
        "https:///x",
        "https://?x",
        " https://ci.test",
        "https://ci.test/a b",
        "https://ci.test/\n",
        "java\nscript:https://ci.test",
        "https://ci.test/\ud800",
        "https://ci.test/" + "x" * 2048,
    ],
)
def test_nothing_else_may_be_a_link(value: str | None) -> None:
    assert web_link(value) is None


@given(anything)
def test_a_link_never_starts_with_anything_but_http(value: str) -> None:
    link = web_link(value)
    assert link is None or link.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Pay API", ("pay", "api")),
        ("pay-api", ("pay", "api")),
        ("pay_api_service", ("pay", "api", "service")),
        ("  --Pay..API!  ", ("pay", "api")),
        ("testRepo", ("testrepo",)),
        ("v2.4", ("v2", "4")),
        ("Größe STRASSE straße", ("grösse", "strasse", "strasse")),
        ("Ｐａｙ ①", ("pay", "1")),  # compatibility forms
        ("Cafe\u0301", ("café",)),
        ("支払い API", ("支払い", "api")),
        ("हिन्दी", ("हिन्दी",)),
        ("❤\ufe0f Pay", ("pay",)),  # marks on a sign are no word of their own
        ("", ()),
        ("-_- …", ()),
    ],
)
def test_names_become_lower_case_words(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


def test_names_that_differ_in_their_vowel_signs_only_stay_different() -> None:
    assert words("हिन्दी") != words("हानीदे")


@given(st.text(max_size=20))
@example("İstanbul")
@example("ŉ ǰ ΐ ﬃ")
def test_the_words_of_words_are_the_words(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


def test_every_character_alone_gives_words_that_stay_as_they_are() -> None:
    characters = (chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF)
    assert [c for c in characters if c.isalnum() and words(" ".join(words(c))) != words(c)] == []


@given(st.lists(st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True), max_size=5), st.sampled_from("-_ ./+!"))
def test_words_do_not_depend_on_case_or_on_what_separates_them(parts: list[str], separator: str) -> None:
    assert words(separator.join(parts)) == words(separator.join(parts).upper()) == tuple(parts)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Pay API", "pay-api"),
        ("  Zahlung: Größe  ", "zahlung-grösse"),
        ("…", "project-7"),
        ("x" * 80, "x" * 63),
        ("y" * 62 + " tail", "y" * 62),
    ],
)
def test_a_slug_is_the_words_joined_by_hyphens(name: str, slug: str) -> None:
    assert slugged(name, "project-7") == slug


@given(st.text(max_size=100))
def test_a_slug_is_short_never_empty_and_the_slug_of_itself(name: str) -> None:
    slug = slugged(name, "fallback")
    assert 1 <= len(slug) <= 63
    assert not slug.startswith("-")
    assert not slug.endswith("-")
    assert slugged(slug, "fallback") == slug
