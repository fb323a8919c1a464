"""Every page in every state, rendered strictly: a name that a template misspells is an error."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from attrs import evolve

from lathe.adapters.ui.connecting import CIS
from lathe.adapters.ui.contexts import Context
from lathe.adapters.ui.templating import environment, static_files
from lathe.application import home, keys, members, releases, triage
from lathe.domain.organization import Role
from lathe.domain.release import ReleaseState
from lathe.domain.steps import ReasonCode
from tests.unit.ui.sample import ARABIC, LONG, add_entry
from tests.unit.ui.world import World

VOID = {"meta", "link", "input", "img", "br"}
PARTS = {
    "active.html",
    "base.html",
    "chart.html",
    "delivered.html",
    "first_steps.html",
    "offer.html",
    "parts.html",
    "placement.html",
    "settings.html",
    "queue.html",
    "several.html",
    "triage.html",
}


class Wellformed(HTMLParser):
    """Checks that tags nest, that ids are unique, and that labels and descriptions point at something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.pointed: list[str] = []
        self.links: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []
        assert len(self.ids) == len(set(self.ids)), sorted(one for one in self.ids if self.ids.count(one) > 1)
        assert set(self.pointed) <= set(self.ids)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: dict[str, str] = {name: value or "" for name, value in attrs}
        assert "style" not in given
        assert not any(name.startswith("on") for name in given)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        self.pointed += [given[name] for name in ("for", "aria-describedby", "aria-labelledby") if name in given]
        self.links += [given[name] for name in ("href", "src", "action") if name in given]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_paths(world: World) -> list[str]:
    ids = world.ids
    builds = ("build 459", "build 401", "long build", "bare build", "build 403")
    entries = ("Pipeline #482", "1.9.0+204", "Pipeline #480", "Pipeline #481", f"{ARABIC} #3", f"{LONG} build")
    return [
        "/releases",
        "/projects",
        "/connect",
        *(f"/connect/{ci.slug}?since=2026-01-01T00%3A00%3A00%2B00%3A00" for ci in CIS),
        "/settings/organization",
        "/settings/keys",
        "/settings/webhooks",
        "/settings/members",
        "/settings/audit",
        f"/settings/audit?who={ids['member Tom']}&kind=key&day=2026-03-14",
        "/settings/audit?who=command",
        "/profile",
        "/deliveries",
        f"/deliveries/{ids['delivery']}",
        f"/deliveries/{ids['delivery']}/again",
        f"/deliveries?after=2026-03-14T09:26:53%2B00:00~{ids['delivery']}",
        "/deliveries?q=nothing&status=queued&source=old&day=2026-03-14",
        *(f"/builds/{ids[name]}" for name in builds),
        *(f"/queue/{ids[name]}" for name in entries),
        *(f"/projects/{ids[name]}" for name in ("Pay", "Console", "Mobile app", ARABIC, LONG)),
        *(f"/releases/{ids[name]}" for name in ("Pay 2.5", "Pay 2.6", "Ledger 7", "Console 0.9", f"{LONG} {LONG}")),
        f"/releases/{ids['Pay 2.5']}?branch=hotfix%2Ftax&source=bitbucket&q=Pipe",
        f"/releases/{ids['Pay 2.5']}?branch=nothing",
    ]


def test_every_template_has_one_context() -> None:
    def of(kind: type[Any]) -> list[str]:
        return [name for one in kind.__subclasses__() for name in (one.template, *of(one))]

    templates = [name for name in environment().list_templates(extensions=["html"]) if name not in PARTS]
    assert sorted(of(Context)) == sorted(templates)


@pytest.mark.parametrize("who", ["admin", "tester", "viewer"])
def test_every_page_renders_for_every_role_and_loads_nothing_from_elsewhere(world: World, who: str) -> None:
    browser = world.client(who)
    for path in page_paths(world):
        answer = browser.get(f"/o/acme{path}")
        assert answer.status_code == 200, path
        page = Wellformed(answer.text)
        assert all(link.startswith(("/", "#", "?", "http://", "https://")) for link in page.links)
        assert not re.search(r"<script(?![^>]* src=)|javascript:|<style", answer.text, re.IGNORECASE)
        assert len(re.findall(r"<h1", answer.text)) == 1
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("who", ["admin", "viewer"])
def test_every_page_of_an_empty_organization_says_what_to_do(empty: World, who: str) -> None:
    browser = empty.client(who)
    settings = [f"/settings/{name}" for name in ("organization", "keys", "webhooks", "members", "audit")]
    for path in ("/releases", "/projects", "/connect", "/profile", *settings):
        answer = browser.get(f"/o/acme{path}")
        assert answer.status_code == 200
        Wellformed(answer.text)
    assert "No build has arrived yet" in browser.get("/o/acme/releases").text


