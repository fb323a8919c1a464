"""The words that pages make of times."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lathe.adapters.ui import words
from tests.samples import NOW


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=365) - timedelta(seconds=1), "in 365 days"),
        (timedelta(days=2), "in 2 days"),
        (timedelta(hours=24) - timedelta(seconds=1), "in 24 h"),
        (timedelta(minutes=90), "within 2 h"),
        (timedelta(0), "now"),
    ],
)
def test_what_was_just_made_for_a_time_ends_in_that_time(left: timedelta, said: str) -> None:
    assert words.until(NOW + left, NOW) == said
