"""Loading a batch: all that deciding needs, over several organizations at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from attrs import asdict, evolve

from lathe.adapters.memory.clock import SettableClock
from lathe.application.intake import Known, Presented, Wanted
from lathe.application.ports import Store
from lathe.domain.delivery import CredentialKind
from lathe.domain.identity import Identity, IdentityKey, repository_scope
from lathe.domain.project import LinkedProject
from lathe.domain.release import ReleaseState
from lathe.domain.repo_url import RepoUrl
from lathe.domain.text import words
from tests import samples
from tests.integration.store_contract.helpers import keep, keep_changed
from tests.integration.store_contract.world import World


def wanted(world: World, **facts: Any) -> Wanted:
    """Return what a delivery with the organization's hook wants."""
    presented = Presented(CredentialKind.HOOK, hook_id=world.hook.id)
    return evolve(Wanted(presented, "bitbucket"), **facts)


def loaded(store: Store, *items: Wanted) -> Known:
    return store.write(lambda tx: tx.intake.load(items))


def ids(rows: Iterable[Any]) -> set[UUID]:
    return {row.id for row in rows}


def project_ids(known: Known) -> set[UUID]:
    return {one.project.id for one in known.projects}


def of_repository(world: World, **changes: Any) -> Identity:
    """Return an identity, not stored, of the organization's repository."""
    key = IdentityKey("bitbucket", repository_scope(world.repository.id), "run:7")
    return samples.identity(world.id, **{"key": key} | changes)


def test_an_empty_batch_loads_nothing_but_the_time(store: Store, clock: SettableClock) -> None:
    known = loaded(store)
    assert known.now == clock.now()
    assert [rows for rows in asdict(known, recurse=False).values() if rows and rows != clock.now()] == []


def test_the_clock_is_read_while_loading(store: Store, world: World, clock: SettableClock) -> None:
    later = clock.advance()
    assert loaded(store, wanted(world)).now == later


def test_a_delivery_that_came_before_is_loaded_without_its_body_and_with_what_it_made(
    store: Store, world: World
) -> None:
    known = loaded(store, wanted(world, delivery_id=world.delivery.provider_delivery_id))
    assert list(known.deliveries) == [evolve(world.delivery, body=b"")]
    assert list(known.builds) == [world.build]
    assert list(known.entries) == [world.entry]
    assert world.project.id in project_ids(known)
    assert world.release in known.releases


def test_a_delivery_of_another_source_is_another_delivery(store: Store, world: World) -> None:
    item = wanted(world, delivery_source="github", delivery_id=world.delivery.provider_delivery_id)
    assert list(loaded(store, item).deliveries) == []


def test_a_repository_is_found_by_url_and_by_uuid_with_its_link_and_its_whole_project(
    store: Store, world: World
) -> None:
    second = samples.repository(world.id)
    keep(store, second, samples.repository_link(world.id, second.id, world.project.id))
    for facts in ({"url": world.repository.url}, {"uuid": world.repository.uuid}):
        known = loaded(store, wanted(world, **facts))
        assert world.repository in known.repositories
        assert world.repository_link in known.links
        whole = {one.project: ids(one.repositories) for one in known.projects}
        assert whole[world.project] == {world.repository.id, second.id}
        assert world.release in known.releases


def test_a_url_and_a_uuid_of_two_repositories_find_both(store: Store, world: World) -> None:
    by_url, by_uuid = samples.repository(world.id, uuid=None), samples.repository(world.id, url=None)
    keep(store, by_url, by_uuid)
    known = loaded(store, wanted(world, url=by_url.url, uuid=by_uuid.uuid))
    assert ids(known.repositories) >= {by_url.id, by_uuid.id}


def test_identities_are_found_in_the_scope_of_every_repository_and_in_the_given_one(store: Store, world: World) -> None:
    second = samples.repository(world.id, url=None)
    elsewhere = IdentityKey("bitbucket", repository_scope(second.id), "run:7")
    by_name = IdentityKey("bitbucket", "name:pay", "run:7")
    wanted_ones = [of_repository(world), of_repository(world, ordinal=1, commit_sha="fff")]
    wanted_ones += [samples.identity(world.id, key=key) for key in (elsewhere, by_name)]
    keep(store, second, *wanted_ones)
    named = {"url": world.repository.url, "uuid": second.uuid, "scope": "name:pay"}
    known = loaded(store, wanted(world, source="bitbucket", run_key="run:7", **named))
    assert set(known.identities) >= set(wanted_ones)


