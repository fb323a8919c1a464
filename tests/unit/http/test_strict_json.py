"""Strict JSON, against the standard library as oracle for what is plain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lathe.adapters.web.strict_json import DEEPEST, parse
from lathe.domain.errors import Malformed

_plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_plain)
def test_plain_json_is_read_as_it_is(value: Any) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nothing",
        b'{"a":1} x',
        b"{'a':1}",
        b'"\xff"',
        b"\xef\xbb\xbf{}",
        '"x"'.encode("utf-16"),
        b'{"a":1,"a":1}',
        b'[{"a":{"b":1,"\\u0062":2}}]',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1e400",
        b"9223372036854775808",
        b"-9223372036854775809",
        b"1" * 5000,
        b'"\\u0000"',
        b'{"\\u0000":1}',
        b'["\\ud800"]',
        b'{"\\udc00x":1}',
        b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1),
        b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1),
        b"[" * 200_000,
        b"[" * 200_000 + b"]" * 200_000,
    ],
)
def test_what_readers_could_disagree_about_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse(body)


def test_the_limits_themselves_are_taken() -> None:
    assert parse(b"[" * DEEPEST + b"]" * DEEPEST) is not None
    assert parse(b"[" * (DEEPEST - 1) + b'{"a":"b"}' + b"]" * (DEEPEST - 1)) is not None
    assert parse(b"[9223372036854775807,-9223372036854775808]") == [2**63 - 1, -(2**63)]
    assert parse(b'"\\ud83d\\udcb8"') == "💸"


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = parse(body)
    except Malformed:
        return
    assert json.loads(json.dumps(value)) == value
