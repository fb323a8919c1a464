"""What Bitbucket sends, and the report that Lathe reads from it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve

from lathe.application.intake import Reading
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.errors import Invalid, LatheError, Malformed
from lathe.domain.identity import run_key
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import ReasonCode
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.providers.bitbucket_reading import COMMIT, CREATED, SPAN, UPDATED, UUID, read, reason_of, report_of

PAYLOADS = Path(__file__).parents[2] / "payloads" / "bitbucket"
LEDGER = RepoUrl.parse("https://bitbucket.org/northwind/ledger-web")


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


# --- payloads and their reports ---------------------------------------------------------------------------------------

STARTED = BuildReport(
    facts=BuildFacts(
        source="bitbucket",
        name="Pipeline #17 for feature/tax-rules",
        status=BuildStatus.IN_PROGRESS,
        build_number="17",
        commit_sha="4be1a0c93d5f7e2286b0c4d9a1f3e5577c8d9e01",
        branch="feature/tax-rules",
        repo_url=LEDGER,
        url="https://bitbucket.org/northwind/ledger-web/addon/pipelines/home#!/results/17",
        author="Søren Kjær",
    ),
    repository_uuid="bitbucket:ac390fd8-97d5-505d-b87f-d66630511923",
    updated_at=datetime(2026, 2, 3, 14, 5, 9, 120467, UTC),
)
ENDED = datetime(2026, 2, 3, 14, 9, 51, 7311, UTC)
SPAN_ENDED = datetime(2026, 2, 3, 14, 9, 51, tzinfo=UTC)

REPORTS = {
    ("status-created", CREATED): STARTED,
    ("status-updated", UPDATED): evolve(
        STARTED,
        facts=evolve(STARTED.facts, status=BuildStatus.SUCCESSFUL, finished_at=ENDED),
        updated_at=ENDED,
    ),
    ("status-of-tag", UPDATED): BuildReport(
        facts=BuildFacts(
            source="bitbucket",
            name="Pipeline #18 for v3.1.0",
            status=BuildStatus.FAILED,
            build_number="18",
            commit_sha=COMMIT,
            tag="v3.1.0",
            repo_url=LEDGER,
            url="https://bitbucket.org/northwind/ledger-web/pipelines/results/18",
            author="Ada Vogel",
            finished_at=datetime(2026, 2, 3, 14, 0, tzinfo=UTC),
        ),
        repository_uuid=UUID,
        updated_at=datetime(2026, 2, 3, 14, 0, tzinfo=UTC),
    ),
    ("status-of-jenkins", UPDATED): BuildReport(
        facts=BuildFacts(
            source="bitbucket",
            name="ledger » nightly",
            status=BuildStatus.STOPPED,
            build_number="204",
            commit_sha=COMMIT,
            repo_url=LEDGER,
            url="https://ci.northwind.example/job/ledger/job/nightly/204/display/redirect",
            author="Jenkins Robot",
            finished_at=datetime(2026, 2, 3, 1, 12, 13, tzinfo=UTC),
        ),
        repository_uuid=UUID,
        status_key="LEDGER-NIGHTLY",
        updated_at=datetime(2026, 2, 3, 1, 12, 13, tzinfo=UTC),
    ),
    ("status-of-older-shape", UPDATED): BuildReport(
        facts=BuildFacts(
            source="bitbucket",
            name="deploy-check",
            commit_sha="0c5d1e2f3a4b",
            repo_url=LEDGER,
            url="https://checks.northwind.example/2026/02/03",
        ),
        status_key="deploy-check",
    ),
    ("status-of-few-facts", UPDATED): BuildReport(
        facts=BuildFacts(source="bitbucket", name="Build", branch="main"), repository_uuid=UUID
    ),
    ("span-of-run", SPAN): BuildReport(
        facts=BuildFacts(
            source="bitbucket",
            name="Pipeline #17 for feature/tax-rules",
            build_number="17",
            run_id="07542fa5-226b-5e34-9aa8-bbfe415ddd50",
            branch="feature/tax-rules",
            url="https://bitbucket.org/%7B4220c54a-f6db-5df6-8f71-d1c70e7fcff1%7D"
            "/%7Bac390fd8-97d5-505d-b87f-d66630511923%7D/pipelines/results/17",
            finished_at=SPAN_ENDED,
        ),
        repository_uuid="bitbucket:ac390fd8-97d5-505d-b87f-d66630511923",
        updated_at=SPAN_ENDED,
    ),
}

REASONS = {
    ("span-of-step", SPAN): ReasonCode.EVENT_NOT_SUPPORTED,
    ("push", "repo:push"): ReasonCode.EVENT_NOT_SUPPORTED,
    ("push", None): ReasonCode.FACTS_MISSING,
    ("push", UPDATED): ReasonCode.FACTS_MISSING,
    ("push", SPAN): ReasonCode.FACTS_MISSING,
    ("push", "build:status"): ReasonCode.FACTS_MISSING,
    ("data-center-ping", "diagnostics:ping"): ReasonCode.PING,
    ("data-center-ping", None): ReasonCode.PING,
}


@pytest.mark.parametrize(("name", "event"), REPORTS)
def test_a_payload_becomes_its_report(name: str, event: str) -> None:
    assert read(payload(name), event) == Reading(event, None, REPORTS[name, event])


@pytest.mark.parametrize(("name", "event"), REPORTS)
def test_a_body_that_comes_without_its_headers_is_known_by_its_shape(name: str, event: str) -> None:
    assert read(payload(name), None) == Reading(None, None, REPORTS[name, event])


@pytest.mark.parametrize(("name", "event"), REASONS)
def test_a_payload_without_a_build_says_why(name: str, event: str | None) -> None:
    assert reason_of(payload(name), event).code is REASONS[name, event]


def test_every_payload_is_in_one_of_the_tables() -> None:
    statuses_of_data_center = {path.stem for path in PAYLOADS.glob("data-center-status*")}
    named = {name for name, _ in (*REPORTS, *REASONS)}
    assert {path.stem for path in PAYLOADS.glob("*")} - statuses_of_data_center == named


def test_status_and_span_of_a_run_speak_of_one_build() -> None:
    created, span = report_of(payload("status-created")), report_of(payload("span-of-run"), SPAN)
    assert run_key(created) == run_key(span)
    assert created.repository_uuid == span.repository_uuid
    assert created.facts.name == span.facts.name


# --- headers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "headers", "delivery_id"),
    [
        (UPDATED, {"x_request_uuid": "6d3b-1"}, "6d3b-1"),
        (UPDATED, {"x_request_uuid": "6d3b-1", "x_request_id": "other"}, "6d3b-1"),
        (UPDATED, {"x_request_id": "a proxy's own"}, None),
        (SPAN, {"x_request_id": "a proxy's own"}, None),
        (None, {"x_request_id": "a proxy's own"}, None),
        ("diagnostics:ping", {"x_request_id": "data-center-1"}, "data-center-1"),
        ("pr:opened", {"x_request_uuid": "6d3b-1", "x_request_id": "other"}, "6d3b-1"),
        (UPDATED, {"x_request_uuid": " "}, None),
        (UPDATED, {"x_request_uuid": "x" * 255}, "x" * 255),
        (UPDATED, {"x_request_uuid": "x" * 256}, None),
        (UPDATED, {"x_request_uuid": "a\x00b"}, None),
        (UPDATED, {}, None),
    ],
)
def test_the_delivery_id_is_the_one_that_bitbucket_gave(
    event: str | None, headers: dict[str, str], delivery_id: str | None
) -> None:
    assert read(commit_status(), event, **headers).delivery_id == delivery_id


def test_an_unknown_event_is_named_and_cut_to_what_is_kept() -> None:
    assert "issue:created" in reason_of({}, "issue:created").detail
    assert read({}, "x" * 300).event == "x" * 255


# --- bodies that cannot be read ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Malformed),
        (b"\xff{}", Malformed),
        (b'{"commit_status": ' + b"[" * 100_000, Malformed),
        (b"[]", Invalid),
        (b"null", Invalid),
        (b'{"commit_status": {"state": "SUCCESSFUL", "state": "FAILED"}}', Malformed),
        (b'{"commit_status": {"state": "\\u0000"}}', Malformed),
        (b'{"commit_status": {"state": "\\ud800"}}', Malformed),
        (b'{"commit_status": {}, "commit_status": {}}', Malformed),
    ],
)
@pytest.mark.parametrize("event", [UPDATED, None])
def test_a_body_that_cannot_be_read_is_an_error_and_keeps_its_headers(
    body: bytes, kind: type[LatheError], event: str | None
) -> None:
    reading = read(body, event, x_request_uuid="6d3b-1")
    assert isinstance(reading.content, kind)
    assert (reading.event, reading.delivery_id) == (event, "6d3b-1")


def test_odd_characters_where_nobody_reads_do_no_harm() -> None:
    odd = commit_status(title="half a pair \ud800 and NUL \x00")
    assert report_of(odd) == report_of(commit_status())
