"""Charts, drawn on the server: shapes in units of their own, which the page stretches to the room there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Final

from attrs import frozen

from lathe.application.lists import DayCount
from lathe.application.release_view import CHARTED_DAYS

LEAST_DAYS: Final = 14
SOURCES_TOLD_APART: Final = 4
OTHER: Final = "other sources"

HEIGHT: Final = 60
_DAY_WIDTH: Final = 10
_BAR_WIDTH: Final = 8

AGES: Final = (
    ("up to an hour", timedelta(hours=1)),
    ("up to a day", timedelta(days=1)),
    ("up to a week", timedelta(weeks=1)),
    ("longer", None),
)
AGE_WIDTH: Final = 400
_LEAST_TO_DRAW: Final = 5


@frozen
class Shape:
    """A rectangle. ``kind`` numbers the source that it stands for, from 1: its colour."""

    x: float
    y: float
    width: float
    height: float
    kind: int


@frozen
class Day:
    """The builds of a day in UTC, by source as `BuildChart.sources` orders them."""

    date: date
    counts: tuple[int, ...]
    shapes: tuple[Shape, ...]

    @property
    def total(self) -> int:
        """All of that day."""
        return sum(self.counts)


@frozen
class ChartedSource:
    """A CI system, and how many builds of the charted days it reported."""

    source: str
    kind: int
    total: int


@frozen
class BuildChart:
    """Builds per day and source, the oldest day first. ``partial``: older ones were not looked at."""

    days: tuple[Day, ...]
    sources: tuple[ChartedSource, ...]
    most: int
    partial: bool

    @property
    def width(self) -> int:
        """In the units of the shapes."""
        return len(self.days) * _DAY_WIDTH

    @property
    def total(self) -> int:
        """All builds of the charted days."""
        return sum(day.total for day in self.days)


def build_chart(counted: Sequence[DayCount], now: datetime, looked_at: int) -> BuildChart | None:
    """Return the chart of builds, of which at most ``looked_at`` were counted; None if none is recent."""
    today = now.astimezone(UTC).date()
    per_day: dict[date, Counter[str]] = {}
    for one in counted:
        per_day.setdefault(one.day, Counter())[one.source] += one.count
    partial = sum(one.count for one in counted) >= looked_at
    first = _first_day(sorted(per_day), today, partial=partial)
    dates = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    of_day = [per_day.get(date_, Counter()) for date_ in dates]
    totals = sum(of_day, Counter())
    if not totals:
        return None
    sources = _told_apart(totals)
    most = max(one.total() for one in of_day)
    days = tuple(
        _day(one, _by_kind(counts, sources), place * _DAY_WIDTH, most)
        for place, (one, counts) in enumerate(zip(dates, of_day, strict=True))
    )
    return BuildChart(days, sources, most, partial)


def _first_day(dates: Sequence[date], today: date, *, partial: bool) -> date:
    """Return where the chart begins: with the first build, within bounds, and with a day that was read to its end."""
    if partial:
        return min(max(dates[0] + timedelta(days=1), today - timedelta(days=CHARTED_DAYS - 1)), today)
    oldest = dates[0] if dates else today
    return max(min(oldest, today - timedelta(days=LEAST_DAYS - 1)), today - timedelta(days=CHARTED_DAYS - 1))


def _told_apart(totals: Counter[str]) -> tuple[ChartedSource, ...]:
    """Return the sources with the most builds; what is left is one more."""
    ranked = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    if len(ranked) > SOURCES_TOLD_APART + 1:
        rest = sum(total for _, total in ranked[SOURCES_TOLD_APART:])
        ranked = [*ranked[:SOURCES_TOLD_APART], (OTHER, rest)]
    return tuple(ChartedSource(source, kind, total) for kind, (source, total) in enumerate(ranked, 1))


def _by_kind(counts: Counter[str], sources: Sequence[ChartedSource]) -> tuple[int, ...]:
    found = [counts[one.source] for one in sources]
    if sources[-1].source == OTHER:
        found[-1] = counts.total() - sum(found)
    return tuple(found)


def _day(one: date, counts: tuple[int, ...], x: int, most: int) -> Day:
    """Stack the counts of a day, the first at the bottom."""
    tops = accumulate(counts)
    shapes = (
        Shape(x, round(HEIGHT - top / most * HEIGHT, 2), _BAR_WIDTH, round(count / most * HEIGHT, 2), kind)
        for kind, (count, top) in enumerate(zip(counts, tops, strict=True), 1)
        if count
    )
    return Day(one, counts, tuple(shapes))


@frozen
class Age:
    """How many wait so long, and their part of the whole. ``kind`` numbers the age, from 1: its colour."""

    label: str
    count: int
    kind: int
    x: float
    width: float


@frozen
class AgeChart:
    """How long what waits has waited. ``partial``: what waits longest was not counted."""

    ages: tuple[Age, ...]
    partial: bool
    width: int = AGE_WIDTH


def age_chart(since: Sequence[datetime], now: datetime, looked_at: int) -> AgeChart | None:
    """Return the chart of waiting times, of which at most ``looked_at`` were read; None where words say it as well."""
    counts = [0] * len(AGES)
    for one in since:
        counts[next(n for n, (_, limit) in enumerate(AGES) if limit is None or now - one <= limit)] += 1
    if len(since) < _LEAST_TO_DRAW or sum(1 for count in counts if count) < 2:
        return None
    ages, x = [], 0.0
    for kind, ((label, _), count) in enumerate(zip(AGES, counts, strict=True), 1):
        width = round(count / len(since) * AGE_WIDTH, 2)
        ages.append(Age(label, count, kind, round(x, 2), width))
        x += width
    return AgeChart(tuple(ages), len(since) >= looked_at)
