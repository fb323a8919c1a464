"""Projects, the repositories that belong to them, and what people change about both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Final, TypeVar
from uuid import UUID

from attrs import frozen

from lathe.application.auditing import note, note_changes
from lathe.application.caller import Caller
from lathe.application.ports import Ids, Store, Transaction
from lathe.domain.audit import Action
from lathe.domain.errors import Conflict, Fault, Invalid, NotFound, must_all_hold
from lathe.domain.project import Files, Project
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import LinkKind, Repository, RepositoryLink
from lathe.domain.text import checked_name, slugged

T = TypeVar("T")

REPOSITORIES_LIMIT: Final = 100
_TWINS: Final = 4
"""How often the slug that was found free may be gone when the project is stored."""


@frozen
class ProjectView:
    """A project with its repositories and how each came to it, oldest link first."""

    project: Project
    repositories: tuple[tuple[Repository, RepositoryLink], ...]


def create(
    store: Store,
    ids: Ids,
    caller: Caller,
    name: str,
    repositories: Sequence[str] = (),
    *,
    files: Files = Files.SUCCESSFUL,
) -> ProjectView:
    """Create a project with declared repositories.

    Raises Invalid (name, a URL that names no repository); Conflict (the name is taken, a repository belongs elsewhere).
    """
    if len(repositories) > REPOSITORIES_LIMIT:
        fault = Fault("/repositories", "too_many", f"at most {REPOSITORIES_LIMIT} at once")
        raise Invalid(fault.detail, (fault,))
    parsed = [partial(parsed_url, url, f"/repositories/{index}") for index, url in enumerate(repositories)]
    must_all_hold(partial(checked_name, name), *parsed)
    urls = [parse() for parse in parsed]

    def work(tx: Transaction) -> ProjectView:
        project = add(tx, caller, ids.new(), name, files)
        for url in urls:
            declare(tx, ids, caller, project, url)
        return _view(tx, project)

    return adding(store, work)


def add(tx: Transaction, caller: Caller, project_id: UUID, name: str, files: Files = Files.SUCCESSFUL) -> Project:
    """Create a project of that id, within a transaction that `adding` runs.

    Raises Invalid (name), Conflict (the name is taken).
    """
    name = checked_name(name)
    slug = _free_slug(tx, caller.organization_id, name)
    project = Project(caller.organization_id, project_id, name, slug, tx.now(), files)
    tx.projects.add(project)
    note(tx, caller, Action.CREATED, project)
    return project


def adding(store: Store, work: Callable[[Transaction], T]) -> T:
    """Run ``work``, which adds a project, in one transaction.

    Where a twin takes the slug between looking and storing, it runs again: the twin is seen then, and either has the
    name too, which is the conflict, or leaves the slug of the next number.
    """
    for _ in range(_TWINS):
        try:
            return store.write(work)
        except Conflict as conflict:
            if conflict.reason != "slug_taken":
                raise
    return store.write(work)


def change(
    store: Store,
    caller: Caller,
    project_id: UUID,
    *,
    name: str | None = None,
    files: Files | None = None,
    archived: bool | None = None,
) -> ProjectView:
    """Change what is given, all of it or nothing.

    Raises NotFound; Invalid; Conflict (the name is taken, or it has an active release and so cannot be archived).
    """

    def work(tx: Transaction) -> ProjectView:
        before = project = tx.projects.get(caller.organization_id, project_id, lock=True)
        if name is not None:
            project = project.renamed(name)
        if files is not None:
            project = project.filing(files)
        if archived is not None:
            if archived:
                _must_be_quiet(tx, project)
            project = project.archiving(tx.now(), archived=archived)
        tx.projects.save(project)
        note_changes(
            tx,
            caller,
            project,
            name=(before.name, project.name),
            files=(before.files, project.files),
            archived=(before.archived, project.archived),
        )
        return _view(tx, project)

    return store.write(work)


def _must_be_quiet(tx: Transaction, project: Project) -> None:
    """Raise Conflict if builds are still filed under a release of the project."""
    theirs = tx.releases.of_project(project.organization_id, project.id)
    active = ", ".join(release.name for release in theirs if release.active)
    if active:
        raise Conflict(f"{project.name} still takes builds: close {active} first", code="release_active")


def must_be_in_use(project: Project) -> None:
    """Raise Conflict if the project is archived: nothing of it is made or becomes active then."""
    if project.archived:
        raise Conflict(f"{project.name} is archived; restore it first", code="project_archived")


def declare_repository(
    store: Store, ids: Ids, caller: Caller, project_id: UUID, url: str
) -> tuple[Repository, RepositoryLink]:
    """Declare that a repository belongs to a project; declaring it twice, or one that was learned, makes it declared.

    Raises NotFound; Invalid (the URL names no repository); Conflict, naming the project that owns it.
    """
    parsed = parsed_url(url, "/url")

    def work(tx: Transaction) -> tuple[Repository, RepositoryLink]:
        project = tx.projects.get(caller.organization_id, project_id)
        return declare(tx, ids, caller, project, parsed)

    return store.write(work)


def remove_repository(store: Store, caller: Caller, project_id: UUID, repository_id: UUID) -> None:
    """Remove the link of a repository, declared or learned; builds stay. Raises NotFound if this project has none."""

    def work(tx: Transaction) -> None:
        project = tx.projects.get(caller.organization_id, project_id)
        link = tx.repositories.find_link(caller.organization_id, repository_id)
        if link is None or link.project_id != project_id:
            raise NotFound("there is no such repository in this project")
        tx.repositories.unlink(caller.organization_id, repository_id)
        repository = tx.repositories.get(caller.organization_id, repository_id)
        note(tx, caller, Action.REPOSITORY_REMOVED, project, repository.url.key if repository.url else "")

    store.write(work)


def get(store: Store, organization_id: UUID, project_id: UUID) -> ProjectView:
    """Return a project with its repositories. Raises NotFound."""
    return store.read(lambda tx: _view(tx, tx.projects.get(organization_id, project_id)))


def parsed_url(text: str, pointer: str) -> RepoUrl:
    """Return the repository that ``text`` names. Raises Invalid at ``pointer``."""
    url = RepoUrl.parse(text)
    if url is None:
        fault = Fault(pointer, "not_a_repository", "names no repository, as https://bitbucket.org/acme/pay-api does")
        raise Invalid("that is not the address of a repository", (fault,))
    return url


def project_views(tx: Transaction, organization_id: UUID, projects: Sequence[Project]) -> list[ProjectView]:
    """Return each project with its repositories."""
    found = tx.repositories.of_projects(organization_id, [project.id for project in projects])
    return [ProjectView(project, tuple(found.get(project.id, ()))) for project in projects]


def _view(tx: Transaction, project: Project) -> ProjectView:
    return project_views(tx, project.organization_id, [project])[0]


def _free_slug(tx: Transaction, organization_id: UUID, name: str) -> str:
    """Return the slug of a name, numbered where another project has it already."""
    slug = slugged(name, "project")
    tries = (slug if n == 1 else f"{slug}-{n}" for n in count(1))
    return next(one for one in tries if tx.projects.find_by_slug(organization_id, one) is None)


def declare(
    tx: Transaction, ids: Ids, caller: Caller, project: Project, url: RepoUrl
) -> tuple[Repository, RepositoryLink]:
    """Declare that a repository belongs to a project, within a transaction.

    Raises Conflict, naming the project that owns it.
    """
    repository = tx.repositories.find_by_url(caller.organization_id, url)
    if repository is None:
        repository = Repository(caller.organization_id, ids.new(), url, None, None, tx.now())
        tx.repositories.add(repository)
    known = tx.repositories.find_link(caller.organization_id, repository.id)
    if known and known.project_id != project.id:
        owner = tx.projects.get(caller.organization_id, known.project_id)
        raise Conflict(f"{url.full_name} belongs to project {owner.name}", code="repository_linked")
    if known and known.kind is LinkKind.DECLARED:
        return repository, known
    if known:
        tx.repositories.unlink(caller.organization_id, repository.id)
    link = RepositoryLink(caller.organization_id, repository.id, project.id, LinkKind.DECLARED, caller.actor, tx.now())
    tx.repositories.link(link)
    note(tx, caller, Action.REPOSITORY_ADDED, project, url.key)
    return repository, link
