"""Whoever works in one organization meets nothing of another, whatever ids, hashes and names are presented."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from attrs import evolve

from lathe.application import ports
from lathe.application.auditing import subject_of
from lathe.application.intake import Changes, Presented, Wanted
from lathe.application.lists import AuditFilter, BuildFilter, DeliveryFilter, EntryFilter, ProjectFilter, Sought
from lathe.application.ports import Store, Transaction
from lathe.domain.delivery import CredentialKind
from lathe.domain.errors import NotFound
from lathe.domain.text import words
from tests import samples
from tests.integration.store_contract.helpers import is_absent, keep, keep_changed, save, stored
from tests.integration.store_contract.world import World

Ask = Callable[[Transaction, World, World], object]


def _unlinked(tx: Transaction, here: World, there: World) -> str:
    tx.repositories.unlink(here.id, there.repository.id)
    return "unlinked"


def _left(tx: Transaction, here: World, there: World) -> str:
    tx.users.leave(here.id, there.user.id)
    return "left"


def _withdrawn(tx: Transaction, here: World, there: World) -> bool:
    tx.links.withdraw(here.id, there.user.id)
    return not tx.links.invitations(there.id)


# Each asks as `here` for what belongs to `there`. Names are the ports' own, so that none can be forgotten.
ASKED: dict[str, Ask] = {
    "organizations.get": lambda tx, here, there: tx.organizations.get(here.id, lock=True) == there.organization,
    "users.leave": _left,
    "users.member": lambda tx, here, there: tx.users.member(here.id, there.user.id),
    "users.members": lambda tx, here, there: there.user in [user for user, _ in tx.users.members(here.id)],
    "links.invitations": lambda tx, here, _: tx.links.invitations(here.id),
    "links.withdraw": _withdrawn,
    "projects.get": lambda tx, here, there: tx.projects.get(here.id, there.project.id, lock=True),
    "projects.find_by_slug": lambda tx, here, there: tx.projects.find_by_slug(here.id, there.project.slug),
    "projects.page": lambda tx, here, there: tx.projects.page(here.id, ProjectFilter(there.project.name), 9, None),
    "projects.all": lambda tx, here, there: there.project in tx.projects.all(here.id),
    "projects.some": lambda tx, here, there: tx.projects.some(here.id, [there.project.id]),
    "projects.candidates": lambda tx, here, there: [
        one
        for one in tx.projects.candidates(
            here.id, there.repository.uuid, there.repository.url, words(there.project.name)
        )
        if one.project.organization_id != here.id
    ],
    "projects.candidates_of": lambda tx, here, there: [
        one
        for one in tx.projects.candidates_of(
            here.id, [Sought(there.repository.uuid, there.repository.url, words(there.project.name))]
        )
        if one.project.organization_id != here.id
    ],
    "repositories.get": lambda tx, here, there: tx.repositories.get(here.id, there.repository.id),
    "repositories.some": lambda tx, here, there: tx.repositories.some(here.id, [there.repository.id]),
    "repositories.find_by_url": lambda tx, here, there: (
        there.repository.url and tx.repositories.find_by_url(here.id, there.repository.url)
    ),
    "repositories.find_link": lambda tx, here, there: tx.repositories.find_link(here.id, there.repository.id),
    "repositories.find_links": lambda tx, here, there: tx.repositories.find_links(here.id, [there.repository.id]),
    "repositories.unlink": _unlinked,
    "repositories.of_projects": lambda tx, here, there: tx.repositories.of_projects(here.id, [there.project.id]),
    "releases.get": lambda tx, here, there: tx.releases.get(here.id, there.release.id, lock=True),
    "releases.of_project": lambda tx, here, there: tx.releases.of_project(here.id, there.project.id),
    "releases.active": lambda tx, here, there: there.release in tx.releases.active(here.id, 99),
    "releases.count_active": lambda tx, here, _: tx.releases.count_active(here.id, 99) > 1,
    "releases.active_of_projects": lambda tx, here, there: tx.releases.active_of_projects(here.id, [there.project.id]),
    "releases.inactive": lambda tx, here, _: tx.releases.inactive(here.id, 9),
    "releases.page": lambda tx, here, there: tx.releases.page(here.id, there.project.id, 9, None),
    "releases.some": lambda tx, here, there: tx.releases.some(here.id, [there.release.id]),
    "builds.get": lambda tx, here, there: tx.builds.get(here.id, there.build.id, lock=True),
    "builds.page": lambda tx, here, there: tx.builds.page(here.id, BuildFilter(there.project.id), 9, None),
    # Each has one build and one entry: only another one's would come behind it.
    "builds.reach": lambda tx, here, _: tx.builds.reach(here.id, BuildFilter(source="elsewhere"), None, 1),
    "builds.newest_per_branch": lambda tx, here, there: tx.builds.newest_per_branch(here.id, [there.release.id], 9, 9),
    "builds.newest_of_projects": lambda tx, here, there: tx.builds.newest_of_projects(here.id, [there.project.id]),
    "builds.counts": lambda tx, here, there: sum(tx.builds.counts(here.id, [there.release.id], 9).values()),
    "builds.per_day": lambda tx, here, there: tx.builds.per_day(here.id, there.release.id, samples.EARLIER, 9),
    "builds.some": lambda tx, here, there: tx.builds.some(here.id, [there.build.id]),
    "entries.get": lambda tx, here, there: tx.entries.get(here.id, there.entry.id, lock=True),
    "entries.page": lambda tx, here, there: tx.entries.page(
        here.id, EntryFilter(None, project_id=there.project.id), 9, None
    ),
    "entries.reach": lambda tx, here, _: tx.entries.reach(here.id, EntryFilter(None, source="elsewhere"), None, 1),
    "entries.decided": lambda tx, here, _: tx.entries.decided(here.id, 9),
    "entries.oldest_pending": lambda tx, here, _: tx.entries.oldest_pending(here.id) != here.entry.created_at,
    "entries.count_pending": lambda tx, here, there: tx.entries.count_pending(here.id, there.project.id, 9),
    "entries.pending_since": lambda tx, here, _: tx.entries.pending_since(here.id, 9)[1:],
    "entries.some": lambda tx, here, there: tx.entries.some(here.id, [there.entry.id]),
    "entries.promising": lambda tx, here, _: [
        one for one in tx.entries.promising(here.id, 9) if one.entry_id != here.entry.id
    ],
    "identities.get": lambda tx, here, there: tx.identities.get(here.id, there.identity.id, lock=True),
    "deliveries.get": lambda tx, here, there: tx.deliveries.get(here.id, there.delivery.id),
    "deliveries.look": lambda tx, here, _: [
        one for one in tx.deliveries.look(here.id, DeliveryFilter(), 9, None, 9).rows if one.organization_id != here.id
    ],
    "deliveries.newest": lambda tx, here, _: [
        one for one in tx.deliveries.newest(here.id, 9) if one.organization_id != here.id
    ],
    "deliveries.of_subject": lambda tx, here, there: tx.deliveries.of_subject(
        here.id, build_id=there.build.id, entry_id=there.entry.id
    ),
    "activity.mark": lambda tx, here, there: tx.activity.mark(here.id) == tx.activity.mark(there.id),
    "keys.get": lambda tx, here, there: tx.keys.get(here.id, there.key.id, lock=True),
    "keys.all": lambda tx, here, there: there.key in tx.keys.all(here.id),
    "hooks.get": lambda tx, here, there: tx.hooks.get(here.id, there.hook.id, lock=True),
    "audit.page": lambda tx, here, there: tx.audit.page(
        here.id, AuditFilter(frozenset({there.organization.id})), 9, None
    ),
    "audit.newest": lambda tx, here, _: tx.audit.newest(here.id),
    "hooks.all": lambda tx, here, there: there.hook in tx.hooks.all(here.id),
}


def methods_that_take_an_organization() -> set[str]:
    return {
        f"{name}.{method}"
        for name, port in get_type_hints(ports.Transaction).items()
        for method, function in inspect.getmembers(port, inspect.isfunction)
        if "organization_id" in inspect.signature(function).parameters
    }


def test_every_method_that_takes_an_organization_is_asked() -> None:
    assert set(ASKED) == methods_that_take_an_organization()


@pytest.fixture
def there(store: Store, other: World) -> World:
    """The other organization, with more than one row of what is only listed or counted."""
    early = samples.NOW.replace(year=2001)
    keep(
        store,
        samples.bare_release(other.id, other.project.id),
        samples.rejected_entry(other.id),
        samples.entry(other.id, created_at=early),
        samples.link(other.id, other.user.id),
        samples.audit_event(other.id, subject=subject_of(other.organization)),
    )
    return other


@pytest.mark.parametrize("method", ASKED)
def test_nothing_of_another_organization_is_seen(store: Store, world: World, there: World, method: str) -> None:
    try:
        found = store.write(lambda tx: ASKED[method](tx, world, there))
    except NotFound:
        found = None
    assert not found
    assert stored(store, there.repository_link) == there.repository_link


KINDS_OF_ROWS = ("project", "release", "build", "entry", "identity", "key", "hook")


@pytest.mark.parametrize("kind_of_row", KINDS_OF_ROWS)
def test_a_row_of_another_organization_cannot_be_replaced(
    store: Store, world: World, other: World, kind_of_row: str
) -> None:
    foreign = getattr(other, kind_of_row)
    mine = evolve(getattr(world, kind_of_row), id=foreign.id)
    assert is_absent(store, lambda tx: save(tx, mine))
    assert stored(store, foreign) == foreign


def test_organizations_share_names_slugs_and_repositories_freely(store: Store, world: World, other: World) -> None:
    project = evolve(world.project, organization_id=other.id, id=samples.new_id())
    repository = evolve(world.repository, organization_id=other.id, id=samples.new_id())
    keep(store, project, repository)
    assert store.read(lambda tx: tx.projects.find_by_slug(other.id, project.slug)) == project
    assert store.read(lambda tx: tx.projects.find_by_slug(world.id, project.slug)) == world.project
    assert repository.url
    url = repository.url
    assert store.read(lambda tx: tx.repositories.find_by_url(other.id, url)) == repository
    assert store.read(lambda tx: tx.repositories.find_by_url(world.id, url)) == world.repository


def test_rows_of_two_organizations_may_have_the_same_id_and_stay_apart(
    store: Store, world: World, other: World
) -> None:
    twins = [
        samples.project(other.id, id=world.project.id),
        samples.release(other.id, world.project.id, id=world.release.id),
        samples.build(other.id, world.project.id, world.release.id, id=world.build.id, facts=samples.bare_facts()),
        samples.bare_entry(other.id, id=world.entry.id),
        samples.identity(other.id, id=world.identity.id, key=world.identity.key, commit_sha="other"),
        samples.bare_delivery(
            other.id, other.id, id=world.delivery.id, provider_delivery_id=world.delivery.provider_delivery_id
        ),
    ]
    keep(store, *twins)
    changed = evolve(world.build, facts=samples.bare_facts(name="Changed here only"), withdrawn=True)
    keep_changed(store, changed)
    assert [stored(store, twin) for twin in twins] == twins
    mine = [world.project, world.release, changed, world.entry, world.identity, world.delivery]
    assert [stored(store, row) for row in mine] == mine


def wanted_by(world: World, **facts: Any) -> Wanted:
    """Return what a delivery with the organization's key wants."""
    presented = Presented(CredentialKind.KEY, key_hash=world.key.hash)
    return evolve(Wanted(presented, world.delivery.source), **facts)


