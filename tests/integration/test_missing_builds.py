"""A build does not appear: the pages tell why, and what is missing is mended there, until it is filed.

The installed server runs on a database of its own, and builds reach it by Bitbucket's signed webhook, over HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser import REFUSED, browsing
from tests.integration.test_journeys import REPOSITORY, Acme, open_acme, report

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acme]:
    with open_acme(tmp_path_factory.mktemp("acme")) as here:
        yield here


def test_why_a_build_is_missing_can_be_found_out(chromium: Browser, acme: Acme) -> None:
    hook = acme.lathe("hook", "create", "bitbucket", "--org", "acme")
    with browsing(chromium, acme.address, may_say=(REFUSED,)) as page:
        acme.set_password(page, "dev@acme.test", "viewer")
        page.goto(f"{acme.address}/o/acme/connect/bitbucket")
        send = {"repository": REPOSITORY, "branch": "main"}
        assert report(hook["address"], hook["secret"], number=20, state="FAILED", **send)["status"] == "ignored"
        expect(page.locator("#waiting")).to_contain_text("nothing to file")
        sent = send | {"branch": "feature/tax"}
        assert report(hook["address"], hook["secret"], number=21, **sent)["status"] == "queued"
        expect(page.locator("#waiting")).to_contain_text("Pay has no active release for feature/tax")
        page.get_by_label("Branch").fill("feature/tax")
        page.get_by_role("button", name="Send a test build").click()
        expect(page.locator("#test")).to_contain_text("It would wait in the Build Queue")
        page.locator("#waiting").get_by_role("link", name="Pipeline #21").click()
        expect(page.get_by_role("heading", name="Why it is here")).to_be_visible()
        expect(page.get_by_text("You may look, not decide")).to_be_visible()
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Deliveries").click()
        ignored = page.locator("li.row", has_text="Pipeline #20")
        expect(ignored).to_contain_text("Pipeline #20 for main failed, and Pay files successful builds only")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_build_that_did_not_appear_is_found_and_filed(chromium: Browser, acme: Acme, javascript: bool) -> None:
    """Bitbucket's webhook comes; the pages tell why there is no build; the project gets the repository; replay files
    it."""
    name, repository = ("shop", "acme/checkout") if javascript else ("market", "acme/till")
    project = acme.lathe("project", "create", name, "--org", "acme")["id"]
    acme.lathe("release", "create", "1.0", "--org", "acme", "--project", name, "--active")
    hook = acme.lathe("hook", "create", "bitbucket", "--org", "acme")
    answer = report(hook["address"], hook["secret"], repository=repository, number=31, state="FAILED")
    assert (answer["status"], answer["reason"]["code"]) == ("ignored", "build_not_successful")

    with browsing(chromium, acme.address, may_say=(REFUSED,), java_script_enabled=javascript) as page:
        acme.set_password(page, f"{name}@acme.test", "tester")
        page.goto(f"{acme.address}/o/acme/projects/{project}")
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        expect(page.get_by_text("Pipeline #31")).to_have_count(0)

        page.get_by_role("navigation", name="Main").get_by_role("link", name="Deliveries").click()
        page.get_by_role("searchbox").fill(f"git@bitbucket.org:{repository}.git")
        page.get_by_role("button", name="Filter").click()
        row = page.locator("li.row")
        expect(row).to_contain_text("Pipeline #31 for release/2.5 failed, and it belongs to no known project")
        row.get_by_role("link", name="repo:commit_status_updated").click()
        delivery = page.url
        page.get_by_role("link", name="Try again").click()
        expect(page.get_by_text("Nothing has changed since.")).to_be_visible()

        page.goto(f"{acme.address}/o/acme/projects/{project}")
        page.get_by_label("Every finished build").check()
        page.get_by_role("button", name="Save").click()
        page.get_by_label("Add a repository").fill(f"https://bitbucket.org/{repository}")
        page.get_by_role("button", name="Add").first.click()

        page.goto(delivery)
        page.get_by_role("link", name="Try again").click()
        page.get_by_role("button", name=f"File it under {name} 1.0").click()
        expect(page.get_by_role("heading", name="Pipeline #31 for release/2.5")).to_be_visible()
        expect(page.get_by_text("is filed, from what was stored of its delivery")).to_be_visible()
        page.locator(".deliveries").get_by_role("link", name="repo:commit_status_updated").first.click()
        page.get_by_role("link", name="what came in before").click()
        assert page.url == delivery
