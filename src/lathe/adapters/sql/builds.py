"""Filed builds, by SQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, select
from sqlalchemy import Table as SqlTable

from lathe.adapters.sql.rows import Rows, Values, begins_with, by_id, found_by_search, locked, newest_first
from lathe.adapters.sql.schema import builds
from lathe.adapters.sql.values import branch_ref, facts_of, facts_values, placement_json, placement_of
from lathe.application.lists import BuildFilter, EntryFilter, Place
from lathe.domain.build import Build, Filed

_there = ~builds.c.withdrawn


def build_values(build: Build) -> Values:
    """Return the columns of a build."""
    return {
        "organization_id": build.organization_id,
        "id": build.id,
        **facts_values(build.facts),
        "project_id": build.project_id,
        "release_id": build.release_id,
        "filed": build.filed.value,
        "verified": build.verified,
        "placement": placement_json(build.placement),
        "created_at": build.created_at,
        "repository_id": build.repository_id,
        "identity_id": build.identity_id,
        "entry_id": build.entry_id,
        "withdrawn": build.withdrawn,
    }


def build_of(row: Any) -> Build:
    """Return the build that a row holds."""
    return Build(
        row.organization_id,
        row.id,
        row.project_id,
        row.release_id,
        facts_of(row),
        Filed(row.filed),
        row.verified,
        placement_of(row.placement),
        row.created_at,
        row.repository_id,
        row.identity_id,
        row.entry_id,
        row.withdrawn,
    )


def facts_wanted(table: SqlTable, wanted: BuildFilter | EntryFilter) -> list[ColumnElement[bool]]:
    """Return the conditions on facts, which lists of builds and of queue entries share."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.branch is not None:
        conditions.append(table.c.ref == branch_ref(wanted.branch))
    if wanted.source is not None:
        conditions.append(table.c.source == wanted.source)
    if wanted.commit is not None:
        conditions.append(begins_with(table.c.commit_folded, wanted.commit.casefold()))
    if wanted.q is not None:
        conditions.append(found_by_search(table.c.search, wanted.q))
    return conditions


class SqlBuilds:
    """Implements `Builds`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, build: Build) -> None:
        self._rows.add(builds, build_values(build))

    def get(self, organization_id: UUID, build_id: UUID, *, lock: bool = False) -> Build:
        query = select(builds).where(by_id(builds, organization_id, build_id))
        return build_of(self._rows.one(locked(query, lock=lock), "build"))

    def save(self, build: Build) -> None:
        self._rows.replace_one(builds, build_values(build), "build")

    def page(self, organization_id: UUID, wanted: BuildFilter, limit: int, after: Place | None) -> list[Build]:
        conditions = [builds.c.organization_id == organization_id, _there, *facts_wanted(builds, wanted)]
        if wanted.project_id is not None:
            conditions.append(builds.c.project_id == wanted.project_id)
        if wanted.release_id is not None:
            conditions.append(builds.c.release_id == wanted.release_id)
        return self._list(newest_first(select(builds).where(*conditions), builds, limit, after))

    def newest_per_branch(self, organization_id: UUID, release_id: UUID, limit: int) -> list[Build]:
        newest = _newest_per_ref(organization_id, release_id)
        query = select(builds).join(
            newest, and_(builds.c.organization_id == organization_id, builds.c.id == newest.c.id)
        )
        return self._list(newest_first(query, builds, limit))

    def count(self, organization_id: UUID, release_id: UUID, at_most: int) -> int:
        some = _of_release(organization_id, release_id, literal_column("1")).limit(at_most).subquery()
        return self._rows.connection.execute(select(func.count()).select_from(some)).scalar_one()

    def _list(self, query: Select[Any]) -> list[Build]:
        return [build_of(row) for row in self._rows.all(query)]


def _of_release(organization_id: UUID, release_id: UUID, *columns: Any) -> Select[Any]:
    return select(*columns).where(
        builds.c.organization_id == organization_id, builds.c.release_id == release_id, _there
    )


def _newest_per_ref(organization_id: UUID, release_id: UUID) -> Any:
    """Return a table of the id of the newest build of each branch.

    It leaps along the index from one branch to the next, and so costs by branches, however many builds each has.
    """
    of_release = _of_release(organization_id, release_id, func.min(builds.c.ref).label("ref"))
    refs = of_release.cte("refs", recursive=True)
    following = (
        _of_release(organization_id, release_id, func.min(builds.c.ref)).where(builds.c.ref > refs.c.ref)
    ).scalar_subquery()
    refs = refs.union_all(select(following).where(refs.c.ref.is_not(None)))
    newest = (
        _of_release(organization_id, release_id, builds.c.id)
        .where(builds.c.ref == refs.c.ref)
        .order_by(builds.c.created_at.desc(), builds.c.id.desc())
        .limit(1)
        .correlate(refs)
        .scalar_subquery()
    )
    return select(newest.label("id")).where(refs.c.ref.is_not(None)).subquery("newest")
