"""Connecting a CI, projects and builds in a real browser: accessible in every state, usable without JavaScript."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from lathe.application import projects, triage
from lathe.domain.steps import Reason, ReasonCode
from tests.integration.test_pages import TWO_LOOKS, served, visiting
from tests.looks import fits, judge
from tests.unit.ui.sample import ARABIC, LONG, fill
from tests.unit.ui.test_connect import PAY, deliver, report
from tests.unit.ui.world import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NARROWEST = 320


BY_WEBHOOK_TOO = ("github", "gitlab", "bitbucket-data-center", "other")


@pytest.fixture
def world() -> World:
    return fill(make_world())


def states(world: World) -> dict[str, str]:
    """Return every state of these pages that the sample has, and let what they show arrive."""
    ids, store = world.ids, world.parts.store
    since = quote((world.clock.now() - timedelta(minutes=3)).isoformat())
    later = quote((world.clock.now() + timedelta(minutes=3)).isoformat())
    for content in (
        report(PAY),
        report("https://bitbucket.org/acme/nowhere"),
        Reason(ReasonCode.EVENT_NOT_SUPPORTED, "repo:push carries no build"),
    ):
        deliver(world, content)
    built = store.read(lambda tx: tx.deliveries.newest(world.acme.id, 3))[2].build_id
    assert built
    triage.move(store, world.caller, built, ids["Pay 2.4"])
    projects.change(store, world.caller, ids["Mobile backend"], archived=True)
    shown = {
        "connect": "/connect",
        "connect-bitbucket": f"/connect/bitbucket?since={since}",
        "connect-bitbucket-tested": f"/connect/bitbucket?since={later}&repo_url={PAY}&branch=release/2.5",
        "connect-jenkins": f"/connect/jenkins?since={later}&repo_url=nonsense",
        **{f"connect-{slug}": f"/connect/{slug}?since={later}" for slug in BY_WEBHOOK_TOO},
        "webhooks": "/settings/webhooks",
        "project-what-if": f"/projects/{ids['Pay']}?repo_url=git@bitbucket.org:acme/pay.git&branch=main",
        "project-archived": f"/projects/{ids['Mobile backend']}",
        "project-long": f"/projects/{ids[LONG]}?repo_url=https://x.test/{LONG}&branch={LONG}",
        "project-rtl": f"/projects/{ids[ARABIC]}",
        "projects": "/projects",
        "build-moved": f"/builds/{built}",
        "build-long": f"/builds/{ids['long build']}",
    }
    return {name: f"/o/acme{path}" for name, path in shown.items()}


@pytest.mark.parametrize(("scheme", "width"), TWO_LOOKS)
def test_every_state_is_accessible_and_fits(chromium: Browser, world: World, scheme: str, width: int) -> None:
    shown = states(world)
    with served(world) as address:
        with visiting(chromium, world, address, "admin", scheme=scheme, width=width) as page:
            for name, path in shown.items():
                page.goto(address + path)
                judge(page, name)
        with visiting(chromium, world, address, "viewer", scheme=scheme, width=width) as page:
            for name, path in shown.items():
                page.goto(address + path)
                judge(page, f"{name} for a viewer")


def test_every_state_fits_the_narrowest_screen(chromium: Browser, world: World) -> None:
    shown = states(world)
    with served(world) as address, visiting(chromium, world, address, "admin", width=NARROWEST) as page:
        for name, path in shown.items():
            page.goto(address + path)
            fits(page, name)


@pytest.mark.parametrize(("scheme", "width"), TWO_LOOKS)
def test_a_new_organization_is_led_to_its_first_build_without_javascript(
    chromium: Browser, scheme: str, width: int
) -> None:
    world = make_world()
    with (
        served(world) as address,
        visiting(chromium, world, address, "admin", scheme=scheme, width=width, javascript=False) as page,
    ):
        page.goto(f"{address}/o/acme/releases")
        page.get_by_role("link", name="Create a project").click()
        page.get_by_label("Name").fill("Pay")
        page.get_by_label("Repositories").fill(PAY)
        page.get_by_role("button", name="Create project").click()
        page.get_by_role("link", name="Give it an active release").click()
        page.get_by_label("Name").first.fill("2.5")
        page.get_by_role("button", name="Create release").click()
        page.get_by_text("The next step: let your CI report its builds.").wait_for()
        page.get_by_role("link", name="Bitbucket Cloud").click()

        page.get_by_role("button", name="Create the webhook").click()
        assert page.locator("#hook-address").inner_text().startswith(f"{address}/api/webhooks/bitbucket/")
        assert page.locator("#hook-secret").inner_text().startswith("whsec_")
        page.get_by_role("button", name="Create the key").click()
        assert page.locator("#new-key").inner_text().startswith("pt_live_")
        fits(page, "key made")

        page.get_by_label("Branch").fill("main")
        page.get_by_role("button", name="Send a test build").click()
        page.get_by_text("It would be filed").wait_for()
        page.get_by_role("heading", name="Waiting for the first build…").wait_for()
        deliver(world, report(PAY))
        page.get_by_role("link", name="Check again").click()
        page.get_by_role("heading", name="It works: builds arrive").wait_for()
        page.locator("#waiting").get_by_role("link", name="Pipeline #900").click()
        page.get_by_role("heading", name="Why here").wait_for()


def test_what_is_made_once_is_accessible_and_copied_by_a_button(chromium: Browser, world: World) -> None:
    with served(world) as address, visiting(chromium, world, address, "admin") as page:
        page.goto(f"{address}/o/acme/connect/bitbucket")
        page.get_by_role("button", name="Create the webhook").click()
        page.locator("#hook-secret").wait_for()
        judge(page, "webhook made")
        page.get_by_role("button", name="Copy secret").click()
        page.get_by_role("button", name="Copied").wait_for()
        page.goto(f"{address}/o/acme/connect/gitlab")
        page.get_by_role("button", name="Create the key").click()
        page.locator("#new-key").wait_for()
        judge(page, "key made")


def test_a_webhook_for_gitlab_is_made_without_javascript_and_leads_to_its_steps(
    chromium: Browser, world: World
) -> None:
    with served(world) as address, visiting(chromium, world, address, "admin", javascript=False) as page:
        page.goto(f"{address}/o/acme/settings/webhooks")
        page.get_by_label("Who sends").select_option("GitLab")
        page.get_by_role("button", name="Create the webhook").click()
        assert page.locator("#hook-address").inner_text().startswith(f"{address}/api/webhooks/gitlab/")
        fits(page, "webhook for GitLab made")
        page.get_by_role("link", name="the steps for GitLab").click()
        page.get_by_text("Pipeline events").first.wait_for()


def test_the_first_build_appears_by_itself(chromium: Browser, world: World) -> None:
    with served(world) as address, visiting(chromium, world, address, "viewer") as page:
        page.goto(f"{address}/o/acme/connect/bitbucket")
        page.get_by_role("heading", name="Waiting for the first build…").wait_for()
        deliver(world, report(PAY))
        page.get_by_role("heading", name="It works: builds arrive").wait_for()


def test_a_project_is_archived_and_restored_by_mouse_without_javascript(chromium: Browser, world: World) -> None:
    with served(world) as address, visiting(chromium, world, address, "tester", javascript=False) as page:
        page.goto(f"{address}/o/acme/projects")
        page.get_by_role("link", name="Console").click()
        page.get_by_role("button", name="Archive Console").click()
        page.get_by_text("The project is archived.").wait_for()
        page.goto(f"{address}/o/acme/projects")
        page.get_by_text("Archived (1)").click()
        page.get_by_role("link", name="Console").click()
        page.get_by_role("button", name="Restore").click()
        page.get_by_text("The project is in use again.").wait_for()
