"""The schema keeps organizations apart: whatever addresses a row of theirs begins with theirs.

That also keeps open to spread it over several databases by organization, each with a copy of what belongs to none:
docs/performance.md says how.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Identity,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from lathe.adapters.sql.schema import LOOKUPS, OUTSIDE, metadata

PEOPLE = {"users"}
"""Tables outside of organizations that rows of organizations may refer to."""


def faults(schema: MetaData) -> Iterator[str]:
    """Name every key, reference and unique constraint that does not begin with the organization."""
    for table in schema.tables.values():
        if table.name in OUTSIDE:
            continue
        for constraint in table.constraints:
            if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint):
                if [column.name for column in constraint.columns][:1] != ["organization_id"]:
                    yield f"{table.name}: {constraint.name}"
            elif isinstance(constraint, ForeignKeyConstraint):
                yield from _faults_of_reference(table, constraint)
        for index in table.indexes:
            if index.unique and index.name not in LOOKUPS and index.columns[0].name != "organization_id":
                yield f"{table.name}: {index.name}"


def _faults_of_reference(table: Table, reference: ForeignKeyConstraint) -> Iterator[str]:
    if reference.referred_table.name in PEOPLE:
        return
    pairs = [(element.parent.name, element.column.name) for element in reference.elements]
    owner = "id" if reference.referred_table.name == "organizations" else "organization_id"
    if pairs[0] != ("organization_id", owner):
        yield f"{table.name}: {reference.name}"


def test_every_key_reference_and_unique_constraint_begins_with_the_organization() -> None:
    assert list(faults(metadata)) == []


@pytest.mark.parametrize(
    ("columns", "constraint", "fault"),
    [
        (["id"], PrimaryKeyConstraint("id", name="pk_things"), "things: pk_things"),
        (["organization_id", "name"], UniqueConstraint("name", name="uq_things_name"), "things: uq_things_name"),
        (
            ["project_id"],
            ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_things_projects"),
            "things: fk_things_projects",
        ),
    ],
)
def test_the_rule_notices_what_breaks_it(
    columns: list[str], constraint: PrimaryKeyConstraint | UniqueConstraint | ForeignKeyConstraint, fault: str
) -> None:
    schema = MetaData()
    Table("projects", schema, Column("organization_id", Text), Column("id", Text))
    Table("things", schema, *(Column(name, Text) for name in columns), constraint)
    assert fault in list(faults(schema))


def obstacles(schema: MetaData) -> Iterator[str]:
    """Name what would keep an organization's rows from lying in a database of their own, beside copies of the rest."""
    owners = {repr(table.c["organization_id"].type) for table in schema.tables.values() if table.name not in OUTSIDE}
    if len(owners) > 1:
        yield f"the organization is written in {len(owners)} ways"
    for table in schema.tables.values():
        # A copy of what belongs to no organization cannot follow a reference to rows that lie in one place only.
        for reference in table.foreign_key_constraints:
            if table.name in OUTSIDE and reference.referred_table.name not in OUTSIDE:
                yield f"{table.name}: {reference.name}"
        # Several databases cannot count together.
        for column in table.columns:
            if column.identity or column.default or (column.primary_key and column.autoincrement is True):
                yield f"{table.name}: {column.name} is given out by the database"
        if table.name not in OUTSIDE and table.c["organization_id"].nullable:
            yield f"{table.name}: rows without an organization"


def test_the_schema_can_be_spread_by_organization() -> None:
    assert list(obstacles(metadata)) == []


def test_what_stands_in_the_way_of_spreading_it_is_noticed() -> None:
    schema = MetaData()
    Table("projects", schema, Column("organization_id", Text), Column("id", Text, primary_key=True))
    Table("builds", schema, Column("organization_id", Integer), Column("id", Integer, Identity(), primary_key=True))
    Table(
        "users",
        schema,
        Column("id", Text, primary_key=True),
        Column("project_id", Text),
        ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_users_projects"),
    )
    assert list(obstacles(schema)) == [
        "the organization is written in 2 ways",
        "projects: rows without an organization",
        "builds: id is given out by the database",
        "builds: rows without an organization",
        "users: fk_users_projects",
    ]


def test_the_exceptions_are_those_that_were_agreed_on() -> None:
    assert {"organizations", "users", "sessions", "links"} == OUTSIDE
    assert {"ix_api_keys_hash", "ix_hooks_id"} == LOOKUPS
    assert metadata.tables.keys() >= OUTSIDE
    assert {index.name for table in metadata.tables.values() for index in table.indexes} >= LOOKUPS


def test_names_are_short_enough_for_postgresql() -> None:
    named = [
        str(one.name)
        for table in metadata.tables.values()
        for one in (table, *table.columns, *table.constraints, *table.indexes)
    ]
    assert [name for name in named if len(name) > 63 or name == "None"] == []
