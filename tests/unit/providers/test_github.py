"""What GitHub sends, and the report that Lathe reads from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from lathe.application.intake import Reading
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.errors import Invalid, LatheError, Malformed
from lathe.domain.hook import Provider
from lathe.domain.identity import identity_key, run_key
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import ReasonCode
from tests.unit.providers import payloads
from tests.unit.providers.payloads import reason_in, report_in

RUN = "workflow_run"
HARBOR = RepoUrl.parse("https://github.com/northwind/harbor-api")


def read(body: object, event: str | None = RUN, **headers: str) -> Reading:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return payloads.read(Provider.GITHUB, body, sent if event is None else {**sent, "x-github-event": event})


def payload(name: str) -> Any:
    return payloads.payload(Provider.GITHUB, name)


def april(hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 4, 7, hour, minute, second, tzinfo=UTC)


def changed(report: BuildReport, updated_at: datetime, **facts: Any) -> BuildReport:
    return evolve(report, facts=evolve(report.facts, **facts), updated_at=updated_at)


def ended(report: BuildReport, status: BuildStatus, at: datetime) -> BuildReport:
    return changed(report, at, status=status, finished_at=at)


COMPLETED = BuildReport(
    facts=BuildFacts(
        source="github",
        name="Build and test #318",
        status=BuildStatus.SUCCESSFUL,
        build_number="318",
        run_id="13900417725",
        commit_sha="9d2f4c1be07a3856f1c2d9e4a7b80356cd41e2f7",
        branch="release/4.2",
        repo_url=HARBOR,
        url="https://github.com/Northwind/harbor-api/actions/runs/13900417725",
        author="Ines Keller",
        finished_at=april(8, 19, 3),
    ),
    repository_uuid="github:github.com/711904233",
    updated_at=april(8, 19, 3),
)
RUNNING = BuildStatus.IN_PROGRESS


def of_run(run_id: str, **facts: Any) -> BuildReport:
    url = f"https://github.com/Northwind/harbor-api/actions/runs/{run_id}"
    return evolve(COMPLETED, facts=evolve(COMPLETED.facts, run_id=run_id, url=url, **facts))


REPORTS = {
    "run-completed": COMPLETED,
    "run-requested": changed(COMPLETED, april(8, 12, 40), status=RUNNING, finished_at=None),
    "run-in-progress": changed(COMPLETED, april(8, 12, 55), status=RUNNING, finished_at=None),
    "run-failed": ended(COMPLETED, BuildStatus.FAILED, april(8, 16, 20)),
    "run-cancelled": ended(COMPLETED, BuildStatus.STOPPED, april(8, 14, 2)),
    "run-again-completed": ended(COMPLETED, BuildStatus.SUCCESSFUL, april(9, 36, 41)),
    "run-of-other-workflow": of_run("13900417730", name="Nightly #318"),
    "run-of-release": of_run("13900417790", name="Build and test #319", build_number="319", branch=None, tag="v4.2.0"),
    "run-of-fork": of_run("13900417811", name="Build and test #320", build_number="320", branch="ravi-k:main"),
    "run-of-enterprise-server": evolve(
        COMPLETED,
        facts=evolve(
            COMPLETED.facts,
            run_id="512",
            repo_url=RepoUrl.parse("https://git.northwind.example/northwind/harbor-api"),
            url="https://git.northwind.example/northwind/harbor-api/actions/runs/512",
        ),
        repository_uuid="github:git.northwind.example/41",
    ),
    "run-of-few-facts": BuildReport(
        facts=BuildFacts(source="github", name="Workflow run", run_id="77", repo_url=HARBOR)
    ),
}

REASONS = {
    ("run-skipped", RUN): ReasonCode.BUILD_NOT_SUCCESSFUL,
    ("run-neutral", RUN): ReasonCode.BUILD_NOT_SUCCESSFUL,
    ("run-waits-for-approval", RUN): ReasonCode.BUILD_NOT_FINISHED,
    ("run-without-conclusion", RUN): ReasonCode.FACTS_MISSING,
    ("push", RUN): ReasonCode.FACTS_MISSING,
    ("push", None): ReasonCode.FACTS_MISSING,
    ("ping", "ping"): ReasonCode.PING,
    ("ping", None): ReasonCode.PING,
    ("push", "push"): ReasonCode.EVENT_NOT_SUPPORTED,
    ("check-run", "check_run"): ReasonCode.EVENT_NOT_SUPPORTED,
    ("check-suite", "check_suite"): ReasonCode.EVENT_NOT_SUPPORTED,
    ("workflow-job", "workflow_job"): ReasonCode.EVENT_NOT_SUPPORTED,
    ("status", "status"): ReasonCode.EVENT_NOT_SUPPORTED,
    ("deployment-status", "deployment_status"): ReasonCode.EVENT_NOT_SUPPORTED,
}


@pytest.mark.parametrize("event", [RUN, None])
@pytest.mark.parametrize("name", REPORTS)
def test_a_payload_becomes_its_report_with_its_headers_and_without(name: str, event: str | None) -> None:
    assert read(payload(name), event) == Reading(event, None, REPORTS[name])


@pytest.mark.parametrize(("name", "event"), REASONS)
def test_a_payload_without_a_build_says_why(name: str, event: str | None) -> None:
    assert reason_in(read(payload(name), event)).code is REASONS[name, event]


def test_every_payload_is_in_one_of_the_tables() -> None:
    assert payloads.names(Provider.GITHUB) == {*REPORTS, *(name for name, _ in REASONS)}


@pytest.mark.parametrize("event", ["check_run", "check_suite", "workflow_job", "status", "deployment_status", "push"])
def test_who_ticked_the_wrong_event_reads_which_one_is_the_right_one(event: str) -> None:
    detail = reason_in(read({}, event)).detail
    assert event in detail
    assert "“Workflow runs”" in detail


def test_an_unknown_conclusion_is_named() -> None:
    assert "“neutral”" in reason_in(read(payload("run-neutral"))).detail


@pytest.mark.parametrize(
    ("conclusion", "status"),
    [
        ("success", BuildStatus.SUCCESSFUL),
        ("timed_out", BuildStatus.FAILED),
        ("startup_failure", BuildStatus.FAILED),
        ("stale", BuildStatus.STOPPED),
    ],
)
def test_every_conclusion_of_a_run_that_built_counts_as_what_it_is(conclusion: str, status: BuildStatus) -> None:
    body = payload("run-completed")
    body["workflow_run"]["conclusion"] = conclusion
    assert report_in(read(body)).facts.status is status


def test_all_events_and_attempts_of_a_run_speak_of_one_build() -> None:
    same = ["run-completed", "run-requested", "run-in-progress", "run-failed", "run-again-completed"]
    assert len({run_key(report_in(read(payload(name)))) for name in same}) == 1


def test_two_workflows_with_the_same_run_number_are_two_builds() -> None:
    one, other = (report_in(read(payload(name))) for name in ("run-completed", "run-of-other-workflow"))
    assert one.facts.build_number == other.facts.build_number
    assert identity_key(one, None) != identity_key(other, None)
    assert run_key(one) != run_key(other)


def test_a_repository_without_its_address_is_told_by_its_name_on_github() -> None:
    body = payload("run-completed")
    body["repository"] = {"full_name": "northwind/harbor-api"}
    report = report_in(read(body))
    assert (report.facts.repo_url, report.repository_uuid) == (HARBOR, None)
    del body["repository"]
    assert report_in(read(body)).facts.repo_url == HARBOR, "the run itself names it too"


def test_what_is_missing_is_named() -> None:
    assert "a repository and an id" in reason_in(read({"action": "completed", "workflow_run": {}})).detail
    assert "an id" in reason_in(read({"workflow_run": {"id": "x"}, "repository": {"full_name": "a/b"}})).detail


def test_a_fork_whose_owner_is_unknown_is_told_from_the_repository_all_the_same() -> None:
    body = payload("run-of-fork")
    del body["workflow_run"]["head_repository"]["owner"]
    assert report_in(read(body)).facts.branch == "fork:main"


def test_a_fork_that_was_deleted_meanwhile_does_not_pass_for_the_repository() -> None:
    body = payload("run-of-fork")
    body["workflow_run"]["head_repository"] = None
    assert report_in(read(body)).facts.branch == "fork:main"
    body["workflow_run"]["event"] = "push"
    assert report_in(read(body)).facts.branch == "main"


@pytest.mark.parametrize(
    ("sent", "delivery_id"), [("7c1f-1", "7c1f-1"), (" ", None), ("x" * 256, None), ("a\x00b", None), (None, None)]
)
def test_the_delivery_id_is_the_one_that_github_gave(sent: str | None, delivery_id: str | None) -> None:
    headers = {} if sent is None else {"x_github_delivery": sent}
    assert read({}, "push", **headers).delivery_id == delivery_id


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Malformed),
        (b"payload=%7B%7D", Malformed),
        (b"[]", Invalid),
        (b'{"workflow_run": {"id": 1, "id": 2}, "repository": {"full_name": "a/b"}}', Malformed),
        (b'{"workflow_run": {"id": 99999999999999999999}, "repository": {"full_name": "a/b"}}', Malformed),
    ],
)
def test_a_body_that_cannot_be_read_is_an_error_and_keeps_its_headers(body: bytes, kind: type[LatheError]) -> None:
    reading = read(body, x_github_delivery="7c1f-1")
    assert isinstance(reading.content, kind)
    assert (reading.event, reading.delivery_id) == (RUN, "7c1f-1")
