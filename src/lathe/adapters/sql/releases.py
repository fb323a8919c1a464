"""Releases, by SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal_column, select

from lathe.adapters.sql.rows import Rows, Values, by_id, locked, newest_first, selected_by_id, within
from lathe.adapters.sql.schema import releases
from lathe.application.lists import Place
from lathe.domain.branch_pattern import BranchPattern
from lathe.domain.release import Release, ReleaseState

is_active = releases.c.state == literal_column("'active'")

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

    def active(self, organization_id: UUID) -> list[Release]:
        since = func.coalesce(releases.c.activated_at, releases.c.created_at)
        query = select(releases).where(releases.c.organization_id == organization_id, is_active)
        return self._list(query.order_by(since.desc(), releases.c.id.desc()))

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
