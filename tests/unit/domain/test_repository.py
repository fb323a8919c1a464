"""Which repository a report speaks of, and what reports teach about repositories."""

from __future__ import annotations

from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.repository import LinkKind, Repository, RepositoryLink, Resolution, resolve
from tests.unit.domain.examples import ANN, ORGANIZATION, START, number, repository

URLS = tuple(f"https://bitbucket.org/acme/{name}" for name in ("one", "two", "three"))
UUIDS = ("bitbucket:{1}", "bitbucket:{2}", "bitbucket:{3}")


@frozen
class World:
    """What is stored: repositories with unique URLs and unique UUIDs, each linked to one project at most."""

    repositories: tuple[Repository, ...]
    links: tuple[RepositoryLink, ...]

    def after(self, found: Resolution) -> tuple[Repository, ...]:
        """Return the repositories once a resolution was stored."""
        gone = {found.repository.id} | ({found.absorbed.id} if found.absorbed else set())
        return (*(r for r in self.repositories if r.id not in gone), found.repository)

    def owners(self, *repositories: Repository | None) -> set[int]:
        ids = {r.id for r in repositories if r}
        return {link.project_id.int for link in self.links if link.repository_id in ids}

    def resolve(self, fresh: Repository, *, verified: bool) -> Resolution | None:
        return resolve(fresh, self.repositories, self.links, verified=verified)


def link(repository_id: int, project: int) -> RepositoryLink:
    return RepositoryLink(ORGANIZATION, number(repository_id), number(project), LinkKind.DECLARED, ANN, START)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    facts = draw(
        st.lists(
            st.tuples(st.none() | st.sampled_from(URLS), st.none() | st.sampled_from(UUIDS)).filter(any), max_size=4
        )
    )
    seen: set[str] = set()
    rows: list[Repository] = []
    for url, uuid in facts:
        if not seen & {text for text in (url, uuid) if text}:
            seen |= {text for text in (url, uuid) if text}
            rows.append(repository(30 + len(rows), url, uuid))
    owners = draw(st.lists(st.none() | st.sampled_from([10, 11]), min_size=len(rows), max_size=len(rows)))
    links = tuple(link(row.id.int, owner) for row, owner in zip(rows, owners, strict=True) if owner)
    return World(tuple(draw(st.permutations(rows))), links)


fresh = st.builds(
    lambda url, uuid: repository(99, url, uuid), st.none() | st.sampled_from(URLS), st.none() | st.sampled_from(UUIDS)
)


@given(worlds(), fresh, st.booleans())
def test_a_report_speaks_of_a_repository_unless_it_names_none_that_it_may_make_known(
    world: World, told: Repository, verified: bool
) -> None:
    known_uuids = {r.uuid for r in world.repositories}
    nameless = told.url is None and (told.uuid is None or (not verified and told.uuid not in known_uuids))
    assert (world.resolve(told, verified=verified) is None) == nameless


@given(worlds(), fresh)
def test_an_unverified_report_finds_by_url_and_teaches_nothing(world: World, told: Repository) -> None:
    found = world.resolve(told, verified=False)
    if found is None:
        return
    assert (found.changed, found.absorbed) == (False, None)
    if found.known:
        assert found.repository in world.repositories
        assert (found.repository.url == told.url) if told.url else (found.repository.uuid == told.uuid)
    else:
        assert told.url not in {r.url for r in world.repositories}
        assert found.repository == evolve(told, uuid=None)


@given(worlds(), fresh)
def test_a_verified_report_means_the_repository_of_its_uuid_else_of_its_url_else_a_new_one(
    world: World, told: Repository
) -> None:
    found = world.resolve(told, verified=True)
    if found is None:
        return
    by_uuid = [r.id for r in world.repositories if told.uuid and r.uuid == told.uuid]
    by_url = [r.id for r in world.repositories if told.url and r.url == told.url]
    meant = {found.repository.id} | ({found.absorbed.id} if found.absorbed else set())
    assert meant >= set((by_uuid or by_url or [told.id])[:1])
    assert found.known == bool(by_uuid or by_url)
    assert found.changed == (found.known and found.repository not in world.repositories)


