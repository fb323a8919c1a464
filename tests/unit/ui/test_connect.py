"""Connect a CI: steps with this server's address, credentials made on the spot, what arrived, and a test build."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from attrs import evolve

from lathe.adapters.memory.store import MemoryStore
from lathe.adapters.ui.ci import items, marked
from lathe.adapters.ui.connecting import CIS
from lathe.application import hooks, keys, receive
from lathe.application.intake import Incoming, Presented, Reading
from lathe.domain.api_key import Scope, key_hash
from lathe.domain.build_report import BuildFacts, BuildReport
from lathe.domain.delivery import CredentialKind
from lathe.domain.hook import Provider
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Reason, ReasonCode
from tests.unit.ui.world import World

PAY = "https://bitbucket.org/acme/pay-api"


def path(world: World, ci: str = "bitbucket", **query: str) -> str:
    """Return the address of a CI's page, on which somebody began a minute ago."""
    asked = {"since": (world.clock.now() - timedelta(minutes=1)).isoformat()} | query
    return f"/o/acme/connect/{ci}?" + "&".join(f"{name}={quote(value)}" for name, value in asked.items())


def deliver(world: World, content: BuildReport | Reason) -> None:
    parts = world.parts
    _, text = keys.create(parts.store, parts.ids, world.caller, "CI", {Scope.BUILDS_CREATE})
    reading = Reading("repo:commit_status_updated", None, content)
    presented = Presented(CredentialKind.KEY, key_hash=key_hash(text))
    receive.receive(parts.store, parts.ids, [Incoming(presented, "bitbucket", reading, b"{}")])


def report(repository: str, branch: str = "release/2.5") -> BuildReport:
    url = RepoUrl.parse(repository)
    return BuildReport(facts=BuildFacts(source="bitbucket", name="Pipeline #900", branch=branch, repo_url=url))