def everything_of(there: World) -> dict[str, Any]:
    """Return all by which a delivery could name rows of an organization."""
    return {
        "delivery_id": there.delivery.provider_delivery_id,
        "source": there.identity.key.source,
        "run_key": there.identity.key.run_key,
        "scope": there.identity.key.scope,
        "url": there.repository.url,
        "uuid": there.repository.uuid,
        "name": words(there.project.name),
        "project_id": there.project.id,
        "release_id": there.release.id,
    }


def test_a_delivery_that_names_everything_of_another_organization_loads_none_of_it(
    store: Store, world: World, there: World
) -> None:
    known = store.write(lambda tx: tx.intake.load([wanted_by(world, **everything_of(there))]))
    loaded = (known.deliveries, known.repositories, known.links, known.identities, known.builds, known.entries)
    owners = {row.organization_id for rows in (*loaded, known.releases) for row in rows}
    owners |= {one.project.organization_id for one in known.projects}
    assert owners <= {world.id}
    assert set(known.organizations) == {world.id}


def test_in_one_batch_each_organization_gets_its_own_rows_only(store: Store, world: World, there: World) -> None:
    batch = [wanted_by(world, **everything_of(there)), wanted_by(there, **everything_of(world))]
    known = store.write(lambda tx: tx.intake.load(batch))
    for rows in (known.deliveries, known.repositories, known.identities, known.builds, known.entries):
        assert list(rows) == []
    assert set(known.organizations) == {world.id, there.id}


def test_a_batch_changes_rows_of_the_organization_that_they_carry_and_of_no_other(
    store: Store, world: World, other: World
) -> None:
    mine = evolve(world.build, id=other.build.id)
    changes = Changes(samples.NOW, changed_builds=[mine])
    is_absent(store, lambda tx: tx.intake.save(changes))
    assert stored(store, other.build) == other.build
