"""Filed builds, by SQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy import Table as SqlTable

from lathe.adapters.sql.days import day_of
from lathe.adapters.sql.prepared import Prepared
from lathe.adapters.sql.rows import (
    Rows,
    Values,
    begins_with,
    by_id,
    found_by_search,
    ids_given,
    last_looked_at,
    locked,
    newest_first,
    selected_by_id,
    within,
)
from lathe.adapters.sql.schema import builds
from lathe.adapters.sql.values import branch_ref, facts_of, facts_values, placement_json, placement_of
from lathe.application.lists import BuildFilter, DayCount, EntryFilter, Place
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
        conditions.append(_commit_begins_with(table.c.commit_folded, wanted.commit.casefold(), wanted.along is None))
    if wanted.q is not None:
        conditions.append(found_by_search(table.c.search, wanted.q))
    return conditions


def _wanted(organization_id: UUID, wanted: BuildFilter) -> list[ColumnElement[bool]]:
    conditions = [builds.c.organization_id == organization_id, _there, *facts_wanted(builds, wanted)]
    if wanted.project_id is not None:
        conditions.append(builds.c.project_id == wanted.project_id)
    if wanted.release_id is not None:
        conditions.append(builds.c.release_id == wanted.release_id)
    return conditions


def _commit_begins_with(commit: ColumnElement[str], prefix: str, found_by_it: bool) -> ColumnElement[bool]:
    """Return the condition on a commit: a range of the index, or one that no index serves, where a list is gone along.

    Else a database might read all commits that begin with one digit, and put them in order.
    """
    return begins_with(commit, prefix) if found_by_it else func.substr(commit, 1, len(prefix)) == prefix


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

    def page(
        self, organization_id: UUID, wanted: BuildFilter, limit: int, after: Place | None, until: Place | None = None
    ) -> list[Build]:
        query = select(builds).where(*_wanted(organization_id, wanted))
        return self._list(newest_first(query, builds, limit, after, until))

    def reach(self, organization_id: UUID, wanted: BuildFilter, after: Place | None, look_at: int) -> Place | None:
        if wanted.along is None:
            return None
        query = select(builds.c.created_at, builds.c.id).where(*_wanted(organization_id, wanted.along))
        return last_looked_at(self._rows, query, builds, look_at, after)

    def newest_per_branch(
        self, organization_id: UUID, release_ids: Collection[UUID], limit: int, look_at: int
    ) -> dict[UUID, list[Build]]:
        if not release_ids:
            return {}
        asked = {"ids": within(organization_id, release_ids), "most": limit, "look_at": look_at}
        texts = [row.newest for row in self._rows.all(_NEWEST_PER_BRANCH, asked) if row.newest]
        newest = self.some(organization_id, [UUID(one) for text in texts for one in text.split(_BETWEEN)])
        found: dict[UUID, list[Build]] = {}
        for build in sorted(newest.values(), key=lambda build: (build.created_at, build.id), reverse=True):
            found.setdefault(build.release_id, []).append(build)
        return found

    def newest_of_projects(self, organization_id: UUID, project_ids: Collection[UUID]) -> dict[UUID, Build]:
        if not project_ids:
            return {}
        rows = self._rows.all(_NEWEST_OF_PROJECTS, {"ids": within(organization_id, project_ids)})
        newest = self.some(organization_id, [row.newest for row in rows if row.newest])
        return {build.project_id: build for build in newest.values()}

    def counts(self, organization_id: UUID, release_ids: Collection[UUID], at_most: int) -> dict[UUID, int]:
        if not release_ids:
            return {}
        rows = self._rows.all(_COUNTS, {"ids": within(organization_id, release_ids), "most": at_most})
        return {row.id: row.number for row in rows}

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Build]:
        found = self._rows.given(_BY_ID, {"ids": within(organization_id, ids)}) if ids else ()
        return {build.id: build for build in found}

    def per_day(self, organization_id: UUID, release_id: UUID, since: datetime, look_at: int) -> list[DayCount]:
        of_release = and_(builds.c.organization_id == organization_id, builds.c.release_id == release_id, _there)
        query = select(day_of(builds.c.created_at).label("day"), builds.c.source)
        newest = newest_first(query.where(of_release, builds.c.created_at >= since), builds, look_at).subquery()
        counted = select(newest.c.day, newest.c.source, func.count().label("number"))
        rows = self._rows.all(counted.group_by(newest.c.day, newest.c.source))
        return [DayCount(*one) for one in sorted((row.day, row.source, row.number) for row in rows)]

    def _list(self, query: Select[Any]) -> list[Build]:
        return [build_of(row) for row in self._rows.all(query)]


# --- statements about several releases or projects at once ------------------------------------------------------------

_ids: Final = ids_given()
_BETWEEN: Final = ","
_BY_ID: Final = Prepared(selected_by_id(builds), build_of)


def _of(release: Any, *columns: Any) -> Select[Any]:
    """Return the query for the builds of the release that a row of another table names."""
    return select(*columns).where(
        builds.c.organization_id == release.organization_id, builds.c.release_id == release.id, _there
    )


def newest_of(
    named: FromClause, of: ColumnElement[UUID], limit: int | BindParameter[int], *columns: Any
) -> Select[Any]:
    """Return the query for the newest builds whose column ``of`` holds the id in a row of ``named``.

    It asks for a range of one id, in the order of that column first: only the index that begins with it has this order.
    Else PostgreSQL would, where one release or project has most builds, go through all builds in search of those of
    one that has none.
    """
    there = builds.c.organization_id == named.c.organization_id, of >= named.c.id, of <= named.c.id, _there
    return newest_first(select(*columns).where(*there).order_by(of.desc()), builds, limit).correlate(named)


def _newest_per_branch() -> Select[Any]:
    """Return the query for the ids of the newest build of each branch, of the branches that were built last.

    It goes along the index of each release from its newest build on, and no further than it may look.
    """
    columns = builds.c.id, builds.c.ref, builds.c.created_at
    looked_at = newest_of(_ids, builds.c.release_id, bindparam("look_at"), *columns).subquery("looked_at")
    last_first = looked_at.c.created_at.desc(), looked_at.c.id.desc()
    place = func.row_number().over(partition_by=looked_at.c.ref, order_by=last_first).label("place")
    placed = select(looked_at, place).subquery("placed")
    newest = select(placed.c.id).where(placed.c.place == 1).order_by(placed.c.created_at.desc(), placed.c.id.desc())
    few = newest.limit(bindparam("most")).subquery("few")
    # One text for each release: a subquery in the list of columns cannot be turned into a join with all builds.
    ids = select(func.aggregate_strings(cast(few.c.id, Text), _BETWEEN)).scalar_subquery()
    return select(_ids.c.id, ids.label("newest"))


def _newest_of_projects() -> Select[Any]:
    newest = newest_of(_ids, builds.c.project_id, 1, builds.c.id).scalar_subquery()
    return select(_ids.c.id, newest.label("newest"))


def _counts() -> Select[Any]:
    some = _of(_ids.c, literal_column("1").label("one")).limit(bindparam("most")).correlate(_ids).subquery("some")
    return select(_ids.c.id, select(func.count()).select_from(some).scalar_subquery().label("number"))


_NEWEST_PER_BRANCH: Final = _newest_per_branch()
_NEWEST_OF_PROJECTS: Final = _newest_of_projects()
_COUNTS: Final = _counts()
