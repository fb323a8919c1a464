"""Live pages and single keys in a real browser: what is new comes by itself, and nothing moves under the pointer."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import pytest
from attrs import evolve, frozen
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from lathe.adapters.ids import RandomIds
from lathe.adapters.secret_box import create_key_file
from lathe.adapters.sql import open_store
from lathe.adapters.ui import live
from lathe.application import login, organizations, projects, releases, triage
from lathe.application.caller import Caller
from lathe.application.ports import Store
from lathe.domain.organization import Actor, Member, Organization, Role, User
from lathe.domain.queue_entry import RejectReason
from lathe.domain.release import ReleaseState
from tests import samples
from tests.browser import browsing
from tests.integration.test_pages import served
from tests.programs import Program, lathe_inside, serving
from tests.stores import migrated
from tests.unit.ui.sample import fill
from tests.unit.ui.world import PASSWORD, PlainPasswords, World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ALLOWED: Final = ["clipboard-read", "clipboard-write"]


def wait_in_queue(store: Store, organization_id: UUID, name: str, **changes: Any) -> UUID:
    """Let a build wait, as a delivery to any other process would."""

    def work(tx: Any) -> UUID:
        facts = samples.facts(name=name, build_number=None)
        entry = samples.bare_entry(organization_id, facts=facts, created_at=tx.now(), **changes)
        tx.entries.add(entry)
        return entry.id

    return store.write(work)


# --- across processes -------------------------------------------------------------------------------------------------


@frozen
class Office:
    """A server, its database as another process sees it, and two testers."""

    program: Program
    address: str
    store: Store
    organization: Organization
    tokens: tuple[str, str]
    release_id: UUID
    project_id: UUID


@contextmanager
def office(kind: str, url: str, folder: Path) -> Iterator[Office]:
    """Serve a database on which this process works too; PostgreSQL by two workers."""
    settings: dict[str, str] = {}
    workers: tuple[str, ...] = ()
    if kind == "sqlite":
        assert lathe_inside("migrate", cwd=folder).status == 0
        url = f"sqlite:///{folder}/lathe.db"
    else:
        migrated(url)
        create_key_file(folder / "lathe.key")
        settings, workers = {"LATHE_DATABASE_URL": url, "LATHE_SECRET_KEY_FILE": "lathe.key"}, ("--workers", "2")
    with serving(*workers, cwd=folder, **settings) as (program, address):
        store = open_store(url)
        try:
            yield furnished(store, address, program)
        finally:
            store.close()


def furnished(store: Store, address: str, program: Program) -> Office:
    ids, hasher = RandomIds(), PlainPasswords()
    organization = organizations.create(store, ids, "Acme")
    hashed = hasher.hash(PASSWORD)
    users = [User(ids.new(), f"{name.lower()}@acme.test", name, samples.NOW, hashed) for name in ("Mara", "Tom")]

    def work(tx: Any) -> None:
        for user in users:
            tx.users.add(user)
            tx.users.join(Member(organization.id, user.id, Role.TESTER, tx.now()))

    store.write(work)
    mara = Caller(organization.id, Actor("user", users[0].id, users[0].name))
    project = projects.create(store, ids, mara, "Pay", []).project
    release = releases.create(store, ids, mara, project.id, "2.1", state=ReleaseState.ACTIVE, branch_patterns=[])
    tokens = [login.login(store, ids, hasher, user.email, PASSWORD) for user in users]
    return Office(program, address, store, organization, (tokens[0], tokens[1]), release.id, project.id)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_builds_and_decisions_of_other_processes_arrive(
    chromium: Browser, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else ""
    with office(kind, url, tmp_path) as here:
        store, org = here.store, here.organization.id
        pay = {"project_id": here.project_id, "placed_project_id": here.project_id}
        first = wait_in_queue(store, org, "first", **pay)
        home = f"{here.address}/o/{here.organization.slug}/releases"
        may_say = ("ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_REFUSED")
        with (
            browsing(chromium, here.address, here.tokens[0], may_say=may_say) as mara,
            browsing(chromium, here.address, here.tokens[1], may_say=may_say) as tom,
        ):
            mara.goto(home)
            tom.goto(home)
            second = wait_in_queue(store, org, "second", **pay)
            for page in (mara, tom):
                page.get_by_role("button", name="1 new build").click()
                row(page, second).wait_for()
                assert order(page) == [str(second), str(first)]

            row(mara, first).get_by_role("button", name="File under 2.1").click()
            mara.get_by_text("is filed under").first.wait_for()
            expect(row(tom, first)).to_contain_text("Mara assigned this to 2.1 just now.")
            assert order(tom) == [str(second), str(first)]
            # A release's newest build is shown where it always stood.
            expect(tom.locator(f"#release-{here.release_id}")).to_contain_text("first")

            began = time.monotonic()
            assert here.program.stop() == 0
            assert time.monotonic() - began < 10, "an open page held the server up"


def accessible(page: Page) -> None:
    result = Axe().run(page)
    assert result.violations_count == 0, result.generate_report()


def row(page: Page, entry_id: UUID) -> Locator:
    return page.locator(f'[data-entry="{entry_id}"]')


def order(page: Page) -> list[str]:
    return [one.get_attribute("data-entry") or "" for one in page.locator("[data-entry]").all()]


# --- in one process ---------------------------------------------------------------------------------------------------


@pytest.fixture
def world() -> World:
    return fill(make_world())


@contextmanager
def at_home(
    chromium: Browser, world: World, who: str = "tester", *, path: str = "/releases", **options: Any
) -> Iterator[Page]:
    with served(world) as address, browsing(chromium, address, world.people[who].token, **options) as page:
        with page.expect_response(re.compile(r"/live\?since=")) if options.get("listens", True) else page:
            page.goto(f"{address}/o/acme{path}")
        yield page


def test_nothing_moves_until_somebody_asks_for_it(chromium: Browser, world: World) -> None:
    store, org = world.parts.store, world.acme.id
    with at_home(chromium, world) as page:
        before = order(page)
        under = page.locator("[data-entry]").nth(1)
        under.hover()
        place = under.bounding_box()
        new = [wait_in_queue(store, org, f"new {number}") for number in range(3)]
        button = page.get_by_role("button", name="3 new builds")
        button.wait_for()
        assert (order(page), under.bounding_box()) == (before, place)
        wait_in_queue(store, org, "new 3")
        page.get_by_role("button", name="4 new builds").wait_for()
        assert (order(page), under.bounding_box()) == (before, place)
        accessible(page)

        row(page, world.ids["Pipeline #482"]).locator("input[type=checkbox]").first.check()
        page.get_by_role("button", name="4 new builds").click()
        row(page, new[0]).wait_for()
        assert (order(page)[4:], order(page)[1:4]) == (before, [str(one) for one in reversed(new)])
        assert row(page, world.ids["Pipeline #482"]).locator("input[type=checkbox]").first.is_checked()
        assert page.get_by_role("button", name="new build").count() == 0
        assert page.evaluate("document.activeElement.dataset.entry") == order(page)[0]


def test_a_change_is_read_once_at_a_glance_by_a_page_that_somebody_looks_at(chromium: Browser, world: World) -> None:
    hide = "(on) => { Object.defineProperty(document, 'hidden', {value: on, configurable: true});"
    hide += " document.dispatchEvent(new Event('visibilitychange')) }"
    with at_home(chromium, world) as page:
        before = len(order(page))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url.partition("/o/acme")[2]))

        def read() -> list[str]:
            return [one for one in asked if "/live?" not in one]  # the stream itself may open late

        wait_in_queue(world.parts.store, world.acme.id, "first")
        page.get_by_role("button", name="1 new build").wait_for()
        page.wait_for_timeout(300)
        assert read() == ["/live/releases"]

        page.evaluate(hide, arg=True)
        wait_in_queue(world.parts.store, world.acme.id, "second")
        page.wait_for_timeout(3000)
        assert read() == ["/live/releases"]
        page.evaluate(hide, arg=False)
        page.get_by_role("button", name="2 new builds").click()
        expect(page.locator("[data-entry]")).to_have_count(before + 2)
        assert read() == ["/live/releases"] * 2 + ["/releases"]


def test_an_empty_queue_fills_by_itself_while_nobody_points_below_it(chromium: Browser) -> None:
    world = make_world()
    projects.create(world.parts.store, world.parts.ids, world.caller, "Pay", [])
    with at_home(chromium, world) as page:
        page.locator("h1").hover()
        entry = wait_in_queue(world.parts.store, world.acme.id, "first")
        expect(row(page, entry)).to_be_visible()


def test_the_slower_one_reads_who_did_what_and_cannot_do_it_again(chromium: Browser, world: World) -> None:
    parts, ids = world.parts, world.ids
    decided, rejected = ids["Pipeline #482"], ids["nightly-2026-03-14"]
    with at_home(chromium, world) as page:
        before = order(page)
        box = row(page, decided).bounding_box()
        count = int(page.locator("[data-queue-count]").first.inner_text())
        row(page, decided).get_by_role("button").first.focus()
        triage.assign(parts.store, parts.ids, world.caller, decided, ids["Pay 2.4"])
        triage.reject(parts.store, world.caller, rejected, RejectReason.BROKEN, "")
        expect(row(page, decided)).to_contain_text("Ann assigned this to 2.4 just now.")
        expect(row(page, rejected)).to_contain_text("Ann rejected this just now.")
        assert (order(page), row(page, decided).bounding_box()) == (before, box)
        assert page.locator("[data-queue-count]").first.inner_text() == str(count - 2)
        assert page.evaluate("document.activeElement.dataset.entry") == str(decided)
        page.keyboard.press("a")
        assert row(page, decided).locator("details[open]").count() == 0
        accessible(page)

        triage.undo(parts.store, world.caller, decided)
        page.get_by_role("button", name="1 changed").click()
        expect(row(page, decided)).not_to_contain_text("Ann assigned")
        row(page, decided).get_by_role("button", name="File under 2.5").click()
        page.get_by_text("is filed under").first.wait_for()


def test_other_pages_say_that_they_changed_and_only_then(chromium: Browser, world: World) -> None:
    parts, ids = world.parts, world.ids
    with at_home(chromium, world, path=f"/builds/{ids['build 459']}") as page:
        with page.expect_response(re.compile("/builds/")):
            wait_in_queue(parts.store, world.acme.id, "elsewhere")
        page.wait_for_timeout(300)
        assert page.locator("#live-line").count() == 0
        triage.move(parts.store, world.caller, ids["build 459"], ids["Pay 2.4"])
        expect(page.locator("#live-line")).to_contain_text("This page has changed.")
        accessible(page)
        page.get_by_role("button", name="Reload").click()
        page.get_by_text("2.4").first.wait_for()
        assert page.locator("#live-line").count() == 0


def test_who_is_logged_out_is_told_so(chromium: Browser, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    monkeypatch.setattr(live, "CHECK_EVERY", 0.1)
    with at_home(chromium, world) as page:
        login.logout(world.parts.store, world.people["tester"].token)
        expect(page.locator("#live-line")).to_contain_text("You are logged out")
        page.get_by_role("button", name="Reload").click()
        page.get_by_label("Password").wait_for()


def test_where_streams_are_refused_the_page_asks_instead(
    chromium: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAMS", 0)
    with at_home(chromium, world, may_say=("status of 503",)) as page:
        with page.expect_response(re.compile("/live/poll")):
            wait_in_queue(world.parts.store, world.acme.id, "asked for")
        page.get_by_role("button", name="1 new build").wait_for()


def test_where_a_stream_stays_silent_the_page_asks_instead(
    chromium: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 3600.0)
    with served(world) as address, browsing(chromium, address, world.people["tester"].token) as page:
        page.clock.install()
        with page.expect_response(re.compile(r"/live\?since=")):
            page.goto(f"{address}/o/acme/releases")
        with page.expect_response(re.compile("/live/poll")):
            page.clock.run_for(46_000)


@pytest.mark.parametrize("how", ["switched off", "not there"])
def test_without_the_scripts_the_page_works_by_reloading(chromium: Browser, world: World, how: str) -> None:
    with (
        served(world) as address,
        browsing(
            chromium,
            address,
            world.people["tester"].token,
            java_script_enabled=how == "not there",
            may_say=("ERR_FAILED",),
        ) as page,
    ):
        page.route("**/*.js*", lambda route: route.abort())
        page.goto(f"{address}/o/acme/releases")
        entry = wait_in_queue(world.parts.store, world.acme.id, "new")
        page.reload()
        assert row(page, entry).is_visible()
        row(page, world.ids["Pipeline #482"]).get_by_role("button", name="File under 2.5").click()
        page.get_by_text("is filed under").first.wait_for()
        assert page.locator("button[data-copy]:visible, [data-help]:visible").count() == 0


# --- keys -------------------------------------------------------------------------------------------------------------


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.closest('[data-entry]')?.dataset.entry ?? ''"))


def test_the_queue_is_worked_off_by_keys(chromium: Browser, world: World) -> None:
    entries = {name: str(world.ids[name]) for name in ("Pipeline #482", "Pipeline #17", "nightly-2026-03-14")}
    with at_home(chromium, world) as page:
        everything = order(page)
        page.keyboard.press("a")
        assert focused(page) == everything[0], "first it shows what it is about"
        assert len(order(page)) == len(everything)
        page.keyboard.press("j")
        page.keyboard.press("j")
        assert focused(page) == everything[2]
        page.keyboard.press("k")
        assert focused(page) == everything[1]
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring == "solid"

        go_to(page, entries["Pipeline #482"])
        page.keyboard.press("x")
        assert row(page, UUID(entries["Pipeline #482"])).locator("input[type=checkbox]").first.is_checked()
        page.keyboard.press("a")
        assert page.evaluate("document.activeElement.closest('[data-bulk] details')?.open") is True, "all selected"
        page.keyboard.press("Escape")
        page.keyboard.press("x")
        assert not row(page, UUID(entries["Pipeline #482"])).locator("input[type=checkbox]").first.is_checked()

        after = everything[everything.index(entries["Pipeline #482"]) + 1]
        page.keyboard.press("a")
        page.get_by_text("is filed under").first.wait_for()
        assert world.entry("Pipeline #482").assignment is not None
        assert focused(page) == after, "it goes on with the next row"
        page.keyboard.press("z")
        page.get_by_text("waits in the queue again").wait_for()
        assert world.entry("Pipeline #482").assignment is None

        go_to(page, entries["Pipeline #17"])
        page.keyboard.press("p")
        inside = page.evaluate("document.activeElement.closest('[data-entry] details')?.open")
        assert inside is True
        page.keyboard.press("Escape")
        assert focused(page) == entries["Pipeline #17"]
        assert page.locator("[data-entry] details[open]").count() == 0

        go_to(page, entries["nightly-2026-03-14"])
        page.keyboard.press("r")
        assert page.evaluate("document.activeElement.closest('[data-entry] details')?.open") is True
        page.keyboard.press("Escape")
        page.keyboard.press("o")
        page.wait_for_url(f"**/queue/{entries['nightly-2026-03-14']}*")


def go_to(page: Page, entry: str) -> None:
    for _ in range(50):
        if focused(page) == entry:
            return
        page.keyboard.press("j" if focused(page) in order(page)[: order(page).index(entry)] else "k")
    raise AssertionError(f"no key leads to {entry}")


def test_help_lists_the_keys_and_gives_the_focus_back(chromium: Browser, world: World) -> None:
    with at_home(chromium, world) as page:
        page.keyboard.press("j")
        before = focused(page)
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keyboard")
        dialog.wait_for()
        assert [one.inner_text() for one in dialog.locator("kbd").all()] == [*"jkoxaprz/?", "Esc"]
        assert page.evaluate("document.activeElement.closest('dialog') !== null")
        accessible(page)
        page.keyboard.press("j")
        page.keyboard.press("Escape")
        assert (dialog.count(), focused(page)) == (0, before)


def test_keys_are_letters_while_somebody_types_and_with_another_key_held(chromium: Browser, world: World) -> None:
    with at_home(chromium, world) as page:
        page.keyboard.press("/")
        page.keyboard.type("jk?ax")
        assert page.evaluate("document.activeElement.value") == "jk?ax"
        assert page.locator("dialog[open]").count() == 0
        page.locator("h1").click()
        page.keyboard.press("Control+j")
        assert page.locator("[data-current]").count() == 0


def test_keys_can_be_switched_off(chromium: Browser, world: World) -> None:
    user = world.people["tester"].user
    off = evolve(user, preferences=evolve(user.preferences, shortcuts=False))
    world.parts.store.write(lambda tx: tx.users.save(off))
    with at_home(chromium, world) as page:
        for key in "jxaprz?o/":
            page.keyboard.press(key)
        assert (page.locator("[data-current]").count(), page.locator("dialog[open]").count()) == (0, 0)


def test_lists_of_builds_take_keys_too(chromium: Browser, world: World) -> None:
    with at_home(chromium, world, path=f"/releases/{world.ids['Pay 2.5']}") as page:
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        href = page.evaluate("document.activeElement.querySelector('[data-key=o]').getAttribute('href')")
        page.keyboard.press("o")
        page.wait_for_url(f"**{href}")


# --- small helps ------------------------------------------------------------------------------------------------------


def test_times_go_on_by_the_servers_clock(chromium: Browser, world: World) -> None:
    with served(world) as address, browsing(chromium, address, world.people["tester"].token) as page:
        page.clock.install()
        page.goto(f"{address}/o/acme/releases")
        time_of = row(page, world.ids["Pipeline #482"]).locator("time").first
        before, exact = time_of.inner_text(), time_of.get_attribute("title")
        page.clock.run_for(3 * 3600 * 1000)
        assert re.fullmatch(r"[3-9] h ago", time_of.inner_text()), before
        assert time_of.get_attribute("title") == exact


@pytest.mark.parametrize("clipboard", [True, False])
def test_what_is_to_be_copied_is_copied_by_a_button(chromium: Browser, world: World, *, clipboard: bool) -> None:
    with (
        served(world) as address,
        browsing(chromium, address, world.people["admin"].token, permissions=ALLOWED) as page,
    ):
        if not clipboard:  # as on plain http elsewhere than on this machine
            page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page.goto(f"{address}/o/acme/settings/organization")
        button = page.locator("button[data-copy]").first
        button.click()
        expect(button).to_have_text("Copied")
        expect(page.get_by_role("status").filter(has_text="Copied")).to_have_count(1)
        field = page.get_by_label("Name").first
        field.fill("")
        field.press("Control+v")
        copied = page.locator(f"#{button.get_attribute('data-copy')}").first.inner_text().strip()
        assert field.input_value() == copied
