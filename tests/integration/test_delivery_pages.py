"""Deliveries in a real browser: accessible and readable at every width; and a body that somebody pastes is tried.

How a build that did not appear is found and filed, from Bitbucket's webhook on, is in test_missing_builds.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from lathe.entrypoints.sample_bodies import commit_status
from tests.integration.test_pages import served, visiting
from tests.looks import NARROWEST, judge, judge_in_every_look
from tests.unit.ui.sample import fill
from tests.unit.ui.sending import deliver, file_every_build_of_pay, replayed
from tests.unit.ui.world import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def world() -> World:
    made = deliver(fill(make_world()))
    file_every_build_of_pay(made)
    return made


@pytest.fixture
def address(world: World) -> Iterator[str]:
    with served(world) as address:
        yield address


def paths(world: World) -> dict[str, str]:
    ids = world.ids
    found = {
        "list": "/deliveries",
        "try": "/deliveries/try",
        "nothing fits": "/deliveries?q=nothing&status=queued",
        "older": f"/deliveries?source=bitbucket&credential={ids['hook']}",
        "replayable": f"/deliveries/{ids['failed']}/again",
        "waiting": f"/deliveries/{ids['queued']}/again",
    }
    for name in ("filed", "known", "queued", "push", "broken", "odd", "long", "delivery"):
        found[name] = f"/deliveries/{ids[name]}"
    return found


@pytest.mark.parametrize("seen", [("tester", "light", 360), ("viewer", "dark", 1280)], ids=str)
def test_every_page_of_deliveries_is_accessible_and_fits(
    chromium: Browser, world: World, address: str, seen: tuple[str, str, int]
) -> None:
    who, scheme, width = seen
    replayed(world, "failed")
    with visiting(chromium, world, address, who, scheme=scheme, width=width) as page:
        for name, path in (*paths(world).items(), ("replay", f"/deliveries/{world.ids['replay of failed']}")):
            page.goto(f"{address}/o/acme{path}")
            for summary in page.locator("main details:not([open]) > summary").all():
                summary.click()
            judge(page, name)
            page.set_viewport_size({"width": min(width, NARROWEST), "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST, name
            page.set_viewport_size({"width": width, "height": 800})


def test_where_nothing_has_arrived_the_page_is_accessible_too(chromium: Browser) -> None:
    empty = make_world()
    with served(empty) as address, visiting(chromium, empty, address, "viewer") as page:
        page.goto(f"{address}/o/acme/deliveries")
        assert page.get_by_role("link", name="Connect a CI").is_visible()
        judge(page, "nothing has arrived")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_pasted_body_is_tried_and_mended_until_it_fits(
    chromium: Browser, world: World, address: str, javascript: bool
) -> None:
    """What is wrong stands at the body, which is kept; then it is told what would become of it."""
    newest = world.parts.store.read(lambda tx: tx.deliveries.newest(world.acme.id, 1))
    body = json.dumps(commit_status(repository="acme/checkout", number=77), indent=2)
    with visiting(chromium, world, address, "tester", javascript=javascript) as page:
        page.goto(f"{address}/o/acme/deliveries")
        page.get_by_role("link", name="Try a body").click()
        page.get_by_label("Body").fill(body[:-1])
        page.get_by_role("button", name="Try it").click()
        page.get_by_text("The body is not JSON").wait_for()
        assert page.get_by_label("Body").input_value() == body[:-1]
        page.get_by_label("Body").fill(body)
        page.get_by_role("button", name="Try it").click()
        page.get_by_text("It would wait in the Build Queue: Repository acme/checkout matches no project").wait_for()
        if javascript:
            judge_in_every_look(page, "a body that was tried")

        page.get_by_label("Body").fill(body.replace("acme/checkout", "acme/pay-api"))
        page.get_by_role("button", name="Try it").click()
        page.get_by_text("It would be filed under Pay 2.5.").wait_for()
        page.get_by_text("lathe send body.json --provider bitbucket").wait_for()
    assert world.parts.store.read(lambda tx: tx.deliveries.newest(world.acme.id, 1)) == newest
