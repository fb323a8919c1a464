"""Projects, repositories and releases in memory."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from lathe.adapters.memory.tables import Tables, begins, newest_first, page_of
from lathe.application.lists import Place, ProjectFilter, Sought
from lathe.domain.errors import Conflict
from lathe.domain.matching import best_score
from lathe.domain.project import LinkedProject, Project
from lathe.domain.release import Release
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import Repository, RepositoryLink


class MemoryProjects:
    """Implements `Projects`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rows = tables.projects

    def add(self, project: Project) -> None:
        self._rows.add(project)

    def get(self, organization_id: UUID, project_id: UUID, *, lock: bool = False) -> Project:  # noqa: ARG002
        return self._rows.get(organization_id, project_id)

    def find_by_slug(self, organization_id: UUID, slug: str) -> Project | None:
        return self._rows.one("slug_taken", slug, organization_id)

    def save(self, project: Project) -> None:
        self._rows.save(project)

    def page(self, organization_id: UUID, wanted: ProjectFilter, limit: int, after: Place | None) -> list[Project]:
        rows = (
            row
            for row in self._rows.scan(organization_id)
            if wanted.archived in (None, row.archived) and (wanted.q is None or begins(row.name, wanted.q))
        )
        return page_of(rows, limit, after)

    def all(self, organization_id: UUID) -> list[Project]:
        return sorted(self._rows.scan(organization_id), key=lambda row: row.name.casefold())

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Project]:
        found = (self._rows.find(organization_id, one) for one in ids)
        return {row.id: row for row in found if row}

    def candidates(
        self, organization_id: UUID, uuid: str | None, url: RepoUrl | None, name: tuple[str, ...]
    ) -> list[LinkedProject]:
        everyone = (linked(self._tables, project) for project in self._rows.scan(organization_id))
        return [one for one in everyone if _could_match(one, uuid, url, name)]

    def candidates_of(self, organization_id: UUID, wanted: Collection[Sought]) -> list[LinkedProject]:
        everyone = (linked(self._tables, project) for project in self._rows.scan(organization_id))
        return [one for one in everyone if any(_could_match(one, s.uuid, s.url, s.name) for s in wanted)]


def linked(tables: Tables, project: Project) -> LinkedProject:
    """Return the project with all its repositories."""
    links = tables.repository_links.by("project", project.id, project.organization_id)
    found = (tables.repositories.find(link.organization_id, link.repository_id) for link in links)
    return LinkedProject(project, tuple(repository for repository in found if repository))


def _could_match(one: LinkedProject, uuid: str | None, url: RepoUrl | None, name: tuple[str, ...]) -> bool:
    if any((uuid and row.uuid == uuid) or (url and row.url == url) for row in one.repositories):
        return True
    return best_score(name, one) is not None


class MemoryRepositories:
    """Implements `Repositories`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.repositories
        self._links = tables.repository_links

    def add(self, repository: Repository) -> None:
        self._rows.add(repository)

    def get(self, organization_id: UUID, repository_id: UUID) -> Repository:
        return self._rows.get(organization_id, repository_id)

    def find_by_url(self, organization_id: UUID, url: RepoUrl) -> Repository | None:
        return self._rows.one("repository_known", ("url", url.key), organization_id)

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Repository]:
        found = (self._rows.find(organization_id, one) for one in ids)
        return {row.id: row for row in found if row}

    def link(self, link: RepositoryLink) -> None:
        if self.find_link(link.organization_id, link.repository_id):
            raise Conflict("the repository belongs to a project already", code="repository_linked")
        self._links.add(link)

    def find_link(self, organization_id: UUID, repository_id: UUID) -> RepositoryLink | None:
        return self._links.find(organization_id, repository_id)

    def find_links(self, organization_id: UUID, repository_ids: Collection[UUID]) -> dict[UUID, RepositoryLink]:
        found = (self.find_link(organization_id, one) for one in repository_ids)
        return {link.repository_id: link for link in found if link}

    def unlink(self, organization_id: UUID, repository_id: UUID) -> None:
        self._links.get(organization_id, repository_id)
        self._links.remove(organization_id, repository_id)

    def of_projects(
        self, organization_id: UUID, project_ids: Collection[UUID]
    ) -> dict[UUID, list[tuple[Repository, RepositoryLink]]]:
        found = {one: self._of_project(organization_id, one) for one in project_ids}
        return {one: linked for one, linked in found.items() if linked}

    def _of_project(self, organization_id: UUID, project_id: UUID) -> list[tuple[Repository, RepositoryLink]]:
        links = self._links.by("project", project_id, organization_id)
        links.sort(key=lambda link: (link.linked_at, link.repository_id))
        return [(self.get(organization_id, link.repository_id), link) for link in links]


class MemoryReleases:
    """Implements `Releases`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.releases
        self._builds = tables.builds

    def add(self, release: Release) -> None:
        self._rows.add(release)

    def get(self, organization_id: UUID, release_id: UUID, *, lock: bool = False) -> Release:  # noqa: ARG002
        return self._rows.get(organization_id, release_id)

    def save(self, release: Release) -> None:
        self._rows.save(release)

    def of_project(self, organization_id: UUID, project_id: UUID) -> list[Release]:
        return newest_first(self._rows.by("project", project_id, organization_id))

    def active(self, organization_id: UUID, limit: int) -> list[Release]:
        last: dict[UUID, datetime] = {}
        for build in self._builds.scan(organization_id):
            if not build.withdrawn:
                last[build.release_id] = max(last.get(build.release_id, build.created_at), build.created_at)

        def happened(row: Release) -> tuple[datetime, UUID]:
            return max(_since(row), last.get(row.id, _since(row))), row.id

        return sorted(self._active(organization_id), key=happened, reverse=True)[:limit]

    def count_active(self, organization_id: UUID, at_most: int) -> int:
        return min(len(self._active(organization_id)), at_most)

    def active_of_projects(self, organization_id: UUID, project_ids: Collection[UUID]) -> dict[UUID, list[Release]]:
        found: dict[UUID, list[Release]] = {}
        for row in sorted(self._active(organization_id), key=lambda row: (_since(row), row.id), reverse=True):
            if row.project_id in project_ids:
                found.setdefault(row.project_id, []).append(row)
        return found

    def _active(self, organization_id: UUID) -> list[Release]:
        return [row for row in self._rows.scan(organization_id) if row.active]

    def inactive(self, organization_id: UUID, limit: int) -> list[Release]:
        return newest_first(row for row in self._rows.scan(organization_id) if not row.active)[:limit]

    def page(self, organization_id: UUID, project_id: UUID, limit: int, after: Place | None) -> list[Release]:
        return page_of(self._rows.by("project", project_id, organization_id), limit, after)

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Release]:
        found = (self._rows.find(organization_id, one) for one in ids)
        return {row.id: row for row in found if row}


def _since(release: Release) -> datetime:
    return release.activated_at or release.created_at
