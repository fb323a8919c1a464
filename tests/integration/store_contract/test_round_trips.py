"""What is stored comes back equal, field by field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from lathe.adapters.memory.clock import SettableClock
from lathe.application.ports import Store, Transaction
from lathe.domain.api_key import Scope
from lathe.domain.branch_pattern import BranchPattern
from lathe.domain.build import Build
from lathe.domain.build_report import BuildStatus
from lathe.domain.delivery import CredentialKind, DeliveryStatus
from lathe.domain.hook import Provider
from lathe.domain.organization import Organization, Role, User
from lathe.domain.placement import Outcome, Placement
from lathe.domain.project import Files
from lathe.domain.queue_entry import Rejection, RejectReason
from lathe.domain.release import ReleaseState
from lathe.domain.repository import LinkKind
from lathe.domain.session import LinkPurpose
from lathe.domain.steps import Reason, ReasonCode
from tests import samples
from tests.integration.store_contract.helpers import keep, keep_changed, locked, stored
from tests.integration.store_contract.world import World

NAMES = [
    "Größe ‘L’",
    "💸 Pay 👩‍👩‍👧",
    "דוח בנייה",
    "الإصدار ٢٫٤",
    "O'Neill; DROP TABLE builds; --",
    'double " quotes \\ and \\u0000 in words',
    "100% _done_",
    "ſtraße İstanbul",
    "x" * 255,
    "💸" * 255,
    "e\u0301 stays decomposed",
]
each_name = pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))


@pytest.mark.parametrize("sample", [samples.organization, samples.bare_organization])
def test_an_organization_comes_back(store: Store, sample: Callable[[], Organization]) -> None:
    organization = sample()
    keep(store, organization)
    assert stored(store, organization) == organization
    assert store.read(lambda tx: tx.organizations.find_by_slug(organization.slug)) == organization


def test_a_saved_organization_comes_back_changed(store: Store, world: World) -> None:
    changed = evolve(
        world.organization, name="Acme & Sons", allow_org_id=False, confirm_name_matches=False, rate_limit=1
    )
    keep_changed(store, changed)
    assert stored(store, world.organization) == locked(store, world.organization) == changed


@pytest.mark.parametrize("sample", [samples.user, samples.bare_user])
def test_a_person_comes_back_and_can_be_changed(store: Store, sample: Callable[[], User]) -> None:
    user = sample()
    keep(store, user)
    assert stored(store, user) == user
    assert store.read(lambda tx: tx.users.find_by_email(user.email)) == user
    changed = evolve(user, name="Ada L.", password_hash="$argon2id$other")
    keep_changed(store, changed)
    assert stored(store, user) == changed


@pytest.mark.parametrize("role", Role)
def test_a_member_comes_back_in_each_role_and_a_second_joining_changes_it(
    store: Store, world: World, role: Role
) -> None:
    member = samples.member(world.id, world.user.id, role=role, since=samples.LATER)
    keep(store, member)
    assert store.read(lambda tx: tx.users.member(world.id, world.user.id)) == member
    assert store.read(lambda tx: tx.users.members(world.id)) == [(world.user, member)]
    assert store.read(lambda tx: tx.users.memberships(world.user.id)) == [(world.organization, member)]


def test_a_session_comes_back_and_lasts_until_it_is_removed(store: Store, world: World) -> None:
    session = samples.session(world.user.id)
    keep(store, session)
    assert stored(store, session) == session
    seen = session.seen(samples.LATER)
    keep_changed(store, seen)
    assert stored(store, session) == seen
    store.write(lambda tx: tx.sessions.remove(session.token_hash))
    assert stored(store, session) is None


def test_removing_all_sessions_of_a_person_leaves_those_of_others(store: Store, world: World, other: World) -> None:
    mine = [samples.session(world.user.id) for _ in range(2)]
    foreign = samples.session(other.user.id)
    keep(store, *mine, foreign)
    store.write(lambda tx: tx.sessions.remove_all(world.user.id))
    assert [stored(store, session) for session in (*mine, foreign)] == [None, None, foreign]


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_a_one_time_link_comes_back_for_each_purpose(store: Store, world: World, purpose: LinkPurpose) -> None:
    for link in (samples.link(world.id, world.user.id, purpose=purpose), samples.bare_link(purpose=purpose)):
        keep(store, link)
        assert locked(store, link) == link
        used = link.used(samples.LATER)
        keep_changed(store, used)
        assert stored(store, link) == used


def test_forgetting_a_persons_links_of_one_purpose_leaves_all_others(store: Store, world: World) -> None:
    password, other = (samples.link(world.id, world.user.id, purpose=LinkPurpose.PASSWORD) for _ in range(2))
    join = samples.link(world.id, world.user.id, purpose=LinkPurpose.JOIN)
    nobodys = samples.bare_link(purpose=LinkPurpose.PASSWORD)
    keep(store, password, other, join, nobodys)
    store.write(lambda tx: tx.links.remove(LinkPurpose.PASSWORD, world.user.id))
    assert [stored(store, link) for link in (password, other, join, nobodys)] == [None, None, join, nobodys]


def test_forgetting_set_up_links_leaves_all_others(store: Store, world: World) -> None:
    setup, password = samples.bare_link(), samples.link(world.id, world.user.id, purpose=LinkPurpose.PASSWORD)
    keep(store, setup, password)
    store.write(lambda tx: tx.links.remove(LinkPurpose.SETUP, None))
    assert stored(store, setup) is None
    assert stored(store, password) == password


@pytest.mark.parametrize("files", Files)
def test_a_project_comes_back_and_can_be_changed(store: Store, world: World, files: Files) -> None:
    project = samples.project(world.id, files=files)
    keep(store, project)
    assert stored(store, project) == project
    assert store.read(lambda tx: tx.projects.find_by_slug(world.id, project.slug)) == project
    changed = evolve(project, name=samples.unique("Other"), files=Files.SUCCESSFUL, archived_at=samples.LATER)
    keep_changed(store, changed)
    assert stored(store, project) == locked(store, project) == changed
    assert store.read(lambda tx: tx.projects.some(world.id, [project.id])) == {project.id: changed}


@pytest.mark.parametrize("lacking", [(), ("uuid", "source"), ("url",)], ids=str)
def test_a_repository_comes_back_whatever_is_known_of_it(store: Store, world: World, lacking: tuple[str, ...]) -> None:
    url = samples.repo_url(f"gruppe/straße/{samples.unique('pay api')}", host="git.example.com")
    repository = samples.repository(world.id, **{"url": url} | dict.fromkeys(lacking))
    keep(store, repository)
    assert stored(store, repository) == repository
    found = store.read(lambda tx: tx.repositories.find_by_url(world.id, url))
    assert found == (repository if repository.url else None)


@pytest.mark.parametrize("kind_of_link", LinkKind)
def test_a_repository_link_comes_back_and_can_be_revoked(store: Store, world: World, kind_of_link: LinkKind) -> None:
    repository = samples.repository(world.id)
    link = samples.repository_link(world.id, repository.id, world.project.id, kind=kind_of_link)
    keep(store, repository)
    for one in (evolve(link, entry_id=world.entry.id), evolve(link, linked_by=samples.bare_actor())):
        keep(store, one)
        assert stored(store, one) == one
        store.write(lambda tx: tx.repositories.unlink(world.id, repository.id))
        assert stored(store, one) is None


@pytest.mark.parametrize("state", ReleaseState)
def test_a_release_comes_back_in_each_state_with_its_patterns_in_order(
    store: Store, world: World, state: ReleaseState
) -> None:
    patterns = tuple(BranchPattern(text) for text in ("z", "a", "release/**", "v2.*", "💸/'\"\\"))
    for release in (
        samples.release(world.id, world.project.id, state=state, branch_patterns=patterns),
        samples.bare_release(world.id, world.project.id, state=state),
    ):
        keep(store, release)
        assert locked(store, release) == release
        changed = evolve(release, name=samples.unique("3.0"), branch_patterns=patterns[:1], closed_at=samples.LATER)
        keep_changed(store, changed)
        assert stored(store, release) == changed


@pytest.mark.parametrize("status", BuildStatus)
def test_a_build_comes_back_full_and_bare(store: Store, world: World, status: BuildStatus) -> None:
    full = evolve(world.build, id=samples.new_id(), facts=samples.facts(status=status), withdrawn=True)
    bare = samples.bare_build(world.id, world.project.id, world.release.id)
    for build in (full, bare):
        keep(store, build)
        assert locked(store, build) == build
    both = {full.id: full, bare.id: bare}
    assert store.read(lambda tx: tx.builds.some(world.id, [*both, samples.new_id()])) == both


def test_a_saved_build_comes_back_changed_in_every_field_that_may_change(store: Store, world: World) -> None:
    elsewhere = samples.release(world.id, world.project.id)
    keep(store, elsewhere)
    changed = evolve(
        world.build.filed_under(world.project.id, elsewhere.id),
        facts=samples.facts(status=BuildStatus.FAILED, author=None, finished_at=None, name="Renamed 💸"),
        placement=samples.waiting_placement(),
        verified=False,
        withdrawn=True,
        repository_id=None,
        identity_id=None,
        entry_id=None,
    )
    keep_changed(store, changed)
    assert stored(store, world.build) == changed


def test_a_queue_entry_comes_back_in_each_state(store: Store, world: World) -> None:
    by = {"project_id": world.project.id, "placed_project_id": world.project.id, "identity_id": world.identity.id}
    for entry in (
        samples.entry(world.id, repository_id=world.repository.id, **by),
        samples.bare_entry(world.id),
        samples.assigned_entry(world.id, world.build),
        samples.rejected_entry(world.id),
        samples.rejected_entry(world.id, rejection=Rejection(RejectReason.BROKEN)),
    ):
        keep(store, entry)
        assert locked(store, entry) == entry


def test_a_queue_entry_comes_back_after_each_decision_and_its_undoing(store: Store, world: World) -> None:
    entry = samples.entry(world.id)
    keep(store, entry)
    assigned = samples.assigned_entry(world.id, world.build, id=entry.id)
    for state in (assigned, assigned.undone(), samples.rejected_entry(world.id, id=entry.id), entry):
        keep_changed(store, state)
        assert stored(store, entry) == state


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("code", ReasonCode)
def test_a_placement_comes_back_with_each_outcome_and_reason(
    store: Store, world: World, outcome: Outcome, code: ReasonCode
) -> None:
    placement = samples.waiting_placement(outcome=outcome, reason=Reason(code, "weil “so” 💸"))
    entry = samples.entry(world.id, placement=placement, reason=placement.reason)
    keep(store, entry)
    assert stored(store, entry) == entry


@pytest.mark.parametrize("status", BuildStatus)
def test_an_identity_comes_back_and_can_be_changed(store: Store, world: World, status: BuildStatus) -> None:
    for identity in (
        samples.identity(world.id, status=status, ordinal=3, build_id=world.build.id, entry_id=world.entry.id),
        samples.bare_identity(world.id, status=status),
    ):
        keep(store, identity)
        assert locked(store, identity) == identity
        changed = evolve(
            identity, status=BuildStatus.STOPPED, updated_at=samples.LATER, commit_sha="abc", verified=True
        )
        keep_changed(store, changed)
        assert stored(store, identity) == changed


@pytest.mark.parametrize("status", DeliveryStatus)
@pytest.mark.parametrize("credential", CredentialKind)
def test_a_delivery_comes_back_byte_by_byte(
    store: Store, world: World, status: DeliveryStatus, credential: CredentialKind
) -> None:
    about = {"build_id": world.build.id, "entry_id": world.entry.id}
    placed = samples.placement(steps=samples.placement().steps * 3)
    for delivery in (
        samples.delivery(world.id, world.key.id, status=status, credential=credential, placement=placed, **about),
        samples.bare_delivery(world.id, world.id, status=status, credential=credential),
        samples.bare_delivery(world.id, world.id, body=bytes(range(256)) * 4096),
        samples.delivery(world.id, world.id, placement=Placement(Outcome.IGNORED, ())),
    ):
        keep(store, delivery)
        assert stored(store, delivery) == delivery


def test_an_api_key_comes_back_with_each_scope(store: Store, world: World) -> None:
    keys = [samples.key(world.id), samples.bare_key(world.id)]
    keys += [samples.key(world.id, scopes=frozenset({scope})) for scope in Scope]
    for key in keys:
        keep(store, key)
        assert locked(store, key) == key


@pytest.mark.parametrize("provider", Provider)
def test_a_hook_comes_back_and_its_secrets_can_be_rotated(store: Store, world: World, provider: Provider) -> None:
    for hook in (samples.hook(world.id, provider=provider), samples.bare_hook(world.id, provider=provider)):
        keep(store, hook)
        assert stored(store, hook) == hook
        changed = hook.rotated(b"\xffnew\x00", samples.LATER).revoked(samples.LATER)
        keep_changed(store, changed)
        assert locked(store, hook) == changed


@each_name
def test_every_text_comes_back_as_it_was_written(store: Store, world: World, name: str) -> None:
    project = samples.project(world.id, name=name)
    release = samples.release(world.id, project.id, name=name, branch_patterns=(BranchPattern(name.replace(" ", "-")),))
    facts = samples.facts(name=name, branch=name, tag=name, author=name, build_number=name, commit_sha=name[:64])
    build = samples.build(world.id, project.id, release.id, facts=facts)
    keep(store, project, release, build)
    assert stored(store, project) == project
    assert stored(store, release) == release
    assert stored(store, build) == build


@pytest.mark.parametrize(
    "time",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=UTC),
        datetime(9998, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
    ids=str,
)
def test_times_come_back_to_the_microsecond_and_in_utc(store: Store, world: World, time: datetime) -> None:
    build = world.new_build(created_at=time, facts=samples.facts(finished_at=time))
    keep(store, build)
    found = stored(store, build)
    assert isinstance(found, Build)
    assert found == build
    assert found.facts.finished_at is not None
    assert [t.utcoffset() for t in (found.created_at, found.facts.finished_at)] == [timedelta(0)] * 2


def test_now_is_the_clocks_and_moves_inside_a_transaction(store: Store, clock: SettableClock) -> None:
    def look_twice(tx: Transaction) -> tuple[datetime, datetime]:
        first = tx.now()
        clock.advance()
        return first, tx.now()

    for run in (store.write, store.read):
        first, second = run(look_twice)
        assert (second - first, second, second.utcoffset()) == (timedelta(seconds=1), clock.now(), timedelta(0))


def test_a_write_returns_what_its_work_returns(store: Store) -> None:
    assert (store.write(lambda _: "done"), store.read(lambda _: "done")) == ("done", "done")