def test_a_count_of_releases_that_are_not_all_listed_says_so(world: World) -> None:
    parts, ids, browser = world.parts, world.ids, world.client("viewer")
    assert "<summary>Closed (1)</summary>" in browser.get("/o/acme/releases").text
    for number in range(home.INACTIVE_SHOWN):
        name, closed = f"0.0.{number}", ReleaseState.CLOSED
        releases.create(parts.store, parts.ids, world.caller, ids["Console"], name, state=closed)
    page = browser.get("/o/acme/releases").text
    assert f"<summary>Closed ({home.INACTIVE_SHOWN}+)</summary>" in page
    assert "Only the newest are listed." in page


def test_a_clear_queue_tells_of_the_last_build(world: World) -> None:
    browser = world.client("tester")
    waiting = re.findall(r'id="entry-([0-9a-f-]{36})"', browser.get("/o/acme/releases").text)
    for entry in waiting:
        browser.post(f"/o/acme/queue/{entry}/reject", reason="duplicate", note="")
    page = browser.get("/o/acme/releases").text
    assert waiting
    assert "Clear." in page
    assert "filed by hand" in page


def test_a_viewer_sees_no_form_but_those_of_the_own_account(world: World) -> None:
    browser = world.client("viewer")
    for path in page_paths(world):
        actions = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', browser.get(f"/o/acme{path}").text)
        own = [action for action in actions if action.startswith("/o/acme/profile")]
        assert [action for action in actions if action not in own] == ["/logout"], path
        assert not own or path == "/profile"


def test_names_are_escaped_and_keep_their_direction(world: World) -> None:
    name = '<img src=x onerror=alert(1)> "quoted" & שלום'
    add_entry(
        world, name, ReasonCode.NO_PROJECT_MATCH, name, timedelta(), branch=name, author=name, commit_sha=name[:20]
    )
    page = world.client("admin").get("/o/acme/releases").text
    Wellformed(page)
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; &#34;quoted&#34; &amp; שלום" in page
    assert 'dir="auto">&lt;img' in page


def test_a_commit_is_linked_only_where_its_page_is_known(world: World) -> None:
    browser = world.client("viewer")
    pages = {name: browser.get(f"/o/acme/queue/{world.ids[name]}").text for name in ("Pipeline #17", "1.9.0+204")}
    assert "https://bitbucket.org/acme/ledger-import/commits/9fec847" in pages["Pipeline #17"]
    assert "https://github.com/acme/mobile/commit/3484a3f" in pages["1.9.0+204"]
    elsewhere = browser.get(f"/o/acme/queue/{world.ids['nightly-2026-03-14']}").text
    assert "git.corp.test/tools/console/" not in elsewhere
    assert "bdf6fac" in elsewhere


