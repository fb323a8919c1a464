"""Roles, other organizations, forms of other sites: who may do what, and who may not."""

from __future__ import annotations

import re

import pytest

from lathe.adapters import ui
from lathe.adapters.memory.store import MemoryStore
from lathe.adapters.ui.connecting import CIS
from lathe.adapters.web.csrf import form_token
from lathe.domain.organization import Role
from tests.unit.ui.world import PASSWORD, World, make_world

# Every form inside an organization, and the least role that may send it. ``{…}`` are names of the world.
FORMS = (
    ("/releases", Role.TESTER),
    ("/releases/{Pay 2.5}", Role.TESTER),
    ("/releases/{Pay 2.5}/state", Role.TESTER),
    ("/queue/several", Role.TESTER),
    ("/queue/several/undo", Role.TESTER),
    ("/queue/offer", Role.TESTER),
    ("/queue/{Pipeline #482}/assign", Role.TESTER),
    ("/queue/{Pipeline #482}/project", Role.TESTER),
    ("/queue/{Pipeline #482}/create-project", Role.TESTER),
    ("/queue/{Pipeline #482}/create-release", Role.TESTER),
    ("/queue/{Pipeline #482}/reject", Role.TESTER),
    ("/queue/{Pipeline #480}/undo", Role.TESTER),
    ("/builds/{build 459}/move", Role.TESTER),
    ("/builds/{build 459}/requeue", Role.TESTER),
    ("/deliveries/{delivery}/again", Role.TESTER),
    ("/deliveries/try", Role.TESTER),
    ("/projects", Role.TESTER),
    ("/projects/{Pay}", Role.TESTER),
    ("/projects/{Pay}/archive", Role.TESTER),
    ("/projects/{Pay}/restore", Role.TESTER),
    ("/projects/{Pay}/releases", Role.TESTER),
    ("/projects/{Pay}/repositories", Role.TESTER),
    ("/projects/{Pay}/repositories/{Pay}/remove", Role.TESTER),
    *((f"/connect/{ci.slug}", Role.ADMIN) for ci in CIS),
    ("/settings/organization", Role.ADMIN),
    ("/settings/keys", Role.ADMIN),
    ("/settings/keys/{key Dashboard}", Role.ADMIN),
    ("/settings/keys/{key Dashboard}/revoke", Role.ADMIN),
    ("/profile", Role.VIEWER),
    ("/profile/password", Role.VIEWER),
    ("/profile/sessions/end", Role.VIEWER),
    ("/profile/sessions/end-others", Role.VIEWER),
    ("/settings/members", Role.ADMIN),
    ("/settings/members/{member Tom}/role", Role.ADMIN),
    ("/settings/members/{member Tom}/remove", Role.ADMIN),
    ("/settings/members/{invited}/withdraw", Role.ADMIN),
    ("/settings/webhooks", Role.ADMIN),
    ("/settings/webhooks/{hook}/rotate", Role.ADMIN),
    ("/settings/webhooks/{hook}/revoke", Role.ADMIN),
)


def address(world: World, form: str, slug: str = "acme") -> str:
    return f"/o/{slug}" + re.sub(r"\{([^}]*)\}", lambda found: str(world.ids[found[1]]), form)


def commits(world: World) -> int:
    """Return how many transactions have changed anything so far."""
    assert isinstance(world.parts.store, MemoryStore)
    return world.parts.store._number


# --- roles and organizations ------------------------------------------------------------------------------------------


def test_the_table_of_forms_is_complete(world: World) -> None:
    posts = [
        re.sub(r"\{[^}]*\}", "*", str(getattr(route, "path", "")).removeprefix("/o/{slug}"))
        for route in ui.routes(world.parts)
        if "POST" in (getattr(route, "methods", None) or ()) and "{slug}" in str(getattr(route, "path", ""))
    ]
    assert sorted(posts) == sorted(re.sub(r"\{[^}]*\}", "*", form) for form, _ in FORMS)


def test_who_may_not_is_refused_and_changes_nothing(world: World) -> None:
    before = commits(world)
    for form, needed in FORMS:
        for who, role in (("viewer", Role.VIEWER), ("tester", Role.TESTER)):
            if not role.may(needed):
                answer = world.client(who).post(address(world, form))
                assert (answer.status_code, "You may not do this" in answer.text) == (403, True), form
    assert commits(world) == before


def test_another_organization_is_not_there_for_strangers(world: World) -> None:
    before = commits(world)
    stranger = world.client("stranger")
    for form, _ in FORMS:
        assert stranger.post(address(world, form)).status_code == 404
        assert stranger.post(address(world, form, "nowhere")).status_code == 404
    pages = [stranger.get(f"/o/{slug}/releases") for slug in ("acme", "nowhere")]
    assert [page.status_code for page in pages] == [404, 404]
    bodies = [page.text.replace(page.headers["x-request-id"], "*") for page in pages]
    assert bodies[0] == bodies[1]
    # Under the stranger's own address, ids of others are not there either.
    for form in ("/queue/{Pipeline #482}", "/builds/{build 459}", "/projects/{Pay}", "/deliveries/{delivery}"):
        assert stranger.get(address(world, form, "umbra")).status_code == 404
    for form, _ in FORMS:
        if "{" in form:
            fields = {"state": "closed", "name": "x", "files": "finished", "reason": "broken", "url": "https://a.b/c/d"}
            ids = {
                "release_id": world.ids["Pay 2.5"],
                "project_id": world.ids["Pay"],
                "rate_limit": "5",
                "role": "viewer",
            }
            answer = stranger.post(address(world, form, "umbra"), **fields, **ids)
            assert answer.status_code == 404, form
    assert commits(world) == before


