"""Receiving in memory: what deciding about a batch needs, and what it writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from attrs import evolve

from lathe.adapters.memory.products import MemoryProjects, linked
from lathe.adapters.memory.tables import CredentialWindow, Tables
from lathe.application.intake import Changes, Known, Presented, Usage, Wanted
from lathe.application.ports import Clock
from lathe.domain.api_key import ApiKey
from lathe.domain.build import Build
from lathe.domain.delivery import Delivery
from lathe.domain.first_answer import FirstAnswer
from lathe.domain.hook import Hook
from lathe.domain.identity import Identity, IdentityKey, repository_scope
from lathe.domain.project import LinkedProject
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.release import Release
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import Repository
from lathe.domain.text import words


class MemoryIntakeSets:
    """Implements `IntakeSets`."""

    def __init__(self, tables: Tables, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    def load(self, wanted: Sequence[Wanted]) -> Known:
        """Return what deciding needs; rows of an organization only for what its own credentials present."""
        loading = _Loading(self._tables)
        for item in wanted:
            organization_id = loading.credential(item.presented)
            if organization_id is not None:
                loading.facts(organization_id, item)
        return loading.known(self._clock)

    def save(self, changes: Changes) -> None:
        """Write everything: first what a join frees, then what changes, then what is new."""
        tables = self._tables
        for absorbed, kept in changes.joined:
            _join(tables, absorbed, kept)
        tables.repositories.save(*changes.changed_repositories)
        tables.repositories.add(*changes.new_repositories)
        tables.identities.save(*changes.changed_identities)
        tables.identities.add(*changes.new_identities)
        tables.builds.save(*changes.changed_builds)
        tables.builds.add(*changes.new_builds)
        tables.entries.save(*changes.changed_entries)
        tables.entries.add(*changes.new_entries)
        tables.deliveries.add(*changes.new_deliveries)
        _keep_first_answers(tables, changes)
        self._use_credentials(changes)

    def _use_credentials(self, changes: Changes) -> None:
        tables = self._tables
        for usage in changes.keys:
            key = tables.keys.get(usage.organization_id, usage.id)
            tables.keys.save(evolve(key, requests=key.requests + usage.admitted, last_used_at=changes.now))
        for usage in changes.hooks:
            hook = tables.hooks.get(usage.organization_id, usage.id)
            tables.hooks.save(evolve(hook, requests=hook.requests + usage.admitted, last_delivery_at=changes.now))
        used: Iterable[Usage] = (*changes.keys, *changes.hooks, *changes.organizations)
        tables.windows.put(*(CredentialWindow(usage.organization_id, usage.id, usage.window) for usage in used))


class _Loading:
    """Gathers what is known for one batch, each row once."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._keys: dict[bytes, ApiKey] = {}
        self._hooks: dict[UUID, Hook] = {}
        self._organizations: dict[UUID, None] = {}
        self._deliveries: dict[UUID, Delivery] = {}
        self._repositories: dict[UUID, Repository] = {}
        self._identities: dict[UUID, Identity] = {}
        self._builds: dict[UUID, Build] = {}
        self._entries: dict[UUID, QueueEntry] = {}
        self._projects: dict[UUID, LinkedProject] = {}
        self._releases: dict[UUID, Release] = {}
        self._first_answers: dict[bytes, FirstAnswer] = {}

    def credential(self, presented: Presented) -> UUID | None:
        """Keep the credential and its organization, and return that one's id; None if there is no such credential."""
        organization_id = self._resolve(presented)
        if organization_id is None or self._tables.organizations.find(None, organization_id) is None:
            return None
        self._organizations[organization_id] = None
        return organization_id

    def _resolve(self, presented: Presented) -> UUID | None:
        if presented.key_hash is not None:
            key = self._tables.keys.one("hash", presented.key_hash)
            if key:
                self._keys[key.hash] = evolve(key, last_used_at=None, requests=0, refused=0)
            return key.organization_id if key else None
        if presented.hook_id is not None:
            hook = self._tables.hooks.one("id", presented.hook_id)
            if hook:
                self._hooks[hook.id] = evolve(hook, last_delivery_at=None, requests=0, refused=0)
            return hook.organization_id if hook else None
        return presented.organization_id

    def facts(self, organization_id: UUID, item: Wanted) -> None:
        """Keep what an item needs of its organization."""
        tables = self._tables
        if item.delivery_id is not None:
            sent_as = (item.delivery_source, item.delivery_id)
            for delivery in tables.deliveries.by("sent_as", sent_as, organization_id):
                self._deliveries[delivery.id] = evolve(delivery, body=b"")
                self._subjects(organization_id, delivery.build_id, delivery.entry_id)
        first_answer = tables.first_answers.find(organization_id, item.first_answer)
        if first_answer:
            self._first_answers[first_answer.name] = first_answer
        repositories = list(self._named_repositories(organization_id, item))
        for repository in repositories:
            self._repositories[repository.id] = repository
            link = tables.repository_links.find(organization_id, repository.id)
            if link:
                self._project(organization_id, link.project_id)
        for key in _identity_keys(item, repositories):
            for identity in tables.identities.by("key", key, organization_id):
                self._identities[identity.id] = identity
                self._subjects(organization_id, identity.build_id, identity.entry_id)
        urls = {repository.url for repository in repositories} | {url for url in item.also if isinstance(url, RepoUrl)}
        for name in {item.name, *(words(url.slug) for url in urls if url)}:
            for candidate in MemoryProjects(tables).candidates(organization_id, item.uuid, item.url, name):
                self._project(organization_id, candidate.project.id)
        self._project(organization_id, item.project_id)
        self._release(organization_id, item.release_id)

    def _named_repositories(self, organization_id: UUID, item: Wanted) -> Iterator[Repository]:
        known = self._tables.repositories
        if item.url is not None:
            yield from known.by("repository_known", ("url", item.url.key), organization_id)
        if item.uuid is not None:
            yield from known.by("repository_known", ("uuid", item.uuid), organization_id)
        for name in item.also:
            key = ("url", name.key) if isinstance(name, RepoUrl) else ("uuid", name)
            yield from known.by("repository_known", key, organization_id)

    def _subjects(self, organization_id: UUID, build_id: UUID | None, entry_id: UUID | None) -> None:
        """Keep a build and an entry, each with the other one that it may point to, and where they are filed."""
        entry = self._tables.entries.find(organization_id, entry_id)
        build = self._tables.builds.find(organization_id, build_id or (entry and entry.build_id))
        if build and not entry:
            entry = self._tables.entries.find(organization_id, build.entry_id)
        if build:
            self._builds[build.id] = build
            self._project(organization_id, build.project_id)
            self._release(organization_id, build.release_id)
        if entry:
            self._entries[entry.id] = entry
            self._project(organization_id, entry.project_id)

    def _project(self, organization_id: UUID, project_id: UUID | None) -> None:
        """Keep a project with all its repositories and active releases."""
        project = self._tables.projects.find(organization_id, project_id)
        if project is None or project.id in self._projects:
            return
        self._projects[project.id] = linked(self._tables, project)
        for release in self._tables.releases.by("project", project.id, organization_id):
            if release.active:
                self._releases[release.id] = release

    def _release(self, organization_id: UUID, release_id: UUID | None) -> None:
        """Keep a release, in whatever state, and its project."""
        release = self._tables.releases.find(organization_id, release_id)
        if release:
            self._releases[release.id] = release
            self._project(organization_id, release.project_id)

    def known(self, clock: Clock) -> Known:
        """Return all that was kept."""
        tables = self._tables
        organizations = [tables.organizations.get(None, organization_id) for organization_id in self._organizations]
        kept = (*self._repositories.values(), *(r for one in self._projects.values() for r in one.repositories))
        links = {row.id: tables.repository_links.find(row.organization_id, row.id) for row in kept}
        return Known(
            now=clock.now(),
            keys={key.hash: (key, tables.window(key.organization_id, key.id)) for key in self._keys.values()},
            hooks={hook.id: (hook, tables.window(hook.organization_id, hook.id)) for hook in self._hooks.values()},
            organizations={row.id: (row, tables.window(row.id, row.id)) for row in organizations},
            deliveries=list(self._deliveries.values()),
            repositories=list(self._repositories.values()),
            links=[link for link in links.values() if link],
            identities=list(self._identities.values()),
            builds=list(self._builds.values()),
            entries=list(self._entries.values()),
            projects=list(self._projects.values()),
            releases=list(self._releases.values()),
            first_answers=list(self._first_answers.values()),
        )


