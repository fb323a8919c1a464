"""Projects, releases, organizations, keys, hooks and what pages and the API read of them."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from attrs import evolve

from lathe.adapters.memory.products import MemoryProjects
from lathe.application import (
    admission,
    build_page,
    hooks,
    keys,
    organizations,
    project_pages,
    projects,
    queries,
    release_view,
    releases,
    triage,
)
from lathe.application.caller import command_caller, key_caller
from lathe.application.intake import Admission, EntryView
from lathe.application.lists import BuildFilter, EntryFilter, ProjectFilter
from lathe.domain.api_key import Scope, key_text
from lathe.domain.build_report import BuildStatus
from lathe.domain.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited, Unauthenticated
from lathe.domain.hook import Provider
from lathe.domain.placement import Outcome
from lathe.domain.project import Files, Project
from lathe.domain.queue_entry import RejectReason
from lathe.domain.release import ReleaseState
from lathe.domain.repository import LinkKind
from tests.unit.application.world import NOON, World, report

PAY = "https://bitbucket.org/acme/pay-api"


# --- projects and releases ---


def test_projects_of_alike_names_get_slugs_of_their_own(world: World) -> None:
    names = ["Pay API", "pay-api!", "Zahlung 💶", "💶", "🧾"]
    assert [world.project(name).slug for name in names] == ["pay-api", "pay-api-2", "zahlung", "project", "project-2"]
    with pytest.raises(Conflict):
        world.project("PAY api")


def test_a_slug_that_a_twin_takes_meanwhile_is_left_to_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.project("Pay API")
    look, too_early = MemoryProjects.find_by_slug, iter([True])

    def looked(self: MemoryProjects, organization_id: UUID, slug: str) -> Project | None:
        return None if next(too_early, False) else look(self, organization_id, slug)

    monkeypatch.setattr(MemoryProjects, "find_by_slug", looked)
    assert world.project("pay-api!").slug == "pay-api-2"


def test_a_twin_of_the_same_name_is_a_conflict_about_the_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of the two a database minds first."""
    world.project("Pay API")
    add, minds_slug = MemoryProjects.add, iter([True])

    def added(self: MemoryProjects, project: Project) -> None:
        if next(minds_slug, False):
            raise Conflict("another project has this address", code="slug_taken")
        add(self, project)

    monkeypatch.setattr(MemoryProjects, "add", added)
    with pytest.raises(Conflict) as refused:
        world.project("pay api")
    assert refused.value.reason == "name_taken"


def test_a_slug_that_is_always_taken_is_a_conflict_in_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.project("Pay API")
    monkeypatch.setattr(MemoryProjects, "find_by_slug", lambda *_: None)
    with pytest.raises(Conflict) as refused:
        world.project("pay-api!")
    assert refused.value.reason == "slug_taken"


def test_a_repository_belongs_to_one_project_and_the_conflict_names_it(world: World) -> None:
    pay, books = world.project("Pay", PAY), world.project("Books")
    with pytest.raises(Conflict, match="acme/pay-api belongs to project Pay"):
        projects.declare_repository(world.store, world.ids, world.ann, books.id, "git@bitbucket.org:acme/pay-api.git")
    with pytest.raises(Conflict, match="Pay"):
        projects.create(world.store, world.ids, world.ann, "Third", [PAY])
    [(repository, link)] = projects.get(world.store, world.organization.id, pay.id).repositories
    again = projects.declare_repository(world.store, world.ids, world.ben, pay.id, PAY)
    assert again == (repository, link)
    with pytest.raises(NotFound):
        projects.remove_repository(world.store, world.ann, books.id, repository.id)
    projects.remove_repository(world.store, world.ann, pay.id, repository.id)
    assert projects.get(world.store, world.organization.id, pay.id).repositories == ()
    declared, _ = projects.declare_repository(world.store, world.ids, world.ann, books.id, PAY)
    assert declared == repository


