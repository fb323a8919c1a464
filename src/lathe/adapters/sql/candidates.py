"""Which projects a repository could belong to, in sets: the projects, and each with all its repositories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from attrs import field, frozen
from sqlalchemy import and_, or_, select, union

from lathe.adapters.sql.labels import label
from lathe.adapters.sql.prepared import Asked, Prepared
from lathe.adapters.sql.repositories import link_of, repository_of
from lathe.adapters.sql.rows import Part, Raced, Rows, addresses, ids_given, prefixed
from lathe.adapters.sql.schema import project_labels, projects, repositories, repository_links
from lathe.adapters.sql.types import Id, Sorted, given, holds, listed
from lathe.adapters.sql.values import url_of_key
from lathe.domain.project import Files, LinkedProject, Project
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import Repository, RepositoryLink


@frozen
class Named:
    """What a report calls its repository, in an organization."""

    organization_id: UUID
    url: RepoUrl | None
    uuid: str | None


@frozen
class Found:
    """Repositories that were named, and their links by the repository's id."""

    repositories: Sequence[Repository] = ()
    links: Mapping[UUID, RepositoryLink] = field(factory=dict)
    _by_name: Mapping[tuple[UUID, RepoUrl | str], Repository] = field(init=False)

    @_by_name.default
    def _indexed(self) -> dict[tuple[UUID, RepoUrl | str], Repository]:
        return {(one.organization_id, name): one for one in self.repositories for name in (one.url, one.uuid) if name}

    def of(self, named: Iterable[Named]) -> list[Repository]:
        """Return those that go by one of the URLs or UUIDs, each once."""
        found = {}
        for one in named:
            for name in (one.url, one.uuid):
                if name and (repository := self._by_name.get((one.organization_id, name))):
                    found[repository.id] = repository
        return [*found.values()]


def project_of(row: Any) -> Project:
    """Return the project that a row holds."""
    return Project(row.organization_id, row.id, row.name, row.slug, row.created_at, Files(row.files))


def find_repositories(rows: Rows, named: Iterable[Named], *, lock: bool = False) -> Found:
    """Return the repositories that go by one of the URLs or UUIDs, and their links, by the repository's id.

    With ``lock`` none of them is joined into another one until this transaction ends: what it stores under a repository
    stays there. Raises Raced if that has just happened to one.
    """
    return found_repositories(rows.given(*repositories_named(named, lock=lock)))


def repositories_named(named: Iterable[Named], *, lock: bool = False) -> Asked:
    """Return the query of `find_repositories`, for `found_repositories` to read what it finds."""
    wanted = {(one.organization_id, one.url.key if one.url else None, one.uuid) for one in named if one.url or one.uuid}
    names = listed({"organization_id": o, "url_key": url, "uuid": uuid} for o, url, uuid in wanted)
    return (_KEPT_REPOSITORIES if lock else _REPOSITORIES), {"names": names}


def found_repositories(found: Sequence[Any]) -> Found:
    """Return the repositories of these rows. Raises Raced as `find_repositories` does."""
    # A row that was waited for is read as it is now, its link as it was before: they may not fit any more.
    if not all(still for _, _, still in found):
        raise Raced
    return Found([known for known, _, _ in found], {known.id: link for known, link, _ in found if link})


def _known_as(row: Any) -> tuple[Repository, RepositoryLink | None, bool]:
    """Return a repository, its link, and whether it is still called as it was found."""
    link = link_of(Part(row, "link_")) if row.link_project_id else None
    return repository_of(row), link, (row.url_key, row.uuid) == (row.known_url_key, row.known_uuid)


def find_by_name(rows: Rows, names: Iterable[tuple[UUID, tuple[str, ...]]]) -> set[tuple[UUID, UUID]]:
    """Return, as (organization, project), the projects one of whose labels contains a name or is contained in it."""
    return {(row.organization_id, row.project_id) for row in rows.given(*projects_named(names))}


def projects_named(names: Iterable[tuple[UUID, tuple[str, ...]]]) -> Asked:
    """Return the query of `find_by_name`; its rows have ``organization_id`` and ``project_id``."""
    wanted = {(organization_id, label(name)) for organization_id, name in names if name}
    return _LABELS, {"names": listed({"organization_id": of, "words": words} for of, words in wanted)}


def linked_projects(rows: Rows, ids: Iterable[tuple[UUID, UUID]]) -> list[LinkedProject]:
    """Return the projects of the (organization, project) ids, each with all its repositories."""
    return projects_found(rows.given(*projects_with_repositories(ids)))


