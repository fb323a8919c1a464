"""People: where they are logged in, what they prefer, what they are invited to, and how they leave."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from lathe.application.ports import Store
from lathe.domain.organization import Preferences, Theme
from lathe.domain.session import LinkPurpose
from tests import samples
from tests.integration.store_contract.helpers import is_absent, keep, keep_changed, locked, stored
from tests.integration.store_contract.world import World


def test_every_preference_comes_back(store: Store, world: World) -> None:
    for theme in Theme:
        for shortcuts in (True, False):
            changed = evolve(world.user, preferences=Preferences(theme, shortcuts))
            keep_changed(store, changed)
            assert stored(store, world.user) == locked(store, world.user) == changed


def test_a_persons_sessions_are_listed_the_last_used_first(store: Store, world: World) -> None:
    someone = samples.user()
    hours = [2, 0, 1]
    sessions = [samples.session(someone.id, last_seen_at=samples.NOW - timedelta(hours=n)) for n in hours]
    keep(store, someone, *sessions, samples.session(world.user.id))
    listed = store.read(lambda tx: tx.sessions.of_user(someone.id))
    assert listed == [sessions[1], sessions[2], sessions[0]]
    assert store.read(lambda tx: tx.sessions.of_user(samples.new_id())) == []


def test_whoever_leaves_is_no_member_any_more_and_cannot_leave_twice(store: Store, world: World, other: World) -> None:
    keep(store, samples.member(other.id, world.user.id))
    store.write(lambda tx: tx.users.leave(world.id, world.user.id))
    assert stored(store, world.member) is None
    assert [org.id for org, _ in store.read(lambda tx: tx.users.memberships(world.user.id))] == [other.id]
    assert is_absent(store, lambda tx: tx.users.leave(world.id, world.user.id))


def test_invitations_are_listed_newest_first_and_withdrawn_by_person(store: Store, world: World, other: World) -> None:
    someone = samples.user()
    keep(store, someone)
    ours = [
        samples.link(world.id, someone.id, created_at=samples.EARLIER),
        samples.link(world.id, world.user.id, purpose=LinkPurpose.PASSWORD),
    ]
    theirs = samples.link(other.id, someone.id)
    keep(store, *ours, theirs, samples.bare_link(user_id=someone.id))
    assert store.read(lambda tx: tx.links.invitations(world.id)) == [ours[1], ours[0]]
    store.write(lambda tx: tx.links.withdraw(world.id, someone.id, LinkPurpose.PASSWORD))
    assert store.read(lambda tx: tx.links.invitations(world.id)) == [ours[1], ours[0]]
    store.write(lambda tx: tx.links.withdraw(world.id, someone.id))
    assert store.read(lambda tx: tx.links.invitations(world.id)) == [ours[1]]
    assert store.read(lambda tx: tx.links.invitations(other.id)) == [theirs]


def test_a_forgotten_person_is_gone_with_links_and_sessions(store: Store, world: World) -> None:
    someone, session = samples.user(), samples.session(world.user.id)
    keep(store, someone, session)
    theirs = samples.session(someone.id), samples.link(world.id, someone.id), samples.bare_link(user_id=someone.id)
    keep(store, *theirs)
    store.write(lambda tx: tx.users.forget(someone.id))
    assert is_absent(store, lambda tx: tx.users.get(someone.id))
    assert [stored(store, one) for one in theirs] == [None] * 3
    assert [stored(store, one) for one in (world.user, session)] == [world.user, session]