def test_nobody_is_sent_to_log_in_and_comes_back(world: World) -> None:
    answer = world.client().get(f"/o/acme/releases/{world.ids['Pay 2.5']}?q=a%26b")
    assert answer.status_code == 303
    browser = world.client()
    then = re.search(r'name="next" value="([^"]*)"', browser.get(answer.headers["location"]).text)
    assert then is not None
    after = browser.post("/login", email="ann@acme.test", password=PASSWORD, next=then[1])
    assert after.headers["location"] == f"/o/acme/releases/{world.ids['Pay 2.5']}?q=a%26b"
    late = world.client()
    answer = late.post("/o/acme/projects", name="x")
    assert answer.headers["location"].startswith("/login?next=")
    assert "logged out meanwhile, so nothing was changed" in late.get(answer.headers["location"]).text


# --- forms of other sites ---------------------------------------------------------------------------------------------

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://lathe.test"},
        {"Origin": "https://evil.test"},
        {"Origin": "http://lathe.test.evil.test"},
        {"Origin": "http://lathe.test:8080"},
        {"Origin": "null"},
        {},
    ],
)
def test_a_form_that_another_site_sent_changes_nothing(world: World, headers: dict[str, str]) -> None:
    browser, before = world.client("admin"), commits(world)
    for form, _ in FORMS:
        assert browser.post_with(address(world, form), headers, name="x").status_code == 403
    for path in ("/login", "/logout", "/setup/x", "/password/x", "/join/x"):
        assert browser.post_with(path, headers, email="ann@acme.test", password=PASSWORD).status_code == 403
    assert commits(world) == before
    assert browser.get("/o/acme/releases").status_code == 200, "still logged in"


def test_a_form_without_the_token_of_its_session_changes_nothing(world: World) -> None:
    browser, before = world.client("admin"), commits(world)
    tokens = (None, "", "x", "é", world.people["tester"].csrf, world.people["admin"].token)
    for form, _ in FORMS:
        for token in tokens:
            assert browser.post(address(world, form), csrf=token, name="x").status_code == 403
    assert browser.post("/logout", csrf="x").status_code == 403
    assert commits(world) == before


@pytest.mark.parametrize("headers", [OURS, {"Origin": "http://lathe.test"}, {"Origin": "http://LATHE.test"}])
def test_a_form_of_our_own_is_taken(world: World, headers: dict[str, str]) -> None:
    answer = world.client("tester").post_with("/o/acme/projects", headers, name="Shop", repositories="")
    assert answer.status_code == 303


def test_behind_a_proxy_the_configured_address_counts_too() -> None:
    world = make_world("https://lathe.example")
    browser = world.client()
    sent = {"email": "ann@acme.test", "password": PASSWORD}
    assert browser.post_with("/login", {"Origin": "https://lathe.example"}, **sent).status_code == 303
    assert browser.post_with("/login", {"Origin": "https://evil.example"}, **sent).status_code == 403


def test_the_token_of_forms_tells_nothing_about_the_session() -> None:
    assert form_token("a" * 64) != form_token("b" * 64)
    assert "a" * 8 not in form_token("a" * 64)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data; boundary=x", b"--x--", 415),
        ("application/json", b"{}", 415),
        ("text/plain", b"name=x", 415),
        ("application/x-www-form-urlencoded", b"name=" + b"x" * 70_000, 413),
        ("application/x-www-form-urlencoded", b"&".join(b"a=1" for _ in range(300)), 400),
        ("application/x-www-form-urlencoded", b"name=%ff%fe", 400),
        ("application/x-www-form-urlencoded", b"name=\xff", 400),
    ],
)
def test_bodies_that_are_no_forms_are_refused(world: World, content_type: str, body: bytes, status: int) -> None:
    client = world.client("admin").client
    answer = client.post("/o/acme/projects", content=body, headers={**OURS, "Content-Type": content_type})
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")


def test_unprintable_text_is_a_fault_of_its_field(world: World) -> None:
    answer = world.client("tester").post("/o/acme/projects", name="a\x00b", repositories="")
    assert answer.status_code == 422
    assert world.client().post("/login", email="a\x00b@acme.test", password="x").status_code == 401


# --- headers ----------------------------------------------------------------------------------------------------------


def test_every_answer_keeps_browsers_strict(world: World) -> None:
    for path in ("/o/acme/releases", "/login", "/nowhere", "/static/lathe.css", "/"):
        headers = world.client("admin").get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "strict-transport-security" not in headers
