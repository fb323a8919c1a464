"""Deliveries: the list with its filters, one delivery, and what would become of it today."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest

from lathe.adapters.ui import deliveries
from lathe.adapters.ui.deliveries import laid_out
from lathe.adapters.ui.explaining import ANSWERS, OUTCOMES
from lathe.adapters.ui.words import CREDENTIALS
from lathe.application import deliveries as looking
from lathe.application import projects, triage
from lathe.application.intake import Changes
from lathe.domain.delivery import CredentialKind, DeliveryStatus, lowest_id
from lathe.domain.project import Files
from lathe.domain.queue_entry import RejectReason
from lathe.entrypoints.sample_bodies import commit_status
from tests import samples
from tests.unit.ui.sending import deliver, file_every_build_of_pay, replayed, report
from tests.unit.ui.world import World

LIST = "/o/acme/deliveries"


def said(page: str) -> str:
    """Return the words of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def rows(page: str) -> list[str]:
    """Return the words of each row."""
    (listed,) = re.findall(r'<ul class="rows log">(.*?)\n  </ul>', page, re.DOTALL) or [""]
    return [said(one) for one in re.findall(r'<li class="row">(.*?)</li>', listed, re.DOTALL)]


def shown(page: str, world: World) -> set[str]:
    """Return the names of the deliveries that a page lists."""
    names = {str(one): name for name, one in world.ids.items()}
    return {names.get(one, one) for one in re.findall(r'class="name" href="/o/acme/deliveries/([0-9a-f-]{36})"', page)}


@pytest.fixture
def sent(world: World) -> World:
    """A world that a delivery of each kind came to."""
    return deliver(world)


# --- the list ---------------------------------------------------------------------------------------------------------


def test_each_row_says_what_came_and_what_became_of_it(sent: World) -> None:
    page = sent.client("viewer").get(LIST)
    everything = " | ".join(rows(page.text))
    for text in (
        "repo:commit_status_updated Bitbucket · Webhook secret Pipeline #901 for release/2.5 acme/pay-api release/2.5",
        "201 filed Filed as Pipeline #901 for release/2.5 , now under Pay 2.5 .",
        "200 known One more report of Pipeline #901 for release/2.5 , which was known already.",
        "202 queued Waits in the Build Queue : Repository acme/warehouse matches no project",
        "200 ignored Pipeline #902 for release/2.5 has not finished yet",
        "no build 200 ignored",
        "Build reported API · API key Bitbucket pipelines Nightly tools/console develop 202 queued",
        "not taken The body is not JSON.",
    ):
        assert text in everything, text
    assert "<pre" not in page.text


def test_the_filters_leave_what_they_say(sent: World) -> None:
    browser, ids = sent.client("tester"), sent.ids
    key = sent.parts.store.read(lambda tx: tx.deliveries.get(sent.acme.id, ids["queued"])).credential_id
    for query, found in (
        ("status=queued", {"queued", "reported", "odd", "long"}),
        ("status=ignored", {"running", "failed", "push"}),
        ("status=invalid&source=bitbucket", {"broken"}),
        ("source=api", {"reported", "odd", "long"}),
        (f"credential={ids['hook']}", {"filed", "known", "failed", "push"}),
        (f"credential={key}&status=ignored", {"running"}),
        ("q=warehouse", {"queued"}),
        ("q=https://bitbucket.org/acme/warehouse.git", {"queued"}),
        ("q=%23903", {"failed"}),
        ("q=tools/console", {"reported"}),
        ("q=nothing", set()),
    ):
        page = browser.get(f"{LIST}?{query}").text
        assert shown(page, sent) == found, query
        assert "Clear filters" in page, query
    assert "Nothing fits." in browser.get(f"{LIST}?q=nothing").text
    every = browser.get(f"{LIST}?status=lost&credential=me&day=0000-99-99&q=%00").text
    assert len(rows(every)) == 12
    assert "Clear filters" not in every
    page = browser.get(f"{LIST}?status=queued&source=old-ci&credential={key}&q=x").text
    for kept in ('value="queued" selected', 'value="old-ci" selected', f'value="{key}" selected', 'value="x"'):
        assert kept in page


