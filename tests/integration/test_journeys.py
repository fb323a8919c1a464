"""What people come for, from the first link to the first build and beyond: by mouse, by keys alone, without JavaScript.

The installed server runs on a database of its own, and builds reach it as Bitbucket and a pipeline send them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx2
import pytest
from attrs import frozen
from playwright.sync_api import expect

from lathe.entrypoints.sample_bodies import commit_status, event_headers
from tests.browser import REFUSED, browsing
from tests.integration.test_live import go_to
from tests.integration.test_pages import served
from tests.integration.test_serve import setup_link
from tests.looks import judge
from tests.programs import lathe_inside, serving
from tests.unit.ui.sample import ARABIC, fill
from tests.unit.ui.world import World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PASSWORD: Final = "correct horse battery staple"
ANN: Final = "ann@acme.test"
REPOSITORY: Final = "acme/pay-api"
PHONE: Final = {"width": 360, "height": 740}

Press = Callable[["Locator"], None]
Write = Callable[["Locator", str], None]


# --- the hands --------------------------------------------------------------------------------------------------------


def click(control: Locator) -> None:
    control.click()


def walk_to(control: Locator) -> None:
    """Press Tab until the focus is there, as somebody without a mouse does."""
    page = control.page
    for _ in range(80):
        if control.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {control}")


def press_by_key(control: Locator) -> None:
    walk_to(control)
    control.page.keyboard.press("Enter")


def write_by_key(field: Locator, text: str) -> None:
    walk_to(field)
    field.page.keyboard.type(text)


def write(field: Locator, text: str) -> None:
    field.fill(text)


# --- what is sent -----------------------------------------------------------------------------------------------------


def report(address: str, secret: str, **facts: Any) -> dict[str, Any]:
    """Send a build's status as Bitbucket does, signed with the webhook's secret, and return the answer."""
    body = json.dumps(commit_status(**facts)).encode()
    headers = event_headers("repo:commit_status_updated", str(uuid4()))
    headers["X-Hub-Signature"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    answer: dict[str, Any] = httpx2.post(address, content=body, headers=headers).json()
    return answer


def send_build(address: str, key: str, number: int) -> int:
    """Send a build as a pipeline's last step does, and return the status of the answer."""
    body = {"name": f"Build #{number}", "build_number": str(number), "repo_url": f"https://bitbucket.org/{REPOSITORY}"}
    headers = {"Authorization": f"Bearer {key}"}
    return httpx2.post(f"{address}/api/v1/builds", json=body, headers=headers).status_code


# --- from the first link to the first build ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("press", "fill_in", "options"),
    [
        pytest.param(click, write, {}, id="by mouse"),
        pytest.param(press_by_key, write_by_key, {"color_scheme": "dark"}, id="by keyboard"),
        pytest.param(click, write, {"java_script_enabled": False, "viewport": PHONE}, id="without JavaScript"),
    ],
)
def test_from_the_first_link_to_the_first_build(
    chromium: Browser, tmp_path: Path, press: Press, fill_in: Write, options: dict[str, Any]
) -> None:
    with (
        serving(cwd=tmp_path) as (program, address),
        browsing(chromium, address, may_say=(REFUSED,), **options) as page,
    ):
        link = setup_link(program)
        page.goto(address)
        expect(page.get_by_text("Nobody is set up here yet")).to_be_visible()
        page.goto(link)
        fill_in(page.get_by_label("Organization"), "Acme")
        fill_in(page.get_by_label("Your name"), "Ann")
        fill_in(page.get_by_label("E-mail address"), ANN)
        fill_in(page.get_by_label("Password"), PASSWORD)
        press(page.get_by_role("button", name="Set up"))

        press(page.get_by_role("link", name="Create a project"))
        fill_in(page.get_by_label("Name"), "Pay")
        fill_in(page.get_by_label("Repositories"), f"https://bitbucket.org/{REPOSITORY}")
        press(page.get_by_role("button", name="Create project"))
        press(page.get_by_role("link", name="Give it an active release"))
        fill_in(page.get_by_label("Name").first, "2.5")
        press(page.get_by_role("button", name="Create release"))
        press(page.get_by_role("link", name="Bitbucket Cloud"))
        press(page.get_by_role("button", name="Create the webhook"))
        hook, secret = (page.locator(f"#hook-{part}").inner_text() for part in ("address", "secret"))
        expect(page.locator("#hook-secret")).to_be_in_viewport()

        answers = [
            report(hook, secret, repository=REPOSITORY, number=8, branch="main", state=state)["status"]
            for state in ("INPROGRESS", "SUCCESSFUL")
        ]
        assert answers == ["ignored", "created"]
        if options.get("java_script_enabled", True):
            expect(page.get_by_role("heading", name="It works: builds arrive")).to_be_visible()
        else:
            press(page.get_by_role("link", name="Check again"))
        expect(page.locator("#waiting")).to_contain_text("Pipeline #8 for main filed under Pay 2.5")
        judge(page, "the first build arrived") if options.get("java_script_enabled", True) else None

        press(page.locator("#waiting").get_by_role("link", name="Pipeline #8 for main"))
        expect(page.get_by_role("heading", name="Why here")).to_be_visible()
        press(page.get_by_role("navigation", name="Main").get_by_role("link", name="Releases"))
        expect(page.locator("article", has_text="Pay 2.5")).to_contain_text("1 build")
        page.goto(link)
        expect(page.get_by_text("This link does not work any more")).to_be_visible()


