"""Charts: what is drawn is what there is, and nothing is drawn where words do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lathe.adapters.ui.charts import HEIGHT, LEAST_DAYS, OTHER, age_chart, build_chart
from lathe.application.lists import DayCount
from lathe.application.release_view import CHARTED_DAYS

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)


def came(*days_ago: int, source: str = "bitbucket") -> list[DayCount]:
    return [DayCount(NOW.date() - timedelta(days=ago), source, days_ago.count(ago)) for ago in sorted({*days_ago})]


@given(
    st.dictionaries(st.tuples(st.integers(0, 60), st.sampled_from("abcdefgh")), st.integers(1, 9)).map(
        lambda found: [DayCount(NOW.date() - timedelta(ago), source, n) for (ago, source), n in sorted(found.items())]
    )
)
def test_every_recent_build_is_counted_once_and_drawn_within_bounds(found: list[DayCount]) -> None:
    first = NOW.date() - timedelta(days=CHARTED_DAYS - 1)
    recent = [one for one in found if one.day >= first]
    chart = build_chart(found, NOW, 10_000)
    if chart is None:
        assert recent == []
        return
    assert chart.total == sum(one.total for one in chart.sources) == sum(one.count for one in recent)
    assert LEAST_DAYS <= len(chart.days) <= CHARTED_DAYS
    assert chart.days[-1].date == NOW.date()
    for day in chart.days:
        assert day.total == sum(one.count for one in recent if one.day == day.date)
        assert len(day.shapes) == sum(1 for count in day.counts if count)
        for shape in day.shapes:
            assert 0 <= shape.x < chart.width
            assert -0.1 <= shape.y <= shape.y + shape.height <= HEIGHT + 0.1
    assert max(day.total for day in chart.days) == chart.most


def test_the_sources_with_the_most_builds_are_told_apart() -> None:
    found = [one for n in range(7) for one in came(*[0] * (n + 1), source=f"ci{n}")]
    chart = build_chart(found, NOW, 1000)
    assert chart is not None
    assert [(one.source, one.total) for one in chart.sources] == [
        ("ci6", 7),
        ("ci5", 6),
        ("ci4", 5),
        ("ci3", 4),
        (OTHER, 6),
    ]
    assert chart.days[-1].counts == (7, 6, 5, 4, 6)


def test_a_day_that_was_not_read_to_its_end_is_left_out() -> None:
    chart = build_chart(came(0, 1, 2, 3), NOW, 4)
    assert chart is not None
    assert (chart.partial, chart.days[0].date, chart.total) == (True, date(2026, 3, 12), 3)
    today = build_chart(came(0, 0), NOW, 2)
    assert today is not None
    assert [(one.date, one.total) for one in today.days] == [(NOW.date(), 2)]


def test_waiting_times_are_drawn_where_they_differ() -> None:
    def since(*hours: float) -> list[datetime]:
        return [NOW - timedelta(hours=one) for one in hours]

    assert age_chart(since(2, 3, 4, 5, 6), NOW, 1000) is None, "all the same"
    assert age_chart(since(0.5, 2, 30, 200), NOW, 1000) is None, "too few"
    chart = age_chart(since(0.5, 1, 2, 30, 200), NOW, 5)
    assert chart is not None
    assert [(one.count, one.x, one.width) for one in chart.ages] == [
        (2, 0, 160),
        (1, 160, 80),
        (1, 240, 80),
        (1, 320, 80),
    ]
    assert chart.partial
