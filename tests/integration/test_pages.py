"""The pages in a real browser, by mouse and keyboard, with and without JavaScript.

How every page and state looks is judged in test_states.py.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
import uvicorn

from lathe.application import keys, project_pages, projects, queries, releases, triage
from lathe.domain.queue_entry import EntryStatus, RejectReason
from lathe.domain.release import ReleaseState
from tests.browser import REFUSED, browsing
from tests.looks import NARROWEST, judge
from tests.unit.ui.sample import fill
from tests.unit.ui.world import PASSWORD, World, make_app, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

TWO_LOOKS: Final = (("light", 360), ("dark", 1280))


@contextmanager
def served(world: World) -> Iterator[str]:
    """Serve a world's pages on a free port, as long as the block lasts."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(world.parts), log_level="warning", ws="none", lifespan="off", timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def world() -> World:
    return fill(make_world())


@contextmanager
def visiting(
    chromium: Browser,
    world: World,
    address: str,
    who: str | None,
    *,
    scheme: str = "light",
    width: int = 1280,
    javascript: bool = True,
) -> Iterator[Page]:
    """Open a browser that is logged in as somebody."""
    with browsing(
        chromium,
        address,
        world.people[who].token if who else None,
        may_say=(REFUSED,),
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 800},
        java_script_enabled=javascript,
    ) as page:
        yield page


def summaries(page: Page) -> list[Locator]:
    """Everything that opens, the bar for selected rows included; not what is within something closed."""
    for box in page.locator('[data-key="x"]').all()[:1]:
        box.check()
    return [one for one in page.locator("details > summary").all() if one.is_visible()]


def test_every_menu_is_accessible_and_fits(chromium: Browser, world: World) -> None:
    paths = [
        "/releases",
        f"/projects/{world.ids['Pay']}",
        f"/releases/{world.ids['Pay 2.5']}",
        "/settings/keys",
        "/settings/webhooks",
    ]
    with served(world) as address, visiting(chromium, world, address, "admin", scheme="dark", width=NARROWEST) as page:
        for path in paths:
            page.goto(f"{address}/o/acme{path}")
            for number, summary in enumerate(summaries(page)):
                summary.click()
                judge(page, f"menu {number} of {path}", "details[open]")
                summary.click()


def test_log_in_and_out_by_keyboard(chromium: Browser, world: World) -> None:
    with (
        served(world) as address,
        visiting(chromium, world, address, None, javascript=False) as page,
    ):
        page.goto(f"{address}/o/acme/projects")
        page.keyboard.press("Tab")
        assert page.locator(":focus").inner_text() == "Skip to content"
        page.get_by_label("E-mail address").fill("ann@acme.test")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}/o/acme/projects")
        page.locator("details.me summary").press("Enter")
        page.get_by_role("button", name="Log out").press("Enter")
        page.get_by_text("You are logged out.").wait_for()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_queue_is_worked_off_by_mouse(chromium: Browser, world: World, javascript: bool) -> None:
    store, org, ids = world.parts.store, world.acme.id, world.ids
    with served(world) as address, visiting(chromium, world, address, "tester", javascript=javascript) as page:
        page.goto(f"{address}/o/acme/releases")

        row = page.locator(f"#entry-{ids['Pipeline #482']}")
        row.get_by_role("button", name="File under 2.5").click()
        page.get_by_text("is filed under").wait_for()
        assert world.entry("Pipeline #482").status is EntryStatus.ASSIGNED
        page.get_by_role("status").get_by_role("button", name="Undo").click()
        page.get_by_text("waits in the queue again").wait_for()
        assert world.entry("Pipeline #482").status is EntryStatus.PENDING

        row.get_by_label("More ways to file").click()
        row.get_by_role("button", name="2.4").click()
        page.get_by_text("is filed under").wait_for()
        assignment = world.entry("Pipeline #482").assignment
        assert assignment is not None
        assert assignment.release_name == "2.4"

        row = page.locator(f"#entry-{ids['1.9.0+204']}")
        row.get_by_text("Choose project").click()
        row.get_by_role("button", name="Mobile app").click()
        page.get_by_text("It waits for a release now").wait_for()
        assert world.entry("1.9.0+204").project_id == ids["Mobile app"]
        row.get_by_label("Always file builds of").check()
        row.get_by_role("button", name="1.9 suggested").click()
        page.get_by_text("is filed under").wait_for()
        assert projects.get(store, org, ids["Mobile app"]).repositories[0][0].name == "acme/mobile"

        row = page.locator(f"#entry-{ids['Pipeline #17']}")
        row.get_by_text("Select project").click()
        row.get_by_label("New project for acme/ledger-import").fill("Ledger import")
        row.get_by_role("button", name="Create project").click()
        page.get_by_text("It waits for a release now").wait_for()
        made = world.entry("Pipeline #17").project_id
        assert made is not None
        assert projects.get(store, org, made).repositories[0][0].name == "acme/ledger-import"
        row.get_by_label("Name of its first active release").fill("1.0")
        row.get_by_role("button", name="Create release").click()
        page.get_by_text("The release is there, and active.").wait_for()
        row.get_by_role("button", name="File under 1.0").click()
        page.get_by_text("is filed under").wait_for()

        row = page.locator(f"#entry-{ids['nightly-2026-03-14']}")
        row.get_by_text("Reject").first.click()
        row.get_by_label("Reject, because it is").select_option("other")
        row.get_by_role("button", name="Reject", exact=True).click()
        page.get_by_text("Is needed when the reason is other").wait_for()
        row.get_by_label("Note").fill("Nobody tests nightlies")
        row.get_by_role("button", name="Reject", exact=True).click()
        page.get_by_text("is rejected").wait_for()
        page.get_by_text("Recently decided").click()
        page.get_by_role("button", name="Undo nightly-2026-03-14").click()
        page.get_by_text("waits in the queue again").wait_for()
        assert world.entry("nightly-2026-03-14").status is EntryStatus.PENDING