# --- in an organization that is set up --------------------------------------------------------------------------------


@frozen
class Acme:
    """A server with an organization, its project Pay with the active release 2.5, and Ann, its admin."""

    folder: Path
    address: str

    def lathe(self, *arguments: str) -> dict[str, Any]:
        """Run a command beside the server."""
        ended = lathe_inside(*arguments, "--json", cwd=self.folder, LATHE_BASE_URL=self.address)
        assert ended.status == 0, ended.err
        made: dict[str, Any] = ended.json
        return made

    def set_password(self, page: Page, email: str, role: str) -> None:
        """Let a person in, by the link that the command line prints."""
        page.goto(self.lathe("user", "create", email, "--org", "acme", "--role", role)["link"])
        page.get_by_label("Your name").fill(email.partition("@")[0].capitalize())
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Join").click()
        page.wait_for_url("**/releases")


@contextmanager
def open_acme(folder: Path) -> Iterator[Acme]:
    """Start the server in a folder, with all that it holds."""
    with serving(cwd=folder) as (_, address):
        here = Acme(folder, address)
        here.lathe("org", "create", "Acme")
        here.lathe("project", "create", "Pay", "--org", "acme", "--repo", f"https://bitbucket.org/{REPOSITORY}")
        here.lathe("release", "create", "2.5", "--org", "acme", "--project", "pay", "--active", "--branch", "main")
        yield here


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acme]:
    with open_acme(tmp_path_factory.mktemp("acme")) as here:
        yield here


def log_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")


def test_a_key_works_until_it_is_revoked(chromium: Browser, acme: Acme) -> None:
    with browsing(chromium, acme.address, may_say=(REFUSED,)) as page:
        acme.set_password(page, "kim@acme.test", "admin")
        page.goto(f"{acme.address}/o/acme/settings/keys")
        page.locator("#new-key-name").fill(f"Nightly {ARABIC} 🌙")
        page.get_by_role("button", name="Create key").click()
        key = page.locator("#new-key").inner_text()
        assert send_build(acme.address, key, 1) == 202
        page.get_by_role("link", name="I have copied it").click()
        row = page.locator("li.row", has_text="Nightly")
        expect(row).to_contain_text("1 request")
        row.get_by_label("Change Nightly").click()
        row.get_by_text("Revoke…").click()
        row.get_by_role("button", name="Yes, revoke").click()
        expect(page.get_by_text("No request with it is taken any more")).to_be_visible()
        assert send_build(acme.address, key, 2) == 401


def test_getting_out_and_in_again_and_into_another_organization(chromium: Browser, acme: Acme) -> None:
    acme.lathe("org", "create", "Umbra")
    with browsing(chromium, acme.address, may_say=(REFUSED,)) as page:
        acme.set_password(page, ANN, "tester")
        page.locator(".me > summary").click()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_text("You are logged out.")).to_be_visible()

        page.goto(f"{acme.address}/o/acme/projects")
        log_in(page, ANN, "not this one, surely")
        expect(page.get_by_role("alert")).to_contain_text("E-mail address or password is wrong")
        expect(page.get_by_label("Password")).to_be_focused()
        expect(page.get_by_label("E-mail address")).to_have_value(ANN)
        log_in(page, ANN, PASSWORD)
        page.wait_for_url("**/o/acme/projects")

        link = acme.lathe("user", "create", ANN, "--org", "umbra", "--role", "viewer")["link"]
        page.goto(link)
        page.get_by_role("button", name="Join").click()
        page.wait_for_url("**/o/umbra/releases")
        page.goto(link)
        expect(page.get_by_text("ask an admin for a new one")).to_be_visible()
        page.goto(f"{acme.address}/o/umbra")
        page.locator(".me > summary").click()
        page.get_by_role("link", name="Acme").click()
        page.wait_for_url("**/o/acme/releases")