def projects_with_repositories(ids: Iterable[tuple[UUID, UUID]]) -> Asked:
    """Return the query of `linked_projects`, for `projects_found` to read what it finds."""
    return _LINKED_PROJECTS, {"ids": addresses(set(ids))}


def projects_found(found: Sequence[Any]) -> list[LinkedProject]:
    """Return the projects of these rows."""
    by_project: dict[UUID, tuple[Project, list[Repository]]] = {}
    for project, repository in found:
        _, theirs = by_project.setdefault(project.id, (project, []))
        if repository:
            theirs.append(repository)
    return [LinkedProject(project, tuple(theirs)) for project, theirs in by_project.values()]


def _project_and_repository(row: Any) -> tuple[Project, Repository | None]:
    if row.repository_id is None:
        return project_of(row), None
    repository = Repository(
        row.organization_id,
        row.repository_id,
        url_of_key(row.url_key),
        row.uuid,
        row.repository_source,
        row.repository_created_at,
    )
    return project_of(row), repository


def candidates(
    rows: Rows, organization_id: UUID, uuid: str | None, url: RepoUrl | None, name: tuple[str, ...]
) -> list[LinkedProject]:
    """Return at least every project that matching could find for one repository."""
    found = find_repositories(rows, [Named(organization_id, url, uuid)])
    ids = {(organization_id, link.project_id) for link in found.links.values()}
    # The rules for UUID and URL come first; whoever is found by them is never asked for its name.
    if not ids:
        ids = find_by_name(rows, [(organization_id, name)])
    return linked_projects(rows, ids)


# --- statements -------------------------------------------------------------------------------------------------------

_names: Final = given("names", {"organization_id": Id, "url_key": Sorted, "uuid": Sorted})
_known = union(
    *(
        select(*(repositories.c[column] for column in ("organization_id", "id", "url_key", "uuid"))).select_from(
            _names.join(
                repositories,
                and_(
                    repositories.c.organization_id == _names.c.organization_id, repositories.c[name] == _names.c[name]
                ),
            )
        )
        for name in ("url_key", "uuid")
    )
).subquery("known")

# The rows themselves are joined to what was found, because those of a UNION cannot be locked.
_repositories = (
    select(
        *repositories.c,
        _known.c.url_key.label("known_url_key"),
        _known.c.uuid.label("known_uuid"),
        *prefixed("link_", repository_links),
    )
    .select_from(
        _known.join(
            repositories,
            and_(repositories.c.organization_id == _known.c.organization_id, repositories.c.id == _known.c.id),
        ).outerjoin(
            repository_links,
            and_(
                repository_links.c.organization_id == repositories.c.organization_id,
                repository_links.c.repository_id == repositories.c.id,
            ),
        )
    )
    .order_by(repositories.c.id)
)
_REPOSITORIES: Final = Prepared(_repositories, _known_as)
_KEPT_REPOSITORIES: Final = Prepared(
    _repositories.with_for_update(read=True, key_share=True, of=repositories), _known_as
)

_words: Final = given("names", {"organization_id": Id, "words": Sorted})
_LABELS: Final = Prepared(
    select(project_labels.c.organization_id, project_labels.c.project_id)
    .join(_words, project_labels.c.organization_id == _words.c.organization_id)
    .where(or_(holds(_words.c.words, project_labels.c.words), holds(project_labels.c.words, _words.c.words)))
    .distinct()
)

_ids: Final = ids_given()
_LINKED_PROJECTS: Final = Prepared(
    select(
        projects,
        repositories.c.id.label("repository_id"),
        repositories.c.url_key,
        repositories.c.uuid,
        repositories.c.source.label("repository_source"),
        repositories.c.created_at.label("repository_created_at"),
    )
    .join(_ids, and_(projects.c.organization_id == _ids.c.organization_id, projects.c.id == _ids.c.id))
    .outerjoin(
        repository_links,
        and_(
            repository_links.c.organization_id == projects.c.organization_id,
            repository_links.c.project_id == projects.c.id,
        ),
    )
    .outerjoin(
        repositories,
        and_(
            repositories.c.organization_id == repository_links.c.organization_id,
            repositories.c.id == repository_links.c.repository_id,
        ),
    )
    .order_by(projects.c.id, repository_links.c.linked_at, repositories.c.id),
    _project_and_repository,
)
