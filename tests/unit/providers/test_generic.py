"""Bodies of our own form at a webhook address: read as the API reads them, refused less."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lathe.application.intake import Reading
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.errors import Invalid, LatheError, Malformed
from lathe.domain.hook import Provider
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import ReasonCode
from tests.unit.providers import payloads
from tests.unit.providers.payloads import reason_in

ENDED = datetime(2026, 4, 7, 8, 19, 3, tzinfo=UTC)

REPORTS = {
    "build": BuildReport(
        facts=BuildFacts(
            source="teamcity",
            name="Nightly #88",
            status=BuildStatus.FAILED,
            build_number="88",
            run_id="nightly-88",
            commit_sha="9d2f4c1be07a3856f1c2d9e4a7b80356cd41e2f7",
            branch="release/4.2",
            repo_url=RepoUrl.parse("https://git.northwind.example/harbor/berth-planner"),
            url="https://ci.northwind.example/nightly/88",
            author="Noor Haddad",
            finished_at=ENDED,
        ),
        updated_at=ENDED,
    ),
    "build-of-few-facts": BuildReport(facts=BuildFacts(source="api", name="Build")),
}
REASONS = {
    "build-with-typo": "The build could not be read: “brnach” is not known here",
    "build-without-name": (
        "The build could not be read: “name” is required; "
        "“url” must be an http or https address of at most 2,048 characters"
    ),
}


def read(body: object) -> Reading:
    return payloads.read(Provider.GENERIC, body)


def payload(name: str) -> Any:
    return payloads.payload(Provider.GENERIC, name)


@pytest.mark.parametrize("name", REPORTS)
def test_a_payload_becomes_its_report(name: str) -> None:
    assert read(payload(name)) == Reading(None, None, REPORTS[name])


@pytest.mark.parametrize("name", REASONS)
def test_what_is_wrong_with_an_object_is_told_and_not_refused(name: str) -> None:
    reason = reason_in(read(payload(name)))
    assert (reason.code, reason.detail) == (ReasonCode.FACTS_MISSING, REASONS[name])


def test_every_payload_is_in_one_of_the_tables() -> None:
    assert payloads.names(Provider.GENERIC) == {*REPORTS, *REASONS}


def test_the_delivery_is_named_by_its_idempotency_key() -> None:
    body = payload("build")
    assert payloads.read(Provider.GENERIC, body, {"idempotency-key": " nightly-88 "}).delivery_id == "nightly-88"
    assert payloads.read(Provider.GENERIC, body, {"idempotency-key": "x" * 256}).delivery_id is None


def test_of_many_faults_some_are_told_and_long_names_are_cut() -> None:
    detail = reason_in(read({"name": "Build", **{f"{letter}{'x' * 300}\x01": 1 for letter in "abcdefgh"}})).detail
    assert detail.endswith("; and 3 more")
    assert len(detail) < 600
    assert detail.isprintable()


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", Malformed), (b"\xff", Malformed), (b"[]", Invalid), (b'{"name": "a", "name": "b"}', Malformed)],
)
def test_a_body_that_is_no_object_is_an_error(body: bytes, kind: type[LatheError]) -> None:
    assert isinstance(read(body).content, kind)
