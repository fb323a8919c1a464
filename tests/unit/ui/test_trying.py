"""Try a body: what a CI sends, pasted by hand; what was read from it, and what would become of it."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest

from lathe.adapters.ui.trying import LARGEST, PASTE_FROM
from lathe.application import projects
from lathe.application.lists import AuditFilter, BuildFilter, EntryFilter
from lathe.domain.hook import Provider
from lathe.domain.project import Files
from lathe.entrypoints.compose import PROVIDERS
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.ui.sending import deliver, send
from tests.unit.ui.test_deliveries import said
from tests.unit.ui.test_pages import Wellformed
from tests.unit.ui.world import World

TRY = "/o/acme/deliveries/try"
NOTHING_IS_FILED = "Nothing is filed from here: a pasted body does not prove who sent it."


def stored(world: World) -> object:
    """Return what a delivery would add to."""
    org = world.acme.id
    return world.parts.store.read(
        lambda tx: (
            tx.deliveries.newest(org, 100),
            tx.builds.page(org, BuildFilter(), 100, None),
            tx.audit.page(org, AuditFilter(), 100, None),
            tx.keys.all(org),
            tx.entries.page(org, EntryFilter(), 100, None),
        )
    )


def tried(world: World, body: object, provider: str = "bitbucket", event: str = "", status: int = 200) -> str:
    """Paste a body, and return the page that says what would become of it."""
    text = body if isinstance(body, str) else json.dumps(body)
    before = stored(world)
    answer = world.client("tester").post(TRY, provider=provider, event=event, body=text)
    assert answer.status_code == status
    assert stored(world) == before
    page: str = answer.text
    Wellformed(page)
    return page


def test_the_list_leads_to_it_whether_anything_has_arrived_or_not(world: World, empty: World) -> None:
    for one in (world, empty):
        assert f'href="{TRY}">Try a body</a>' in one.client("tester").get("/o/acme/deliveries").text
        assert TRY not in one.client("viewer").get("/o/acme/deliveries").text


def test_bodies_are_for_testers_and_admins(world: World) -> None:
    for who, status in (("admin", 200), ("tester", 200), ("viewer", 403)):
        assert world.client(who).get(TRY).status_code == status


def test_every_provider_is_offered_with_the_events_it_sends_builds_by(world: World) -> None:
    assert set(PASTE_FROM) == set(PROVIDERS) == set(Provider)
    page = world.client("tester").get(TRY).text
    Wellformed(page)
    for provider in Provider:
        assert f'<option value="{provider.value}">' in page
    for event in ("repo:commit_status_updated", "build:status", "workflow_run", "Pipeline Hook"):
        assert f"<option>{event}</option>" in page
    assert "As in X-Event-Key, X-GitHub-Event or X-Gitlab-Event; left empty, told from the body." in page
    assert "autofocus" not in page


def test_it_says_what_was_read_and_where_it_would_go_step_by_step(world: World) -> None:
    body = commit_status(number=950, branch="release/2.5")
    page = tried(world, body)
    words = said(page)
    for text in (
        "filed It would be filed under Pay 2.5 .",
        "Active release found",
        "chose the release",
        "What was read from it Pipeline #950 for release/2.5 Number 950 Result successful Branch release/2.5 Commit",
        "Repository acme/pay-api Author Mira Holm Reported by Bitbucket",
        f"{NOTHING_IS_FILED} To file it, let the CI send it again",
        "LATHE_URL=http://lathe.test lathe send body.json --provider bitbucket",
    ):
        assert text in words, text
    assert html.escape(json.dumps(body)) in page.replace("&#34;", "&quot;"), "what was typed is kept"
    assert '<option value="bitbucket" selected>' in page


def test_what_would_wait_says_why(world: World) -> None:
    words = said(tried(world, commit_status(repository="acme/unheard-of")))
    assert "queued It would wait in the Build Queue: Repository acme/unheard-of matches no project" in words
    assert NOTHING_IS_FILED in words


@pytest.mark.parametrize(
    ("provider", "event", "body", "why"),
    [
        ("github", "", {"zen": "Keep it simple"}, "GitHub tested the connection"),
        ("bitbucket", "diagnostics:ping", {}, "Bitbucket tested the connection"),
        ("bitbucket", "repo:push", {}, "repo:push tells of no build"),
        ("gitlab", "Job Hook", {}, "Job Hook tells of a part of a pipeline"),
        ("github", "", {}, "The X-GitHub-Event header is missing, and the body is no workflow run"),
        ("gitlab", "Pipeline Hook", {}, "The pipeline lacks a repository and an id and a status"),
        ("generic", "anything", {"build_number": 5}, "The build could not be read: “name”"),
    ],
)
def test_what_carries_no_build_says_why(world: World, provider: str, event: str, body: Any, why: str) -> None:
    words = said(tried(world, body, provider, event))
    assert f"ignored {why}" in words
    assert "What was read from it No build." in words
    assert "Nothing was stored." in words
    assert NOTHING_IS_FILED not in words


def test_what_has_not_finished_or_failed_says_so_with_its_facts(world: World) -> None:
    running = said(tried(world, commit_status(number=951, state="INPROGRESS")))
    assert "ignored Pipeline #951 for release/2.5 has not finished yet" in running
    assert "Number 951 Result in progress" in running
    failed = said(tried(world, commit_status(number=952, state="FAILED")))
    assert "ignored Pipeline #952 for release/2.5 failed, and Pay files successful builds only" in failed
    projects.change(world.parts.store, world.caller, world.ids["Pay"], files=Files.FINISHED)
    assert "It would be filed under Pay 2.5" in said(tried(world, commit_status(number=952, state="FAILED")))


def test_a_build_that_is_known_is_led_to(world: World) -> None:
    deliver(world)
    assert "known This build is known: Pipeline #901 for release/2.5 is under Pay 2.5 ." in said(
        tried(world, commit_status(number=901))
    )
    send(world, commit_status(number=7, repository="acme/warehouse"))
    waiting = tried(world, commit_status(number=7, repository="acme/warehouse"))
    assert "It waits in the Build Queue , and goes on waiting: Repository acme/warehouse" in said(waiting)
    assert NOTHING_IS_FILED not in said(waiting)


def test_what_the_report_names_and_is_not_there_is_told(world: World) -> None:
    body = {"name": "Build 1", "project_id": str(world.parts.ids.new())}
    words = said(tried(world, body, "generic"))
    assert "not taken project_id names no project" in words
    assert "What was read from it Build 1" in words


def test_the_event_that_was_typed_is_sent_along(world: World) -> None:
    page = tried(world, commit_status(number=953), event="repo:commit_status_created; x")
    assert "repo:commit_status_created; x tells of no build" in said(page)
    run = {
        "workflow_run": {"id": 5, "run_number": 2, "status": "completed", "conclusion": "success"},
        "repository": {"html_url": "https://github.com/acme/unknown-shop"},
    }
    assert "--provider github --event workflow_run" in tried(world, run, "github", "workflow_run")
    pipeline = {
        "object_attributes": {"id": 5, "status": "success"},
        "project": {"web_url": "https://gitlab.com/acme/unknown-shop"},
    }
    words = said(tried(world, pipeline, "gitlab", "Pipeline Hook"))
    assert "--provider gitlab --event 'Pipeline Hook'" in words
    assert "--event" not in tried(world, {"name": "Build 1"}, "generic", "anything")


@pytest.mark.parametrize(
    ("field", "typed", "fault"),
    [
        ("body", " \n ", "Is empty: paste what the CI sent, or would send"),
        ("body", '{"commit_status": ', "The body is not JSON."),
        ("body", "[1]", "The body is JSON, but no object."),
        ("body", '"' + "é" * (LARGEST // 2) + '"', "Has 1,048,578 bytes; a delivery may have at most 1,048,576"),
        ("event", "repo:\x00", "Holds control characters"),
        ("event", "x" * 300, "Has 300 characters; at most 255 are kept"),
        ("provider", "jenkins", "choose one of those that are offered"),
    ],
)
def test_what_is_wrong_stands_at_its_field_with_everything_as_typed(
    world: World, field: str, typed: str, fault: str
) -> None:
    fields = {"provider": "github", "event": "push", "body": '{"kept": 1}'} | {field: typed}
    page = tried(world, fields["body"], fields["provider"], fields["event"], status=422)
    assert "Nothing was changed. See the marked field." in page
    marked = page.partition('class="field wrong"')[2].partition("\n      </div>")[0]
    assert fault in said(marked)
    assert f'id="try-{field}"' in marked
    kept = html.unescape(page)
    assert all(value in kept for name, value in fields.items() if name in ("event", "body") and "\x00" not in value)
    assert "What would become of it" not in page


def test_a_body_of_a_mebibyte_is_tried_and_a_much_larger_form_is_refused(world: World) -> None:
    body = '{"name": "Build 1", "author": "' + "é" * 500_000 + '"}'
    assert len(body.encode()) < LARGEST
    assert "“author” has 500000 characters" in said(tried(world, body, "generic"))
    answer = world.client("tester").post(TRY, provider="generic", event="", body="é" * 800_000)
    assert answer.status_code == 413