@pytest.mark.parametrize("javascript", [True, False])
def test_several_builds_are_decided_at_once(chromium: Browser, world: World, javascript: bool) -> None:
    names = ("Pipeline #17", "1.9.0+204")
    with served(world) as address, visiting(chromium, world, address, "tester", javascript=javascript) as page:
        page.goto(f"{address}/o/acme/releases")
        bar = page.locator("#several")
        assert not bar.is_visible(), "nothing is selected yet"
        for name in names:
            page.get_by_label(f"Select {name}").check()
        bar.get_by_text("Assign…").click()
        bar.get_by_label("File all of them under").select_option(label="Pay 2.4")
        bar.get_by_role("button", name="File all selected").click()
        page.get_by_text("2 builds filed.").wait_for()
        assert {world.entry(name).status for name in names} == {EntryStatus.ASSIGNED}

        page.get_by_label("Select all").check()
        triage.reject(world.parts.store, world.caller, world.ids["nightly-2026-03-14"], RejectReason.BROKEN)
        bar.get_by_text("Reject…").click()
        bar.get_by_role("button", name="Reject all selected").click()
        assert "builds rejected, 1 not." in page.get_by_role("alert").inner_text()
        assert "Ann rejected this just now" in page.get_by_label("What was not done").inner_text()


@pytest.mark.parametrize("javascript", [True, False])
def test_what_places_cleanly_now_is_shown_and_filed(chromium: Browser, world: World, javascript: bool) -> None:
    with served(world) as address, visiting(chromium, world, address, "tester", javascript=javascript) as page:
        page.goto(f"{address}/o/acme/releases")
        page.get_by_text("would be filed without guessing now").click()
        page.get_by_role("button", name="File it").click()
        page.get_by_text("1 build filed by the rules as they are now.").wait_for()
        assert world.entry("Pipeline #482").status is EntryStatus.ASSIGNED


def test_two_testers_at_once_the_second_reads_who_was_faster(chromium: Browser, world: World) -> None:
    with served(world) as address, visiting(chromium, world, address, "tester", javascript=False) as page:
        page.goto(f"{address}/o/acme/releases")
        triage.assign(
            world.parts.store, world.parts.ids, world.caller, world.ids["Pipeline #482"], world.ids["Pay 2.4"]
        )
        page.locator(f"#entry-{world.ids['Pipeline #482']}").get_by_role("button", name="File under 2.5").click()
        assert page.get_by_role("alert").inner_text() == "Ann assigned this to 2.4 just now."


def test_a_build_is_moved_and_sent_back_by_mouse(chromium: Browser, world: World) -> None:
    with served(world) as address, visiting(chromium, world, address, "tester", javascript=False) as page:
        page.goto(f"{address}/o/acme/builds/{world.ids['build 459']}")
        page.get_by_label("Move to").select_option(label="Ledger 7")
        page.get_by_role("button", name="Move").click()
        page.get_by_text("The build is moved.").wait_for()
        page.get_by_role("button", name="Send back to the queue").click()
        page.get_by_text("was sent back").wait_for()
        assert queries.build(world.parts.store, world.acme.id, world.ids["build 459"]).build.withdrawn


def test_a_release_is_made_closed_and_reopened_by_mouse(chromium: Browser, world: World) -> None:
    with served(world) as address, visiting(chromium, world, address, "tester", javascript=False) as page:
        page.goto(f"{address}/o/acme/releases")
        form = page.locator("details", has_text="New release")
        form.get_by_text("New release").click()
        form.get_by_label("Project").select_option(label="Console")
        form.get_by_label("Name").fill("1.0")
        form.get_by_label("Branches and tags that feed it").fill("develop\nrelease/1.*")
        form.get_by_role("button", name="Create release").click()
        page.get_by_text("Close…").click()
        page.get_by_role("button", name="Close release").click()
        page.get_by_text("it takes no more builds").wait_for()
        page.get_by_text("Reopen…").click()
        page.get_by_role("button", name="Reopen", exact=True).click()
        page.get_by_text("builds are filed under it now").wait_for()
        made = project_pages.project_page(world.parts.store, world.acme.id, world.ids["Console"]).releases[0]
        assert releases.get(world.parts.store, world.acme.id, made.id).state is ReleaseState.ACTIVE
        assert [pattern.text for pattern in made.branch_patterns] == ["develop", "release/1.*"]


def test_a_key_is_shown_once_by_mouse_and_revoked(chromium: Browser, world: World) -> None:
    with served(world) as address, visiting(chromium, world, address, "admin", javascript=False) as page:
        page.goto(f"{address}/o/acme/settings/keys")
        page.locator("#new-key-name").fill("Nightly")
        page.get_by_role("button", name="Create key").click()
        text = page.locator("#new-key").inner_text()
        assert text.startswith("pt_live_")
        page.get_by_role("link", name="I have copied it").click()
        assert text not in page.content()
        page.get_by_label("Change Nightly").click()
        page.get_by_text("Revoke…").filter(visible=True).click()
        page.get_by_role("button", name="Yes, revoke Nightly").click()
        page.get_by_text("The key is revoked.").wait_for()
        made = next(key for key in keys.listed(world.parts.store, world.acme.id) if key.name == "Nightly")
        assert made.revoked_at is not None
