"""People, settings and the own account in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lathe.application import members
from lathe.domain.organization import Member, Role
from tests.integration.test_pages import TWO_LOOKS, served, visiting
from tests.looks import judge
from tests.unit.ui.sample import LONG, fill
from tests.unit.ui.world import PASSWORD, World, make_world

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def world() -> World:
    return fill(make_world())


def invite(page: Page, email: str, role: str) -> str:
    """Invite somebody on the Members page and return the link."""
    page.get_by_label("E-mail address").fill(email)
    page.locator("section", has_text="Invite somebody").get_by_label(role).last.check()
    page.get_by_role("button", name="Make an invitation link").click()
    return page.locator("#invitation").inner_text()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_colleague_is_given_a_viewers_access(chromium: Browser, world: World, javascript: bool) -> None:
    with served(world) as address:
        with visiting(chromium, world, address, "admin", javascript=javascript) as page:
            page.goto(f"{address}/o/acme/settings/members")
            link = invite(page, "nora@acme.test", "Viewer")
            page.get_by_role("link", name="Done").click()
            assert link not in page.content()
            assert page.get_by_text("nora@acme.test").is_visible()
        with visiting(chromium, world, address, None, javascript=javascript) as page:
            page.goto(link)
            page.get_by_label("Your name").fill("Nora")
            page.get_by_label("New password").fill(PASSWORD)
            page.get_by_role("button", name="Join").click()
            page.get_by_role("heading", name="Releases", exact=True).wait_for()
            assert page.get_by_role("button", name="Reject").count() == 0
            page.goto(link)
            assert page.get_by_text("Nothing here").is_visible()
    assert [m.role for u, m in members.listed(world.parts.store, world.acme.id).members if u.name == "Nora"] == [
        Role.VIEWER
    ]


def test_a_member_gets_another_role_and_is_removed_by_keyboard(chromium: Browser, world: World) -> None:
    with served(world) as address, visiting(chromium, world, address, "admin") as page:
        page.goto(f"{address}/o/acme/settings/members")
        page.get_by_label("Change Tom").press("Enter")
        page.get_by_label("Viewer").filter(visible=True).first.press("Space")
        page.get_by_role("button", name="Save the role").press("Enter")
        page.get_by_text("The role is changed.").wait_for()
        page.get_by_label("Change Tom").press("Enter")
        page.get_by_text("Remove…").filter(visible=True).press("Enter")
        page.get_by_role("button", name="Yes, remove Tom").press("Enter")
        page.get_by_text("The person is not a member any more").wait_for()
        page.get_by_role("link", name="Audit log").click()
        told = page.locator(".events .what").all_inner_texts()[:2]
        assert told == ["Ann removed tom@acme.test · was viewer", "Ann changed tom@acme.test · role: tester → viewer"]


@pytest.mark.parametrize(("theme", "scheme"), [("Dark", "light"), ("Light", "dark")])
def test_the_chosen_colours_hold_against_the_devices(chromium: Browser, world: World, theme: str, scheme: str) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    with served(world) as address, visiting(chromium, world, address, "viewer", scheme=scheme) as page:
        page.goto(f"{address}/o/acme/profile")
        before = page.evaluate(colour)
        page.get_by_label(theme).check()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved.").wait_for()
        assert page.evaluate(colour) != before
        judge(page, f"profile {theme} on {scheme}")
        page.get_by_label("As this device does").check()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved.").wait_for()
        assert page.evaluate(colour) == before


def test_single_keys_are_switched_off_in_the_profile(chromium: Browser, world: World) -> None:
    with served(world) as address, visiting(chromium, world, address, "tester") as page:
        page.goto(f"{address}/o/acme/releases")
        page.keyboard.press("?")
        page.get_by_role("dialog").wait_for()
        page.goto(f"{address}/o/acme/profile")
        page.get_by_label("Single keys work the Build Queue").uncheck()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved.").wait_for()
        page.goto(f"{address}/o/acme/releases")
        page.keyboard.press("?")
        page.keyboard.press("j")
        assert page.get_by_role("dialog").count() == 0
        assert page.locator("[data-current]").count() == 0


def test_the_password_is_changed_and_other_browsers_are_out(chromium: Browser, world: World) -> None:
    with (
        served(world) as address,
        visiting(chromium, world, address, "viewer") as page,
        visiting(chromium, world, address, None) as other,
    ):
        other.goto(f"{address}/login")
        other.get_by_label("E-mail address").fill("vic@acme.test")
        other.get_by_label("Password").fill(PASSWORD)
        other.get_by_role("button", name="Log in").click()
        other.get_by_role("heading", name="Releases", exact=True).wait_for()
        page.goto(f"{address}/o/acme/profile")
        assert page.get_by_text("Chrome on Linux", exact=True).is_visible()
        page.get_by_label("Present password").fill(PASSWORD)
        page.get_by_label("New password").fill("a new and longer password")
        page.get_by_role("button", name="Change the password").click()
        page.get_by_text("The password is changed.").wait_for()
        other.goto(f"{address}/o/acme/profile")
        assert other.get_by_role("heading", name="Log in").is_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_header_switches_between_organizations(chromium: Browser, world: World, javascript: bool) -> None:
    user, store = world.people["viewer"].user, world.parts.store
    umbra = next(one for one in store.read(lambda tx: tx.organizations.all()) if one.slug == "umbra")
    store.write(lambda tx: tx.users.join(Member(umbra.id, user.id, Role.TESTER, tx.now())))
    with served(world) as address, visiting(chromium, world, address, "viewer", javascript=javascript) as page:
        page.goto(f"{address}/o/acme/releases")
        page.locator(".me > summary").click()
        judge(page, "switcher") if javascript else None
        page.get_by_role("link", name="Umbra").click()
        page.wait_for_url(f"{address}/o/umbra/releases")


@pytest.mark.parametrize(("scheme", "width"), TWO_LOOKS)
def test_states_of_people_pages_are_accessible_and_fit(
    chromium: Browser, world: World, scheme: str, width: int
) -> None:
    with served(world) as address, visiting(chromium, world, address, "admin", scheme=scheme, width=width) as page:
        page.goto(f"{address}/o/acme/settings/members")
        for email, name in ((f"{LONG[:60]}@acme.test", "members-invited"), ("vic@acme.test", "members-joins")):
            invite(page, email, "Tester")
            judge(page, name)
        page.get_by_label("Change Ann").click()
        page.get_by_label("Viewer").filter(visible=True).first.check()
        page.get_by_role("button", name="Save the role").click()
        page.get_by_text("This is the only admin").wait_for()
        judge(page, "members-last-admin")
        page.goto(f"{address}/o/acme/profile")
        page.get_by_label("Present password").fill("not this one, surely")
        page.get_by_label("New password").fill("a new and longer password")
        page.get_by_role("button", name="Change the password").click()
        page.get_by_text("Is not the present password").wait_for()
        judge(page, "profile-wrong-password")
