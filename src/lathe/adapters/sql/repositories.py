"""Repositories and their links to projects, by SQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, select

from lathe.adapters.sql.labels import relabel
from lathe.adapters.sql.rows import Part, Rows, Values, by_id, ids_given, prefixed, selected_by_id, within
from lathe.adapters.sql.schema import repositories, repository_links
from lathe.adapters.sql.values import actor_of, actor_values, url_of_key
from lathe.domain.errors import NotFound
from lathe.domain.organization import Actor
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import LinkKind, Repository, RepositoryLink

_KNOWN = ("repository_known", "this repository is known already")


def repository_values(repository: Repository) -> Values:
    """Return the columns of a repository."""
    return {
        "organization_id": repository.organization_id,
        "id": repository.id,
        "url_key": repository.url.key if repository.url else None,
        "uuid": repository.uuid,
        "source": repository.source,
        "created_at": repository.created_at,
    }


def repository_of(row: Any) -> Repository:
    """Return the repository that a row holds."""
    return Repository(row.organization_id, row.id, url_of_key(row.url_key), row.uuid, row.source, row.created_at)


def link_of(row: Any) -> RepositoryLink:
    """Return the link that a row holds."""
    by = actor_of(row.linked_by_kind, row.linked_by_id, row.linked_by_name)
    return RepositoryLink(
        row.organization_id,
        row.repository_id,
        row.project_id,
        LinkKind(row.kind),
        by or Actor("", None, ""),
        row.linked_at,
        row.entry_id,
    )


class SqlRepositories:
    """Implements `Repositories`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, repository: Repository) -> None:
        with self._rows.conflicts(uq_repositories_url_key=_KNOWN, uq_repositories_uuid=_KNOWN):
            self._rows.add(repositories, repository_values(repository))

    def get(self, organization_id: UUID, repository_id: UUID) -> Repository:
        query = select(repositories).where(by_id(repositories, organization_id, repository_id))
        return repository_of(self._rows.one(query, "repository"))

    def find_by_url(self, organization_id: UUID, url: RepoUrl) -> Repository | None:
        named = and_(repositories.c.organization_id == organization_id, repositories.c.url_key == url.key)
        row = self._rows.find(select(repositories).where(named))
        return repository_of(row) if row else None

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Repository]:
        found = self._rows.all(selected_by_id(repositories), {"ids": within(organization_id, ids)}) if ids else ()
        return {row.id: repository_of(row) for row in found}

    def link(self, link: RepositoryLink) -> None:
        taken = ("repository_linked", "the repository belongs to a project already")
        # The one row that others remove is a repository that a report joined into another one.
        with self._rows.conflicts(pk_repository_links=taken), self._rows.refers("fk_repository_links_repositories"):
            self._rows.add(repository_links, _link_values(link))
        relabel(self._rows, [(link.organization_id, link.project_id)])

    def find_link(self, organization_id: UUID, repository_id: UUID) -> RepositoryLink | None:
        row = self._rows.find(select(repository_links).where(_of(organization_id, repository_id)))
        return link_of(row) if row else None

    def find_links(self, organization_id: UUID, repository_ids: Collection[UUID]) -> dict[UUID, RepositoryLink]:
        if not repository_ids:
            return {}
        ids, links = ids_given(), repository_links.c
        named = and_(links.organization_id == ids.c.organization_id, links.repository_id == ids.c.id)
        query = select(repository_links).join(ids, named)
        found = self._rows.all(query, {"ids": within(organization_id, repository_ids)})
        return {row.repository_id: link_of(row) for row in found}

    def unlink(self, organization_id: UUID, repository_id: UUID) -> None:
        gone = repository_links.delete().where(_of(organization_id, repository_id))
        row = self._rows.connection.execute(gone.returning(repository_links.c.project_id)).one_or_none()
        if row is None:
            raise NotFound("there is no such repository link")
        relabel(self._rows, [(organization_id, row.project_id)])

    def of_projects(
        self, organization_id: UUID, project_ids: Collection[UUID]
    ) -> dict[UUID, list[tuple[Repository, RepositoryLink]]]:
        found: dict[UUID, list[tuple[Repository, RepositoryLink]]] = {}
        if project_ids:
            for row in self._rows.all(_OF_PROJECTS, {"ids": within(organization_id, project_ids)}):
                found.setdefault(row.project_id, []).append((repository_of(Part(row, "repo_")), link_of(row)))
        return found


def _of(organization_id: UUID, repository_id: UUID) -> Any:
    return and_(
        repository_links.c.organization_id == organization_id, repository_links.c.repository_id == repository_id
    )


def _of_projects() -> Select[Any]:
    ids, links = ids_given(), repository_links.c
    linked = and_(repositories.c.organization_id == links.organization_id, repositories.c.id == links.repository_id)
    return (
        select(*links, *prefixed("repo_", repositories))
        .join_from(ids, repository_links, _to_project(ids.c))
        .join(repositories, linked)
        .order_by(links.linked_at, links.repository_id)
    )


def _to_project(project: Any) -> Any:
    links = repository_links.c
    return and_(links.organization_id == project.organization_id, links.project_id == project.id)


def _link_values(link: RepositoryLink) -> Values:
    return {
        "organization_id": link.organization_id,
        "repository_id": link.repository_id,
        "project_id": link.project_id,
        "kind": link.kind.value,
        **actor_values("linked_by", link.linked_by),
        "linked_at": link.linked_at,
        "entry_id": link.entry_id,
    }


_OF_PROJECTS: Final = _of_projects()
