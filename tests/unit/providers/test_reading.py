"""Reading foreign JSON: what is not read may be odd, what is read is checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lathe.adapters.providers import reading
from lathe.domain.errors import Fault, Invalid, Malformed

_OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'\xef\xbb\xbf{"a": 1}', "not JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_what_is_no_json_in_utf8_is_malformed(body: bytes, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        reading.json_object(body)
    assert says in refused.value.detail


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"7", b"NaN", b"true"])
def test_json_that_is_no_object_is_invalid_as_a_whole(body: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        reading.json_object(body)
    assert refused.value.faults == (Fault("", "not_an_object", "must be a JSON object"),)


@pytest.mark.parametrize(
    "odd",
    [
        r'"\u0000"',
        r'"\ud800"',
        "NaN",
        "-Infinity",
        "1e999",
        "9" * 5000,
        "-" + "9" * 5000,
        '{"b": 1, "b": 2}',
        "[" * 300 + "]" * 300,
        r'"a \u0022quoted\u0022 word"',
    ],
)
def test_a_field_that_nobody_reads_may_hold_anything(odd: str) -> None:
    fields = reading.json_object(f'{{"odd": {odd}, "name" : "Ünïcode 🚀 \\ud83d\\ude80"}}'.encode())
    assert reading.text(fields, "name") == "Ünïcode 🚀 🚀"


@pytest.mark.parametrize(
    "field",
    [
        r'"a": "x\u0000y"',
        r'"a": "x\ud800"',
        r'"a": "\udc00\ud800"',
        '"a": NaN',
        '"a": 9223372036854775808',
        '"a": 18446744073709551616',
        '"a": -9223372036854775809',
        f'"a": {"9" * 5000}',
        '"a": 1e999',
        '"a": 1, "a": 1',
    ],
)
def test_a_field_that_is_read_and_cannot_be_stored_is_malformed(field: str) -> None:
    fields = reading.json_object(f"{{{field}}}".encode())
    with pytest.raises(Malformed, match="a"):
        reading.text(fields, "a")
    with pytest.raises(Malformed, match="a"):
        reading.integer(fields, "a")


def test_a_key_that_comes_twice_on_the_way_to_a_field_is_malformed() -> None:
    fields = reading.json_object(b'{"a": {"b": {"c": "x"}, "b": {"c": "y"}}, "d": "z"}')
    with pytest.raises(Malformed, match="names b twice"):
        reading.text(fields, "a", "b", "c")
    assert reading.text(fields, "d") == "z"


def test_quotes_that_are_escaped_by_number_hide_no_key_that_comes_twice() -> None:
    fields = reading.json_object(rb'{"state": "FAILED", "state": "SUCCESSFUL", "x": "\u0022\u0022\u0022\u0022"}')
    with pytest.raises(Malformed, match="names state twice"):
        reading.text(fields, "state")


CHARACTERS = ["a", '\\"', r"\u0022", r"\\u0022", r"\u005c", r"\\", r"\/", r"\u0061", r"\n", "é", "🚀", r"\ud83d\ude80"]
texts = st.lists(st.sampled_from(CHARACTERS), max_size=6).map(lambda parts: f'"{"".join(parts)}"')
scalars = texts | st.sampled_from(
    ["1", "-0", "1.5e3", "null", "true", "9223372036854775808", "NaN", r'"\ud800"', '"\\u0000"']
)
names = st.sampled_from(['"a"', r'"\u0061"', '"b"', r'"\u0022"', r'"\""'])


def written(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Lists, and objects that may name a key several times."""
    members = st.tuples(names, inner).map(": ".join)
    return st.lists(members, max_size=4).map(lambda all_: f"{{{', '.join(all_)}}}") | st.lists(inner, max_size=3).map(
        lambda all_: f"[{','.join(all_)}]"
    )


def refused_or_read(fields: object, *path: str) -> object:
    try:
        return reading.text(fields, *path), reading.integer(fields, *path), len(reading.items(fields, *path))
    except Malformed:
        return Malformed


def refused_or_there(body: str, *path: str) -> object:
    """The same, by every pair of the standard library's parser."""

    def pairs_of(pairs: list[tuple[str, object]]) -> dict[str, list[object]]:
        return {name: [value for other, value in pairs if other == name] for name, _ in pairs}

    node: object = json.loads(body, object_pairs_hook=pairs_of)
    for name in path:
        values = node.get(name, [None]) if isinstance(node, dict) else [None]
        if len(values) > 1:
            return Malformed
        (node,) = values
    return refused_or_read({"it": node}, "it")


@given(written(st.recursive(scalars, written, max_leaves=6)).filter(lambda body: body.startswith("{")))
@example(r'{"a": "FAILED", "a": "SUCCESSFUL", "b": "\u0022\u0022\u0022\u0022"}')
@example(r'{"a": {"b": 1, "b": "\u0022"}}')
def test_what_is_read_fast_is_what_a_slow_reader_finds(body: str) -> None:
    fields = reading.json_object(body.encode())
    for path in (["a"], ["b"], ['"'], ["a", "a"], ["a", "b"], ["b", "a"], ['"', "a"]):
        assert refused_or_read(fields, *path) == refused_or_there(body, *path)


