"""Lists in which little fits: which list a page goes along, and that it goes on where it stopped looking."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lathe.adapters.clock import SystemClock
from lathe.adapters.memory.store import MemoryStore
from lathe.application import home, lists, queries, release_view
from lathe.application.lists import BuildFilter, EntryFilter, Place
from lathe.domain.queue_entry import EntryStatus
from tests import samples

P, R = samples.new_id(), samples.new_id()


@pytest.mark.parametrize(
    ("wanted", "along"),
    [
        ({}, None),
        ({"project_id": P}, None),
        ({"release_id": R}, None),
        ({"commit": "abcde"}, None),
        ({"commit": "abcde", "source": "github"}, None),
        ({"commit": "abcd"}, {}),
        ({"source": "github"}, {}),
        ({"q": "x", "project_id": P}, {"project_id": P}),
        ({"project_id": P, "release_id": R}, {"release_id": R}),
        ({"branch": "main"}, {}),
        ({"branch": "main", "release_id": R}, {"release_id": R}),
    ],
)
def test_what_has_no_list_of_its_own_is_looked_for_along_another_one(
    wanted: dict[str, Any], along: dict[str, Any] | None
) -> None:
    assert BuildFilter(**wanted).along == (None if along is None else BuildFilter(**along))


@pytest.mark.parametrize(
    ("wanted", "along"),
    [
        ({}, None),
        ({"project_id": P}, None),
        ({"status": None}, None),
        ({"commit": "abcdef"}, {}),
        ({"project_id": P, "q": "x"}, {"project_id": P}),
        ({"status": EntryStatus.REJECTED}, {"status": None}),
        ({"status": None, "project_id": P}, {"status": None}),
    ],
)
def test_what_waits_has_lists_of_its_own_and_the_rest_is_among_all_entries(
    wanted: dict[str, Any], along: dict[str, Any] | None
) -> None:
    assert EntryFilter(**wanted).along == (None if along is None else EntryFilter(**along))


def test_a_page_without_rows_goes_on_where_it_stopped_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = MemoryStore(SystemClock())
    organization = samples.organization()
    of = organization.id
    project = samples.project(of)
    release = samples.release(of, project.id)
    facts = [samples.facts(name="Rare" if n == 0 else "Often") for n in range(5)]
    times = [samples.NOW + timedelta(seconds=n) for n in range(5)]
    builds = [
        samples.build(of, project.id, release.id, facts=one, created_at=at)
        for one, at in zip(facts, times, strict=True)
    ]
    entries = [samples.entry(of, facts=one, created_at=at) for one, at in zip(facts, times, strict=True)]

    def prepare(tx: Any) -> None:
        tx.organizations.add(organization)
        tx.projects.add(project)
        tx.releases.add(release)
        for build in builds:
            tx.builds.add(build)
        for entry in entries:
            tx.entries.add(entry)

    memory.write(prepare)
    for module in (queries, release_view, lists):
        monkeypatch.setattr(module, "LOOKED_AT", 4)
    rare, waits = BuildFilter(q="rare"), EntryFilter(q="rare")

    first = queries.builds(memory, of, rare, 10, None)
    assert (first.rows, first.next) == ([], Place(builds[1].created_at, builds[1].id))
    second = queries.builds(memory, of, rare, 10, first.next)
    assert ([view.build for view in second.rows], second.next) == ([builds[0]], None)

    queue = queries.entries(memory, of, waits, 10, None)
    assert (queue.rows, queue.next) == ([], Place(entries[1].created_at, entries[1].id))
    assert home.releases_page(memory, of, waits).queue.page == queue

    page = release_view.release_page(memory, of, release.id, wanted=rare, limit=10, after=None)
    assert page.builds == first
