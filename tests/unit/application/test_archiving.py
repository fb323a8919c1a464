"""Archived projects: what they take no more, and that nothing of theirs is lost."""

from __future__ import annotations

import pytest

from lathe.application import previewing, project_pages, projects, queries, releases
from lathe.application.lists import ProjectFilter
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.errors import Conflict
from lathe.domain.project import Project
from lathe.domain.release import ReleaseState
from lathe.domain.steps import ReasonCode
from tests.unit.application.world import PAY, World, report


def archived(world: World, project: Project, *, archived: bool = True) -> Project:
    return projects.change(world.store, world.ann, project.id, archived=archived).project


def test_a_project_that_still_takes_builds_is_not_archived(world: World) -> None:
    pay = world.project("Pay", PAY)
    world.release(pay, "2.4")
    world.release(pay, "2.5")
    with pytest.raises(Conflict, match=r"Pay still takes builds: close 2\.5, 2\.4 first") as caught:
        archived(world, pay)
    assert caught.value.reason == "release_active"
    assert projects.get(world.store, pay.organization_id, pay.id).project == pay


def test_archiving_twice_keeps_the_first_time_and_restoring_ends_it(world: World) -> None:
    pay = world.project("Pay")
    first = archived(world, pay)
    assert first.archived
    world.later(minutes=5)
    assert archived(world, pay) == first
    assert archived(world, pay, archived=False) == pay


def test_lists_leave_an_archived_project_out_until_it_is_restored(world: World) -> None:
    pay, shop = world.project("Pay"), world.project("Shop")
    gone = archived(world, pay)
    here = pay.organization_id
    page = project_pages.projects_page(world.store, here, 10, None)
    assert ([row.view.project for row in page.rows.rows], page.archived) == ([shop], [gone])
    assert [v.project for v in queries.projects(world.store, here, ProjectFilter(), 10, None).rows] == [shop]
    waiting = world.received(report(repository="https://bitbucket.org/acme/unknown")).entry
    assert waiting
    assert queries.entry_page(world.store, here, waiting.entry.id).projects == [shop]
    archived(world, pay, archived=False)
    assert project_pages.projects_page(world.store, here, 10, None).archived == []


def test_none_of_its_releases_is_made_or_becomes_active(world: World) -> None:
    pay = world.project("Pay")
    planned = world.release(pay, "2.6", state=ReleaseState.PLANNED)
    archived(world, pay)
    with pytest.raises(Conflict, match="Pay is archived; restore it first") as made:
        world.release(pay, "3", state=ReleaseState.PLANNED)
    with pytest.raises(Conflict, match="Pay is archived; restore it first") as activated:
        releases.change(world.store, world.ann, planned.id, state=ReleaseState.ACTIVE)
    assert made.value.reason == activated.value.reason == "project_archived"
    assert releases.change(world.store, world.ann, planned.id, state=ReleaseState.CLOSED).closed_at
    archived(world, pay, archived=False)
    assert releases.change(world.store, world.ann, planned.id, state=ReleaseState.ACTIVE).active


def test_a_build_of_an_archived_project_waits_with_the_project_filled_in(world: World) -> None:
    pay = world.project("Pay", PAY)
    archived(world, pay)
    answer = world.received(report())
    assert answer.status is DeliveryStatus.QUEUED
    assert answer.entry
    assert answer.entry.entry.project_id == pay.id
    assert answer.entry.entry.reason.code is ReasonCode.NO_ACTIVE_RELEASE
    found = previewing.preview(world.store, pay.organization_id, report())
    assert found.project
    assert found.project.archived


def test_what_waits_for_a_project_stays_in_the_queue_when_it_is_archived(world: World) -> None:
    pay = world.project("Pay", PAY)
    waiting = world.received(report()).entry
    assert waiting
    archived(world, pay)
    assert world.entry(waiting.entry.id) == waiting.entry
    assert project_pages.project_page(world.store, pay.organization_id, pay.id).waiting == 1
