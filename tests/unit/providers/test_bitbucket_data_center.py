"""What Bitbucket Data Center sends, and the report that Lathe reads from it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from lathe.application.intake import Reading
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.hook import Provider
from lathe.domain.identity import run_key
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import ReasonCode
from tests.unit.providers import payloads
from tests.unit.providers.bitbucket_reading import COMMIT, read, reason_of, report_of

STATUS = "build:status"
LEDGER = RepoUrl.parse("https://bb.northwind.example/projects/NW/repos/ledger-web/browse")
ENDED = datetime(2026, 4, 7, 8, 19, 3, 120000, tzinfo=UTC)


def payload(name: str) -> Any:
    return payloads.payload(Provider.BITBUCKET, f"data-center-{name}")


SUCCESSFUL = BuildReport(
    facts=BuildFacts(
        source="bitbucket",
        name="ledger-web » main",
        status=BuildStatus.SUCCESSFUL,
        build_number="9",
        commit_sha=COMMIT,
        branch="main",
        repo_url=LEDGER,
        url="https://ci.northwind.example/job/ledger-web/9/",
        finished_at=ENDED,
    ),
    repository_uuid="bitbucket:bb.northwind.example/84",
    status_key="LEDGER-WEB",
    updated_at=ENDED,
)


def elsewhere(url: str, status: BuildStatus) -> BuildReport:
    repo_url = RepoUrl.parse(url)
    assert repo_url is not None
    facts = evolve(SUCCESSFUL.facts, repo_url=repo_url, status=status)
    return evolve(SUCCESSFUL, facts=facts, repository_uuid=f"bitbucket:{repo_url.host}/84")


BEGUN = datetime(2026, 4, 7, 8, 13, 20, tzinfo=UTC)
REPORTS = {
    "status": SUCCESSFUL,
    "status-in-progress": evolve(
        SUCCESSFUL,
        facts=evolve(SUCCESSFUL.facts, status=BuildStatus.IN_PROGRESS, finished_at=None),
        updated_at=BEGUN,
    ),
    "status-of-context-path": elsewhere(
        "https://tools.northwind.example/bitbucket/scm/nw/ledger-web.git", BuildStatus.STOPPED
    ),
    "status-of-personal-repository": elsewhere(
        "ssh://git@bb.northwind.example:7999/~ikeller/ledger-web.git", BuildStatus.FAILED
    ),
    "status-of-few-facts": BuildReport(
        facts=BuildFacts(source="bitbucket", name="Build", commit_sha=COMMIT, repo_url=LEDGER), status_key="Build"
    ),
}

REASONS = {
    "status-without-address": (ReasonCode.FACTS_MISSING, "a repository with its address"),
    "status-unknown": (ReasonCode.BUILD_NOT_SUCCESSFUL, "“UNKNOWN”"),
}


@pytest.mark.parametrize("event", [STATUS, None])
@pytest.mark.parametrize("name", REPORTS)
def test_a_payload_becomes_its_report_with_its_headers_and_without(name: str, event: str | None) -> None:
    assert read(payload(name), event) == Reading(event, None, REPORTS[name])


def test_every_payload_is_in_one_of_the_tables() -> None:
    statuses = {name for name in payloads.names(Provider.BITBUCKET) if name.startswith("data-center-status")}
    assert statuses == {f"data-center-{name}" for name in (*REPORTS, *REASONS)}


def test_clone_addresses_over_ssh_and_http_name_one_repository() -> None:
    assert SUCCESSFUL.facts.repo_url is not None
    body = payload("status")
    del body["repository"]["links"]["self"]
    assert report_of(body, STATUS).facts.repo_url == LEDGER
    body["repository"]["links"]["clone"].pop()
    assert report_of(body, STATUS).facts.repo_url == LEDGER


@pytest.mark.parametrize("name", REASONS)
def test_a_payload_without_a_build_says_why(name: str) -> None:
    code, word = REASONS[name]
    reason = reason_of(payload(name), STATUS)
    assert reason.code is code
    assert word in reason.detail


def test_a_status_without_commit_and_link_tells_nothing_that_could_be_known_again() -> None:
    body = payload("status")
    del body["commit"], body["url"], body["status"]["url"]
    assert "a commit or a link" in reason_of(body, STATUS).detail
    assert "a state" in reason_of({}, STATUS).detail


def test_begin_and_end_of_a_build_are_one_and_another_job_of_the_same_number_is_another() -> None:
    begun, ended = report_of(payload("status-in-progress"), STATUS), report_of(payload("status"), STATUS)
    assert run_key(begun) == run_key(ended)
    body = payload("status")
    body["status"] |= {"key": "LEDGER-NIGHTLY", "url": "https://ci.northwind.example/job/nightly/9/"}
    assert run_key(report_of(body, STATUS)) != run_key(ended)


@pytest.mark.parametrize(
    ("times", "changed_at"),
    [
        ({"updatedDate": None, "dateAdded": 1775549943120}, ENDED),
        ({"updatedDate": "1775549943120"}, ENDED),
        ({"updatedDate": 0}, None),
        ({"updatedDate": -1}, None),
        ({"updatedDate": 2**62}, None),
        ({"updatedDate": [1]}, None),
    ],
)
def test_times_are_milliseconds(times: dict[str, object], changed_at: datetime | None) -> None:
    body = payload("status")
    body["status"] |= times
    assert report_of(body, STATUS).updated_at == changed_at


def test_a_build_without_a_name_is_called_by_its_number_or_its_key() -> None:
    body = payload("status")
    del body["status"]["name"]
    assert report_of(body, STATUS).facts.name == "Build #9"
    del body["status"]["buildNumber"]
    assert report_of(body, STATUS).facts.name == "LEDGER-WEB"


def test_data_center_names_its_deliveries_by_request_id() -> None:
    assert read(payload("status"), STATUS, x_request_id="0f1a-7").delivery_id == "0f1a-7"