def test_an_identity_brings_its_build_and_its_entry_with_their_projects_and_releases(
    store: Store, world: World
) -> None:
    project = samples.project(world.id, name="Zebra")
    closed = samples.release(world.id, project.id, state=ReleaseState.CLOSED)
    build = samples.build(world.id, project.id, closed.id)
    waiting = samples.project(world.id, name="Yak")
    active = samples.release(world.id, waiting.id)
    entry = samples.entry(world.id, project_id=waiting.id)
    keep(store, project, closed, build, waiting, active, entry)
    keep(store, of_repository(world, build_id=build.id, entry_id=entry.id))
    item = wanted(world, source="bitbucket", run_key="run:7", url=world.repository.url)
    known = loaded(store, item)
    assert build in known.builds
    assert entry in known.entries
    assert project_ids(known) >= {project.id, waiting.id}
    assert {closed, active} <= set(known.releases)


def test_every_project_that_a_name_could_fit_is_a_candidate(store: Store, world: World) -> None:
    names = ["Pay API", "pay_api service", "API", "The Pay API", "Checkout", "apis", "Pay"]
    projects = {name: samples.project(world.id, name=name, slug=samples.unique("zz")) for name in names}
    by_slug = samples.project(world.id, name="Abrechnung", slug="pay-api-2")
    linked, repository = samples.project(world.id, name="Kasse"), samples.repository(world.id)
    repository = evolve(repository, url=samples.repo_url("any/legacy-pay-api"))
    keep(store, *projects.values(), by_slug, linked, repository)
    keep(store, samples.repository_link(world.id, repository.id, linked.id))
    known = loaded(store, wanted(world, name=words("pay-api")))
    fits = ids([*(projects[n] for n in ("Pay API", "pay_api service", "API", "The Pay API", "Pay")), by_slug, linked])
    assert project_ids(known) >= fits
    found = store.read(lambda tx: tx.projects.candidates(world.id, None, None, words("pay-api")))
    assert {one.project.id for one in found} >= fits
    assert LinkedProject(linked, (repository,)) in found
    assert LinkedProject(linked, (repository,)) in known.projects


def test_further_names_of_the_batch_find_repositories_their_identities_and_projects_of_their_names(
    store: Store, world: World
) -> None:
    unlinked = samples.repository(world.id, url=samples.repo_url("acme/kiosk-web"), uuid=samples.unique("bitbucket:"))
    kiosk = samples.project(world.id, name="Kiosk Web", slug=samples.unique("kiosk"))
    key = IdentityKey("bitbucket", repository_scope(unlinked.id), "run:7")
    identity = samples.identity(world.id, key=key)
    keep(store, unlinked, kiosk, identity)
    also: list[frozenset[RepoUrl | str]] = [frozenset({unlinked.url or ""}), frozenset({unlinked.uuid or ""})]
    for names in also:
        known = loaded(store, wanted(world, source="bitbucket", run_key="run:7", also=names))
        assert unlinked.id in ids(known.repositories)
        assert identity.id in ids(known.identities)
        assert kiosk.id in project_ids(known)


def test_projects_and_releases_that_a_report_names_are_loaded_in_any_state(store: Store, world: World) -> None:
    project = samples.project(world.id, name="Zebra")
    planned, active = samples.bare_release(world.id, project.id), samples.release(world.id, project.id)
    keep(store, project, planned, active)
    by_project = loaded(store, wanted(world, project_id=project.id))
    assert project.id in project_ids(by_project)
    assert active in by_project.releases
    by_release = loaded(store, wanted(world, release_id=planned.id))
    assert project.id in project_ids(by_release)
    assert {planned, active} <= set(by_release.releases)


def test_ids_that_do_not_exist_load_nothing(store: Store, world: World) -> None:
    known = loaded(store, wanted(world, project_id=samples.new_id(), release_id=samples.new_id()))
    assert (list(known.projects), list(known.releases)) == ([], [])


def test_a_batch_over_two_organizations_loads_each_row_once(store: Store, world: World, other: World) -> None:
    items = [
        wanted(one, url=one.repository.url, delivery_id=one.delivery.provider_delivery_id, project_id=one.project.id)
        for one in (world, other, world)
    ]
    known = loaded(store, *items)
    for one in (world, other):
        assert one.repository in known.repositories
        assert one.delivery.id in ids(known.deliveries)
        assert one.build in known.builds
        assert one.entry in known.entries
        assert one.project.id in project_ids(known)
    for rows in (known.deliveries, known.builds, known.entries, known.repositories, known.releases):
        assert len(rows) == len(ids(rows))
    assert len(known.projects) == len(project_ids(known))


def test_a_hundred_deliveries_are_loaded_in_one_set(store: Store, world: World) -> None:
    repositories = [samples.repository(world.id) for _ in range(100)]
    keep(store, *repositories)
    known = loaded(store, *(wanted(world, url=one.url, uuid=one.uuid, name=("pay",)) for one in repositories))
    assert ids(known.repositories) >= ids(repositories)


def test_changes_of_the_same_transaction_are_loaded(store: Store, world: World) -> None:
    renamed = evolve(world.project, name="Zebra crossing")
    keep_changed(store, renamed)
    known = loaded(store, wanted(world, name=("zebra",)))
    assert LinkedProject(renamed, (world.repository,)) in known.projects
