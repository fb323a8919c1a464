"""What is not there, and what cannot be there twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve

from lathe.application.intake import Changes
from lathe.application.lists import DeliveryFilter
from lathe.application.ports import Store, Transaction
from tests import samples
from tests.integration.store_contract.helpers import (
    adding,
    conflict_of,
    is_absent,
    is_refused,
    keep,
    keep_changed,
    save,
    stored,
)
from tests.integration.store_contract.world import World

NOBODY = samples.new_id()

GETS: dict[str, Callable[[Transaction, World], object]] = {
    "organization": lambda tx, _: tx.organizations.get(NOBODY),
    "organization to lock": lambda tx, _: tx.organizations.get(NOBODY, lock=True),
    "user": lambda tx, _: tx.users.get(NOBODY),
    "project": lambda tx, world: tx.projects.get(world.id, NOBODY),
    "project to lock": lambda tx, world: tx.projects.get(world.id, NOBODY, lock=True),
    "repository": lambda tx, world: tx.repositories.get(world.id, NOBODY),
    "release": lambda tx, world: tx.releases.get(world.id, NOBODY),
    "release to lock": lambda tx, world: tx.releases.get(world.id, NOBODY, lock=True),
    "build": lambda tx, world: tx.builds.get(world.id, NOBODY),
    "build to lock": lambda tx, world: tx.builds.get(world.id, NOBODY, lock=True),
    "entry": lambda tx, world: tx.entries.get(world.id, NOBODY),
    "entry to lock": lambda tx, world: tx.entries.get(world.id, NOBODY, lock=True),
    "identity": lambda tx, world: tx.identities.get(world.id, NOBODY),
    "identity to lock": lambda tx, world: tx.identities.get(world.id, NOBODY, lock=True),
    "delivery": lambda tx, world: tx.deliveries.get(world.id, NOBODY),
    "key": lambda tx, world: tx.keys.get(world.id, NOBODY),
    "key to lock": lambda tx, world: tx.keys.get(world.id, NOBODY, lock=True),
    "hook": lambda tx, world: tx.hooks.get(world.id, NOBODY),
    "hook to lock": lambda tx, world: tx.hooks.get(world.id, NOBODY, lock=True),
}

FINDS: dict[str, Callable[[Transaction, World], object]] = {
    "organization": lambda tx, _: tx.organizations.find_by_slug("nobody"),
    "user": lambda tx, _: tx.users.find_by_email("nobody@acme.test"),
    "member": lambda tx, world: tx.users.member(world.id, NOBODY),
    "members": lambda tx, _: tx.users.members(NOBODY),
    "memberships": lambda tx, _: tx.users.memberships(NOBODY),
    "session": lambda tx, _: tx.sessions.find(b"nobody"),
    "link": lambda tx, _: tx.links.find(b"nobody"),
    "link to lock": lambda tx, _: tx.links.find(b"nobody", lock=True),
    "project": lambda tx, world: tx.projects.find_by_slug(world.id, "nobody"),
    "some projects": lambda tx, world: tx.projects.some(world.id, [NOBODY]),
    "no projects": lambda tx, world: tx.projects.some(world.id, []),
    "candidates": lambda tx, _: tx.projects.candidates(NOBODY, "bitbucket:x", samples.repo_url(), ("pay",)),
    "repository": lambda tx, world: tx.repositories.find_by_url(world.id, samples.repo_url("no/body")),
    "some repositories": lambda tx, world: tx.repositories.some(world.id, [NOBODY]),
    "no repositories": lambda tx, world: tx.repositories.some(world.id, []),
    "candidates of none": lambda tx, world: tx.projects.candidates_of(world.id, []),
    "repository link": lambda tx, world: tx.repositories.find_link(world.id, NOBODY),
    "repositories": lambda tx, world: tx.repositories.of_projects(world.id, [NOBODY]),
    "repositories of none": lambda tx, world: tx.repositories.of_projects(world.id, []),
    "releases": lambda tx, world: tx.releases.of_project(world.id, NOBODY),
    "some releases": lambda tx, world: tx.releases.some(world.id, [NOBODY]),
    "no releases": lambda tx, world: tx.releases.some(world.id, []),
    "active releases": lambda tx, _: tx.releases.active(NOBODY, 10),
    "active releases of projects": lambda tx, world: tx.releases.active_of_projects(world.id, [NOBODY]),
    "active releases of no projects": lambda tx, world: tx.releases.active_of_projects(world.id, []),
    "newest builds": lambda tx, world: tx.builds.newest_per_branch(world.id, [NOBODY], 10, 10),
    "newest of projects": lambda tx, world: tx.builds.newest_of_projects(world.id, [NOBODY]),
    "newest of no projects": lambda tx, world: tx.builds.newest_of_projects(world.id, []),
    "oldest entry": lambda tx, _: tx.entries.oldest_pending(NOBODY),
    "deliveries of a build": lambda tx, world: tx.deliveries.of_subject(world.id, build_id=NOBODY),
    "deliveries of an entry": lambda tx, world: tx.deliveries.of_subject(world.id, entry_id=NOBODY),
    "key": lambda tx, _: tx.keys.admit(b"nobody"),
    "hook": lambda tx, _: tx.hooks.find(NOBODY),
    "builds": lambda tx, world: tx.builds.per_day(world.id, NOBODY, samples.EARLIER, 10),
    "times of waiting": lambda tx, _: tx.entries.pending_since(NOBODY, 10),
    "some builds": lambda tx, world: tx.builds.some(world.id, [NOBODY]),
    "no builds": lambda tx, world: tx.builds.some(world.id, []),
    "looked-at deliveries": lambda tx, _: tx.deliveries.look(NOBODY, DeliveryFilter(), 10, None, 10).rows,
    "some entries": lambda tx, world: tx.entries.some(world.id, [NOBODY]),
    "no entries": lambda tx, world: tx.entries.some(world.id, []),
    "promising entries": lambda tx, _: tx.entries.promising(NOBODY, 10),
}

SAVES: dict[str, Callable[[World], object]] = {
    "organization": lambda _: samples.organization(),
    "user": lambda _: samples.user(),
    "session": lambda world: samples.session(world.user.id),
    "link": lambda world: samples.link(world.id, world.user.id),
    "project": lambda world: samples.project(world.id),
    "release": lambda world: samples.release(world.id, world.project.id),
    "build": lambda world: world.new_build(),
    "entry": lambda world: samples.entry(world.id),
    "identity": lambda world: samples.identity(world.id),
    "key": lambda world: samples.key(world.id),
    "hook": lambda world: samples.hook(world.id),
}


@pytest.mark.parametrize("what", GETS)
def test_getting_what_is_not_there_raises_not_found(store: Store, world: World, what: str) -> None:
    assert is_absent(store, lambda tx: GETS[what](tx, world))


@pytest.mark.parametrize("what", FINDS)
def test_finding_what_is_not_there_finds_nothing(store: Store, world: World, what: str) -> None:
    assert not store.write(lambda tx: FINDS[what](tx, world))


@pytest.mark.parametrize("what", SAVES)
def test_saving_what_is_not_there_raises_not_found(store: Store, world: World, what: str) -> None:
    assert is_absent(store, lambda tx: save(tx, SAVES[what](world)))


def test_removing_a_link_that_is_not_there_raises_not_found(store: Store, world: World) -> None:
    assert is_absent(store, lambda tx: tx.repositories.unlink(world.id, NOBODY))


def test_ending_a_session_that_is_not_there_is_fine(store: Store) -> None:
    store.write(lambda tx: tx.sessions.remove(samples.digest()))


def test_somebody_is_there_once_a_person_was_added(store: Store, world: World) -> None:
    assert store.read(lambda tx: tx.users.any())


def test_an_organizations_slug_is_taken_once(store: Store, world: World) -> None:
    again = samples.organization(slug=world.organization.slug)
    assert conflict_of(store, adding(again)) == "slug_taken"


def test_an_email_address_is_taken_once(store: Store, world: World) -> None:
    again = samples.user(email=world.user.email)
    assert conflict_of(store, adding(again)) == "email_taken"


@pytest.mark.parametrize("name", ["Straße 💸", "STRASSE 💸", "straſſe 💸"])
def test_a_projects_name_is_taken_once_case_aside(store: Store, world: World, name: str) -> None:
    first, second = samples.project(world.id, name="Strasse 💸"), samples.project(world.id)
    keep(store, first, second)
    again = samples.project(world.id, name=name)
    assert conflict_of(store, adding(again)) == "name_taken"
    assert conflict_of(store, lambda tx: tx.projects.save(evolve(second, name=name))) == "name_taken"
    keep_changed(store, evolve(first, name=name))


def test_a_projects_slug_is_taken_once(store: Store, world: World) -> None:
    again = samples.project(world.id, slug=world.project.slug)
    assert conflict_of(store, adding(again)) == "slug_taken"


@pytest.mark.parametrize("kept", ["url", "uuid"])
def test_a_repository_is_known_once_by_its_url_and_once_by_its_uuid(store: Store, world: World, kept: str) -> None:
    again = samples.repository(world.id, **{kept: getattr(world.repository, kept)})
    assert conflict_of(store, adding(again)) == "repository_known"


def test_many_repositories_may_lack_a_url_or_a_uuid(store: Store, world: World) -> None:
    for lacking in ("url", "uuid") * 2:
        keep(store, samples.repository(world.id, **{lacking: None}))


def test_a_repository_is_linked_once(store: Store, world: World) -> None:
    elsewhere = samples.project(world.id)
    keep(store, elsewhere)
    again = [samples.repository_link(world.id, world.repository.id, one.id) for one in (world.project, elsewhere)]
    codes = [conflict_of(store, adding(link)) for link in again]
    assert codes == ["repository_linked"] * 2
    assert stored(store, world.repository_link) == world.repository_link


def test_a_releases_name_is_taken_once_in_its_project_case_aside(store: Store, world: World) -> None:
    elsewhere = samples.project(world.id)
    first = samples.release(world.id, world.project.id, name="Maßarbeit")
    second = samples.release(world.id, world.project.id)
    keep(store, elsewhere, first, second)
    again = samples.release(world.id, world.project.id, name="MASSARBEIT")
    assert conflict_of(store, adding(again)) == "name_taken"
    assert conflict_of(store, lambda tx: tx.releases.save(evolve(second, name=again.name))) == "name_taken"
    keep(store, evolve(again, project_id=elsewhere.id))


def test_a_conflict_undoes_what_came_before_it(store: Store, world: World) -> None:
    fresh, again = samples.project(world.id), samples.project(world.id, slug=world.project.slug)
    assert conflict_of(store, adding(fresh, again)) == "slug_taken"
    assert is_absent(store, lambda tx: tx.projects.get(world.id, fresh.id))


@pytest.mark.parametrize("twin", ["identity", "delivery", "build", "entry"])
def test_a_row_that_must_be_the_only_one_is_refused_a_second_time_with_all_its_neighbours(
    store: Store, world: World, twin: str
) -> None:
    fresh = samples.delivery(world.id, world.key.id)
    changes = Changes(samples.NOW, new_deliveries=[fresh])
    if twin == "identity":
        changes.new_identities = [samples.identity(world.id, key=world.identity.key, ordinal=world.identity.ordinal)]
    if twin == "delivery":
        sent_as = world.delivery.provider_delivery_id
        changes.new_deliveries += [samples.delivery(world.id, world.key.id, provider_delivery_id=sent_as)]
    if twin == "build":
        changes.new_builds = [world.new_build(id=world.build.id)]
    if twin == "entry":
        changes.new_entries = [samples.entry(world.id, id=world.entry.id)]
    assert is_refused(lambda: store.write(lambda tx: tx.intake.save(changes)))
    assert is_absent(store, lambda tx: tx.deliveries.get(world.id, fresh.id))
    assert stored(store, world.build) == world.build
    assert stored(store, world.entry) == world.entry


def test_deliveries_without_a_senders_id_or_of_another_source_are_no_twins(store: Store, world: World) -> None:
    sent_as = world.delivery.provider_delivery_id
    fresh = [
        samples.delivery(world.id, world.key.id, source="github", provider_delivery_id=sent_as),
        samples.bare_delivery(world.id, world.id),
        samples.bare_delivery(world.id, world.id),
    ]
    keep(store, *fresh)
    assert [stored(store, one) for one in fresh] == fresh
