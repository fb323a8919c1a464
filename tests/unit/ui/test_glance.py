"""What an open Releases page compares itself with: the same as on the page, for a fraction of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from lathe.application import projects, releases, triage
from lathe.domain.release import ReleaseState
from tests.unit.ui.world import World


def versions(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-entry="([^"]+)" data-version="([^"]+)"', page))


def test_a_glance_has_the_versions_of_the_rows_on_the_page_and_its_releases_and_no_forms(world: World) -> None:
    browser = world.client("tester")
    for query in ("", "?q=Pipeline"):
        page, glance = (browser.get(f"/o/acme{path}{query}").text for path in ("/releases", "/live/releases"))
        assert len(versions(page)) > 1
        assert versions(glance) == versions(page)
        for part in (r"<article.*?</article>", r'<span class="soft" id="summary".*?</span>'):
            assert re.findall(part, glance, re.DOTALL) == re.findall(part, page, re.DOTALL)
        assert "<form" not in glance


def test_a_row_has_another_version_when_it_shows_or_offers_something_else(world: World) -> None:
    browser, ids, parts = world.client("tester"), world.ids, world.parts

    def changed_by(act: Callable[[], object]) -> set[str]:
        before = versions(browser.get("/o/acme/live/releases").text)
        act()
        after = versions(browser.get("/o/acme/live/releases").text)
        return {name for name, id_ in ids.items() if str(id_) in after and before[str(id_)] != after[str(id_)]}

    assert changed_by(lambda: world.clock.advance(timedelta(hours=3))) == set()
    assert changed_by(
        lambda: triage.select_project(parts.store, world.caller, ids["Pipeline #17"], ids["Console"])
    ) == {"Pipeline #17"}
    named = changed_by(lambda: projects.change(parts.store, world.caller, ids["Console"], name="Konsole"))
    assert named == {"Pipeline #17", "nightly-2026-03-14"}
    opened = changed_by(
        lambda: releases.create(
            parts.store, parts.ids, world.caller, ids["Console"], "1", state=ReleaseState.ACTIVE, branch_patterns=[]
        )
    )
    assert opened == named
