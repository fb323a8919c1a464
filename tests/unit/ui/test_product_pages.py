"""The pages of projects and builds: what they answer, and what can be done there."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from lathe.adapters.ui.explaining import explained, filed_by_rules
from lathe.application import projects, triage
from lathe.domain.build import Build
from lathe.domain.placement import Outcome, Placement, filed_by_hand
from lathe.domain.steps import Reason, ReasonCode, Step
from tests import samples
from tests.unit.ui.test_connect import PAY, deliver, report, text_of
from tests.unit.ui.world import World

UUID = Step("repository_uuid", "not_known", "The report carries no repository UUID")
BY_URL = Step("repository_url", "matched", "Repository is linked to Pay")
RELEASE = Step("active_release", "matched", "Release 2.5 takes every branch")
NO_RELEASE = Step("active_release", "nothing", "Pay has no active release")
GIVEN = Step("release_given", "matched", "The report names release 2.5 of Pay")
RESULT = Step("build_status", "nothing", "Pipeline failed, and Pay files successful builds only")
WAITS = Reason(ReasonCode.NO_ACTIVE_RELEASE, "Pay has no active release")


@pytest.mark.parametrize(
    ("outcome", "steps", "decided"),
    [
        (Outcome.CREATED, (UUID, BY_URL, RELEASE), [None, "found the project", "chose the release"]),
        (Outcome.CREATED, (GIVEN, RELEASE), ["named the release", "chose the release"]),
        (Outcome.QUEUED, (UUID, BY_URL, NO_RELEASE), [None, "found the project", "why it waits"]),
        (Outcome.QUEUED, (UUID,), ["why it waits"]),
        (Outcome.IGNORED, (BY_URL, RESULT), ["found the project", "nothing to file"]),
        (Outcome.IGNORED, (), []),
    ],
)
def test_the_steps_that_decided_are_named(outcome: Outcome, steps: tuple[Step, ...], decided: list[str | None]) -> None:
    placement = Placement(outcome, steps, None if outcome is Outcome.CREATED else WAITS)
    assert [one.decided for one in explained(placement)] == decided


def test_what_a_person_did_last_counts_before_all_rules() -> None:
    release = samples.release(samples.new_id(), samples.new_id())
    placement = Placement(Outcome.CREATED, (UUID, BY_URL, RELEASE))
    for who in ("Ann moved it", "Ben moved it"):
        placement = filed_by_hand(placement, who, release)
    assert [one.decided for one in explained(placement)] == [None, None, None, None, "this counts"]
    assert filed_by_rules(placement)
    assert not filed_by_rules(filed_by_hand(Placement(Outcome.QUEUED, (UUID, NO_RELEASE), WAITS), "Ann", release))


# --- projects ---------------------------------------------------------------------------------------------------------


def test_the_project_page_answers_what_would_happen(world: World) -> None:
    path = f"/o/acme/projects/{world.ids['Pay']}"
    read = text_of(world.client("viewer").get(f"{path}?repo_url={PAY}&branch=main").text)
    assert "It would be filed under Pay 2.4 ." in read
    assert "Release 2.4 takes every branch that no other release claims chose the release" in read
    other = world.client("viewer").get(f"{path}?repo_url=https://bitbucket.org/acme/ledger&branch=develop").text
    assert "with the project Ledger filled in: Ledger has no active release for develop" in text_of(other)


def test_a_project_is_archived_and_restored_from_its_page(world: World) -> None:
    browser, path = world.client("tester"), f"/o/acme/projects/{world.ids['Console']}"
    assert browser.post(f"{path}/archive").headers["location"] == path
    read = text_of(browser.get(path).text)
    assert "The project is archived." in read
    assert "A build of its repositories is not lost" in read
    assert f"{path}/releases" not in browser.get(path).text, "nothing new is made in it"
    preview = browser.get(f"{path}?repo_url=https://git.corp.test/tools/console&branch=x").text
    assert "Console is archived." in text_of(preview)
    listed = browser.get("/o/acme/projects").text
    assert "<summary>Archived (1)</summary>" in listed
    assert f'class="name" href="{path}"' not in listed
    assert browser.post(f"{path}/restore").headers["location"] == path
    assert "The project is in use again." in browser.get(path).text
    assert "Archived (" not in browser.get("/o/acme/projects").text


def test_a_project_that_takes_builds_says_what_to_close_first(world: World) -> None:
    browser, path = world.client("tester"), f"/o/acme/projects/{world.ids['Pay']}"
    assert "close its active releases first" in browser.get(path).text
    refused = browser.post(f"{path}/archive")
    assert refused.status_code == 409
    assert "Pay still takes builds: close 2.5, 2.4 first." in text_of(refused.text)


def test_an_organization_whose_projects_are_all_archived_says_so(empty: World) -> None:
    parts = empty.parts
    made = projects.create(parts.store, parts.ids, empty.caller, "Pay").project
    projects.change(parts.store, empty.caller, made.id, archived=True)
    assert "No project is in use" in empty.client("viewer").get("/o/acme/projects").text


def test_the_list_of_projects_tells_what_is_active_and_how_old_the_newest_build_is(world: World) -> None:
    page = world.client("viewer").get("/o/acme/projects").text
    rows = {name: text_of(row) for row in page.split('<li class="row">')[1:] for name in re.findall(r">([^<]+)<", row)}
    assert "2.5 , 2.4 active acme/pay-api acme/pay-web newest build 9 min ago" in rows["Pay"]
    assert "no active release tools/console no build yet" in rows["Console"]


def test_many_projects_go_on_where_the_page_ends(world: World) -> None:
    parts = world.parts
    for number in range(60):
        projects.create(parts.store, parts.ids, world.caller, f"Tool {number}")
    browser = world.client("viewer")
    older = re.search(r'href="([^"]*)">Older projects', browser.get("/o/acme/projects").text)
    assert older
    page = browser.get("/o/acme/projects" + unescape(older[1])).text
    assert "Newest projects" in page
    assert "Console" in page


def test_a_learned_repository_tells_which_assignment_taught_it(world: World) -> None:
    parts, ids = world.parts, world.ids
    triage.assign(parts.store, parts.ids, world.caller, ids["Pipeline #17"], ids["Ledger 7"], remember_repository=True)
    page = world.client("tester").get(f"/o/acme/projects/{ids['Ledger']}").text
    assert f'href="/o/acme/queue/{ids["Pipeline #17"]}">an assignment</a>' in page
    assert "Revoke<span" in page


# --- builds -----------------------------------------------------------------------------------------------------------


def newest(world: World) -> Build:
    found = world.parts.store.read(lambda tx: tx.deliveries.newest(world.acme.id, 1))[0].build_id
    assert found
    return world.parts.store.read(lambda tx: tx.builds.get(world.acme.id, found))


def test_the_build_page_tells_why_here_what_was_heard_and_what_people_did(world: World) -> None:
    deliver(world, report(PAY))
    build = newest(world)
    browser = world.client("tester")
    read = text_of(browser.get(f"/o/acme/builds/{build.id}").text)
    assert "is linked to Pay found the project" in read
    assert "201 created" in read
    assert "Bitbucket · API key CI" in read
    assert "History newest first Filed automatically · just now" in read
    world.clock.advance(timedelta(hours=2))
    browser.post(f"/o/acme/builds/{build.id}/move", release_id=str(world.ids["Pay 2.4"]))
    read = text_of(browser.get(f"/o/acme/builds/{build.id}").text)
    assert "filed by hand under Pay 2.4 just now" in read
    assert "Tom moved it from 2.5 to 2.4 of Pay · just now Filed automatically · 2 h ago" in read
    assert "Tom moved it to 2.4 this counts" in read
    entry = browser.post(f"/o/acme/builds/{build.id}/requeue").headers["location"]
    assert "201 created" in text_of(browser.get(entry).text), "what was heard of it is on both its pages"
    assert "Tom sent it back to the queue from 2.4 of Pay" in text_of(browser.get(f"/o/acme/builds/{build.id}").text)


def test_a_build_that_a_person_filed_tells_of_that_and_of_its_first_delivery(world: World) -> None:
    deliver(world, report("https://bitbucket.org/acme/nowhere"))
    entry_id = world.parts.store.read(lambda tx: tx.deliveries.newest(world.acme.id, 1))[0].entry_id
    assert entry_id
    view = triage.assign(world.parts.store, world.parts.ids, world.caller, entry_id, world.ids["Pay 2.4"])
    read = text_of(world.client("viewer").get(f"/o/acme/builds/{view.build.id}").text)
    assert "Ann filed it under 2.4 of Pay" in read
    assert "202 queued" in read
    assert "Filed automatically" not in read
