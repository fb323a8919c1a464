"""One organization with one row of everything: something to find, and something that must never be found."""

from __future__ import annotations

from uuid import UUID

from attrs import evolve, frozen

from lathe.application.intake import Changes
from lathe.application.ports import Store, Transaction
from lathe.domain.api_key import ApiKey
from lathe.domain.build import Build
from lathe.domain.delivery import Delivery
from lathe.domain.hook import Hook
from lathe.domain.identity import Identity
from lathe.domain.organization import Member, Organization, User
from lathe.domain.project import Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.release import Release
from lathe.domain.repository import Repository, RepositoryLink
from tests import samples


@frozen
class World:
    """What `populated` stored."""

    organization: Organization
    user: User
    member: Member
    project: Project
    repository: Repository
    repository_link: RepositoryLink
    release: Release
    identity: Identity
    build: Build
    entry: QueueEntry
    delivery: Delivery
    key: ApiKey
    hook: Hook

    @property
    def id(self) -> UUID:
        """The organization's id."""
        return self.organization.id

    def new_build(self, **changes: object) -> Build:
        """Return a build, not stored, of this organization's release."""
        return samples.build(self.id, self.project.id, self.release.id, **changes)


def populated(store: Store) -> World:
    """Store a fresh organization with one row of everything, each with every field set that can be."""
    organization, user = samples.organization(), samples.user()
    here = organization.id
    project, repository = samples.project(here), samples.repository(here)
    release = samples.release(here, project.id)
    identity = samples.identity(here)
    build = samples.build(here, project.id, release.id, repository_id=repository.id, identity_id=identity.id)
    waiting = {
        "project_id": project.id,
        "placed_project_id": project.id,
        "repository_id": repository.id,
        "identity_id": identity.id,
        "build_id": build.id,
    }
    entry = samples.entry(here, **waiting)
    key, hook = samples.key(here), samples.hook(here)
    delivery = samples.delivery(here, key.id, build_id=build.id, entry_id=entry.id)
    world = World(
        organization,
        user,
        samples.member(here, user.id),
        project,
        repository,
        samples.repository_link(here, repository.id, project.id, entry_id=entry.id),
        release,
        evolve(identity, build_id=build.id, entry_id=entry.id),
        evolve(build, entry_id=entry.id),
        entry,
        delivery,
        key,
        hook,
    )
    store.write(lambda tx: _keep(tx, world))
    return world


def _keep(tx: Transaction, world: World) -> None:
    tx.organizations.add(world.organization)
    tx.users.add(world.user)
    tx.users.join(world.member)
    tx.projects.add(world.project)
    tx.releases.add(world.release)
    tx.keys.add(world.key)
    tx.hooks.add(world.hook)
    tx.intake.save(
        Changes(
            now=tx.now(),
            new_repositories=[world.repository],
            new_identities=[world.identity],
            new_builds=[evolve(world.build, entry_id=None)],
            new_entries=[evolve(world.entry, build_id=None)],
            new_deliveries=[world.delivery],
        )
    )
    tx.builds.save(world.build)
    tx.entries.save(world.entry)
    tx.repositories.link(world.repository_link)