def text_of(page: str) -> str:
    """Return what a person reads of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


# --- steps ------------------------------------------------------------------------------------------------------------


def test_every_ci_is_offered_and_has_its_page(world: World) -> None:
    index = world.client("viewer").get("/o/acme/connect").text
    for ci in CIS:
        assert f'href="/o/acme/connect/{ci.slug}">{ci.name}</a>' in index
        page = world.client("viewer").get(path(world, ci.slug))
        assert page.status_code == 200
        assert unescape(page.text).count(ci.snippet("http://lathe.test")) == 1
    assert world.client("viewer").get("/o/acme/connect/nowhere").status_code == 404


def test_snippets_and_webhooks_have_the_configured_address(world: World) -> None:
    world.parts = evolve(world.parts, base_url="http://ci.example")
    page = world.client("admin").get(path(world)).text
    assert "http://ci.example/api/v1/builds" in page
    assert "lathe.test" not in page
    assert "can only be reached from this machine" not in page


def test_an_address_that_no_ci_reaches_is_pointed_out(world: World) -> None:
    world.parts = evolve(world.parts, base_url="http://127.0.0.1:8000")
    assert "can only be reached from this machine" in world.client("admin").get(path(world)).text


def test_bitbucket_is_told_honestly_what_a_webhook_cannot_do(world: World) -> None:
    read = text_of(world.client("viewer").get(path(world)).text)
    assert "A native webhook cannot carry headers of your own" in read
    assert "There is no trigger called “Pipeline events”" in read
    assert "Build status tick Created and Updated" in read


@pytest.mark.parametrize(
    ("ci", "words"),
    [
        ("github", ["Let me select individual events", "tick Workflow runs and nothing else", "application/json"]),
        ("gitlab", ["tick Pipeline events and nothing else", "Secret token : the secret", "Signing token"]),
        ("bitbucket-data-center", ["itself has no webhook for builds", "build:status"]),
        ("other", ["X-Hub-Signature-256", "openssl dgst -sha256"]),
    ],
)
def test_who_connects_by_webhook_reads_which_events_to_tick(world: World, ci: str, words: list[str]) -> None:
    read = text_of(world.client("viewer").get(path(world, ci)).text)
    for said in words:
        assert said.replace(" :", "") in read.replace(" :", ""), said


def test_texts_are_lists_whose_items_may_go_on() -> None:
    assert items("\n- one\n  goes on\n- two - and more\n") == ("one goes on", "two - and more")
    assert items("") == ()


def test_texts_of_steps_are_escaped_but_for_their_marks() -> None:
    assert marked("a `<b>` & **Save** it") == "a <code>&lt;b&gt;</code> &amp; <b>Save</b> it"


# --- credentials made on the spot -------------------------------------------------------------------------------------


def test_a_webhook_is_made_on_its_page_and_its_secret_shown_this_once(world: World) -> None:
    before = {hook.id for hook in hooks.listed(world.parts.store, world.acme.id)}
    browser = world.client("admin")
    page = browser.post(path(world), make="hook")
    (made,) = [hook for hook in hooks.listed(world.parts.store, world.acme.id) if hook.id not in before]
    assert made.provider is Provider.BITBUCKET
    assert f"http://lathe.test/api/webhooks/bitbucket/{made.id}" in page.text
    secret = re.search(r'id="hook-secret">(whsec_[A-Za-z0-9+/]{43}=)<', page.text)
    assert secret
    assert secret[1] not in browser.get(path(world)).text


def test_a_key_is_made_on_its_page_that_may_create_builds_for_a_year(world: World) -> None:
    page = world.client("admin").post(path(world, "jenkins"), make="key").text
    key = keys.listed(world.parts.store, world.acme.id)[0]
    assert (key.name, key.scopes) == ("Jenkins", frozenset({Scope.BUILDS_CREATE}))
    assert key.expires_at == world.clock.now() + timedelta(days=365)
    assert re.search(rf'id="new-key">{key.shown}\w+<', page)


@pytest.mark.parametrize(("ci", "make"), [("jenkins", "hook"), ("bitbucket", "cake"), ("bitbucket", "")])
def test_nothing_else_is_made(world: World, ci: str, make: str) -> None:
    assert isinstance(world.parts.store, MemoryStore)
    before = world.parts.store._number
    assert world.client("admin").post(path(world, ci), make=make).status_code == 404
    assert world.parts.store._number == before


@pytest.mark.parametrize("who", ["tester", "viewer"])
def test_who_may_not_make_them_reads_whom_to_ask(world: World, who: str) -> None:
    page = world.client(who).get(path(world)).text
    assert "Only admins of" in page
    assert 'name="make"' not in page


# --- what arrived -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("since", ["", "yesterday", "2026-03-14T09:26:53", "%00"])
def test_the_address_keeps_since_when_somebody_is_at_it(world: World, since: str) -> None:
    sent = world.client("viewer").get(f"/o/acme/connect/github?branch=x&since={since}")
    assert sent.status_code == 303
    asked = parse_qs(urlsplit(sent.headers["location"]).query)
    assert asked == {"branch": ["x"], "since": [world.clock.now().isoformat()]}
    assert world.client("viewer").get(sent.headers["location"]).status_code == 200


def test_nothing_has_come_yet(world: World) -> None:
    page = world.client("viewer").get(path(world)).text
    section = re.search(r'<section[^>]*id="waiting"[^>]*data-live-reload.*?</section>', page, re.DOTALL)
    assert section
    assert "Waiting for the first build…" in section[0]
    again = re.search(r'href="([^"]*)">Check again', section[0])
    assert again
    assert world.client("viewer").get(unescape(again[1])).status_code == 200


def test_what_arrives_is_shown_with_where_it_went(world: World) -> None:
    deliver(world, report(PAY))
    deliver(world, report("https://bitbucket.org/acme/nowhere"))
    deliver(world, Reason(ReasonCode.EVENT_NOT_SUPPORTED, "repo:push carries no build"))
    read = text_of(world.client("viewer").get(path(world)).text)
    assert "It works: builds arrive" in read
    assert "Pipeline #900 filed under Pay 2.5" in read
    assert "waits in the queue : Repository acme/nowhere matches no project" in read
    assert "nothing to file : repo:push carries no build" in read


def test_a_delivery_without_a_build_is_no_success_yet(world: World) -> None:
    deliver(world, Reason(ReasonCode.EVENT_NOT_SUPPORTED, "repo:push carries no build"))
    read = text_of(world.client("viewer").get(path(world)).text)
    assert "Something came, but no build yet" in read


def test_a_wrong_secret_over_there_is_said(world: World) -> None:
    world.client("admin").post(path(world), make="hook")
    hook = hooks.listed(world.parts.store, world.acme.id)[0]
    world.parts.store.write(lambda tx: tx.hooks.count_refused({hook.id: 2}))
    assert "2 requests to the new webhook were refused" in world.client("viewer").get(path(world)).text


# --- test delivery ----------------------------------------------------------------------------------------------------


def test_a_test_build_goes_through_the_real_rules_and_is_not_stored(world: World) -> None:
    assert isinstance(world.parts.store, MemoryStore)
    before = world.parts.store._number
    browser = world.client("viewer")
    filed = text_of(browser.get(path(world, repo_url=f"{PAY}.git", branch="release/2.5")).text)
    assert "It would be filed under Pay 2.5 ." in filed
    assert "Repository bitbucket.org/acme/pay-api is linked to Pay found the project" in filed
    assert "A branch pattern of release 2.5 fits release/2.5 chose the release" in filed
    queued = text_of(browser.get(path(world, repo_url="https://x.test/a/unheard-of", branch="")).text)
    assert "It would wait in the Build Queue : Repository a/unheard-of matches no project" in queued
    assert "why it waits" in queued
    assert world.parts.store._number == before


def test_a_repository_that_is_none_is_a_fault_of_its_field(world: World) -> None:
    page = world.client("viewer").get(path(world, repo_url="nonsense", branch="a\x00b")).text
    assert 'value="nonsense"' in page
    assert "Names no repository" in page
    assert "It would" not in page


def test_the_test_begins_with_a_repository_of_the_organization(world: World, empty: World) -> None:
    page = world.client("viewer").get(path(world)).text
    assert re.search(r'name="repo_url" type="text" value="https://[^"]+"', page)
    assert 'name="repo_url" type="text" value=""' in empty.client("viewer").get(path(empty)).text


# --- the way to the first build ---------------------------------------------------------------------------------------


def next_step(page: str) -> str:
    found = re.search(r'aria-current="step">.*?<span>(.*?)<span class="soft', page, re.DOTALL)
    assert found
    return text_of(found[1])


def test_a_new_organization_is_led_from_step_to_step(empty: World) -> None:
    browser = empty.client("admin")
    home = "/o/acme/releases"
    assert next_step(browser.get(home).text) == "Create a project"
    project = browser.post("/o/acme/projects", name="Pay", repositories=PAY).headers["location"]
    assert next_step(browser.get(project).text) == next_step(browser.get(home).text) == "Give it an active release"
    assert f'href="{project}#releases"' in browser.get(home).text
    sent = browser.post(f"{project}/releases", name="2.5", state="active", branch_patterns="")
    assert sent.headers["location"] == "/o/acme/connect"
    assert next_step(browser.get("/o/acme/connect").text) == "Connect your CI"
    browser.post(path(empty), make="hook")
    assert next_step(browser.get(home).text) == "See the first build arrive"
    deliver(empty, report(PAY))
    for address in (home, "/o/acme/connect", project):
        assert "first-steps" not in browser.get(address).text


def test_later_releases_lead_to_their_own_page(world: World) -> None:
    sent = world.client("tester").post(
        f"/o/acme/projects/{world.ids['Pay']}/releases", name="9", state="active", branch_patterns=""
    )
    assert sent.headers["location"].startswith("/o/acme/releases/")


def test_a_viewer_reads_the_steps_and_is_offered_none(empty: World) -> None:
    page = empty.client("viewer").get("/o/acme/connect").text
    assert next_step(page) == "Create a project"
    assert "/projects#new" not in page
