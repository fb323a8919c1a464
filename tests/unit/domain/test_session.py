"""Sessions, one-time links and passwords: until when they are good."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.errors import Invalid
from lathe.domain.session import LINK_LIFE, LinkPurpose, OneTimeLink, Session, checked_password
from tests.unit.domain.examples import START, number

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
LINK = OneTimeLink(b"hash", LinkPurpose.PASSWORD, START, START + LINK_LIFE, user_id=number(2))
SESSION = Session(b"hash", number(2), START, START)


def test_a_link_works_for_a_day() -> None:
    assert LINK.usable(START)
    assert LINK.usable(START + 24 * HOUR - TICK)
    assert not LINK.usable(START + 24 * HOUR)


def test_a_link_works_once() -> None:
    used = LINK.used(START + HOUR)
    assert used == evolve(LINK, used_at=START + HOUR)
    assert not used.usable(START + HOUR)


def test_a_reusable_link_works_again_and_still_ends() -> None:
    used = evolve(LINK, reusable=True).used(START)
    assert used.usable(START + HOUR)
    assert not used.usable(START + 24 * HOUR)


def test_a_session_ends_after_twelve_idle_hours() -> None:
    seen = SESSION.seen(START + HOUR)
    assert seen == evolve(SESSION, last_seen_at=START + HOUR)
    assert seen.alive(START + 13 * HOUR - TICK)
    assert not seen.alive(START + 13 * HOUR)
    assert not SESSION.alive(START + 12 * HOUR)


def test_a_session_in_use_ends_after_seven_days() -> None:
    late = SESSION.seen(START + 7 * 24 * HOUR - TICK)
    assert late.alive(START + 7 * 24 * HOUR - TICK)
    assert not late.alive(START + 7 * 24 * HOUR)


@given(st.lists(st.integers(1, 30), max_size=30))
def test_a_session_that_is_used_lives_exactly_until_its_first_long_pause_or_its_last_day(pauses: list[int]) -> None:
    session, now, total = SESSION, START, 0
    for hours in pauses:
        now, total = now + hours * HOUR, total + hours
        assert session.alive(now) == (hours < 12 and total < 7 * 24)
        if not session.alive(now):
            return
        session = session.seen(now)


@given(st.text(min_size=12, max_size=256).filter(lambda text: "\0" not in text))
def test_a_password_is_kept_to_the_letter(password: str) -> None:
    assert checked_password(password) == password


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "length"),
        ("x" * 11, "length"),
        ("x" * 257, "length"),
        ("💸" * 11, "length"),
        ("twelve chars\0", "unprintable"),
        ("twelve chars\ud83d", "unprintable"),
        ("a dozen of them\udfff", "unprintable"),
    ],
)
def test_a_password_that_cannot_be_kept_is_refused_at_its_field(password: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        checked_password(password)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/password", code)]
