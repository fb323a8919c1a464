"""What commands print: lines for people, or JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar
from uuid import UUID

import click

F = TypeVar("F", bound=Callable[..., Any])

Row = Mapping[str, Any]


def json_option(command: F) -> F:
    """Add ``--json``, handed over as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def show(data: Row, lines: Iterable[str], *, as_json: bool) -> None:
    """Print one thing."""
    if as_json:
        click.echo(_json(data))
        return
    for line in lines:
        click.echo(line)


def show_table(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print a list: all of it as JSON, or some columns as a table. ``empty`` is said to people where it is."""
    if as_json:
        click.echo(_json(rows))
        return
    if not rows:
        click.echo(empty, err=True)
        return
    cells = [[column.replace("_", " ").upper() for column in columns]]
    cells += [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def note(sentence: str) -> None:
    """Say something to people that is not the result: on standard error, so that results can be piped."""
    click.echo(sentence, err=True)


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def timestamp(time: datetime) -> str:
    """Return an instant as RFC 3339 in UTC."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list):
        return ",".join(map(_cell, value))
    return str(_plain(value)) if isinstance(value, Enum | UUID) else str(value)
