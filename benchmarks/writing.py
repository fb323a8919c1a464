"""``docs/performance.md``: what was measured stands between two marks; what people wrote around them stays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN: Final = "<!-- measured by `make bench WRITE=1`: do not edit by hand from here -->"
END: Final = "<!-- to here -->"


def written(page: str, measured: str) -> str:
    """Return a page with other figures between its marks. Raises ValueError if it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no marks between which figures could stand")
    return f"{before}{begin}\n\n{measured.strip()}\n\n{end}{after}"


def plain_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is words and whose others are numbers."""
    widths = [max(len(line[at]) for line in (heads, *rows)) for at in range(len(heads))]

    def one(line: Sequence[str]) -> str:
        cells = (text.rjust(widths[at]) if at else text.ljust(widths[at]) for at, text in enumerate(line))
        return f"| {' | '.join(cells)} |"

    rule = "|".join(f" {'-' * (width - 1)}: " if at else f" {'-' * width} " for at, width in enumerate(widths))
    return "\n".join([one(heads), f"|{rule}|", *map(one, rows)])