def test_builds_of_a_release_go_on_where_the_page_ends(world: World) -> None:
    browser = world.client("viewer")
    path = f"/o/acme/releases/{world.ids['Pay 2.5']}"
    seen: list[str] = []
    part = path
    while True:
        page = browser.get(part).text
        seen += re.findall(r'class="name" href="[^"]*/builds/([^"]*)"', page)
        more = re.search(r'href="([^"]*)">Older builds', page)
        if more is None:
            break
        part = more[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 60
    assert browser.get(f"{path}?after=nonsense").status_code == 404
    assert browser.get(f"{path}?q=%00").status_code == 200


def test_the_release_page_filters(world: World) -> None:
    page = world.client("viewer").get(f"/o/acme/releases/{world.ids['Pay 2.5']}?branch=hotfix/tax&q=Pipeline%20%2345")
    names = re.findall(r'class="name"[^>]*>([^<]*)<', page.text)
    assert names == ["Pipeline #457", "Pipeline #453"]


def test_settings_show_keys_and_hooks_but_never_their_secrets(world: World) -> None:
    browser = world.client("admin")
    stored = keys.listed(world.parts.store, world.acme.id)
    page = browser.get("/o/acme/settings/keys").text
    assert all(key.shown in page for key in stored)
    assert not re.search(r"pt_live_[0-9A-Za-z]{10}", page)
    assert "expires <time" in page
    hooks_page = browser.get("/o/acme/settings/webhooks").text
    assert "old secret ends" in hooks_page
    assert f"http://lathe.test/api/webhooks/bitbucket/{world.ids['hook']}" in hooks_page


def test_a_configured_address_is_shown_instead_of_the_one_asked_at(world: World) -> None:
    world.parts = evolve(world.parts, base_url="http://ci.example")
    page = world.client("admin").get("/o/acme/settings/webhooks").text
    assert "http://ci.example/api/webhooks/bitbucket/" in page
    assert "lathe.test" not in page


def test_the_pages_of_links_render(empty: World) -> None:
    parts = empty.parts
    password = members.invite(parts.store, parts.ids, empty.caller, "new@acme.test", Role.TESTER).token
    stranger = empty.people["stranger"].user.email
    join = members.invite(parts.store, parts.ids, empty.caller, stranger, Role.VIEWER).token
    nobody = empty.client()
    assert "new@acme.test" in nobody.get(f"/password/{password}").text
    assert nobody.get(f"/join/{join}").headers["location"] == f"/login?next=%2Fjoin%2F{join}"
    assert "Join" in empty.client("stranger").get(f"/join/{join}").text
    assert "This link was made for" in empty.client("admin").get(f"/join/{join}").text
    assert nobody.get("/login?next=/o/acme/releases").status_code == 200
    assert nobody.get("/setup/unknown").status_code == 404


def test_errors_keep_the_frame_of_who_is_inside(world: World) -> None:
    inside = world.client("admin").get(f"/o/acme/builds/{world.ids['Pay']}")
    assert inside.status_code == 404
    assert 'aria-label="Main"' in inside.text
    elsewhere = world.client("admin").get("/o/umbra/releases")
    assert elsewhere.status_code == 404
    assert '<nav class="sections" aria-label="Your organizations"><a href="/o/acme/releases"' in elsewhere.text
    assert 'action="/logout"' in elsewhere.text
    outside = world.client().get("/nowhere")
    assert outside.status_code == 404
    assert "There is nothing at this address." in outside.text
    assert outside.headers["x-request-id"] in outside.text


def test_a_fault_of_ours_shows_an_id_and_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    browser = world.client("admin")
    monkeypatch.setattr("lathe.application.home.releases_page", broken)
    answer = browser.get("/o/acme/releases")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "secret detail" not in answer.text
    assert 'href="/o/acme/releases">Try again' in answer.text


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_times_beyond_the_calendar_are_no_places_and_no_beginnings(world: World, time: str) -> None:
    browser, query = world.client("viewer"), quote(time)
    nowhere = f"after={query}~{world.ids['Pay']}"
    release = f"/releases/{world.ids['Pay 2.5']}"
    for path in ("/releases", release, "/projects", "/settings/audit"):
        assert browser.get(f"/o/acme{path}?{nowhere}").status_code == 404
    assert browser.get(f"/o/acme/connect/github?since={query}").status_code == 303


def test_static_files_may_be_kept_for_ever_under_the_address_of_their_content(world: World) -> None:
    browser = world.client()
    for name, file in static_files().items():
        kept = browser.get(f"/static/{name}?v={file.version}")
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert kept.content == file.content
        assert browser.get(f"/static/{name}?v=old").headers["cache-control"] == "no-cache"
        again = browser.client.get(f"/static/{name}", headers={"If-None-Match": kept.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert browser.get("/static/lathe.css/").status_code == 404, "a redirect would be built from the Host header"
    assert browser.get("/static/lathe.css").headers["content-type"] == "text/css; charset=utf-8"
    assert browser.get("/static/icon.svg").headers["content-type"] == "image/svg+xml"
    assert browser.get("/static/..%2ftemplating.py").status_code == 404


def test_a_release_that_became_active_is_suggested_to_what_waits(world: World) -> None:
    browser = world.client("tester")
    made = releases.create(
        world.parts.store, world.parts.ids, world.caller, world.ids["Console"], "1.0", state=ReleaseState.ACTIVE
    )
    page = browser.get("/o/acme/releases").text
    assert f'value="{made.id}">File under' in page
    assert "Console had no active release</span> when it arrived" in page
    triage.assign(world.parts.store, world.parts.ids, world.caller, world.ids["nightly-2026-03-14"], made.id)
    assert "assigned" in browser.get("/o/acme/releases").text