@given(worlds(), fresh, st.booleans())
def test_urls_and_uuids_stay_unique_whatever_is_reported(world: World, told: Repository, verified: bool) -> None:
    found = world.resolve(told, verified=verified)
    if found is None:
        return
    rows = world.after(found)
    for facts in ([r.url for r in rows if r.url], [r.uuid for r in rows if r.uuid], [r.id for r in rows]):
        assert len(set(facts)) == len(facts)
    assert all(r.url or r.uuid for r in rows)


@given(worlds(), fresh, st.booleans())
def test_the_same_report_again_finds_the_same_and_changes_nothing(
    world: World, told: Repository, verified: bool
) -> None:
    found = world.resolve(told, verified=verified)
    if found is None:
        return
    kept = [
        evolve(one, repository_id=found.repository.id)
        if found.absorbed and one.repository_id == found.absorbed.id
        else one
        for one in world.links
    ]
    again = resolve(evolve(told, id=number(98)), world.after(found), kept, verified=verified)
    assert again == Resolution(found.repository, known=True)


@given(worlds(), fresh)
def test_two_repositories_become_one_only_where_no_fact_and_no_project_is_lost(world: World, told: Repository) -> None:
    found = world.resolve(told, verified=True)
    if found is None or found.absorbed is None:
        return
    assert (found.repository.url, found.repository.uuid) == (told.url, told.uuid)
    assert (found.absorbed.url, found.absorbed.uuid) == (None, told.uuid)
    assert len(world.owners(found.repository, found.absorbed)) <= 1


@given(worlds(), fresh)
def test_two_repositories_stay_two_only_where_something_speaks_against_it(world: World, told: Repository) -> None:
    by_uuid = next((r for r in world.repositories if told.uuid and r.uuid == told.uuid), None)
    by_url = next((r for r in world.repositories if told.url and r.url == told.url), None)
    found = world.resolve(told, verified=True)
    if not by_uuid or not by_url or by_uuid.id == by_url.id:
        return
    assert found is not None
    against = by_uuid.url or by_url.uuid or len(world.owners(by_uuid, by_url)) > 1
    assert (found == Resolution(by_uuid, known=True)) == bool(against)


# --- examples to read -------------------------------------------------------------------------------------------------


def test_a_repository_keeps_its_row_and_takes_a_new_url_when_it_was_renamed() -> None:
    old = repository(30, URLS[0], UUIDS[0])
    renamed = evolve(old, url=repository(99, URLS[1]).url)
    found = resolve(repository(99, URLS[1], UUIDS[0]), [old], [], verified=True)
    assert found == Resolution(renamed, known=True, changed=True)


def test_a_repository_made_anew_under_its_url_takes_its_new_uuid() -> None:
    old = repository(30, URLS[0], UUIDS[0])
    found = resolve(repository(99, URLS[0], UUIDS[1]), [old], [], verified=True)
    assert found == Resolution(evolve(old, uuid=UUIDS[1]), known=True, changed=True)


def test_a_declared_url_and_a_uuid_seen_alone_are_joined_by_the_report_that_carries_both() -> None:
    declared, seen = repository(30, URLS[0]), repository(31, None, UUIDS[0])
    joined = Resolution(evolve(declared, uuid=UUIDS[0]), known=True, changed=True, absorbed=seen)
    told = repository(99, URLS[0], UUIDS[0])
    assert resolve(told, [declared, seen], [], verified=True) == joined
    assert resolve(told, [declared, seen], [link(30, 10), link(31, 10)], verified=True) == joined
    apart = Resolution(seen, known=True)
    assert resolve(told, [declared, seen], [link(30, 10), link(31, 11)], verified=True) == apart
    assert resolve(told, [declared, seen], [], verified=False) == Resolution(declared, known=True)


def test_a_repository_is_called_by_owner_and_name_else_by_its_providers_id() -> None:
    assert repository(30, URLS[0], UUIDS[0]).name == "acme/one"
    assert repository(30, None, UUIDS[0]).name == "{1}"
    assert evolve(repository(30, None, UUIDS[0]), uuid=None).name == ""
