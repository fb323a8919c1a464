"""What the Releases page and the page of a release show."""

from __future__ import annotations

from unittest import mock

from lathe.adapters.memory.products import MemoryReleases
from lathe.application import home, projects, release_view, triage
from lathe.application.home import QueueView, ReleasesPage
from lathe.application.lists import BuildFilter, EntryFilter, Place
from lathe.domain.queue_entry import RejectReason
from lathe.domain.release import ReleaseState
from tests.unit.application.world import PAY, World, report

UNKNOWN = "https://bitbucket.org/acme/unknown"


def shown(world: World, after: Place | None = None) -> ReleasesPage:
    return home.releases_page(world.store, world.organization.id, EntryFilter(), after)


def queue(world: World, wanted: EntryFilter) -> QueueView:
    return home.releases_page(world.store, world.organization.id, wanted).queue


def test_an_empty_organization_has_nothing_to_show(world: World) -> None:
    page = shown(world)
    assert (page.queue.page.rows, page.queue.pending, page.queue.oldest) == ([], 0, None)
    assert (page.queue.last_build, page.queue.offered, page.active, page.inactive) == (None, [], [], [])


def test_the_releases_page_shows_the_queue_the_decisions_and_the_releases(world: World) -> None:
    pay = world.project("Pay", PAY)
    release, second = world.release(pay, "2.5"), world.release(pay, "2.6", "never")
    planned = world.release(pay, "3.0", state=ReleaseState.PLANNED)
    for number in range(3):
        world.later(seconds=1)
        world.received(report(number, branch=f"b{number % 2}"))
        world.received(report(number, repository=UNKNOWN))
    rejected = world.entries()[0]
    triage.reject(world.store, world.ann, rejected.id, RejectReason.BROKEN)
    page = shown(world)
    assert (page.queue.pending, len(page.queue.page.rows)) == (2, 2)
    assert [view.entry.id for view in page.queue.decided] == [rejected.id]
    assert page.queue.oldest == page.queue.since[-1] == world.entries()[-1].created_at
    assert (page.queue.active, page.queue.projects) == ([second, release], [pay])
    assert [(one.release, one.project, one.count) for one in page.active] == [(second, pay, 0), (release, pay, 3)]
    assert [[v.build.facts.build_number for v in one.newest] for one in page.active] == [[], ["2", "1"]]
    assert (page.inactive, page.more_inactive) == ([(planned, pay)], False)
    assert page.queue.last_build is not None
    assert page.queue.last_build.build.facts.build_number == "2"


def test_the_releases_page_reads_the_active_releases_once(world: World) -> None:
    pay = world.project("Pay", PAY)
    release = world.release(pay, "2.5", "never")
    world.received(report())
    with mock.patch.object(MemoryReleases, "active", autospec=True, side_effect=MemoryReleases.active) as active:
        page = shown(world)
    [waiting] = page.queue.page.rows
    assert (waiting.project, waiting.suggested_release, page.queue.active) == (pay, None, [release])
    assert active.call_count == 1


def test_the_releases_page_tells_where_it_was_cut(world: World) -> None:
    pay = world.project("Pay")
    for number in range(home.INACTIVE_SHOWN + 1):
        world.release(pay, str(number), state=ReleaseState.PLANNED)
    for number in range(home.QUEUE_SHOWN + 1):
        world.later(seconds=1)
        world.received(report(number, repository=UNKNOWN))
    first = shown(world)
    assert (len(first.inactive), first.more_inactive) == (home.INACTIVE_SHOWN, True)
    rest = shown(world, first.queue.page.next)
    assert [view.entry for view in first.queue.page.rows + rest.queue.page.rows] == world.entries()
    assert (len(rest.queue.page.rows), rest.queue.page.next, rest.queue.pending) == (1, None, home.QUEUE_SHOWN + 1)


def test_the_queue_can_be_asked_for_by_project_and_text_and_counts_everything_all_the_same(world: World) -> None:
    pay = world.project("Pay", PAY)
    world.received(report(1))
    world.received(report(2, repository=UNKNOWN))
    both = queue(world, EntryFilter())
    of_pay = queue(world, EntryFilter(project_id=pay.id))
    named = queue(world, EntryFilter(q="pipeline #2"))
    assert [[v.entry.facts.build_number for v in one.page.rows] for one in (both, of_pay, named)] == [
        ["2", "1"],
        ["1"],
        ["2"],
    ]
    assert [one.pending for one in (both, of_pay, named)] == [2, 2, 2]


def test_an_archived_project_is_not_among_those_to_choose(world: World) -> None:
    pay, old = world.project("Pay"), world.project("Old")
    archived = projects.change(world.store, world.ann, old.id, archived=True).project
    assert queue(world, EntryFilter()).projects == [pay]
    assert queue(world, EntryFilter(project_id=old.id)).project == archived


def test_a_release_shows_when_its_builds_came_and_what_else_is_active_beside_it(world: World) -> None:
    pay = world.project("Pay", PAY)
    release, other = world.release(pay, "2.5"), world.release(pay, "2.6", "v*")
    world.release(pay, "2.7", state=ReleaseState.PLANNED)
    world.release(world.project("Books"), "1")
    for number in range(3):
        world.later(minutes=1)
        world.received(report(number, branch=f"b{number}"))
    page = release_view.release_page(
        world.store, world.organization.id, release.id, wanted=BuildFilter(branch="b1"), limit=5, after=None
    )
    assert ([view.build.facts.branch for view in page.builds.rows], page.count) == (["b1"], 3)
    assert [one.at for one in page.arrivals] == [build.created_at for build in world.builds()]
    assert {one.source for one in page.arrivals} == {"bitbucket"}
    assert page.siblings == [other]
