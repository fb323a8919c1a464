"""Lists: their order, their pages, and what filters leave of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from lathe.application.lists import BuildFilter, EntryFilter, Place, ProjectFilter
from lathe.application.ports import Store
from lathe.domain.build import Build
from lathe.domain.project import Project
from lathe.domain.queue_entry import EntryStatus
from tests import samples
from tests.integration.store_contract.helpers import keep, keep_changed, walk
from tests.integration.store_contract.world import World
from tests.samples import NOW

ROWS = 23


def times() -> list[Any]:
    """Return times of creation, out of order and many of them equal to the microsecond."""
    return [NOW + timedelta(microseconds=n * 7 % 5) for n in range(ROWS)]


def place(row: Any) -> Place:
    return Place(row.created_at, row.id)


def newest_first(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)


# --- order and pages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4, ROWS + 1, 200])
def test_a_walk_over_projects_shows_each_once_newest_first(store: Store, world: World, size: int) -> None:
    fresh = [samples.project(world.id, created_at=time) for time in times()]
    keep(store, *fresh)
    found = walk(
        lambda n, after: store.read(lambda tx: tx.projects.page(world.id, ProjectFilter(), n, after)), size, place
    )
    assert found == newest_first([*fresh, world.project])


@pytest.mark.parametrize("size", [1, 4, ROWS + 1, 200])
def test_a_walk_over_releases_shows_each_once_newest_first(store: Store, world: World, size: int) -> None:
    fresh = [samples.release(world.id, world.project.id, created_at=time) for time in times()]
    keep(store, *fresh)
    found = walk(
        lambda n, after: store.read(lambda tx: tx.releases.page(world.id, world.project.id, n, after)), size, place
    )
    assert found == newest_first([*fresh, world.release])
    assert store.read(lambda tx: tx.releases.of_project(world.id, world.project.id)) == found


@pytest.mark.parametrize("size", [1, 4, ROWS + 1, 200])
def test_a_walk_over_builds_shows_each_once_newest_first_and_no_withdrawn_one(
    store: Store, world: World, size: int
) -> None:
    fresh = [world.new_build(created_at=time) for time in times()]
    keep(store, *fresh, world.new_build(withdrawn=True))
    found = walk(lambda n, after: store.read(lambda tx: tx.builds.page(world.id, BuildFilter(), n, after)), size, place)
    assert found == newest_first([*fresh, world.build])


@pytest.mark.parametrize("size", [1, 4, ROWS + 1, 200])
def test_a_walk_over_the_queue_shows_each_pending_entry_once_newest_first(
    store: Store, world: World, size: int
) -> None:
    fresh = [samples.entry(world.id, created_at=time) for time in times()]
    keep(store, *fresh, samples.rejected_entry(world.id))
    found = walk(
        lambda n, after: store.read(lambda tx: tx.entries.page(world.id, EntryFilter(), n, after)), size, place
    )
    assert found == newest_first([*fresh, world.entry])


def test_a_walk_shows_no_row_twice_and_misses_none_while_newer_ones_come_and_others_go(
    store: Store, world: World
) -> None:
    fresh = [world.new_build(created_at=time) for time in times()]
    keep(store, *fresh)

    def page(size: int, after: Place | None) -> list[Build]:
        found = store.read(lambda tx: tx.builds.page(world.id, BuildFilter(), size, after))
        keep(store, world.new_build(created_at=samples.LATER))
        if after is None:
            keep_changed(store, evolve(found[-1], withdrawn=True))
        return found

    assert walk(page, 4, place) == newest_first([*fresh, world.build])


def test_a_place_needs_no_row(store: Store, world: World) -> None:
    before, after = Place(world.build.created_at, UUID(int=0)), Place(world.build.created_at, UUID(int=2**128 - 1))
    assert store.read(lambda tx: tx.builds.page(world.id, BuildFilter(), 10, before)) == []
    assert store.read(lambda tx: tx.builds.page(world.id, BuildFilter(), 10, after)) == [world.build]


def test_all_projects_come_by_name_case_aside(store: Store, world: World) -> None:
    names = ["beta", "Alpha", "alpha 2", "Zeta", "äther", "ALPHA 10", "Éclair", "💸", "_x"]
    fresh = [samples.project(world.id, name=name) for name in names]
    keep(store, *fresh)
    wanted = sorted([*fresh, world.project], key=lambda project: project.name.casefold())
    assert store.read(lambda tx: tx.projects.all(world.id)) == wanted


def test_organizations_come_by_slug(store: Store, world: World, other: World) -> None:
    found = store.read(lambda tx: tx.organizations.all())
    assert found == sorted(found, key=lambda organization: organization.slug)
    assert {world.organization, other.organization} <= set(found)


def test_members_come_by_email_and_memberships_by_slug(store: Store, world: World, other: World) -> None:
    member = samples.member(world.id, other.user.id)
    keep(store, member)
    both = sorted([(world.user, world.member), (other.user, member)], key=lambda pair: pair[0].email)
    assert store.read(lambda tx: tx.users.members(world.id)) == both
    mine = sorted([(world.organization, member), (other.organization, other.member)], key=lambda pair: pair[0].slug)
    assert store.read(lambda tx: tx.users.memberships(other.user.id)) == mine


def test_repositories_of_projects_come_by_the_age_of_their_link(store: Store, world: World) -> None:
    project, bare = samples.project(world.id), samples.project(world.id)
    repositories = [samples.repository(world.id) for _ in range(4)]
    links = [
        samples.repository_link(world.id, repository.id, project.id, linked_at=NOW + timedelta(microseconds=n * 3 % 4))
        for n, repository in enumerate(repositories)
    ]
    keep(store, project, bare, *repositories)
    keep(store, *links)
    wanted = sorted(zip(repositories, links, strict=True), key=lambda pair: pair[1].linked_at)
    both = store.read(lambda tx: tx.repositories.of_projects(world.id, [project.id, bare.id, world.project.id]))
    assert both == {project.id: wanted, world.project.id: [(world.repository, world.repository_link)]}


def test_some_are_those_of_the_ids_that_are_there(store: Store, world: World) -> None:
    nobody = samples.new_id()
    assert store.read(lambda tx: tx.projects.some(world.id, {world.project.id, nobody})) == {
        world.project.id: world.project
    }
    assert store.read(lambda tx: tx.releases.some(world.id, [nobody, world.release.id])) == {
        world.release.id: world.release
    }
    assert store.read(lambda tx: tx.repositories.find_links(world.id, [nobody, world.repository.id])) == {
        world.repository.id: world.repository_link
    }
    assert store.read(lambda tx: tx.repositories.find_links(world.id, set())) == {}


def test_decisions_come_last_one_first_without_selections_of_a_project(store: Store, world: World) -> None:
    def at(minutes: int) -> dict[str, Any]:
        return {"decided_at": NOW + timedelta(minutes=minutes), "created_at": NOW - timedelta(minutes=minutes)}

    rejected = samples.rejected_entry(world.id, **at(1))
    assigned = samples.assigned_entry(world.id, world.build, **at(2))
    selected = samples.entry(world.id, project_id=world.project.id, decided_by=samples.actor(), **at(3))
    keep(store, rejected, assigned, selected)
    assert store.read(lambda tx: tx.entries.decided(world.id, 10)) == [assigned, rejected]
    assert store.read(lambda tx: tx.entries.decided(world.id, 1)) == [assigned]


def test_deliveries_of_a_build_or_entry_come_newest_first_and_without_bodies(store: Store, world: World) -> None:
    def delivery(minutes: int, **about: Any) -> Any:
        return samples.delivery(world.id, world.key.id, received_at=NOW + timedelta(minutes=minutes), **about)

    of_build, of_entry = delivery(2, build_id=world.build.id), delivery(1, entry_id=world.entry.id)
    keep(store, of_build, of_entry, delivery(3))
    bare = [evolve(one, body=b"") for one in (of_build, world.delivery, of_entry)]
    assert store.read(lambda tx: tx.deliveries.of_subject(world.id, build_id=world.build.id)) == bare[:2]
    assert store.read(lambda tx: tx.deliveries.of_subject(world.id, entry_id=world.entry.id)) == [bare[2], bare[1]]
    assert store.read(lambda tx: tx.deliveries.of_subject(world.id, build_id=world.build.id, limit=1)) == bare[:1]


def test_the_last_deliveries_come_by_their_ids_without_bodies(store: Store, world: World) -> None:
    fresh = [samples.delivery(world.id, world.key.id) for _ in range(3)]
    keep(store, *fresh)
    last_first = sorted((world.delivery, *fresh), key=lambda one: one.id, reverse=True)
    bare = [evolve(one, body=b"") for one in last_first]
    assert store.read(lambda tx: tx.deliveries.newest(world.id, 10)) == bare
    assert store.read(lambda tx: tx.deliveries.newest(world.id, 2)) == bare[:2]


def test_keys_and_hooks_come_newest_first_revoked_ones_included(store: Store, world: World) -> None:
    later = NOW + timedelta(minutes=1)
    key = samples.key(world.id, created_at=later).revoked(later)
    hook = samples.hook(world.id, created_at=later).revoked(later)
    keep(store, key, hook)
    assert store.read(lambda tx: tx.keys.all(world.id)) == [key, world.key]
    assert store.read(lambda tx: tx.hooks.all(world.id)) == [hook, world.hook]


# --- filters ----------------------------------------------------------------------------------------------------------

COMMIT = "C0FFEEc0519ffd1562461eb82e018ff62efffbc9"


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("pay", {"Pay API", "PAY_2", "pay%x"}),
        ("PAY_", {"PAY_2"}),
        ("pay%", {"pay%x"}),
        ("%", set()),
        ("_", set()),
        ("api", set()),
        ("strasse", {"Straße"}),
        ("STRAß", {"Straße"}),
        ("back\\s", {"Back\\Slash"}),
        ("*", set()),
        ("[", set()),
        ("💸", {"💸 Pay"}),
    ],
)
def test_projects_are_searched_by_the_beginning_of_their_name(
    store: Store, world: World, q: str, found: set[str]
) -> None:
    names = ["Pay API", "PAY_2", "pay%x", "Straße", "Back\\Slash", "💸 Pay"]
    organization = samples.organization()
    keep(store, organization)
    keep(store, *(samples.project(organization.id, name=name) for name in names))
    rows = store.read(lambda tx: tx.projects.page(organization.id, ProjectFilter(q), 100, None))
    assert {row.name for row in rows} == found


def test_archived_projects_are_listed_apart_unless_both_kinds_are_wanted(store: Store, world: World) -> None:
    archived = samples.project(world.id, created_at=NOW + timedelta(minutes=1), archived_at=NOW)
    keep(store, archived)

    def listed(wanted: ProjectFilter) -> list[Project]:
        return store.read(lambda tx: tx.projects.page(world.id, wanted, 10, None))

    assert listed(ProjectFilter()) == [world.project]
    assert listed(ProjectFilter(archived=True)) == [archived]
    assert listed(ProjectFilter(archived=None)) == [archived, world.project]
    assert set(store.read(lambda tx: tx.projects.all(world.id))) == {archived, world.project}


FACTS_FILTERS: list[tuple[dict[str, Any], bool]] = [
    ({"branch": "release/2.4"}, True),
    ({"branch": "Release/2.4"}, False),
    ({"branch": "release"}, False),
    ({"branch": "release/2_4"}, False),
    ({"source": "jenkins"}, True),
    ({"source": "jenk"}, False),
    ({"commit": "c0ff"}, True),
    ({"commit": COMMIT.lower()}, True),
    ({"commit": "ffee"}, False),
    ({"commit": "c0f_"}, False),
    ({"q": "naechtlicher"}, False),
    ({"q": "NÄCHTLICHER"}, True),
    ({"q": "lauf"}, False),
    ({"q": "4711"}, True),
    ({"q": "711"}, False),
    ({"q": "RELEASE/"}, True),
    ({"q": "RC-9"}, True),
    ({"q": "c0ffee"}, True),
    ({"q": "%"}, False),
    ({"q": "release/2_"}, False),
    ({"q": "4711", "branch": "release/2.4", "commit": "C0F", "source": "jenkins"}, True),
    ({"q": "4711", "source": "github"}, False),
]
each_filter = pytest.mark.parametrize(("wanted", "matches"), FACTS_FILTERS, ids=str)


def searched() -> Any:
    return samples.facts(
        name="Nächtlicher Lauf",
        build_number="4711",
        branch="release/2.4",
        tag="rc-9.1",
        commit_sha=COMMIT,
        source="jenkins",
    )


@each_filter
def test_builds_are_filtered_by_their_facts(store: Store, world: World, wanted: dict[str, Any], matches: bool) -> None:
    build = world.new_build(facts=searched())
    keep(store, build, world.new_build(facts=samples.bare_facts()))
    rows = store.read(lambda tx: tx.builds.page(world.id, BuildFilter(**wanted), 100, None))
    assert rows == ([build] if matches else [])


@each_filter
def test_entries_are_filtered_by_their_facts(store: Store, world: World, wanted: dict[str, Any], matches: bool) -> None:
    entry = samples.entry(world.id, facts=searched())
    keep(store, entry, samples.bare_entry(world.id))
    rows = store.read(lambda tx: tx.entries.page(world.id, EntryFilter(**wanted), 100, None))
    assert rows == ([entry] if matches else [])


def test_builds_are_filtered_by_project_and_release(store: Store, world: World) -> None:
    project = samples.project(world.id)
    release = samples.release(world.id, project.id)
    keep(store, project, release)
    build = samples.build(world.id, project.id, release.id)
    keep(store, build)

    def read(**wanted: Any) -> list[Any]:
        return store.read(lambda tx: tx.builds.page(world.id, BuildFilter(**wanted), 9, None))

    assert read(project_id=project.id) == [build]
    assert read(release_id=release.id) == [build]
    assert read(project_id=world.project.id) == [world.build]
    assert read(project_id=project.id, release_id=world.release.id) == []


def test_entries_are_filtered_by_status_and_project(store: Store, world: World) -> None:
    rejected, assigned = samples.rejected_entry(world.id), samples.assigned_entry(world.id, world.build)
    keep(store, rejected, assigned)

    def read(**wanted: Any) -> list[Any]:
        return store.read(lambda tx: tx.entries.page(world.id, EntryFilter(**wanted), 9, None))

    assert read() == [world.entry]
    assert read(status=EntryStatus.REJECTED) == [rejected]
    assert read(status=EntryStatus.ASSIGNED, project_id=world.project.id) == [assigned]
    assert read(status=None) == newest_first([rejected, assigned, world.entry])
    assert read(status=None, project_id=samples.new_id()) == []
