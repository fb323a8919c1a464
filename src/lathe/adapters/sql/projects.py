"""Projects, by SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from attrs import evolve
from sqlalchemy import Row, and_, select

from lathe.adapters.sql.candidates import Named, candidates, find_by_name, find_repositories, linked_projects
from lathe.adapters.sql.candidates import project_of as bare_project_of
from lathe.adapters.sql.labels import relabel
from lathe.adapters.sql.rows import Rows, Values, begins_with, by_id, locked, newest_first, selected_by_id, within
from lathe.adapters.sql.schema import projects
from lathe.application.lists import Place, ProjectFilter, Sought
from lathe.domain.project import LinkedProject, Project
from lathe.domain.repo_url import RepoUrl

_NAME_TAKEN = ("name_taken", "another project has this name")
_SLUG_TAKEN = ("slug_taken", "another project has this address")


class SqlProjects:
    """Implements `Projects`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, project: Project) -> None:
        with self._rows.conflicts(uq_projects_name_folded=_NAME_TAKEN, uq_projects_slug=_SLUG_TAKEN):
            self._rows.add(projects, _values(project))
        relabel(self._rows, [(project.organization_id, project.id)])

    def get(self, organization_id: UUID, project_id: UUID, *, lock: bool = False) -> Project:
        query = select(projects).where(by_id(projects, organization_id, project_id))
        return project_of(self._rows.one(locked(query, lock=lock), "project"))

    def find_by_slug(self, organization_id: UUID, slug: str) -> Project | None:
        named = and_(projects.c.organization_id == organization_id, projects.c.slug == slug)
        row = self._rows.find(select(projects).where(named))
        return project_of(row) if row else None

    def save(self, project: Project) -> None:
        with self._rows.conflicts(uq_projects_name_folded=_NAME_TAKEN, uq_projects_slug=_SLUG_TAKEN):
            self._rows.replace_one(projects, _values(project), "project")
        relabel(self._rows, [(project.organization_id, project.id)])

    def page(self, organization_id: UUID, wanted: ProjectFilter, limit: int, after: Place | None) -> list[Project]:
        query = select(projects).where(projects.c.organization_id == organization_id)
        if wanted.q is not None:
            query = query.where(begins_with(projects.c.name_folded, wanted.q.casefold()))
        if wanted.archived is not None:
            is_archived = projects.c.archived_at.is_not(None)
            query = query.where(is_archived if wanted.archived else ~is_archived)
        return [project_of(row) for row in self._rows.all(newest_first(query, projects, limit, after))]

    def all(self, organization_id: UUID) -> list[Project]:
        mine = select(projects).where(projects.c.organization_id == organization_id)
        return [project_of(row) for row in self._rows.all(mine.order_by(projects.c.name_folded))]

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Project]:
        found = self._rows.all(selected_by_id(projects), {"ids": within(organization_id, ids)}) if ids else ()
        return {row.id: project_of(row) for row in found}

    def candidates(
        self, organization_id: UUID, uuid: str | None, url: RepoUrl | None, name: tuple[str, ...]
    ) -> list[LinkedProject]:
        return candidates(self._rows, organization_id, uuid, url, name)

    def candidates_of(self, organization_id: UUID, wanted: Collection[Sought]) -> list[LinkedProject]:
        found = find_repositories(self._rows, [Named(organization_id, one.url, one.uuid) for one in wanted])
        ids = {(organization_id, link.project_id) for link in found.links.values()}
        ids |= find_by_name(self._rows, [(organization_id, one.name) for one in wanted])
        return linked_projects(self._rows, ids)


def project_of(row: Row[Any]) -> Project:
    """Return the project that a row holds. Matching, which decides without it, does not read when it was archived."""
    return evolve(bare_project_of(row), archived_at=row.archived_at)


def _values(project: Project) -> Values:
    return {
        "organization_id": project.organization_id,
        "id": project.id,
        "name": project.name,
        "name_folded": project.name.casefold(),
        "slug": project.slug,
        "created_at": project.created_at,
        "files": project.files.value,
        "archived_at": project.archived_at,
    }