@pytest.mark.parametrize("value", [None, 5, True, [], {}, "", " \n ", {"b": None}, {"b": ["c"]}, ["b"], "b"])
def test_a_text_that_is_missing_or_of_another_type_is_absent(value: object) -> None:
    assert reading.text({"a": value}, "a", "b") is None
    assert reading.text(value, "a") is None


def test_text_loses_the_blanks_around_it() -> None:
    assert reading.text({"a": {"b": "  main\n"}}, "a", "b") == "main"


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (0, 0),
        (-7, -7),
        (2**63 - 1, 2**63 - 1),
        ("1705312500000000000", 1705312500000000000),
        (" 5 ", 5),
        ("-3", -3),
        (True, None),
        (1.5, None),
        ("1.5", None),
        ("0x10", None),
        ("٣", None),
        ("", None),
        ([1], None),
        (None, None),
    ],
)
def test_whole_numbers_are_read_from_numbers_and_digits(value: object, whole: int | None) -> None:
    assert reading.integer({"n": value}, "n") == whole


@pytest.mark.parametrize("digits", ["9223372036854775808", "1" * 21, "9" * 5000])
def test_digits_beyond_64_bits_are_malformed(digits: str) -> None:
    with pytest.raises(Malformed, match="64 bits"):
        reading.integer({"n": digits}, "n")


def test_only_a_list_has_items() -> None:
    assert reading.items({"a": [1, 2]}, "a") == [1, 2]
    assert reading.items({"a": {"b": 1}}, "a") == []
    assert reading.items(None, "a") == []


def test_a_name_keeps_to_one_line_and_is_cut_with_an_ellipsis() -> None:
    assert reading.one_line("Nightly\tbuild\r\n#5\x07") == "Nightly build  #5"
    assert reading.one_line("x" * 255) == "x" * 255
    assert reading.one_line("x" * 256) == "x" * 254 + "…"


@pytest.mark.parametrize(("value", "expected"), [("main", "main"), ("x" * 256, None), ("a\x1bb", None), ("", None)])
def test_a_branch_is_kept_whole_or_not_at_all(value: str, expected: str | None) -> None:
    assert reading.kept(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://ci.example/job/1", "https://ci.example/job/1"),
        ("http://robot:secret@ci.example/1", "http://ci.example/1"),
        ("javascript:alert(1)", None),
        ("ftp://ci.example/", None),
        ("https://ci.example/a b", None),
        ("https://ci.example/" + "x" * 2048, None),
        ("", None),
        (None, None),
    ],
)
def test_only_web_addresses_become_links_and_without_userinfo(value: str | None, expected: str | None) -> None:
    assert reading.link(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(" repo:push ", "repo:push"), ("x" * 300, "x" * 255), ("", None), ("a\x00b", None), ("\x85", None)],
)
def test_a_header_is_cut_and_an_unprintable_one_is_absent(value: str, expected: str | None) -> None:
    assert reading.header({"x-event-key": value}, "x-event-key") == expected
    assert reading.header({}, "x-event-key") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-03-24T08:49:42.838984+00:00", datetime(2025, 3, 24, 8, 49, 42, 838984, UTC)),
        ("2025-03-24T10:49:42+02:00", datetime(2025, 3, 24, 8, 49, 42, tzinfo=UTC)),
        ("2025-03-24t08:49:42z", datetime(2025, 3, 24, 8, 49, 42, tzinfo=UTC)),
        ("2025-03-24 08:49:42.1234567891Z", datetime(2025, 3, 24, 8, 49, 42, 123456, UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1970-01-01T00:00:00+00:01", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("9998-12-31T23:59:59-00:01", None),
        ("2025-03-24T08:49:42", None),
        ("2025-02-30T08:49:42Z", None),
        ("2025-03-24", None),
        ("2025-W12-1T08:49:42Z", None),
        ("٢٠٢٥-03-24T08:49:42Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_time_is_read_in_utc_or_not_at_all(value: str | None, expected: datetime | None) -> None:
    found = reading.instant(value)
    assert found == expected
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("9998-12-30")), _OFFSETS)
def test_every_time_is_the_same_instant_when_it_was_written_and_read(time: datetime, offset: timezone) -> None:
    written = time.replace(tzinfo=offset)
    assert reading.instant(written.isoformat()) == written


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_705_312_500_000_000_000, datetime(2024, 1, 15, 9, 55, tzinfo=UTC)),
        (1_999, datetime(1970, 1, 1, 0, 0, 0, 1, UTC)),
        (0, None),
        (-1, None),
        (None, None),
    ],
)
def test_nanoseconds_count_from_1970_and_zero_is_unknown(value: int | None, expected: datetime | None) -> None:
    assert reading.instant_of_nanoseconds(value) == expected


@given(st.integers(-(2**63), 2**63 - 1))
@example(2**63 - 1)
@example(-(2**63))
def test_no_64_bit_count_of_nanoseconds_is_too_much(value: int) -> None:
    found = reading.instant_of_nanoseconds(value)
    assert (found is None) == (value < 0 or value == 0)
