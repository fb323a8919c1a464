"""The audit log: every change by somebody is in it once, in plain words, with the change itself or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lathe.application import hooks, keys, organizations, projects, releases, triage
from lathe.application.history import history_of, log
from lathe.application.lists import AuditFilter
from lathe.domain.api_key import Scope
from lathe.domain.audit import AuditEvent
from lathe.domain.errors import Conflict
from lathe.domain.hook import Provider
from lathe.domain.project import Files
from lathe.domain.queue_entry import QueueEntry, RejectReason
from lathe.domain.release import ReleaseState
from tests.unit.application.world import PAY, World, report


def events(world: World, after: int = 0) -> list[AuditEvent]:
    """Return what is in the log, the first change first, but for the first ``after``."""
    return log(world.store, world.organization.id, AuditFilter(), 200, None).rows[::-1][after:]


def told(world: World, after: int = 0) -> list[tuple[str, str, str, str]]:
    """Return who did what to what, and what more is said."""
    return [(e.actor.name, e.action.value, e.subject.name, e.detail) for e in events(world, after)]


def waiting(world: World, repository: str = PAY) -> QueueEntry:
    world.send(report(repository=repository))
    return world.entries()[0]


def test_what_happens_to_a_queue_entry_is_told(world: World) -> None:
    pay = world.project("Pay")
    release = world.release(pay, "2.5")
    entry = waiting(world, "https://bitbucket.org/acme/ledger")
    name = entry.facts.name
    before = len(events(world))
    for _ in range(2):
        triage.select_project(world.store, world.ann, entry.id, pay.id)
    triage.undo(world.store, world.ann, entry.id)
    for _ in range(2):
        triage.reject(world.store, world.ben, entry.id, RejectReason.WRONG_BRANCH)
    triage.undo(world.store, world.ann, entry.id)
    triage.assign(world.store, world.ids, world.ann, entry.id, release.id)
    for _ in range(2):
        triage.assign(world.store, world.ids, world.ann, entry.id, release.id, remember_repository=True)
    triage.undo(world.store, world.ben, entry.id)
    learned = "; its repository belongs to the project from now on"
    revoked = "; its repository does not belong to the project any more"
    assert told(world, before) == [
        ("Ann", "project_selected", name, "Pay"),
        ("Ann", "undone", name, "its project was chosen"),
        ("Ben", "rejected", name, "wrong branch"),
        ("Ann", "undone", name, "it was rejected as wrong branch"),
        ("Ann", "assigned", name, "under 2.5 of Pay"),
        ("Ann", "assigned", name, f"under 2.5 of Pay{learned}"),
        ("Ben", "undone", name, f"it was filed under 2.5{revoked}"),
    ]


def test_what_happens_to_a_build_is_told_and_is_the_history_of_both_its_pages(world: World) -> None:
    pay = world.project("Pay", PAY)
    first = world.release(pay, "2.4")
    second = world.release(pay, "2.5")
    world.send(report())
    build = world.builds()[0]
    assert build.release_id == second.id
    before = len(events(world))
    for _ in range(2):
        triage.move(world.store, world.ann, build.id, first.id)
    for _ in range(2):
        triage.requeue(world.store, world.ids, world.ben, build.id)
    assert told(world, before) == [
        ("Ann", "moved", build.facts.name, "from 2.5 to 2.4 of Pay"),
        ("Ben", "sent_back", build.facts.name, "from 2.4 of Pay"),
    ]
    entry = world.entries()[0]
    triage.reject(world.store, world.ann, entry.id, RejectReason.OTHER, "Not ours.")
    history = world.read(lambda tx: history_of(tx, world.organization.id, build.id, entry.id))
    assert [event.action.value for event in history] == ["rejected", "sent_back", "moved"]
    assert history[0].detail == "other: Not ours."
    assert world.read(lambda tx: history_of(tx, world.organization.id, None)) == []


def test_what_happens_to_projects_and_releases_is_told(world: World) -> None:
    before = len(events(world))
    pay = projects.create(world.store, world.ids, world.ann, "Pay", [PAY]).project
    projects.change(world.store, world.ann, pay.id, name="Payments", files=Files.FINISHED)
    projects.change(world.store, world.ann, pay.id, name="Payments")
    repository, _ = projects.declare_repository(world.store, world.ids, world.ann, pay.id, PAY)
    projects.remove_repository(world.store, world.ann, pay.id, repository.id)
    release = releases.create(world.store, world.ids, world.ann, pay.id, "2.5", branch_patterns=["main"])
    releases.change(world.store, world.ben, release.id, state=ReleaseState.ACTIVE, branch_patterns=["main", "v2.*"])
    assert told(world, before) == [
        ("Ann", "created", "Pay", ""),
        ("Ann", "repository_added", "Pay", "bitbucket.org/acme/pay-api"),
        ("Ann", "changed", "Payments", "name: Pay → Payments; files: successful → finished"),
        ("Ann", "repository_removed", "Payments", "bitbucket.org/acme/pay-api"),
        ("Ann", "created", "2.5", "in Payments, planned"),
        ("Ben", "changed", "2.5", "state: planned → active; branches: main → main, v2.*"),
    ]


def test_a_project_created_for_an_entry_is_told_with_its_repository(world: World) -> None:
    entry = waiting(world)
    before = len(events(world))
    triage.create_project(world.store, world.ids, world.ann, entry.id, "Pay")
    assert told(world, before) == [
        ("Ann", "created", "Pay", ""),
        ("Ann", "repository_added", "Pay", "bitbucket.org/acme/pay-api"),
        ("Ann", "project_selected", entry.facts.name, "Pay"),
    ]


def test_what_happens_to_credentials_is_told_without_their_secrets(world: World) -> None:
    before = len(events(world))
    ends = world.clock.now() + timedelta(days=30)
    key, text = keys.create(world.store, world.ids, world.ann, "CI", [Scope.BUILDS_CREATE], expires_at=ends)
    keys.create(world.store, world.ids, world.ann, "All", list(Scope))
    keys.change(world.store, world.ben, key.id, name="CI 2", rate_limit=None)
    hook, secret = hooks.create(world.store, world.ids, world.box, world.ann, Provider.BITBUCKET)
    _, fresh = hooks.rotate(world.store, world.ids, world.box, world.ann, hook.id)
    for _ in range(2):
        keys.revoke(world.store, world.ben, key.id)
        hooks.revoke(world.store, world.ben, hook.id)
    assert told(world, before) == [
        ("Ann", "created", "CI", f"builds:create; until {ends:%Y-%m-%d}"),
        ("Ann", "created", "All", ", ".join(sorted(one.value for one in Scope)) + "; without an end"),
        ("Ben", "changed", "CI 2", "name: CI → CI 2; requests a minute: 60 → none"),
        ("Ann", "created", "bitbucket", ""),
        ("Ann", "rotated", "bitbucket", ""),
        ("Ben", "revoked", "CI 2", ""),
        ("Ben", "revoked", "bitbucket", ""),
    ]
    assert not [one for one in (text, secret, fresh) if one in repr(events(world, before))]


def test_what_is_decided_about_the_organization_is_told(world: World) -> None:
    before = len(events(world))
    organizations.change(world.store, world.ann, allow_org_id=True, confirm_name_matches=False)
    organizations.create(world.store, world.ids, "Globex")
    assert told(world, before) == [("Ann", "changed", "Acme", "reporting with the id alone: off → on")]
    made = log(world.store, organizations.find(world.store, "globex").id, AuditFilter(), 100, None).rows
    assert [(one.actor.kind, one.action.value, one.subject.name) for one in made] == [("command", "created", "Globex")]


def test_what_could_not_be_done_is_not_in_it(world: World) -> None:
    world.project("Pay")
    before = len(events(world))
    with pytest.raises(Conflict):
        world.project("Pay")
    world.send(report())
    assert told(world, before) == []


def test_it_is_read_page_by_page(world: World) -> None:
    for number in range(5):
        organizations.change(world.store, world.ann, name=f"Acme {number}")
    first = log(world.store, world.organization.id, AuditFilter(), 2, None)
    second = log(world.store, world.organization.id, AuditFilter(), 2, first.next)
    assert [event.detail[-1] for event in first.rows + second.rows] == ["4", "3", "2", "1"]
    rest = log(world.store, world.organization.id, AuditFilter(), 50, second.next)
    assert [event.action.value for event in rest.rows] == ["changed", "created", "created"]
    assert rest.next is None


def test_it_never_goes_back_even_if_the_clock_does(world: World) -> None:
    for number in range(3):
        organizations.change(world.store, world.ann, name=f"Acme {number}")
        world.later(hours=-1)
    found = events(world)
    assert [event.detail[-1] for event in found[-3:]] == ["0", "1", "2"]
    assert sorted(event.created_at for event in found) == [event.created_at for event in found]
