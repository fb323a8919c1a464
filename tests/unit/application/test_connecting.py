"""Connecting a CI: how far an organization has come, and what has arrived since."""

from __future__ import annotations

from datetime import timedelta

from lathe.application import build_page, connecting, hooks, keys, previewing, projects, triage
from lathe.application.connecting import FirstSteps
from lathe.domain.api_key import Scope
from lathe.domain.audit import Action
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Reason, ReasonCode
from tests.unit.application.world import PAY, World, report


def steps(world: World) -> FirstSteps:
    return connecting.first_steps(world.store, world.organization.id)


def test_the_way_to_the_first_build_goes_by_project_release_credential_and_build(world: World) -> None:
    keys.revoke(world.store, world.ann, world.key.id)
    assert steps(world) == FirstSteps(None, released=False, connected=False, arrived=False)
    pay = world.project("Pay", PAY)
    assert steps(world) == FirstSteps(pay, released=False, connected=False, arrived=False)
    world.release(pay, "1")
    world.later(minutes=1)
    world.project("Shop")
    assert steps(world) == FirstSteps(pay, released=True, connected=False, arrived=False)
    hook, _ = world.hook()
    assert steps(world) == FirstSteps(pay, released=True, connected=True, arrived=False)
    world.received(report(), by=world.by_hook(hook))
    assert steps(world) == FirstSteps(pay, released=True, connected=True, arrived=True)


def test_a_build_that_waits_has_arrived_too(world: World) -> None:
    world.received(report())
    assert steps(world).arrived


def test_only_what_could_report_a_build_counts_as_connected(world: World) -> None:
    hook, _ = world.hook()
    hooks.revoke(world.store, world.ann, hook.id)
    keys.revoke(world.store, world.ann, world.key.id)
    keys.create(world.store, world.ids, world.ann, "reader", [Scope.BUILDS_READ])
    soon = world.clock.now() + timedelta(minutes=1)
    keys.create(world.store, world.ids, world.ann, "short", [Scope.BUILDS_CREATE], expires_at=soon)
    assert steps(world).connected
    world.later(minutes=2)
    assert not steps(world).connected
    keys.create(world.store, world.ids, world.ann, "ci", [Scope.BUILDS_CREATE])
    assert steps(world).connected


def test_a_repository_to_try_things_with_is_one_that_belongs_to_a_project(world: World) -> None:
    here = world.organization.id
    assert connecting.known_repository(world.store, here) is None
    world.project("Pay", PAY)
    world.later(minutes=1)
    world.project("Shop")
    assert connecting.known_repository(world.store, here) == RepoUrl.parse(PAY)


def test_a_repository_known_by_its_uuid_alone_is_nothing_to_try_with(world: World) -> None:
    pay = world.project("Pay")
    world.release(pay, "1")
    entry = world.received(report(repository=None, uuid="bitbucket:1")).entry
    assert entry
    triage.select_project(world.store, world.ann, entry.entry.id, pay.id)
    release_id = steps(world).project and world.read(lambda tx: tx.releases.active(world.organization.id, 1))[0].id
    assert release_id
    triage.assign(world.store, world.ids, world.ann, entry.entry.id, release_id, remember_repository=True)
    assert projects.get(world.store, pay.organization_id, pay.id).repositories
    assert connecting.known_repository(world.store, world.organization.id) is None


def test_what_arrived_is_shown_with_where_it_went_newest_first(world: World) -> None:
    pay = world.project("Pay", PAY)
    world.release(pay, "1")
    world.received(report(1))
    world.later(minutes=1)
    since = world.clock.now()
    world.received(report(2))
    world.received(report(3, repository="https://bitbucket.org/acme/unknown"))
    world.received(Reason(ReasonCode.EVENT_NOT_SUPPORTED, "repo:push carries no build"))
    found = connecting.arrivals(world.store, world.organization.id, since)
    pushed, queued, filed = found.rows
    assert (pushed.build, pushed.entry, pushed.delivery.reason is not None) == (None, None, True)
    assert queued.entry
    assert queued.entry.entry.facts.build_number == "3"
    assert filed.build
    assert filed.build.build.facts.build_number == "2"
    assert found.builds
    assert found.now == world.clock.now()
    world.later(minutes=1)
    nothing = connecting.arrivals(world.store, world.organization.id, world.clock.now())
    assert (nothing.rows, nothing.builds) == ([], False)


def test_requests_that_a_new_webhook_refused_are_counted(world: World) -> None:
    old, _ = world.hook()
    world.later(minutes=1)
    since = world.clock.now()
    fresh, _ = world.hook()
    world.store.write(lambda tx: tx.hooks.count_refused({old.id: 5, fresh.id: 2}))
    assert connecting.arrivals(world.store, world.organization.id, since).refused == 2


def test_a_preview_names_project_and_release_and_stores_nothing(world: World) -> None:
    pay = world.project("Pay", PAY)
    release = world.release(pay, "1")
    here = world.organization.id
    found = previewing.preview(world.store, here, report())
    assert (found.project, found.release) == (pay, release)
    unknown = previewing.preview(world.store, here, report(repository="https://bitbucket.org/acme/unknown"))
    assert (unknown.project, unknown.release) == (None, None)
    assert world.builds() == []
    assert world.entries() == []


def test_the_page_of_a_build_tells_who_did_what_to_it_and_to_its_entry(world: World) -> None:
    pay = world.project("Pay", PAY)
    entry = world.received(report()).entry
    assert entry
    first, second = world.release(pay, "1"), world.release(pay, "2")
    world.later(minutes=1)
    view = triage.assign(world.store, world.ids, world.ben, entry.entry.id, first.id)
    world.later(minutes=1)
    triage.move(world.store, world.ann, view.build.id, second.id)
    page = build_page.build_page(world.store, world.organization.id, view.build.id)
    assert [(event.actor.name, event.action) for event in page.history] == [
        ("Ann", Action.MOVED),
        ("Ben", Action.ASSIGNED),
    ]
    assert [delivery.entry_id for delivery in page.deliveries] == [entry.entry.id]
    assert page.credentials == {world.key.id: "ci"}


def test_deliveries_of_webhooks_name_no_key(world: World) -> None:
    world.release(world.project("Pay", PAY), "1")
    hook, _ = world.hook()
    built = world.received(report(), by=world.by_hook(hook)).build
    assert built
    assert build_page.build_page(world.store, world.organization.id, built.build.id).credentials == {}
