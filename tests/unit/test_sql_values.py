"""What the SQL store makes of values on their way to the database and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from lathe.adapters.sql.deliveries import LONGEST_BODY, packed, unpacked
from lathe.adapters.sql.labels import label
from lathe.adapters.sql.types import Time, from_json, to_json
from lathe.adapters.sql.values import facts_of, facts_values, placement_json, placement_of, url_of_key
from lathe.domain.matching import score
from lathe.domain.repo_url import RepoUrl
from tests import samples

SEQUENCES = st.lists(st.sampled_from(["pay", "api", "payapi", "ä", "p"]), max_size=4).map(tuple)


@given(SEQUENCES, SEQUENCES)
def test_labels_contain_each_other_exactly_if_the_word_sequences_fit(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    contained = label(one) in label(other) or label(other) in label(one)
    assert (contained and bool(one) and bool(other)) == (score(one, other) is not None)


@pytest.mark.parametrize(
    "text",
    [
        "https://bitbucket.org/acme/pay-api",
        "https://gitlab.com/acme/group/sub-group/pay_api",
        "ssh://git@[2001:db8::1]/acme/pay",
        "https://git.corp/acme/gr%C3%B6%C3%9Fe",
    ],
)
def test_a_repository_url_comes_back_from_its_key(text: str) -> None:
    url = RepoUrl.parse(text)
    assert url is not None
    assert url_of_key(url.key) == url


@given(st.binary(max_size=3000))
def test_a_body_comes_back_byte_for_byte(body: bytes) -> None:
    assert unpacked(packed(body)) == body


def test_a_body_too_long_to_come_back_is_not_stored() -> None:
    packed(bytes(LONGEST_BODY))
    with pytest.raises(ValueError, match="too long"):
        packed(bytes(LONGEST_BODY + 1))


@pytest.mark.parametrize("stored", [b"\xff\xff\xff\x7f" + packed(b"x" * 99)[4:], b"", b"\x10\x00\x00\x00nonsense"])
def test_what_claims_to_be_a_huge_body_or_is_none_is_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match="stored body"):
        unpacked(stored)


def test_a_time_without_a_zone_is_never_stored() -> None:
    naive = datetime(2026, 3, 14, 9, 26)  # noqa: DTZ001 - which is the point
    with pytest.raises(ValueError, match="zone"):
        Time().process_bind_param(naive, sqlite.dialect())


@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
@example(datetime.max.replace(tzinfo=timezone(-timedelta(hours=23))))
@example(datetime.min.replace(tzinfo=timezone(timedelta(hours=23))))
def test_a_time_is_either_refused_or_comes_back(time: datetime) -> None:
    dialect = sqlite.dialect()
    try:
        stored = Time().process_bind_param(time, dialect)
    except ValueError:
        with pytest.raises(OverflowError):
            time.astimezone(UTC)
    else:
        assert Time().process_result_value(stored, dialect) == time


def test_a_branch_and_a_tag_of_one_name_are_told_apart() -> None:
    branch, tag, none = (
        facts_values(samples.bare_facts(**named))["ref"] for named in ({"branch": "v2"}, {"tag": "v2"}, {})
    )
    assert len({branch, tag, none}) == 3


def test_a_placement_comes_back_with_all_its_steps() -> None:
    for placement in (samples.placement(), samples.waiting_placement()):
        assert placement_of(from_json(to_json(placement_json(placement)))) == placement


def test_facts_come_back_from_their_columns() -> None:
    class Row:
        def __init__(self, values: dict[str, object]) -> None:
            self.__dict__.update(values)

    for facts in (samples.facts(), samples.bare_facts()):
        assert facts_of(Row(facts_values(facts))) == facts
