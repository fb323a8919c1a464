"""What is made of measured numbers: ratios, medians and spread, whether a target is met, and the table."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

Values = Mapping[str, Sequence[float]]
"""What was measured, by name: one value for each round."""

MOST_FOREIGN = 0.05
"""How much of the machine other work may take while something is measured."""


@frozen
class Spread:
    """The median of several values, and between which it lies."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Raises ValueError if there are none."""
        found = sorted(values)
        if not found:
            raise ValueError("nothing was measured")
        return cls(statistics.median(found), found[0], found[-1])


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Divide what was measured in one round by what was measured in the same round. Raises ValueError."""
    return [a / b for a, b in zip(above, below, strict=True)]


@frozen
class Figure:
    """A figure of the table: what was measured as ``above``, by what was measured as ``below`` (None: as it is).

    ``target`` and ``stretch`` are what it should be at least; at most, where ``less`` is better. None: nothing is
    promised.
    """

    name: str
    above: str
    below: str | None = None
    target: float | None = None
    stretch: float | None = None
    less: bool = False
    digits: int = 2

    def spread(self, values: Values) -> Spread:
        """Return the figure of what was measured. Raises KeyError if it was not."""
        above = values[self.above]
        return Spread.of(ratios(above, values[self.below]) if self.below else above)

    def met(self, median: float) -> bool:
        """Whether the target is met, as the figure is printed: 0.396 is not 0.40."""
        return self._holds(median, self.target)

    def verdict(self, median: float) -> str:
        """Say whether the target is met, and the stretch figure."""
        if self.target is None:
            return ""
        if not self.met(median):
            return "NOT MET"
        return "met, stretch too" if self.stretch is not None and self._holds(median, self.stretch) else "met"

    def _holds(self, median: float, goal: float | None) -> bool:
        if goal is None:
            return True
        return median <= goal if self.less else median >= goal


@frozen
class Row:
    """A figure as it is printed."""

    figure: Figure
    spread: Spread

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's cells, in the order of `HEADS`."""
        figure, spread = self.figure, self.spread
        sign = "≤" if figure.less else "≥"
        return (
            figure.name,
            "" if figure.target is None else f"{sign} {figure.target:g}",
            "" if figure.stretch is None else f"{figure.stretch:g}",
            self._number(spread.median),
            f"{self._number(spread.lowest)} to {self._number(spread.highest)}",
            figure.verdict(spread.median),
        )

    def _number(self, value: float) -> str:
        return f"{value:,.{self.figure.digits}f}"


HEADS = ("figure", "target", "stretch", "median", "min to max", "")


def rows(figures: Iterable[Figure], values: Values) -> list[Row]:
    """Return the rows of all figures that were measured."""
    measured = (one for one in figures if one.above in values and (one.below is None or one.below in values))
    return [Row(one, one.spread(values)) for one in measured]


def table(shown: Sequence[Row]) -> str:
    """Return a table for people, which Markdown reads as one."""
    lines = [HEADS, *(row.cells for row in shown)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(HEADS))]

    def written(line: Sequence[str]) -> str:
        # Numbers stand at the right, words at the left.
        cells = (
            text.rjust(width) if 0 < at < len(HEADS) - 1 else text.ljust(width)
            for at, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        return f"| {' | '.join(cells)} |"

    rule = [f"{'-' * (width - 1)}:" if 0 < at < len(HEADS) - 1 else "-" * width for at, width in enumerate(widths)]
    return "\n".join([written(lines[0]), written(rule), *map(written, lines[1:])])


def summary(shown: Sequence[Row]) -> str:
    """Say in one line whether all targets are met."""
    promised = [row for row in shown if row.figure.target is not None]
    missed = [row.figure.name for row in promised if not row.figure.met(row.spread.median)]
    if not missed:
        return f"All {len(promised)} targets are met."
    return f"{len(missed)} of {len(promised)} targets are NOT MET: {'; '.join(missed)}."


def must_repeat(foreign: float, tries: int, *, most_tries: int, seconds_left: float) -> bool:
    """Whether a cell is measured again: other work disturbed it, it was not tried too often, and there is time.

    ``foreign`` is the share of the machine that other work took.
    """
    return foreign > MOST_FOREIGN and tries < most_tries and seconds_left > 0