def test_a_day_is_found_by_the_times_in_the_ids(world: World) -> None:
    now, store = world.clock.now(), world.parts.store
    made = [
        samples.delivery(world.acme.id, world.ids["hook"], id=lowest_id(at), received_at=at)
        for at in (now, now - timedelta(days=3))
    ]
    store.write(lambda tx: tx.intake.save(Changes(now, new_deliveries=made)))
    world.ids |= {"today": made[0].id, "earlier": made[1].id}
    browser = world.client("viewer")
    for days, found in ((0, {"today"}), (3, {"earlier"}), (2, set())):
        assert shown(browser.get(f"{LIST}?day={(now - timedelta(days=days)).date()}").text, world) == found


def test_bodies_are_searched_for_testers_alone(sent: World) -> None:
    assert "push" in shown(sent.client("tester").get(f"{LIST}?q=acme/pay-api").text, sent)
    page = sent.client("viewer").get(f"{LIST}?q=acme/pay-api").text
    assert "push" not in shown(page, sent)
    assert "filed" in shown(page, sent)
    nothing = sent.client("viewer").get(f"{LIST}?q=full_name").text
    assert "Bodies are searched for testers and admins only" in nothing


def test_older_ones_are_on_the_next_page_with_the_same_filter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        report(world, name=f"Run {number}", build_number=number)
    monkeypatch.setattr(deliveries, "DELIVERIES_SHOWN", 3)
    browser = world.client("viewer")
    first = browser.get(f"{LIST}?source=api").text
    assert [words.partition(" Run ")[2][:1] for words in rows(first)] == ["4", "3", "2"]
    older = re.search(r'href="(/o/acme/deliveries\?source=api&amp;after=[^"]*)">Older', first)
    assert older
    second = browser.get(html.unescape(older[1])).text
    assert [words.partition(" Run ")[2][:1] for words in rows(second)] == ["1", "0"]
    assert ">Newest</a>" in second
    assert browser.get(f"{LIST}?after=nonsense").status_code == 404


def test_where_it_looked_no_further_it_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:

    for number in range(5):
        report(world, name=f"Build {number}", build_number=number)
    monkeypatch.setattr(looking, "LOOKED_AT", 2)
    page = world.client("viewer").get(f"{LIST}?status=invalid").text
    assert "Nothing fits among those that were looked at." in page
    assert ">Look further back</a>" in page
    assert "Looked back to" in page


def test_where_nothing_has_arrived_it_says_what_to_do(empty: World) -> None:
    page = empty.client("viewer").get(LIST).text
    assert "Nothing has arrived yet" in page
    assert 'href="/o/acme/connect">Connect a CI</a>' in page
    assert "0 at webhooks" in said(page)


def test_what_was_refused_is_said_with_its_numbers(sent: World) -> None:
    page = sent.client("viewer").get(LIST).text
    assert "12 at webhooks (a wrong signature, or too many), 0 with API keys" in said(page)
    assert 'href="/o/acme/settings/webhooks">12 at webhooks' in page


# --- one delivery -----------------------------------------------------------------------------------------------------


def test_a_delivery_shows_what_was_read_from_it_and_why_it_went_where(sent: World) -> None:
    page = sent.client("viewer").get(f"{LIST}/{sent.ids['queued']}").text
    words = said(page)
    for text in (
        "Waits in the Build Queue : Repository acme/warehouse matches no project",
        "Repository URL",
        "why it waits",
        "Number 7",
        "Came with API key Bitbucket pipelines",
        "Answer 202 queued no_project_match",
        "x-event-key repo:commit_status_updated",
    ):
        assert text in words, text
    assert "authorization" not in words


def test_bodies_are_shown_to_testers_and_admins_alone(sent: World) -> None:
    address = f"{LIST}/{sent.ids['queued']}"
    page = sent.client("tester").get(address).text
    (body,) = re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert json.loads(html.unescape(body)) == commit_status(number=7, repository="acme/warehouse")
    assert html.unescape(body).startswith('{\n  "repository": {')
    assert "<details" in page.partition("Show the body")[0].rpartition("<section")[2]
    page = sent.client("viewer").get(address).text
    assert "<pre" not in page
    assert "testers and admins alone may see them" in page
    assert "commit_status&#34;" not in page


