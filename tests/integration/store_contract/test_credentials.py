"""Keys and hooks: what people change, what use counts, and the window of requests between them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import asdict, evolve

from lathe.application.intake import Changes, Known, Presented, Usage, Wanted
from lathe.application.ports import Store, Transaction
from lathe.domain.api_key import ApiKey
from lathe.domain.delivery import CredentialKind
from lathe.domain.hook import Hook
from lathe.domain.organization import Organization
from lathe.domain.rate_limit import Window
from tests import samples
from tests.integration.store_contract.helpers import keep_changed, stored
from tests.integration.store_contract.world import World

MICROSECONDS = 1_773_480_413_589_793

WINDOWS = [
    Window(),
    Window.of((MICROSECONDS, 1)),
    Window.of(*((MICROSECONDS + n * 101, 1) for n in range(60))),
    Window.of(*((MICROSECONDS + n * 1_000_000, n + 1) for n in range(62))),
    Window.of((-5, 2), (MICROSECONDS, 2**32 - 1)),
]
each_window = pytest.mark.parametrize("window", WINDOWS, ids=lambda window: f"{len(window.stamps)} stamps")


def key_of(world: World) -> Wanted:
    return Wanted(Presented(CredentialKind.KEY, key_hash=world.key.hash), "bitbucket")


def hook_of(world: World) -> Wanted:
    return Wanted(Presented(CredentialKind.HOOK, hook_id=world.hook.id), "bitbucket")


def organization_of(world: World) -> Wanted:
    return Wanted(Presented(CredentialKind.ORGANIZATION, organization_id=world.id), "bitbucket")


def loaded(store: Store, *wanted: Wanted) -> Known:
    return store.write(lambda tx: tx.intake.load(wanted))


def everything(known: Known) -> list[object]:
    """Return all rows that were loaded."""
    return [row for rows in asdict(known, recurse=False).values() if rows is not known.now for row in rows]


def used(store: Store, changes: Changes) -> None:
    store.write(lambda tx: tx.intake.save(changes))


def test_a_fresh_key_is_admitted_with_an_empty_window(store: Store, world: World) -> None:
    assert store.write(lambda tx: tx.keys.admit(world.key.hash)) == (world.key, Window())


@each_window
def test_spending_keeps_the_window_and_counts_one_request(store: Store, world: World, window: Window) -> None:
    for count in (1, 2):
        store.write(lambda tx: tx.keys.spend(world.key, window, samples.LATER))
        expected = evolve(world.key, requests=count, last_used_at=samples.LATER)
        assert store.write(lambda tx: tx.keys.admit(world.key.hash)) == (expected, window)
        assert stored(store, world.key) == expected


def test_changing_a_key_leaves_its_counts_and_its_window(store: Store, world: World) -> None:
    window = samples.window(MICROSECONDS)
    store.write(lambda tx: tx.keys.spend(world.key, window, samples.LATER))
    store.write(lambda tx: tx.keys.count_refused({world.key.id: 7}))
    outdated = world.key.renamed("Renamed 💸").with_limit(None).revoked(samples.LATER)
    keep_changed(store, outdated)
    expected = evolve(outdated, requests=1, refused=7, last_used_at=samples.LATER)
    assert store.write(lambda tx: tx.keys.admit(world.key.hash)) == (expected, window)


def test_changing_a_hook_leaves_its_counts_and_its_window(store: Store, world: World) -> None:
    window = samples.window(MICROSECONDS)
    used(store, Changes(samples.LATER, hooks=[Usage(world.id, world.hook.id, window, 2)]))
    store.write(lambda tx: tx.hooks.count_refused({world.hook.id: 7}))
    outdated = world.hook.rotated(b"new", samples.LATER).revoked(samples.LATER)
    keep_changed(store, outdated)
    assert loaded(store, hook_of(world)).hooks == {world.hook.id: (outdated, window)}
    expected = evolve(outdated, requests=2, refused=7, last_delivery_at=samples.LATER)
    assert store.read(lambda tx: tx.hooks.find(world.hook.id)) == expected


def test_changing_an_organization_leaves_its_window(store: Store, world: World) -> None:
    window = samples.window(MICROSECONDS)
    used(store, Changes(samples.NOW, organizations=[Usage(world.id, world.id, window, 1)]))
    changed = evolve(world.organization, rate_limit=7)
    keep_changed(store, changed)
    assert loaded(store, organization_of(world)).organizations == {world.id: (changed, window)}


def test_refusals_add_up_by_id_over_organizations_and_unknown_ids_are_passed_over(
    store: Store, world: World, other: World
) -> None:
    def refuse(tx: Transaction) -> None:
        tx.keys.count_refused({world.key.id: 2, other.key.id: 3, samples.new_id(): 4})
        tx.hooks.count_refused({world.hook.id: 5, other.hook.id: 6, samples.new_id(): 7})
        tx.keys.count_refused({})
        tx.hooks.count_refused({})

    store.write(refuse)
    store.write(refuse)
    assert stored(store, world.key) == evolve(world.key, refused=4)
    assert stored(store, other.key) == evolve(other.key, refused=6)
    assert stored(store, world.hook) == evolve(world.hook, refused=10)
    assert stored(store, other.hook) == evolve(other.hook, refused=12)


def test_a_batch_loads_each_credential_with_its_window_and_its_organization(
    store: Store, world: World, other: World
) -> None:
    known = loaded(store, key_of(world), hook_of(other), organization_of(world), key_of(world))
    assert known.keys == {world.key.hash: (world.key, Window())}
    assert known.hooks == {other.hook.id: (other.hook, Window())}
    # The settings of the organization decide about a delivery, whatever it was authenticated with.
    assert known.organizations == {
        world.id: (world.organization, Window()),
        other.id: (other.organization, Window()),
    }


def test_unknown_credentials_load_nothing(store: Store, world: World) -> None:
    known = loaded(
        store,
        Wanted(Presented(CredentialKind.KEY, key_hash=samples.digest()), "bitbucket"),
        Wanted(Presented(CredentialKind.HOOK, hook_id=samples.new_id()), "bitbucket", project_id=world.project.id),
        Wanted(Presented(CredentialKind.ORGANIZATION, organization_id=samples.new_id()), "bitbucket", name=("pay",)),
    )
    assert everything(known) == []


@each_window
def test_a_batch_keeps_windows_and_counts_what_it_admitted(
    store: Store, world: World, other: World, window: Window
) -> None:
    changes = Changes(
        samples.LATER,
        keys=[Usage(world.id, world.key.id, window, 3), Usage(other.id, other.key.id, Window(), 1)],
        hooks=[Usage(world.id, world.hook.id, window, 4)],
        organizations=[Usage(world.id, world.id, window, 5)],
    )
    used(store, changes)
    used(store, changes)
    known = loaded(store, key_of(world), key_of(other), hook_of(world), organization_of(world))
    at = samples.LATER
    assert known.keys == {world.key.hash: (world.key, window), other.key.hash: (other.key, Window())}
    assert known.hooks == {world.hook.id: (world.hook, window)}
    assert known.organizations[world.id] == (world.organization, window)
    assert stored(store, world.key) == evolve(world.key, requests=6, last_used_at=at)
    assert stored(store, other.key) == evolve(other.key, requests=2, last_used_at=at)
    assert stored(store, world.hook) == evolve(world.hook, requests=8, last_delivery_at=at)


def test_a_batch_and_a_single_request_share_the_window_of_a_key(store: Store, world: World) -> None:
    first, second = samples.window(MICROSECONDS), samples.window(MICROSECONDS, MICROSECONDS + 1)
    used(store, Changes(samples.NOW, keys=[Usage(world.id, world.key.id, first, 1)]))
    later = samples.NOW + timedelta(seconds=1)
    assert store.write(lambda tx: tx.keys.admit(world.key.hash)) == (
        evolve(world.key, requests=1, last_used_at=samples.NOW),
        first,
    )
    store.write(lambda tx: tx.keys.spend(world.key, second, later))
    assert loaded(store, key_of(world)).keys == {world.key.hash: (world.key, second)}
    assert stored(store, world.key) == evolve(world.key, requests=2, last_used_at=later)


def test_revoked_credentials_are_loaded_as_revoked(store: Store, world: World) -> None:
    key, hook = world.key.revoked(samples.NOW), world.hook.revoked(samples.NOW)
    keep_changed(store, key, hook)
    known = loaded(store, key_of(world), hook_of(world))
    found: list[ApiKey | Hook | Organization] = [known.keys[key.hash][0], known.hooks[hook.id][0]]
    assert found == [key, hook]