def test_declaring_a_learned_repository_makes_it_declared(world: World) -> None:
    pay = world.project("Pay")
    release = world.release(pay, "1")
    entry = world.received(report(repository="https://bitbucket.org/acme/ledger")).entry
    assert entry is not None
    triage.assign(world.store, world.ids, world.ann, entry.entry.id, release.id, remember_repository=True)
    _, link = projects.declare_repository(
        world.store, world.ids, world.ben, pay.id, "https://bitbucket.org/acme/ledger"
    )
    assert (link.kind, link.linked_by) == (LinkKind.DECLARED, world.ben.actor)


def test_bad_projects_say_which_field(world: World) -> None:
    for name, urls, pointer in [
        (" ", [], "/name"),
        ("Pay", ["nonsense"], "/repositories/0"),
        ("Pay", [PAY] * 101, "/repositories"),
    ]:
        with pytest.raises(Invalid) as refused:
            projects.create(world.store, world.ids, world.ann, name, urls)
        assert refused.value.faults[0].pointer == pointer


def test_a_project_changes_its_name_and_what_it_files(world: World) -> None:
    project = world.project("Pay")
    view = projects.change(world.store, world.ann, project.id, name="Payments", files=Files.FINISHED)
    assert (view.project.name, view.project.files, view.project.slug) == ("Payments", Files.FINISHED, "pay")
    assert projects.change(world.store, world.ann, project.id) == view


def test_releases_are_made_changed_and_reopened(world: World) -> None:
    pay = world.project("Pay")
    release = releases.create(world.store, world.ids, world.ann, pay.id, "2.5", branch_patterns=["release/2.*"])
    assert (release.state, release.activated_at) == (ReleaseState.PLANNED, None)
    active = releases.change(
        world.store, world.ann, release.id, name="2.5.0", state=ReleaseState.ACTIVE, branch_patterns=[]
    )
    assert (active.name, active.activated_at, active.branch_patterns) == ("2.5.0", world.clock.now(), ())
    releases.change(world.store, world.ann, release.id, state=ReleaseState.CLOSED)
    world.later(hours=1)
    reopened = releases.change(world.store, world.ann, release.id, state=ReleaseState.ACTIVE)
    assert (reopened.activated_at, reopened.closed_at) == (world.clock.now(), None)
    assert releases.get(world.store, world.organization.id, release.id) == reopened
    assert releases.change(world.store, world.ann, release.id, name="2.5") == evolve(reopened, name="2.5")
    with pytest.raises(Conflict):
        releases.change(world.store, world.ann, release.id, state=ReleaseState.PLANNED)
    with pytest.raises(NotFound):
        releases.create(world.store, world.ids, world.ann, uuid4(), "1")
    with pytest.raises(Invalid):
        releases.create(world.store, world.ids, world.ann, pay.id, "3", branch_patterns=["a b"])


# --- organizations, keys, hooks ---


def test_organizations_are_found_by_id_and_slug(world: World) -> None:
    world.change(allow_org_id=True, confirm_name_matches=True)
    renamed = organizations.change(world.store, world.ann, name="Acme Corp")
    assert (renamed.slug, renamed.allow_org_id, renamed.confirm_name_matches) == ("acme", True, True)
    for name in ("acme", str(renamed.id)):
        assert organizations.find(world.store, name) == renamed
    assert organizations.listed(world.store) == [renamed]
    for missing in ("other", str(uuid4())):
        with pytest.raises(NotFound):
            organizations.find(world.store, missing)
    assert command_caller(renamed.id).organization_id == renamed.id


def test_keys_are_listed_changed_and_revoked(world: World) -> None:
    key, text = keys.create(world.store, world.ids, world.ann, "pipeline", [Scope.BUILDS_CREATE])
    assert text.startswith(key.shown)
    renamed = keys.change(world.store, world.ann, key.id, name="ci")
    assert (renamed.name, renamed.rate_limit) == ("ci", 60)
    unlimited = keys.change(world.store, world.ann, key.id, rate_limit=None)
    assert (unlimited.name, unlimited.rate_limit) == ("ci", None)
    revoked = keys.revoke(world.store, world.ann, key.id)
    assert revoked.revoked_at == NOON
    assert keys.listed(world.store, world.organization.id)[0] == revoked


