"""What GitLab sends, and the report that Lathe reads from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from lathe.application.intake import Reading
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.errors import Invalid, LatheError, Malformed
from lathe.domain.hook import Provider
from lathe.domain.identity import run_key
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import ReasonCode
from tests.unit.providers import payloads
from tests.unit.providers.payloads import reason_in, report_in

PIPELINE = "Pipeline Hook"
PLANNER = RepoUrl.parse("https://gitlab.com/harbor/core/berth-planner")


def read(body: object, event: str | None = PIPELINE, **headers: str) -> Reading:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return payloads.read(Provider.GITLAB, body, sent if event is None else {**sent, "x-gitlab-event": event})


def payload(name: str) -> Any:
    return payloads.payload(Provider.GITLAB, name)


def april(hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 4, 7, hour, minute, second, tzinfo=UTC)


def changed(updated_at: datetime | None, **facts: Any) -> BuildReport:
    return evolve(SUCCESS, facts=evolve(SUCCESS.facts, **facts), updated_at=updated_at)


SUCCESS = BuildReport(
    facts=BuildFacts(
        source="gitlab",
        name="Pipeline #457",
        status=BuildStatus.SUCCESSFUL,
        build_number="457",
        run_id="90031",
        commit_sha="9d2f4c1be07a3856f1c2d9e4a7b80356cd41e2f7",
        branch="release/4.2",
        repo_url=PLANNER,
        url="https://gitlab.com/harbor/core/berth-planner/-/pipelines/90031",
        author="Ines Keller",
        finished_at=april(8, 19, 3),
    ),
    repository_uuid="gitlab:gitlab.com/40317",
    updated_at=april(8, 19, 3),
)
BEGUN, ENDED = april(8, 12, 40), april(8, 19, 3)
RUNNING = BuildStatus.IN_PROGRESS

REPORTS = {
    "pipeline-success": SUCCESS,
    "pipeline-running": changed(BEGUN, status=RUNNING, finished_at=None),
    "pipeline-pending": changed(BEGUN, status=RUNNING, finished_at=None),
    "pipeline-failed": changed(april(8, 16, 20), status=BuildStatus.FAILED, finished_at=april(8, 16, 20)),
    "pipeline-canceled": changed(april(8, 14, 2), status=BuildStatus.STOPPED, finished_at=april(8, 14, 2)),
    "pipeline-again-success": changed(april(9, 36, 41), finished_at=april(9, 36, 41)),
    "pipeline-of-tag": changed(ENDED, name="Release #457", branch=None, tag="v4.2.0"),
    "pipeline-of-merge-request": changed(ENDED, branch="berths"),
    "pipeline-of-fork": changed(ENDED, branch="merge-requests/12/head"),
    "pipeline-of-old-version": BuildReport(
        facts=evolve(
            SUCCESS.facts,
            name="Pipeline #90031",
            build_number="90031",
            repo_url=RepoUrl.parse("https://git.northwind.example/gitlab/harbor/berth-planner"),
            url="http://git.northwind.example:8080/gitlab/harbor/berth-planner/-/pipelines/90031",
        ),
        updated_at=ENDED,
    ),
    "pipeline-of-few-facts": BuildReport(
        facts=BuildFacts(
            source="gitlab", name="Pipeline #90031", build_number="90031", run_id="90031", repo_url=PLANNER
        )
    ),
}

REASONS = {
    ("pipeline-of-parent", PIPELINE): ReasonCode.EVENT_NOT_SUPPORTED,
    ("pipeline-skipped", PIPELINE): ReasonCode.BUILD_NOT_SUCCESSFUL,
    ("pipeline-of-unknown-status", PIPELINE): ReasonCode.BUILD_NOT_SUCCESSFUL,
    ("pipeline-without-project", PIPELINE): ReasonCode.FACTS_MISSING,
    ("push", PIPELINE): ReasonCode.FACTS_MISSING,
    ("push", None): ReasonCode.FACTS_MISSING,
    ("push", "Push Hook"): ReasonCode.EVENT_NOT_SUPPORTED,
    ("push", "System Hook"): ReasonCode.EVENT_NOT_SUPPORTED,
    ("job", "Job Hook"): ReasonCode.EVENT_NOT_SUPPORTED,
    ("deployment", "Deployment Hook"): ReasonCode.EVENT_NOT_SUPPORTED,
}


@pytest.mark.parametrize("event", [PIPELINE, "System Hook", None])
@pytest.mark.parametrize("name", REPORTS)
def test_a_payload_becomes_its_report_with_its_headers_and_without(name: str, event: str | None) -> None:
    assert read(payload(name), event) == Reading(event, None, REPORTS[name])


@pytest.mark.parametrize(("name", "event"), REASONS)
def test_a_payload_without_a_build_says_why(name: str, event: str | None) -> None:
    assert reason_in(read(payload(name), event)).code is REASONS[name, event]


def test_every_payload_is_in_one_of_the_tables() -> None:
    assert payloads.names(Provider.GITLAB) == {*REPORTS, *(name for name, _ in REASONS)}


@pytest.mark.parametrize("event", ["Job Hook", "Deployment Hook", "Push Hook"])
def test_who_ticked_the_wrong_event_reads_which_one_is_the_right_one(event: str) -> None:
    detail = reason_in(read({}, event)).detail
    assert event in detail
    assert "“Pipeline events”" in detail


def test_an_unknown_status_is_named_and_so_is_what_is_missing() -> None:
    assert "“polishing”" in reason_in(read(payload("pipeline-of-unknown-status"))).detail
    assert "a repository and an id and a status" in reason_in(read({"object_kind": "pipeline"})).detail


def test_all_events_of_a_pipeline_speak_of_one_build() -> None:
    same = ["pipeline-success", "pipeline-running", "pipeline-failed", "pipeline-again-success"]
    assert len({run_key(report_in(read(payload(name)))) for name in same}) == 1


def test_a_running_pipeline_that_was_late_on_the_way_is_no_news_of_one_that_ended() -> None:
    running, failed, again = (
        report_in(read(payload(f"pipeline-{name}"))).updated_at for name in ("running", "failed", "again-success")
    )
    assert running is not None
    assert failed is not None
    assert again is not None
    assert running < failed < again


@pytest.mark.parametrize("status", ["created", "waiting_for_resource", "preparing", "manual", "scheduled", "canceling"])
def test_a_pipeline_that_has_not_ended_runs(status: str) -> None:
    body = payload("pipeline-success")
    body["object_attributes"]["status"] = status
    facts = report_in(read(body)).facts
    assert (facts.status, facts.finished_at) == (RUNNING, None)


@pytest.mark.parametrize(
    ("ref", "request_", "branch"),
    [
        ("refs/heads/main", None, "main"),
        ("refs/merge-requests/12/head", None, "merge-requests/12/head"),
        ("main", {"source_project_id": 7}, None),
        ("main", {"source_project_id": "?"}, "main"),
        (None, None, None),
        (7, None, None),
    ],
)
def test_the_branch_is_what_a_person_would_call_it(ref: object, request_: object, branch: str | None) -> None:
    body = payload("pipeline-success")
    body["object_attributes"]["ref"], body["merge_request"] = ref, request_
    facts = report_in(read(body)).facts
    assert (facts.branch, facts.tag) == (branch, None)


def test_a_tag_may_be_written_in_full_or_not_at_all() -> None:
    body = payload("pipeline-of-tag")
    body["object_attributes"]["ref"] = "refs/tags/v4.2.0"
    assert report_in(read(body)).facts.tag == "v4.2.0"
    body["object_attributes"]["ref"] = None
    assert report_in(read(body)).facts.tag is None


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2026-04-07 08:19:03 UTC", ENDED),
        ("2026-04-07 10:19:03 +0200", ENDED),
        ("2026-04-07 10:19:03 +02:00", ENDED),
        ("2026-04-07T08:19:03Z", ENDED),
        ("2026-04-07T08:19:03.000Z", ENDED),
        ("2026-13-07 08:19:03 UTC", None),
        ("yesterday", None),
        (7, None),
    ],
)
def test_times_are_read_in_every_way_that_gitlab_writes_them(written: object, read_as: datetime | None) -> None:
    body = payload("pipeline-success")
    body["object_attributes"]["finished_at"] = written
    report = report_in(read(body))
    assert (report.facts.finished_at, report.updated_at) == (read_as, read_as)


@pytest.mark.parametrize(
    ("headers", "delivery_id"),
    [
        ({"idempotency_key": "c8-1"}, "c8-1"),
        ({"idempotency_key": "c8-1", "webhook_id": "c8-2"}, "c8-2"),
        ({"idempotency_key": "c8-1", "webhook_id": " "}, "c8-1"),
        ({"x_gitlab_event_uuid": "of all that one event set off"}, None),
        ({"idempotency_key": "x" * 256}, None),
        ({}, None),
    ],
)
def test_the_delivery_id_is_the_one_that_gitlab_gave(headers: dict[str, str], delivery_id: str | None) -> None:
    assert read({}, **headers).delivery_id == delivery_id


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Malformed),
        (b"[]", Invalid),
        (b'{"object_kind": "pipeline", "object_attributes": {"id": 1, "status": "a", "status": "b"}}', Malformed),
    ],
)
@pytest.mark.parametrize("event", [PIPELINE, None])
def test_a_body_that_cannot_be_read_is_an_error_and_keeps_its_headers(
    body: bytes, kind: type[LatheError], event: str | None
) -> None:
    reading = read(body, event, idempotency_key="c8-1")
    assert isinstance(reading.content, kind)
    assert (reading.event, reading.delivery_id) == (event, "c8-1")
