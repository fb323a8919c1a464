"""Releases, by SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, select

from lathe.adapters.sql.builds import newest_of
from lathe.adapters.sql.rows import Rows, Values, by_id, ids_given, locked, newest_first, selected_by_id, within
from lathe.adapters.sql.schema import builds, is_active, releases
from lathe.application.lists import Place
from lathe.domain.branch_pattern import BranchPattern
from lathe.domain.release import Release, ReleaseState

_NAME_TAKEN = ("name_taken", "another release of the project has this name")


def release_of(row: Any) -> Release:
    """Return the release that a row holds."""
    return Release(
        row.organization_id,
        row.id,
        row.project_id,
        row.name,
        ReleaseState(row.state),
        tuple(BranchPattern(text) for text in row.branch_patterns),
        row.created_at,
        row.activated_at,
        row.closed_at,
    )


class SqlReleases:
    """Implements `Releases`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, release: Release) -> None:
        with self._rows.conflicts(uq_releases_name_folded=_NAME_TAKEN):
            self._rows.add(releases, _values(release))

    def get(self, organization_id: UUID, release_id: UUID, *, lock: bool = False) -> Release:
        query = select(releases).where(by_id(releases, organization_id, release_id))
        return release_of(self._rows.one(locked(query, lock=lock), "release"))

    def save(self, release: Release) -> None:
        with self._rows.conflicts(uq_releases_name_folded=_NAME_TAKEN):
            self._rows.replace_one(releases, _values(release), "release")

    def of_project(self, organization_id: UUID, project_id: UUID) -> list[Release]:
        query = _of_project(organization_id, project_id)
        return self._list(query.order_by(releases.c.created_at.desc(), releases.c.id.desc()))

    def active(self, organization_id: UUID, limit: int) -> list[Release]:
        query = select(releases).where(releases.c.organization_id == organization_id, is_active)
        return self._list(query.order_by(_HAPPENED.desc(), releases.c.id.desc()).limit(limit))

    def count_active(self, organization_id: UUID, at_most: int) -> int:
        active = releases.c.organization_id == organization_id, is_active
        some = select(literal_column("1").label("one")).where(*active).limit(at_most).subquery()
        return int(self._rows.all(select(func.count().label("number")).select_from(some))[0].number)

    def active_of_projects(self, organization_id: UUID, project_ids: Collection[UUID]) -> dict[UUID, list[Release]]:
        found: dict[UUID, list[Release]] = {}
        if project_ids:
            for row in self._rows.all(_ACTIVE_OF_PROJECTS, {"ids": within(organization_id, project_ids)}):
                found.setdefault(row.project_id, []).append(release_of(row))
        return found

    def inactive(self, organization_id: UUID, limit: int) -> list[Release]:
        query = select(releases).where(releases.c.organization_id == organization_id, ~is_active)
        return self._list(newest_first(query, releases, limit))

    def page(self, organization_id: UUID, project_id: UUID, limit: int, after: Place | None) -> list[Release]:
        return self._list(newest_first(_of_project(organization_id, project_id), releases, limit, after))

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Release]:
        found = self._rows.all(selected_by_id(releases), {"ids": within(organization_id, ids)}) if ids else ()
        return {row.id: release_of(row) for row in found}

    def _list(self, query: Select[Any]) -> list[Release]:
        return [release_of(row) for row in self._rows.all(query)]


def _of_project(organization_id: UUID, project_id: UUID) -> Select[Any]:
    return select(releases).where(releases.c.organization_id == organization_id, releases.c.project_id == project_id)


def _values(release: Release) -> Values:
    return {
        "organization_id": release.organization_id,
        "id": release.id,
        "project_id": release.project_id,
        "name": release.name,
        "name_folded": release.name.casefold(),
        "state": release.state.value,
        "branch_patterns": [pattern.text for pattern in release.branch_patterns],
        "created_at": release.created_at,
        "activated_at": release.activated_at,
        "closed_at": release.closed_at,
    }


# --- what is active ---------------------------------------------------------------------------------------------------

_SINCE: Final = func.coalesce(releases.c.activated_at, releases.c.created_at)


def _happened() -> ColumnElement[Any]:
    newest = newest_of(releases, builds.c.release_id, 1, builds.c.created_at).scalar_subquery()
    return case((newest > _SINCE, newest), else_=_SINCE)


def _active_of_projects() -> Select[Any]:
    ids = ids_given()
    theirs = and_(releases.c.organization_id == ids.c.organization_id, releases.c.project_id == ids.c.id)
    return select(releases).join(ids, theirs).where(is_active).order_by(_SINCE.desc(), releases.c.id.desc())


_HAPPENED: Final = _happened()
_ACTIVE_OF_PROJECTS: Final = _active_of_projects()
