"""Saving a batch: everything it changes in one go, repositories that turn out to be one included."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from lathe.application.intake import Changes
from lathe.application.ports import Store
from lathe.domain.build_report import BuildStatus
from lathe.domain.identity import Identity, IdentityKey, repository_scope
from lathe.domain.repository import Repository
from tests import samples
from tests.integration.store_contract.helpers import is_absent, keep, stored
from tests.integration.store_contract.world import World


def save(store: Store, **changes: Any) -> None:
    store.write(lambda tx: tx.intake.save(Changes(samples.NOW, **changes)))


def identity_in(repository: Repository, run_key: str, **changes: Any) -> Identity:
    key = IdentityKey("bitbucket", repository_scope(repository.id), run_key)
    return samples.identity(repository.organization_id, **{"key": key} | changes)


def test_a_batch_of_no_changes_is_fine(store: Store) -> None:
    save(store)


def test_new_rows_of_several_organizations_are_stored_with_what_refers_to_them(
    store: Store, world: World, other: World
) -> None:
    builds, entries, identities, deliveries, repositories = [], [], [], [], []
    for here in (world, other):
        repository = samples.repository(here.id)
        first, second = identity_in(repository, "run:1"), identity_in(repository, "run:2")
        build = here.new_build(repository_id=repository.id, identity_id=first.id)
        entry = samples.entry(here.id, repository_id=repository.id, identity_id=second.id, project_id=here.project.id)
        repositories.append(repository)
        identities += [evolve(first, build_id=build.id), evolve(second, entry_id=entry.id)]
        builds.append(build)
        entries.append(entry)
        deliveries += [
            samples.delivery(here.id, here.key.id, build_id=build.id),
            samples.bare_delivery(here.id, here.id, entry_id=entry.id),
        ]
    save(
        store,
        new_repositories=repositories,
        new_identities=identities,
        new_builds=builds,
        new_entries=entries,
        new_deliveries=deliveries,
    )
    rows = [*repositories, *identities, *builds, *entries, *deliveries]
    assert [stored(store, row) for row in rows] == rows


def test_changed_rows_of_several_organizations_are_replaced(store: Store, world: World, other: World) -> None:
    rows: list[Any] = []
    for here in (world, other):
        newer = samples.facts(status=BuildStatus.FAILED, finished_at=samples.LATER, url=None)
        rows += [
            evolve(here.repository, url=samples.repo_url(f"acme/{samples.unique('renamed')}")),
            evolve(here.identity, status=BuildStatus.FAILED, updated_at=samples.LATER, build_id=None),
            evolve(here.build, facts=newer, verified=False),
            evolve(here.entry, facts=newer, verified=False),
        ]
    repositories, identities, builds, entries = rows[0::4], rows[1::4], rows[2::4], rows[3::4]
    save(
        store,
        changed_repositories=repositories,
        changed_identities=identities,
        changed_builds=builds,
        changed_entries=entries,
    )
    assert [stored(store, row) for row in rows] == rows


def test_a_hundred_deliveries_are_saved_in_one_set(store: Store, world: World) -> None:
    deliveries = [samples.delivery(world.id, world.key.id) for _ in range(100)]
    save(store, new_deliveries=deliveries)
    assert [stored(store, one) for one in deliveries] == deliveries


def test_a_renamed_repository_leaves_its_old_url_to_a_new_one(store: Store, world: World) -> None:
    renamed = evolve(world.repository, url=samples.repo_url(f"acme/{samples.unique('renamed')}"))
    successor = samples.repository(world.id, url=world.repository.url)
    save(store, changed_repositories=[renamed], new_repositories=[successor])
    assert [stored(store, one) for one in (renamed, successor)] == [renamed, successor]


@pytest.fixture
def by_uuid(store: Store, world: World) -> Repository:
    """A repository that is known by its UUID alone."""
    repository = samples.repository(world.id, url=None)
    keep(store, repository)
    return repository


@pytest.fixture
def by_url(store: Store, world: World) -> Repository:
    """A repository that is known by its URL alone; it will turn out to be the same."""
    repository = samples.bare_repository(world.id)
    keep(store, repository)
    return repository


def join(store: Store, absorbed: Repository, kept: Repository, **changes: Any) -> Repository:
    """Join the first into the second, as a report with both URL and UUID does."""
    joined = evolve(kept, uuid=absorbed.uuid)
    save(store, joined=[(absorbed, joined)], changed_repositories=[joined], **changes)
    return joined


def test_a_joined_repository_is_gone_and_the_other_one_has_its_uuid(
    store: Store, world: World, by_uuid: Repository, by_url: Repository
) -> None:
    joined = join(store, by_uuid, by_url)
    assert is_absent(store, lambda tx: tx.repositories.get(world.id, by_uuid.id))
    assert stored(store, by_url) == joined


def test_builds_entries_and_identities_of_a_joined_repository_become_the_others(
    store: Store, world: World, by_uuid: Repository, by_url: Repository
) -> None:
    identity = identity_in(by_uuid, "run:1")
    build = world.new_build(repository_id=by_uuid.id, identity_id=identity.id)
    entry = samples.entry(world.id, repository_id=by_uuid.id, identity_id=identity.id)
    identity = evolve(identity, build_id=build.id, entry_id=entry.id)
    nameless_build = world.new_build(repository_id=by_uuid.id)
    nameless_entry = samples.entry(world.id, repository_id=by_uuid.id)
    keep(store, identity, build, entry, nameless_build, nameless_entry)
    join(store, by_uuid, by_url)
    for one in (build, nameless_build):
        assert stored(store, one) == evolve(one, repository_id=by_url.id)
    for other in (entry, nameless_entry):
        assert stored(store, other) == evolve(other, repository_id=by_url.id)
    assert stored(store, identity) == evolve(identity, key=identity_in(by_url, "run:1").key)
    untouched = [world.build, world.entry, world.identity]
    assert [stored(store, row) for row in untouched] == untouched


def test_the_link_of_a_joined_repository_becomes_the_others(
    store: Store, world: World, by_uuid: Repository, by_url: Repository
) -> None:
    link = samples.repository_link(world.id, by_uuid.id, world.project.id, entry_id=world.entry.id)
    keep(store, link)
    join(store, by_uuid, by_url)
    assert stored(store, evolve(link, repository_id=by_url.id)) == evolve(link, repository_id=by_url.id)
    assert stored(store, link) is None


def test_a_link_that_the_kept_repository_has_already_stays(
    store: Store, world: World, by_uuid: Repository, by_url: Repository
) -> None:
    absorbed, kept = (samples.repository_link(world.id, one.id, world.project.id) for one in (by_uuid, by_url))
    keep(store, absorbed, kept)
    join(store, by_uuid, by_url)
    assert [stored(store, one) for one in (absorbed, kept)] == [None, kept]


def test_identities_that_collide_after_a_join_take_the_next_free_ordinals(
    store: Store, by_uuid: Repository, by_url: Repository
) -> None:
    there = [identity_in(by_url, "run:1", ordinal=ordinal) for ordinal in (0, 1)]
    moving = [identity_in(by_uuid, "run:1", ordinal=ordinal) for ordinal in (0, 1, 2)]
    free, beside = identity_in(by_uuid, "run:2"), identity_in(by_url, "run:2", ordinal=1)
    keep(store, *there, *moving, free, beside)
    join(store, by_uuid, by_url)
    assert [stored(store, one) for one in (*there, beside)] == [*there, beside]
    moved = [stored(store, one) for one in moving]
    assert {(one.key, one.ordinal) for one in moved if isinstance(one, Identity)} == {
        (there[0].key, ordinal) for ordinal in (2, 3, 4)
    }
    assert stored(store, free) == evolve(free, key=identity_in(by_url, "run:2").key)


def test_rows_that_a_join_moves_and_the_batch_changes_end_as_the_batch_says(
    store: Store, world: World, by_uuid: Repository, by_url: Repository
) -> None:
    there, moving = identity_in(by_url, "run:1"), identity_in(by_uuid, "run:1")
    build = world.new_build(repository_id=by_uuid.id)
    keep(store, there, moving, build)
    final = evolve(moving, key=there.key, ordinal=1, status=BuildStatus.FAILED)
    refiled = evolve(build, repository_id=by_url.id, verified=False)
    fresh = world.new_build(repository_id=by_url.id, identity_id=moving.id)
    join(store, by_uuid, by_url, changed_identities=[final], changed_builds=[refiled], new_builds=[fresh])
    assert [stored(store, row) for row in (there, final, refiled, fresh)] == [there, final, refiled, fresh]


def test_a_known_repository_can_be_joined_into_one_that_the_same_batch_found(
    store: Store, world: World, by_uuid: Repository
) -> None:
    fresh = samples.bare_repository(world.id, uuid=by_uuid.uuid)
    build = world.new_build(repository_id=by_uuid.id)
    link = samples.repository_link(world.id, by_uuid.id, world.project.id)
    keep(store, build, link)
    save(store, joined=[(by_uuid, fresh)], new_repositories=[fresh])
    assert stored(store, fresh) == fresh
    assert stored(store, build) == evolve(build, repository_id=fresh.id)
    assert stored(store, evolve(link, repository_id=fresh.id)) == evolve(link, repository_id=fresh.id)
    assert is_absent(store, lambda tx: tx.repositories.get(world.id, by_uuid.id))
