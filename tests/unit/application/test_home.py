"""What the Releases page and the page of a release show."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

from lathe.application import build_page, home, projects, queries, release_view, triage
from lathe.application.choices import Choices
from lathe.application.home import QueueView, ReleasesPage
from lathe.application.lists import BuildFilter, DayCount, EntryFilter, Place
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
    assert page.queue.choices == Choices([(pay, [second, release])], complete=True)
    assert page.queue.projects == [pay]
    assert [(one.release, one.project, one.count) for one in page.active] == [(release, pay, 3), (second, pay, 0)]
    assert [[v.build.facts.build_number for v in one.newest] for one in page.active] == [["2", "1"], []]
    assert (page.inactive, page.more_inactive) == ([(planned, pay)], False)
    assert page.queue.last_build is not None
    assert page.queue.last_build.build.facts.build_number == "2"


def test_the_queue_knows_the_active_releases_of_the_projects_that_its_entries_have_or_could_have(world: World) -> None:
    pay, one, two = world.project("Pay", PAY), world.project("Api one"), world.project("One api")
    world.release(world.project("Books"), "1")
    never, maybe = world.release(pay, "2.5", "never"), world.release(one, "7")
    world.received(report())
    world.received(report(2, repository="https://bitbucket.org/acme/one"))
    page = shown(world)
    ambiguous, waiting = page.queue.page.rows
    assert (waiting.project, waiting.suggested_release) == (pay, None)
    assert {candidate.id for candidate in ambiguous.entry.candidates} == {one.id, two.id}
    assert page.queue.active == {pay.id: [never], one.id: [maybe]}


def test_of_very_many_active_releases_those_in_which_something_happened_last_are_shown(world: World) -> None:
    pay = world.project("Pay", PAY)
    oldest = world.release(pay, "0", "main")
    releases = [oldest]
    for number in range(home.ACTIVE_SHOWN + 1):
        world.later(seconds=1)
        releases.append(world.release(world.project(f"Other {number}"), "1"))
    page = shown(world)
    assert [one.release for one in page.active] == releases[:1:-1]
    assert page.active_count == home.ACTIVE_SHOWN + 2
    assert not page.queue.choices.complete
    world.later(seconds=1)
    assert world.received(report(branch="main")).build
    page = shown(world)
    assert [one.release for one in page.active] == [oldest, *releases[:2:-1]]
    assert oldest in dict(page.queue.choices.releases)[pay]


def test_of_very_many_active_releases_those_of_its_project_can_be_chosen_and_of_the_one_that_is_asked_for(
    world: World,
) -> None:
    pay, asked = world.project("Pay", PAY), world.project("Asked")
    release, wanted = world.release(pay, "0", "main"), world.release(asked, "1")
    built, queued = world.received(report(1)).build, world.received(report(2, branch="other")).entry
    assert built
    assert queued
    for number in range(home.ACTIVE_SHOWN):
        world.later(seconds=1)
        world.release(world.project(f"Other {number}"), "1")
    organization_id = world.organization.id
    waiting = queries.entry_page(world.store, organization_id, queued.entry.id).choices
    assert (waiting.complete, waiting.first(pay)[0]) == (False, (pay, [release]))
    page = build_page.build_page(world.store, organization_id, built.build.id, asked.id)
    assert asked in page.projects
    assert page.choices.first(asked)[0] == (asked, [wanted])
    assert pay not in dict(page.choices.first(asked, but=release.id))


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


def test_a_glance_sees_what_the_whole_page_shows_of_the_same_part_of_the_queue(world: World) -> None:
    pay = world.project("Pay", PAY)
    world.release(pay, "2.5", "main")
    for number in range(3):
        world.received(report(number, branch="main"))
        world.received(report(number + 10, branch="other"))
        world.received(report(number + 20, repository=UNKNOWN))
    for wanted in (EntryFilter(), EntryFilter(project_id=pay.id), EntryFilter(project_id=uuid4(), q="pipeline #2")):
        page = home.releases_page(world.store, world.organization.id, wanted)
        seen = home.glance(world.store, world.organization.id, wanted)
        assert (seen.rows, seen.choices) == (page.queue.page.rows, page.queue.active)
        assert (seen.pending, seen.active, seen.active_count) == (page.queue.pending, page.active, page.active_count)
        assert (seen.pending, len(seen.rows) >= 3, seen.active_count) == (6, True, 1)


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
    days = Counter(build.created_at.date() for build in world.builds())
    assert page.per_day == [DayCount(day, "bitbucket", count) for day, count in sorted(days.items())]
    assert page.siblings == [other]