# --- the queue, by keys alone -----------------------------------------------------------------------------------------


@pytest.fixture
def world() -> World:
    return fill(make_world())


def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def told(page: Page, text: str) -> None:
    expect(page.locator(".notice").first).to_contain_text(text)


def row_of(world: World, page: Page, name: str) -> Locator:
    """Move to a row with j and k."""
    go_to(page, str(world.ids[name]))
    return page.locator(f"#entry-{world.ids[name]}")


def test_every_action_of_the_queue_by_keys_alone(chromium: Browser, world: World) -> None:
    with (
        served(world) as address,
        browsing(chromium, address, world.people["tester"].token, may_say=(REFUSED,)) as page,
    ):
        page.goto(f"{address}/o/acme/releases")
        row_of(world, page, "Pipeline #482")
        keys(page, "a")
        told(page, "is filed under \u2068Pay 2.5")
        keys(page, "z")
        told(page, "waits in the queue again")
        expect(page.locator(f"#entry-{world.ids['Pipeline #482']}")).to_be_focused()

        # A project of its own for it, with the repository; then its first release; then there.
        row = row_of(world, page, "Pipeline #17")
        keys(page, "p")
        walk_to(row.get_by_label("New project for acme/ledger-import"))
        keys(page, "Enter")
        told(page, "is chosen")
        expect(row.get_by_label("Name of its first active release")).to_be_focused()
        page.keyboard.type("1.0")
        keys(page, "Enter")
        told(page, "The release is there")
        expect(row).to_be_focused()
        keys(page, "a")
        told(page, "is filed under \u2068Ledger import 1.0")

        # A project that is there already; with the choice of a release, its repository is remembered.
        row = row_of(world, page, "1.9.0+204")
        keys(page, "p", "Enter")
        told(page, "is chosen")
        walk_to(row.get_by_label("Always file builds of"))
        keys(page, "Space")
        press_by_key(row.locator("button.choice").first)
        told(page, "is filed under")
        keys(page, "z")
        told(page, "waits in the queue again")

        row = row_of(world, page, "nightly-2026-03-14")
        keys(page, "r")
        expect(row.get_by_label("Reject, because it is")).to_be_focused()
        page.keyboard.type("Other")
        press_by_key(row.get_by_role("button", name="Reject", exact=True))
        expect(row.get_by_label("Note")).to_be_focused()
        page.keyboard.type("Nobody tests nightlies")
        press_by_key(row.get_by_role("button", name="Reject", exact=True))
        told(page, "is rejected")


def test_several_at_once_by_keys_and_back_from_the_history(chromium: Browser, world: World) -> None:
    with (
        served(world) as address,
        browsing(chromium, address, world.people["tester"].token, may_say=(REFUSED,)) as page,
    ):
        page.goto(f"{address}/o/acme/releases")
        waiting = page.locator("#queue [data-entry]").count()
        keys(page, "j", "x", "j", "x", "r")
        expect(page.locator("#several-reason")).to_be_focused()
        page.keyboard.type("Broken")
        press_by_key(page.get_by_role("button", name="Reject all selected"))
        told(page, "2 builds rejected.")
        expect(page.locator("#queue [data-entry]")).to_have_count(waiting - 2)
        page.get_by_role("button", name="Undo all 2").press("Enter")
        expect(page.locator("#queue [data-entry]")).to_have_count(waiting)


# --- forms that cannot be carried out ---------------------------------------------------------------------------------


def test_what_is_wrong_stands_at_its_field_and_the_first_one_has_the_focus(chromium: Browser, world: World) -> None:
    with (
        served(world) as address,
        browsing(chromium, address, world.people["admin"].token, may_say=(REFUSED,)) as page,
    ):
        page.goto(f"{address}/o/acme/projects")
        name, repositories = page.get_by_label("Name"), page.get_by_label("Repositories")
        for text, fault in (("a\0b", "control characters"), ("x" * 256, "at most 255"), ("  ", "must not be blank")):
            name.fill(text)
            repositories.fill(f"https://bitbucket.org/acme/new\n{ARABIC}")
            page.get_by_role("button", name="Create project").click()
            expect(page.locator("#new-project-name-error")).to_contain_text(fault, ignore_case=True)
            expect(page.locator("#new-project-repositories-error")).to_contain_text(
                f"“\u2068{ARABIC}\u2069” names no repository"
            )
            expect(name).to_be_focused()
        judge(page, "two fields that are wrong")
        name.fill(f"{ARABIC} 🚀")
        repositories.fill("")
        page.get_by_role("button", name="Create project").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{ARABIC} 🚀")
