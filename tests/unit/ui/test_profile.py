"""The own account: name, look, keyboard, password, sessions; and switching between organizations."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from lathe.adapters.ui.words import browser_name
from lathe.adapters.web.throttle import TRIES_PER_ACCOUNT
from lathe.application import login
from lathe.domain.organization import Member, Role
from tests.unit.ui.world import PASSWORD, Browser, World

PROFILE = "/o/acme/profile"
NEW = "a new and longer password"


def log_in(world: World, who: str = "viewer", agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0") -> Browser:
    browser = world.client()
    email = world.people[who].user.email
    headers = {"Sec-Fetch-Site": "same-origin", "User-Agent": agent}
    assert browser.post_with("/login", headers, email=email, password=PASSWORD).status_code == 303
    return browser


def test_the_look_is_kept_with_the_person_and_on_every_page(empty: World) -> None:
    browser = empty.client("viewer")
    assert '<html lang="en" data-shortcuts="on">' in browser.get(PROFILE).text
    answer = browser.post(PROFILE, name=" Vic V. ", theme="dark")
    assert answer.headers["location"] == PROFILE
    assert "Saved." in browser.get(PROFILE).text
    for page in ("/releases", "/projects", f"/builds/{empty.acme.id}"):
        assert '<html lang="en" data-theme="dark" data-shortcuts="off">' in browser.get(f"/o/acme{page}").text
    browser.post(PROFILE, name="Vic", theme="system", shortcuts="yes")
    assert '<html lang="en" data-shortcuts="on">' in browser.get(PROFILE).text
    assert '<html lang="en" data-shortcuts="on">' in empty.client("admin").get(PROFILE).text


def test_a_faulty_profile_keeps_what_was_typed(empty: World) -> None:
    browser = empty.client("viewer")
    answer = browser.post(PROFILE, name=" ", theme="dark")
    assert answer.status_code == 422
    assert re.search(r'value="dark" checked', answer.text)
    assert browser.post(PROFILE, name="Vic", theme="pink").status_code == 422


def test_the_password_is_changed_here_and_every_other_browser_is_logged_out(empty: World) -> None:
    browser = empty.client("viewer")
    elsewhere = log_in(empty)
    wrong = browser.post(f"{PROFILE}/password", present="a wrong guess at it", password=NEW)
    assert wrong.status_code == 422
    assert "Is not the present password" in wrong.text
    assert "a wrong guess at it" not in wrong.text
    assert NEW not in wrong.text
    answer = browser.post(f"{PROFILE}/password", present=PASSWORD, password=NEW)
    assert answer.headers["location"] == PROFILE
    assert "The password is changed." in browser.get(PROFILE).text, "this browser goes on"
    assert elsewhere.get(PROFILE).status_code == 303
    assert login.viewer(empty.parts.store, empty.people["viewer"].token) is None
    assert empty.client().post("/login", email="vic@acme.test", password=NEW).status_code == 303


def test_guessing_the_password_at_an_open_browser_is_slowed_down(empty: World) -> None:
    browser = empty.client("viewer")
    for _ in range(TRIES_PER_ACCOUNT):
        assert browser.post(f"{PROFILE}/password", present="guess", password=NEW).status_code == 422
    answer = browser.post(f"{PROFILE}/password", present=PASSWORD, password=NEW)
    assert answer.status_code == 429
    assert answer.headers["retry-after"]


def test_sessions_are_named_by_their_browser_and_can_be_ended(empty: World) -> None:
    browser = empty.client("viewer")
    elsewhere = log_in(empty)
    page = browser.get(PROFILE).text
    assert "Firefox on Linux" in page
    assert page.count("this one") == 1
    handle = re.search(r'name="session" value="([0-9a-f]{16})"', page)
    assert handle
    assert browser.post(f"{PROFILE}/sessions/end", session=handle[1]).headers["location"] == PROFILE
    assert "That browser is logged out." in browser.get(PROFILE).text
    assert elsewhere.get(PROFILE).status_code == 303
    assert browser.post(f"{PROFILE}/sessions/end", session=handle[1]).status_code == 404


def test_every_other_session_is_ended_at_once(empty: World) -> None:
    browser = empty.client("viewer")
    others = [log_in(empty) for _ in range(3)]
    assert "Log out everywhere else" in browser.get(PROFILE).text
    browser.post(f"{PROFILE}/sessions/end-others")
    assert [one.get(PROFILE).status_code for one in others] == [303] * 3
    assert "Log out everywhere else" not in browser.get(PROFILE).text


def test_an_account_without_a_password_is_told_so(empty: World) -> None:
    user = evolve(empty.people["viewer"].user, password_hash=None)
    empty.parts.store.write(lambda tx: tx.users.save(user))
    assert "This account has no password" in empty.client("viewer").get(PROFILE).text


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
            "Safari on iPhone",
        ),
        ("something Linux", "A browser on Linux"),
        ("curl/8.5", "curl"),
        ("<script>alert(1)</script>", None),
        ("", None),
        (None, None),
    ],
)
def test_a_browser_is_named_in_our_own_words(agent: str | None, name: str | None) -> None:
    assert browser_name(agent) == name


def test_a_person_in_several_organizations_switches_between_them(empty: World) -> None:
    umbra = next(org for org in empty.parts.store.read(lambda tx: tx.organizations.all()) if org.slug == "umbra")
    user = empty.people["viewer"].user
    empty.parts.store.write(lambda tx: tx.users.join(Member(umbra.id, user.id, Role.TESTER, tx.now())))
    browser = empty.client("viewer")
    page = browser.get("/o/acme/releases").text
    assert 'href="/o/umbra/releases" dir="auto">Umbra</a>' in page
    there = browser.get("/o/umbra/releases")
    assert there.status_code == 200
    assert 'href="/o/acme/releases" dir="auto">Acme</a>' in there.text
    assert "tester" in there.text