def test_builds_and_entries_lead_to_their_deliveries_and_back(sent: World) -> None:
    browser = sent.client("viewer")
    for name, part in (("filed", "builds"), ("queued", "queue")):
        page = browser.get(f"{LIST}/{sent.ids[name]}").text
        (address,) = {*re.findall(rf'href="(/o/acme/{part}/[0-9a-f-]{{36}})"', page)}
        there = browser.get(address).text
        assert f'href="/o/acme/deliveries/{sent.ids[name]}"' in there
        assert "Bitbucket pipelines" in there or name == "filed"


def test_what_carries_no_build_says_why(sent: World) -> None:
    browser = sent.client("tester")
    push = said(browser.get(f"{LIST}/{sent.ids['push']}").text)
    assert "No build: " in push
    broken = browser.get(f"{LIST}/{sent.ids['broken']}").text
    assert "not taken unreadable" in said(broken)
    assert html.escape('{"commit_status": ') in broken.replace("&#34;", "&quot;")


def test_every_outcome_and_credential_has_words() -> None:
    assert set(OUTCOMES) == set(ANSWERS) == set(DeliveryStatus)
    assert set(CREDENTIALS) == set(CredentialKind)


def test_what_is_not_there_or_anothers_is_not_found(sent: World) -> None:
    for who, slug in (("viewer", "acme"), ("stranger", "umbra")):
        for path in ("", "/again"):
            unknown = sent.parts.ids.new() if who == "viewer" else sent.ids["filed"]
            assert sent.client(who).get(f"/o/{slug}/deliveries/{unknown}{path}").status_code == 404


# --- try again --------------------------------------------------------------------------------------------------------


def again(world: World, name: str, who: str = "tester") -> str:
    answer = world.client(who).get(f"{LIST}/{world.ids[name]}/again")
    assert answer.status_code == 200
    return str(answer.text)


def test_trying_again_shows_then_and_now_and_files_on_confirmation_only(sent: World) -> None:
    assert "Nothing has changed since." in again(sent, "failed")
    assert "There is nothing to file." in again(sent, "failed")
    file_every_build_of_pay(sent)
    page = again(sent, "failed")
    words = said(page)
    assert "Then" in words
    assert "Pay files successful builds only" in words
    assert "It would be filed under Pay 2.5 ." in words
    assert "File it under Pay 2.5</button>" in page
    assert "File it under" not in again(sent, "failed", "viewer")
    assert "You may look, not decide" in again(sent, "failed", "viewer")

    browser = sent.client("tester")
    answer = browser.post(f"{LIST}/{sent.ids['failed']}/again")
    assert answer.status_code == 303
    build = browser.get(answer.headers["location"])
    assert "is filed, from what was stored of its delivery" in said(build.text)
    assert "Tom replayed a delivery of it: filed under 2.5 of Pay" in said(build.text)
    assert "Replayed by Tom" in said(build.text)
    second = browser.post(f"{LIST}/{sent.ids['failed']}/again")
    assert second.headers["location"] == answer.headers["location"]
    assert "Nothing was filed a second time" in browser.get(second.headers["location"]).text
    known = said(again(sent, "failed"))
    assert "The rules find what they found then." in again(sent, "filed")
    assert "This build is known: Pipeline #903 for release/2.5 is under Pay 2.5" in known
    log = said(browser.get("/o/acme/settings/audit").text)
    assert "Tom replayed a delivery of build Pipeline #903" in log


def test_a_replay_leads_to_what_was_replayed(sent: World) -> None:
    file_every_build_of_pay(sent)
    replayed(sent, "failed")
    page = sent.client("viewer").get(f"{LIST}/{sent.ids['replay of failed']}").text
    assert f'It is a replay of <a href="/o/acme/deliveries/{sent.ids["failed"]}"' in page
    assert "Replayed by Ann" in said(page)


