"""No statement joins rows of two organizations: whatever it reads together, it ties together by the organization."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Join, Select, Update, and_, select
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression

from lathe.adapters import sql
from lathe.adapters.sql.prepared import Prepared
from lathe.adapters.sql.schema import builds, organizations, projects


def prepared() -> Iterator[tuple[str, Any]]:
    """Every statement that is a constant of the program, with its name: all of receiving is among them."""
    for module in pkgutil.iter_modules(sql.__path__):
        if module.ispkg:
            continue
        found = import_module(f"{sql.__name__}.{module.name}")
        for name, value in vars(found).items():
            for at, one in enumerate(value.values() if isinstance(value, dict) else [value]):
                if isinstance(one, Prepared):
                    yield f"{module.name}.{name}.{at}", one._statement


def untied(statement: Any) -> list[str]:
    """Name what a statement reads beside rows of an organization without comparing its organization with theirs."""
    faults = []
    for part in visitors.iterate(statement):
        joined: list[tuple[Any, Any]] = []
        if isinstance(part, Select):
            joined = [(right, on) for right, on, *_ in part._setup_joins]
        elif isinstance(part, Join) and any(_owner(column) for column in part.left.c):
            joined = [(part.right, part.onclause)]
        elif isinstance(part, Update):
            joined = [(part.table, part.whereclause)]
        faults += [
            str(getattr(one, "name", one)) for one, on in joined if any(map(_owner, one.c)) and not _tied(one, on)
        ]
    return faults


def _tied(one: FromClause, on: ColumnElement[bool] | None) -> bool:
    """Whether a condition compares the organization of something with that of something else."""
    for part in visitors.iterate(on) if on is not None else ():
        if isinstance(part, BinaryExpression) and part.operator is operators.eq:
            tables = {side.table for side in (part.left, part.right) if _owner(side)}
            if one in tables and len(tables) == 2:
                return True
    return False


def _owner(column: Any) -> bool:
    """Whether this says which organization a row belongs to."""
    table = getattr(column, "table", None)
    return table is not None and column.name == ("id" if table is organizations else "organization_id")


def test_whatever_is_read_together_is_tied_together_by_the_organization() -> None:
    statements = dict(prepared())
    assert len(statements) >= 15
    assert {name: found for name, one in statements.items() if (found := untied(one))} == {}


def test_a_statement_that_joins_two_organizations_is_noticed() -> None:
    by_id = select(builds.c.id).join(projects, builds.c.project_id == projects.c.id)
    assert untied(by_id) == ["projects"]
    of_both = and_(builds.c.organization_id == projects.c.organization_id, builds.c.project_id == projects.c.id)
    assert untied(select(builds.c.id).join(projects, of_both)) == []