def _identity_keys(item: Wanted, repositories: Iterable[Repository]) -> Iterator[IdentityKey]:
    if item.source is None or item.run_key is None:
        return
    for repository in repositories:
        yield IdentityKey(item.source, repository_scope(repository.id), item.run_key)
    if item.scope is not None:
        yield IdentityKey(item.source, item.scope, item.run_key)


def _keep_first_answers(tables: Tables, changes: Changes) -> None:
    """Store first answers; those of the same organizations that stand no longer go."""
    for organization_id in {one.organization_id for one in changes.first_answers}:
        for old in tables.first_answers.scan(organization_id):
            if not old.stands(changes.now):
                tables.first_answers.remove(organization_id, old.name)
    tables.first_answers.add(*changes.first_answers)


def _join(tables: Tables, absorbed: Repository, kept: Repository) -> None:
    """Let everything of one repository be the other's, and remove it."""
    organization_id = absorbed.organization_id
    link = tables.repository_links.find(organization_id, absorbed.id)
    if link:
        tables.repository_links.remove(organization_id, absorbed.id)
        if tables.repository_links.find(organization_id, kept.id) is None:
            tables.repository_links.add(evolve(link, repository_id=kept.id))
    _join_identities(tables, absorbed, kept)
    builds = [row for row in tables.builds.scan(organization_id) if row.repository_id == absorbed.id]
    tables.builds.put(*(evolve(row, repository_id=kept.id) for row in builds))
    entries = [row for row in tables.entries.scan(organization_id) if row.repository_id == absorbed.id]
    tables.entries.put(*(evolve(row, repository_id=kept.id) for row in entries))
    tables.repositories.remove(organization_id, absorbed.id)


def _join_identities(tables: Tables, absorbed: Repository, kept: Repository) -> None:
    """Move identities to the scope of another repository; where an ordinal is taken, the next free one is used."""
    moving = tables.identities.by("scope", repository_scope(absorbed.id), absorbed.organization_id)
    for identity in sorted(moving, key=lambda one: (one.ordinal, one.id)):
        key = evolve(identity.key, scope=repository_scope(kept.id))
        taken = {one.ordinal for one in tables.identities.by("key", key, absorbed.organization_id)}
        ordinal = identity.ordinal
        while ordinal in taken:
            ordinal += 1
        tables.identities.put(evolve(identity, key=key, ordinal=ordinal))