def test_what_waits_can_be_filed_from_its_delivery(sent: World) -> None:
    assert "and goes on waiting: Repository acme/warehouse matches no project" in said(again(sent, "queued"))
    url = "https://bitbucket.org/acme/warehouse"
    projects.declare_repository(sent.parts.store, sent.parts.ids, sent.caller, sent.ids["Pay"], url)
    page = again(sent, "queued")
    assert "waits in the Build Queue , and would be filed under Pay 2.5 now" in said(page)
    browser = sent.client("tester")
    answer = browser.post(f"{LIST}/{sent.ids['queued']}/again")
    assert "/builds/" in answer.headers["location"]
    assert "was filed by hand" not in said(browser.get(f"{LIST}/{sent.ids['known']}").text)
    row = said(browser.get(f"{LIST}/{sent.ids['queued']}").text)
    assert "Waited, and was filed since : Repository acme/warehouse matches no project" in row


def test_what_was_rejected_or_withdrawn_stays_so(sent: World) -> None:
    parts, browser = sent.parts, sent.client("tester")
    entry = parts.store.read(lambda tx: tx.deliveries.get(sent.acme.id, sent.ids["queued"])).entry_id
    assert entry
    triage.reject(parts.store, sent.caller, entry, RejectReason.BROKEN)
    assert "Ann rejected this build . That stands." in said(again(sent, "queued"))
    assert "Waited, and was rejected since" in said(browser.get(f"{LIST}/{sent.ids['queued']}").text)
    nothing = browser.post(f"{LIST}/{sent.ids['queued']}/again")
    assert nothing.headers["location"] == f"{LIST}/{sent.ids['queued']}/again"
    assert "Nothing was filed." in browser.get(nothing.headers["location"]).text

    build = parts.store.read(lambda tx: tx.deliveries.get(sent.acme.id, sent.ids["filed"])).build_id
    assert build
    triage.requeue(parts.store, parts.ids, sent.caller, build)
    assert "which was withdrawn since" in said(browser.get(f"{LIST}/{sent.ids['filed']}").text)
    assert "Ann sent this back from 2.5" in said(again(sent, "filed"))


def test_what_went_nowhere_may_be_put_into_the_queue_once_it_would_wait_there(world: World) -> None:
    """A failed build of no known project is ignored; of a project that files every build it may wait for a release."""
    url = "https://git.corp.test/tools/console"
    world.ids["failed"] = report(world, name="Nightly", repo_url=url, branch="develop", status="failed")
    assert "There is nothing to file." in again(world, "failed")
    projects.change(world.parts.store, world.caller, world.ids["Console"], files=Files.FINISHED)
    page = again(world, "failed")
    assert "It would wait in the Build Queue: Console has no active release" in said(page)
    assert "Put it into the Build Queue</button>" in page
    browser = world.client("tester")
    answer = browser.post(f"{LIST}/{world.ids['failed']}/again")
    assert "waits in the queue, from what was stored of its delivery" in browser.get(answer.headers["location"]).text


# --- how a body is laid out -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b'{"a":[1,{}],"b":[]}', ["{", '  "a": [', "    1,", "    {}", "  ],", '  "b": []', "}"]),
        (b'{"a": 1, "a": 9007199254740993}', ["{", '  "a": 1,', '  "a": 9007199254740993', "}"]),
        (b'["{,\\"]", ":"]', ["[", '  "{,\\"]",', '  ":"', "]"]),
        (b"no json, at all", ["no json, at all"]),
        (b'{"cut": [1,', ['{"cut": [1,']),
        (b'["', ['["']),
        (b"{}}}", ["{}}}"]),
        (b"\xff", ["\ufffd"]),
        (b"[" * 40 + b"]" * 40, ["[" * 40 + "]" * 40]),
    ],
)
def test_a_body_is_laid_out_without_changing_what_it_says(body: bytes, lines: list[str]) -> None:
    assert laid_out(body).split("\n") == lines


@pytest.mark.parametrize("end", [b"", b'"', b"\\", b"\\\n", b"\n"])
def test_a_body_of_quotes_that_never_close_is_laid_out_at_once(end: bytes) -> None:
    body = b"[" + b'\\"' * 500_000 + end
    assert laid_out(body) == body.decode()


def test_a_body_that_would_grow_many_times_as_large_is_left_as_it_is() -> None:
    body = b"[" * 32 + b"0," * 250_000 + b"0" + b"]" * 32
    assert laid_out(body) == body.decode()