def test_a_key_is_changed_as_a_whole_or_not_at_all(world: World) -> None:
    key, _ = keys.create(world.store, world.ids, world.ann, "pipeline", [Scope.BUILDS_CREATE])
    with pytest.raises(Invalid):
        keys.change(world.store, world.ann, key.id, name="ci", rate_limit=0)
    assert keys.listed(world.store, world.organization.id)[0] == key
    changed = keys.change(world.store, world.ann, key.id, name="ci", rate_limit=7)
    assert (changed.name, changed.rate_limit) == ("ci", 7)


def test_a_key_is_admitted_by_scope_and_within_its_limit(world: World) -> None:
    key, text = keys.create(world.store, world.ids, world.ann, "reader", [Scope.BUILDS_READ], rate_limit=2)

    def knock(scope: Scope = Scope.BUILDS_READ) -> Admission:
        return admission.admit_key(world.store, text, scope)

    first = knock()
    assert (first.decision and first.decision.remaining, first.may_read) == (1, True)
    assert key_caller(first).actor.name == "reader"
    with pytest.raises(admission.Refusal) as refusal:
        knock(Scope.QUEUE_MANAGE)
    assert isinstance(refusal.value.refused.error, Forbidden)
    knock()
    with pytest.raises(admission.Refusal) as refusal:
        knock()
    assert isinstance(refusal.value.refused.error, RateLimited)
    assert world.read(lambda tx: tx.keys.get(world.organization.id, key.id)).requests == 2
    keys.revoke(world.store, world.ann, key.id)
    for bad in (text, "nonsense", key_text(bytes(32))):
        with pytest.raises((admission.Refusal, Unauthenticated)) as refused:
            admission.admit_key(world.store, bad, Scope.BUILDS_READ)
        error = refused.value.refused.error if isinstance(refused.value, admission.Refusal) else refused.value
        assert isinstance(error, Unauthenticated)


def test_hooks_keep_two_secrets_over_a_rotation_and_none_when_revoked(world: World) -> None:
    hook, first = world.hook()

    def secrets(provider: Provider = Provider.BITBUCKET) -> list[str]:
        return [s.decode() for s in hooks.signers(world.store, world.box, hook.id, provider).secrets]

    _, second = hooks.rotate(world.store, world.ids, world.box, world.ann, hook.id)
    assert secrets() == [second, first]
    assert secrets(Provider.GITHUB) == []
    world.later(hours=24)
    assert secrets() == [second]
    revoked = hooks.revoke(world.store, world.ann, hook.id)
    assert secrets() == []
    assert hooks.listed(world.store, world.organization.id) == [revoked]
    assert hooks.signers(world.store, world.box, uuid4(), Provider.BITBUCKET).secrets == ()


# --- reading ---


def test_lists_go_on_where_they_were_cut(world: World) -> None:
    pay = world.project("Pay", PAY)
    release = world.release(pay, "1")
    other = world.project("Other")
    for number in range(5):
        world.later(seconds=1)
        world.received(report(number))
        world.received(report(number, repository="https://bitbucket.org/acme/unknown"))
    organization_id = world.organization.id

    first = queries.builds(world.store, organization_id, BuildFilter(), 3, None)
    rest = queries.builds(world.store, organization_id, BuildFilter(), 3, first.next)
    assert [v.build.facts.build_number for v in first.rows + rest.rows] == ["4", "3", "2", "1", "0"]
    assert rest.next is None
    assert first.rows[0].release == release
    queue = queries.entries(world.store, organization_id, EntryFilter(), 4, None)
    assert [v.entry.facts.build_number for v in queue.rows] == ["4", "3", "2", "1"]
    assert queue.next is not None
    shown = queries.projects(world.store, organization_id, ProjectFilter(), 1, None)
    assert [view.project for view in shown.rows] == [other]
    assert queries.releases(world.store, organization_id, pay.id, 10, None).rows == [release]
    with pytest.raises(NotFound):
        queries.releases(world.store, organization_id, uuid4(), 10, None)


