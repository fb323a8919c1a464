"""Deliveries in a real browser: accessible and readable at every width; and a build that did not appear is found, and
filed, from the pages alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_pages import served, visiting
from tests.looks import NARROWEST, judge
from tests.unit.ui.sample import fill
from tests.unit.ui.sending import deliver, file_every_build_of_pay, replayed, report
from tests.unit.ui.world import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REPOSITORY = "https://bitbucket.org/acme/checkout"


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
def test_a_build_that_did_not_appear_is_found_and_filed(
    chromium: Browser, world: World, address: str, javascript: bool
) -> None:
    """The page tells why it is missing, the project gets the repository, and trying again files it."""
    report(world, name="Checkout #31", build_number=31, repo_url=REPOSITORY, branch="release/2.5", status="failed")
    with visiting(chromium, world, address, "tester", javascript=javascript) as page:
        page.goto(f"{address}/o/acme/releases")
        assert page.get_by_text("Checkout #31").count() == 0
        page.get_by_role("link", name="Deliveries").click()
        page.get_by_role("searchbox").fill("git@bitbucket.org:acme/checkout.git")
        page.get_by_role("button", name="Filter").click()
        page.get_by_text("Checkout #31 failed, and it belongs to no known project").wait_for()
        page.locator(".log").get_by_role("link", name="Build reported").click()
        delivery = page.url
        page.get_by_text("Repository bitbucket.org/acme/checkout is linked to no project").wait_for()
        page.get_by_role("link", name="Try again").click()
        page.get_by_text("Nothing has changed since.").wait_for()

        page.goto(f"{address}/o/acme/projects/{world.ids['Pay']}")
        page.get_by_label("Add a repository").fill(REPOSITORY)
        page.get_by_role("button", name="Add").first.click()

        page.goto(delivery)
        page.get_by_role("link", name="Try again").click()
        page.get_by_role("button", name="File it under Pay 2.5").click()
        page.get_by_role("heading", name="Checkout #31").wait_for()
        page.get_by_text("is filed, from what was stored of its delivery").wait_for()
        page.get_by_role("link", name="no event named").click()
        page.get_by_role("link", name="what came in before").click()
        assert page.url == delivery
