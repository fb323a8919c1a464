"""Sessions, links and throttling: how people get in, and how guessing is slowed down."""

from __future__ import annotations

import re
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import pytest
from attrs import evolve
from starlette.testclient import TestClient

from lathe.adapters.memory.clock import SettableClock
from lathe.adapters.memory.store import MemoryStore
from lathe.adapters.ui.account import local_path
from lathe.adapters.web.throttle import TRIES_PER_ACCOUNT, TRIES_PER_ADDRESS, LoginThrottle
from lathe.application import login, members
from lathe.domain.errors import RateLimited
from lathe.domain.organization import Role
from tests.unit.ui.world import PASSWORD, Browser, World, make_app, make_parts, make_world


def cookies(answer: Any) -> dict[str, Any]:
    found: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        found.load(header)
    return dict(found)


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_logging_in_makes_a_new_session_and_ends_the_one_before(empty: World) -> None:
    browser, old = empty.client("admin"), empty.people["admin"].token
    answer = browser.post("/login", email=" Ann@Acme.test ", password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    new = cookies(answer)["lathe"].value
    assert new != old
    assert login.viewer(empty.parts.store, old) is None
    assert login.viewer(empty.parts.store, new) is not None
    assert browser.get("/").headers["location"] == "/o/acme/releases"


def test_a_planted_session_is_not_taken_over(empty: World) -> None:
    planted = "a" * 64
    browser = empty.client()
    browser.client.cookies.set("lathe", planted)
    answer = browser.post("/login", email="ann@acme.test", password=PASSWORD)
    assert cookies(answer)["lathe"].value != planted
    assert login.viewer(empty.parts.store, planted) is None


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(empty: World) -> None:
    answer = empty.client().post("/login", email="ann@acme.test", password=PASSWORD)
    cookie = cookies(answer)["lathe"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "lax", "/", "")
    assert cookie["secure"] == ""


def test_on_https_the_cookie_belongs_to_this_host_alone() -> None:
    world = make_world("https://lathe.example")
    answer = world.client(base_url="https://lathe.example").post("/login", email="ann@acme.test", password=PASSWORD)
    cookie = cookies(answer)["__Host-lathe"]
    assert (cookie["httponly"], cookie["secure"], cookie["path"], cookie["domain"]) == (True, True, "/", "")
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_logging_out_ends_the_session(empty: World) -> None:
    browser = empty.client("admin")
    answer = browser.post("/logout")
    assert answer.headers["location"] == "/login"
    assert cookies(answer)["lathe"]["max-age"] == "0"
    assert login.viewer(empty.parts.store, empty.people["admin"].token) is None
    assert "You are logged out." in browser.get("/login").text


def test_an_old_session_is_over(empty: World) -> None:
    empty.clock.advance(timedelta(hours=12))
    assert empty.client("admin").get("/o/acme/releases").status_code == 303


def test_wrong_passwords_and_unknown_people_get_one_answer(empty: World) -> None:
    answers = [
        empty.client().post("/login", email=email, password=password, next="/o/acme/releases")
        for email, password in (("ann@acme.test", "wrong"), ("nobody@acme.test", PASSWORD))
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    bodies = [answer.text.replace("ann@", "").replace("nobody@", "") for answer in answers]
    assert bodies[0] == bodies[1]
    assert "wrong" not in re.sub("is wrong", "", answers[0].text), "a password is not sent back"
    assert 'name="next" value="/o/acme/releases"' in answers[0].text


@pytest.mark.parametrize(
    "path",
    ["https://evil.test", "//evil.test", "/\\evil.test", "\\\\evil.test", "/a\nb", "javascript:alert(1)", "o/acme", ""],
)
def test_log_in_goes_on_to_our_own_pages_only(empty: World, path: str) -> None:
    assert local_path(path) is None
    answer = empty.client().post("/login", email="ann@acme.test", password=PASSWORD, next=path)
    assert answer.headers["location"] == "/"
    assert "next" not in empty.client().client.get("/login", params={"next": path}).text


# --- links ------------------------------------------------------------------------------------------------------------


def test_the_set_up_link_makes_the_first_admin_and_works_once() -> None:
    parts = make_parts(MemoryStore(SettableClock()))
    browser = Browser(TestClient(make_app(parts), base_url="http://lathe.test", follow_redirects=False), None)
    path = f"/setup/{login.setup_link(parts.store, parts.ids)}"
    assert browser.get(path).status_code == 200
    fields = {"organization": "Zürich & Co", "name": "Ann", "email": "ann@acme.test", "password": "swordfish"}
    again = browser.post(path, **fields)
    assert again.status_code == 422
    assert 'value="Zürich &amp; Co"' in again.text
    assert "swordfish" not in again.text
    assert "Must have 12 to 256 characters" in again.text
    answer = browser.post(path, **fields | {"password": PASSWORD})
    assert answer.headers["location"] == "/o/z%C3%BCrich-co/releases"
    assert browser.get(answer.headers["location"]).status_code == 200
    assert browser.get(path).status_code == 404
    assert browser.post(path, **fields | {"password": PASSWORD}).status_code == 404


def test_where_nobody_is_set_up_the_log_in_says_which_way_leads_in() -> None:
    parts = make_parts(MemoryStore(SettableClock()))
    assert (
        "Nobody is set up here yet"
        in Browser(TestClient(make_app(parts), base_url="http://lathe.test", follow_redirects=False), None)
        .get("/login")
        .text
    )


def test_all_that_is_wrong_with_a_form_is_said_at_once_and_the_first_field_has_the_focus() -> None:
    parts = make_parts(MemoryStore(SettableClock()))
    browser = Browser(TestClient(make_app(parts), base_url="http://lathe.test", follow_redirects=False), None)
    path = f"/setup/{login.setup_link(parts.store, parts.ids)}"
    page = browser.post(path, organization="Acme", name=" ", email="nobody", password="short").text
    assert re.findall(r'<p class="error" id="setup-(\w+)-error"', page) == ["name", "email", "password"]
    first = re.search(r"<input [^>]*autofocus[^>]*>", page)
    assert first is not None
    assert 'name="name"' in first[0]


@pytest.mark.parametrize(
    ("path", "instead"),
    [("setup", "start the server again"), ("password", "ask an admin"), ("join", "ask an admin")],
)
def test_a_link_that_has_ended_says_what_to_do_instead(empty: World, path: str, instead: str) -> None:
    page = empty.client("stranger").get(f"/{path}/unknown")
    assert page.status_code == 404
    assert f"Log in, or {instead}" in page.text


def test_the_address_of_an_organization_alone_leads_to_its_first_page(empty: World) -> None:
    assert empty.client("viewer").get("/o/acme").headers["location"] == "/o/acme/releases"


def test_a_password_link_sets_the_password_and_ends_older_sessions(empty: World) -> None:
    path = f"/password/{login.reset_link(empty.parts.store, empty.parts.ids, 'tom@acme.test')}"
    browser = empty.client()
    assert "tom@acme.test" in browser.get(path).text
    assert browser.post(path, password="short", name="").status_code == 422
    answer = browser.post(path, password="another long password", name="Tom Thumb")
    assert answer.status_code == 303
    viewer = login.viewer(empty.parts.store, cookies(answer)["lathe"].value)
    assert viewer is not None
    assert viewer.user.name == "Tom Thumb"
    assert login.viewer(empty.parts.store, empty.people["tester"].token) is None
    assert browser.post(path, password="another long password").status_code == 404


def test_a_join_link_is_for_its_own_account(empty: World) -> None:
    parts = empty.parts
    token = members.invite(parts.store, parts.ids, empty.caller, "olga@acme.test", Role.TESTER).token
    assert empty.client("viewer").post(f"/join/{token}").status_code == 404
    assert empty.client("stranger").post(f"/join/{token}", csrf="x").status_code == 403
    assert empty.client().post(f"/join/{token}").headers["location"] == f"/login?next=%2Fjoin%2F{token}"
    olga = empty.client("stranger")
    answer = olga.post(f"/join/{token}")
    assert answer.headers["location"] == "/o/acme/releases"
    assert cookies(answer)["lathe"].value != empty.people["stranger"].token
    assert login.viewer(parts.store, empty.people["stranger"].token) is None
    page = olga.get("/o/acme/releases").text
    assert "Welcome. You are a member now." in page
    assert '<a href="/o/umbra/releases" dir="auto">Umbra</a>' in page


def test_a_log_in_link_works_as_often_as_it_is_opened(empty: World) -> None:
    parts = empty.parts
    token = login.login_link(parts.store, parts.ids, empty.people["viewer"].user.id)
    for _ in range(2):
        browser = empty.client()
        assert browser.get(f"/login/{token}").headers["location"] == "/"
        assert browser.get("/").headers["location"] == "/o/acme/releases"
    assert empty.client().get("/login/unknown").status_code == 404


def test_a_person_without_organization_is_told_so(empty: World) -> None:
    parts = empty.parts
    user = evolve(empty.people["admin"].user, id=parts.ids.new(), email="lone@acme.test")
    parts.store.write(lambda tx: tx.users.add(user))
    browser = empty.client()
    browser.post("/login", email="lone@acme.test", password=PASSWORD)
    assert "No organization yet" in browser.get("/").text


# --- throttling -------------------------------------------------------------------------------------------------------


def test_guessing_is_slowed_down_and_nobody_is_locked_out(empty: World) -> None:
    now = [0]
    empty.app = make_app(empty.parts, LoginThrottle(lambda: now[0]))
    browser = empty.client()
    for _ in range(TRIES_PER_ACCOUNT):
        assert browser.post("/login", email="ann@acme.test", password="guess").status_code == 401
    refused = browser.post("/login", email="ANN@acme.test ", password=PASSWORD)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert 'value="ANN@acme.test "' in refused.text
    assert browser.post("/login", email="tom@acme.test", password=PASSWORD).status_code == 303, "others get in"
    now[0] = 60_000_000
    assert browser.post("/login", email="ann@acme.test", password=PASSWORD).status_code == 303


def test_an_address_that_tries_many_accounts_is_slowed_down() -> None:
    throttle = LoginThrottle(lambda: 0)
    for number in range(TRIES_PER_ADDRESS):
        throttle.spend(f"{number}@acme.test", "203.0.113.7")
    with pytest.raises(RateLimited):
        throttle.spend("new@acme.test", "203.0.113.7")
    with pytest.raises(RateLimited):
        throttle.spend("new@acme.test", "::ffff:203.0.113.7")
    throttle.spend("new@acme.test", "203.0.113.8")


def test_behind_a_trusted_proxy_it_is_the_visitor_who_is_slowed_down(empty: World) -> None:
    """Neither all visitors of the proxy together, nor an address that the visitor makes up."""
    empty.app = make_app(evolve(empty.parts, trusted_proxies=("10.0.0.0/8",)), LoginThrottle(lambda: 0))
    proxy = TestClient(empty.app, "http://lathe.test", follow_redirects=False, client=("10.0.0.1", 50000))

    def guess(number: int, forwarded: str) -> int:
        said = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-For": forwarded}
        answer = Browser(proxy, None).post_with("/login", said, email=f"{number}@acme.test", password="guess")
        status: int = answer.status_code
        return status

    for number in range(TRIES_PER_ADDRESS):
        assert guess(number, f"198.51.100.{number}, 203.0.113.7") == 401
    assert guess(100, "198.51.100.100, 203.0.113.7") == 429
    assert guess(101, "203.0.113.8") == 401


def test_a_whole_ipv6_network_counts_as_one_address() -> None:
    throttle = LoginThrottle(lambda: 0)
    for number in range(TRIES_PER_ADDRESS):
        throttle.spend_address(f"2001:db8:0:1::{number:x}")
    with pytest.raises(RateLimited):
        throttle.spend_address("2001:db8:0:1:ffff::1%eth0")
    throttle.spend_address("2001:db8:0:2::1")
    throttle.spend_address("testclient")


def test_what_the_throttle_remembers_is_bounded() -> None:
    throttle = LoginThrottle(lambda: 0, remembered=50)
    for number in range(500):
        throttle.spend(f"{number}@acme.test", f"10.0.{number // 250}.{number % 250}")
    assert len(throttle._windows) <= 50
