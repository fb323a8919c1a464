"""The working view of a batch: what is known, as it becomes while one delivery after another is decided.

Later deliveries of a batch see what earlier ones changed, so a batch has the same effect as its deliveries one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from attrs import evolve

from lathe.application.intake import BuildView, Changes, EntryView, Known
from lathe.domain.build import Build
from lathe.domain.delivery import Delivery
from lathe.domain.first_answer import FirstAnswer
from lathe.domain.identity import Identity, IdentityKey, repository_scope
from lathe.domain.project import LinkedProject, Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.release import Release, choose_release
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import Repository, RepositoryLink, Resolution


class _Row(Protocol):
    @property
    def id(self) -> UUID: ...


R = TypeVar("R", bound=_Row)


class _Rows(Generic[R]):
    """Rows by id; those added and those changed are remembered in order."""

    def __init__(self, known: Iterable[R]) -> None:
        self.by_id: dict[UUID, R] = {}
        self._added: dict[UUID, None] = {}
        self._changed: dict[UUID, None] = {}
        for row in known:
            self._file(row)

    def put(self, row: R) -> None:
        """Keep a row as it is now, be it new or known."""
        known = self.by_id.get(row.id)
        if known is None:
            self._added[row.id] = None
        elif known == row:
            return
        else:
            self._unfile(known)
            if row.id not in self._added:
                self._changed[row.id] = None
        self._file(row)

    def forget(self, row: R) -> None:
        """Drop a row that another one stands for now."""
        self._unfile(row)
        self._added.pop(row.id, None)
        self._changed.pop(row.id, None)

    def where(self, condition: Callable[[R], bool]) -> list[R]:
        """Return the rows that meet a condition, having looked at every one."""
        return [row for row in self.by_id.values() if condition(row)]

    def is_added(self, row: R) -> bool:
        return row.id in self._added

    @property
    def added(self) -> list[R]:
        return [self.by_id[row_id] for row_id in self._added]

    @property
    def changed(self) -> list[R]:
        return [self.by_id[row_id] for row_id in self._changed]

    def _file(self, row: R) -> None:
        self.by_id[row.id] = row

    def _unfile(self, row: R) -> None:
        del self.by_id[row.id]


class _Found(_Rows[R]):
    """Rows that are also found by the keys that ``keys_of`` gives."""

    def __init__(self, known: Iterable[R], keys_of: Callable[[R], Iterable[Hashable]]) -> None:
        self._keys_of = keys_of
        self._index: dict[Hashable, dict[UUID, R]] = {}
        super().__init__(known)

    def at(self, *keys: Hashable) -> list[R]:
        """Return the rows that have one of the keys."""
        if len(keys) == 1:
            return [*self._index.get(keys[0], {}).values()]
        return [*{row_id: row for key in keys for row_id, row in self._index.get(key, {}).items()}.values()]

    def _file(self, row: R) -> None:
        super()._file(row)
        for key in self._keys_of(row):
            self._index.setdefault(key, {})[row.id] = row

    def _unfile(self, row: R) -> None:
        super()._unfile(row)
        for key in self._keys_of(row):
            del self._index[key][row.id]


class Ledger:
    """Looks things up in what is known and keeps what changes."""

    def __init__(self, known: Known) -> None:
        self.now = known.now
        self.identities: _Found[Identity] = _Found(known.identities, lambda one: ((one.organization_id, one.key),))
        self.builds: _Rows[Build] = _Rows(known.builds)
        self.entries: _Rows[QueueEntry] = _Rows(known.entries)
        self._repositories: _Found[Repository] = _Found(
            known.repositories, lambda r: ((r.organization_id, r.url), (r.organization_id, r.uuid))
        )
        self._links = {link.repository_id: link for link in known.links}
        self._joined: list[tuple[Repository, Repository]] = []
        self._projects: dict[UUID, dict[UUID, LinkedProject]] = {}
        for linked in known.projects:
            self._projects.setdefault(linked.project.organization_id, {})[linked.project.id] = linked
        self._releases = {release.id: release for release in known.releases}
        self._releases_of: dict[UUID, list[Release]] = {}
        for release in known.releases:
            self._releases_of.setdefault(release.project_id, []).append(release)
        self._deliveries = {
            (d.organization_id, d.source, d.provider_delivery_id): d for d in known.deliveries if d.provider_delivery_id
        }
        self._new_deliveries: list[Delivery] = []
        self._first_answers = {
            (one.organization_id, one.name): one for one in known.first_answers if one.stands(self.now)
        }
        self._new_first_answers: list[FirstAnswer] = []

    def delivery(self, organization_id: UUID, source: str, delivery_id: str | None) -> Delivery | None:
        """Return what came before under the sender's delivery id."""
        return self._deliveries.get((organization_id, source, delivery_id)) if delivery_id else None

    def keep_delivery(self, delivery: Delivery) -> None:
        """Store a delivery."""
        self._new_deliveries.append(delivery)
        if delivery.provider_delivery_id:
            key = (delivery.organization_id, delivery.source, delivery.provider_delivery_id)
            self._deliveries[key] = delivery

    def first_answer(self, organization_id: UUID, name: bytes) -> FirstAnswer | None:
        """Return the answer that is repeated under a name."""
        return self._first_answers.get((organization_id, name))

    def keep_first_answer(self, answer: FirstAnswer) -> None:
        """Store an answer to be repeated."""
        self._new_first_answers.append(answer)
        self._first_answers[answer.organization_id, answer.name] = answer

    def same_repositories(
        self, of: UUID, url: RepoUrl | None, uuid: str | None
    ) -> tuple[list[Repository], list[RepositoryLink]]:
        """Return the known repositories of the URL or UUID, and their links."""
        known = self._repositories.at(*((of, key) for key in (url, uuid) if key))
        return known, [self._links[one.id] for one in known if one.id in self._links]

    def identities_of(self, organization_id: UUID, key: IdentityKey) -> list[Identity]:
        """Return all identities of a key, contradicting ones too, the first one first."""
        found = self.identities.at((organization_id, key))
        return sorted(found, key=lambda one: one.ordinal) if len(found) > 1 else found

    def project(self, organization_id: UUID, project_id: UUID) -> Project | None:
        """Return a project of the organization."""
        linked = self._projects.get(organization_id, {}).get(project_id)
        return linked.project if linked else None

    def release(self, organization_id: UUID, release_id: UUID) -> Release | None:
        """Return a release of the organization."""
        release = self._releases.get(release_id)
        return release if release and release.organization_id == organization_id else None

    def projects(self, organization_id: UUID, repository: Repository | None) -> list[LinkedProject]:
        """Return the projects that matching may look at: the repository's owner, else all that names could find."""
        link = self._links.get(repository.id) if repository else None
        theirs = self._projects.get(organization_id, {})
        return [theirs[link.project_id]] if link else list(theirs.values())

    def releases_of(self, project_id: UUID) -> list[Release]:
        """Return the known releases of a project."""
        return self._releases_of.get(project_id, [])

    def keep_repository(self, found: Resolution) -> None:
        """Store what a report taught about its repository."""
        if found.absorbed:
            self._join(found.absorbed, found.repository)
        self._repositories.put(found.repository)
        if found.changed:
            self._show_in_project(found.repository, found.absorbed)

    def _join(self, absorbed: Repository, kept: Repository) -> None:
        """Let everything of one repository be the other's, which a report showed to be the same."""
        # A repository that this very batch added has no row yet, and nothing outside this view refers to it.
        if not self._repositories.is_added(absorbed):
            self._joined.append((absorbed, kept))
        self._repositories.forget(absorbed)
        link = self._links.pop(absorbed.id, None)
        if link:
            self._links.setdefault(kept.id, evolve(link, repository_id=kept.id))
        scope = repository_scope(absorbed.id)
        for identity in self.identities.where(lambda one: one.key.scope == scope):
            key = evolve(identity.key, scope=repository_scope(kept.id))
            taken = self.identities_of(kept.organization_id, key)
            self.identities.put(evolve(identity, key=key, ordinal=max((t.ordinal + 1 for t in taken), default=0)))
        for build in self.builds.where(lambda build: build.repository_id == absorbed.id):
            self.builds.put(evolve(build, repository_id=kept.id))
        for entry in self.entries.where(lambda entry: entry.repository_id == absorbed.id):
            self.entries.put(evolve(entry, repository_id=kept.id))

    def _show_in_project(self, repository: Repository, absorbed: Repository | None) -> None:
        """Let matching see the repository as it is now; it is linked to one project at most."""
        link = self._links.get(repository.id)
        if link is None:
            return
        linked = self._projects[repository.organization_id][link.project_id]
        old = {repository.id, absorbed.id if absorbed else repository.id}
        others = (one for one in linked.repositories if one.id not in old)
        self._projects[repository.organization_id][link.project_id] = evolve(linked, repositories=(*others, repository))

    def view_build(self, build: Build) -> BuildView:
        """Return the build with where it is filed."""
        project = self._projects[build.organization_id][build.project_id].project
        return BuildView(build, project, self._releases[build.release_id])

    def view_entry(self, entry: QueueEntry) -> EntryView:
        """Return the entry with its project and the release that would be chosen there."""
        if entry.project_id is None:
            return EntryView(entry)
        choice = choose_release(self.releases_of(entry.project_id), entry.facts.branch, entry.facts.tag)
        project = self._projects[entry.organization_id][entry.project_id].project
        return EntryView(entry, project, choice.release if choice else None)

    def changes(self) -> Changes:
        """Return what must be written; credentials are the caller's part."""
        return Changes(
            now=self.now,
            new_repositories=self._repositories.added,
            changed_repositories=self._repositories.changed,
            joined=self._joined,
            new_identities=self.identities.added,
            changed_identities=self.identities.changed,
            new_builds=self.builds.added,
            changed_builds=self.builds.changed,
            new_entries=self.entries.added,
            changed_entries=self.entries.changed,
            new_deliveries=self._new_deliveries,
            first_answers=self._new_first_answers,
        )