def test_single_things_are_found_or_not(world: World) -> None:
    pay = world.project("Pay", PAY)
    release = world.release(pay, "1")
    built = world.received(report()).build
    queued = world.received(report(repository="https://bitbucket.org/acme/unknown")).entry
    assert built
    assert queued
    organization_id = world.organization.id
    assert queries.build(world.store, organization_id, built.build.id) == built
    assert queries.entry(world.store, organization_id, queued.entry.id) == evolve(queued, can_remember=True)
    page = build_page.build_page(world.store, organization_id, built.build.id)
    assert (page.view, page.choices.releases, len(page.deliveries)) == (built, [(pay, [release])], 1)
    entry = queries.entry_page(world.store, organization_id, queued.entry.id)
    assert (entry.view.entry, entry.projects, entry.choices.releases) == (queued.entry, [pay], [(pay, [release])])
    assert len(entry.deliveries) == 1
    project = project_pages.project_page(world.store, organization_id, pay.id)
    assert (project.view.project, project.releases) == (pay, [release])
    shown = release_view.release_page(
        world.store, organization_id, release.id, wanted=BuildFilter(branch="main"), limit=5, after=None
    )
    assert ([v.build for v in shown.builds.rows], shown.count, shown.project) == ([built.build], 1, pay)
    with pytest.raises(NotFound):
        queries.build(world.store, organization_id, uuid4())


def test_a_repository_can_be_remembered_while_it_belongs_to_no_project(world: World) -> None:
    world.change(allow_org_id=True)
    pay = world.project("Pay")
    nameless = world.received(report(1, repository=None)).entry
    unverified = world.received(report(2), by=world.by_id()).entry
    entry = world.received(report(3)).entry
    assert nameless
    assert unverified
    assert entry

    def can_remember(view: EntryView) -> bool:
        return queries.entry(world.store, world.organization.id, view.entry.id).can_remember

    assert [can_remember(view) for view in (nameless, unverified, entry)] == [False, False, True]
    repository, _ = projects.declare_repository(world.store, world.ids, world.ann, pay.id, PAY)
    assert not can_remember(entry)
    projects.remove_repository(world.store, world.ann, pay.id, repository.id)
    assert can_remember(entry)
    triage.reject(world.store, world.ann, entry.entry.id, RejectReason.BROKEN)
    assert not can_remember(entry)


def test_an_entry_of_a_project_whose_releases_take_no_such_branch_suggests_none(world: World) -> None:
    pay = world.project("Pay", PAY)
    world.release(pay, "2.5", "release/2.5")
    entry = world.received(report(branch="main")).entry
    assert entry is not None
    view = queries.entry(world.store, world.organization.id, entry.entry.id)
    assert (view.project, view.suggested_release) == (pay, None)


def test_a_preview_says_where_a_build_would_go_and_stores_nothing(world: World) -> None:
    pay = world.project("Pay", PAY)
    release = world.release(pay, "2.5")

    def preview(one: int = 1, **changes: object) -> Outcome:
        return queries.preview(world.store, world.organization.id, report(one, **changes)).outcome  # type: ignore[arg-type]

    found = queries.preview(world.store, world.organization.id, report())
    assert (found.outcome, found.project_id, found.release_id) == (Outcome.CREATED, pay.id, release.id)
    assert preview(repository="https://bitbucket.org/acme/unknown") is Outcome.QUEUED
    assert preview(repository=None) is Outcome.QUEUED
    assert preview(status=BuildStatus.IN_PROGRESS) is Outcome.IGNORED
    assert (world.builds(), world.entries()) == ([], [])
    named = queries.preview(world.store, world.organization.id, evolve(report(repository=None), release_id=release.id))
    assert (named.outcome, named.release_id) == (Outcome.CREATED, release.id)
    named = queries.preview(world.store, world.organization.id, evolve(report(repository=None), project_id=pay.id))
    assert (named.outcome, named.release_id) == (Outcome.CREATED, release.id)
    for unknown in (evolve(report(), release_id=uuid4()), evolve(report(), project_id=uuid4())):
        with pytest.raises(Invalid):
            queries.preview(world.store, world.organization.id, unknown)
