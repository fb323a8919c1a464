"""How long a first answer is repeated."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from lathe.domain.first_answer import FirstAnswer

NOON = datetime.fromisoformat("2026-03-14T12:00:00+00:00")


def test_it_is_repeated_for_24_hours_and_not_a_microsecond_longer() -> None:
    answer = FirstAnswer(UUID(int=1), b"name", b"digest", UUID(int=2), NOON, b"written")
    end = NOON + timedelta(hours=24)
    assert answer.stands(NOON)
    assert answer.stands(end - timedelta(microseconds=1))
    assert not answer.stands(end)
