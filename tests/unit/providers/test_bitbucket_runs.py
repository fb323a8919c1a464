"""Pipeline runs of Bitbucket Cloud, told by OpenTelemetry spans."""

from __future__ import annotations

from typing import Any

import pytest

from lathe.domain.build_report import BuildStatus
from lathe.domain.steps import ReasonCode
from lathe.entrypoints.sample_bodies import pipeline_span
from tests.unit.providers.bitbucket_reading import SPAN, reason_of, report_of


def span_with(**changes: Any) -> dict[str, Any]:
    """A pipeline run with other attributes; those in ``changes`` that are ``...`` are missing."""
    body = pipeline_span(repository="acme/pay-api", number=5, branch="feature/x")
    span = body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    attributes = {one["key"]: one["value"] for one in span["attributes"]} | changes
    span["attributes"] = [{"key": key, "value": value} for key, value in attributes.items() if value is not ...]
    return body


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ("COMPLETE", BuildStatus.SUCCESSFUL),
        ("SUCCESSFUL", BuildStatus.SUCCESSFUL),
        ("FAILED", BuildStatus.FAILED),
        ("ERROR", BuildStatus.FAILED),
        ("STOPPED", BuildStatus.STOPPED),
        ("complete", BuildStatus.SUCCESSFUL),
    ],
)
def test_the_result_of_a_run_is_its_status(result: str, status: BuildStatus) -> None:
    assert report_of(pipeline_span(result=result), SPAN).facts.status is status


def test_a_result_that_nobody_knows_is_ignored_by_name() -> None:
    reason = reason_of(pipeline_span(result="EXPIRED"), SPAN)
    assert reason.code is ReasonCode.BUILD_NOT_SUCCESSFUL
    assert "“EXPIRED”" in reason.detail


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"pipeline.state.result.name": ...}, "lacks a result"),
        ({"pipeline.repository.uuid": {"stringValue": "{1}"}}, "lacks a repository UUID"),
        ({"pipeline_run.run_number": None, "pipeline_run.uuid": ..., "pipeline_run.url": {}}, "lacks a run number"),
        (
            {"pipeline.state.result.name": {"boolValue": True}, "pipeline.repository.uuid": ...},
            "lacks a result and a repository UUID",
        ),
    ],
)
def test_a_run_without_the_facts_that_tell_a_build_says_what_it_lacks(changes: dict[str, Any], lacks: str) -> None:
    reason = reason_of(span_with(**changes), SPAN)
    assert reason.code is ReasonCode.FACTS_MISSING
    assert reason.detail.endswith(lacks)


@pytest.mark.parametrize(
    ("changes", "number", "name"),
    [
        ({"pipeline_run.run_number": {"stringValue": "6"}}, "6", "Pipeline #6 for feature/x"),
        ({"pipeline_run.run_number": {"intValue": 6}}, "6", "Pipeline #6 for feature/x"),
        ({"pipeline_run.run_number": {"intValue": "6"}}, "6", "Pipeline #6 for feature/x"),
        ({"pipeline_run.run_number": {"stringValue": "six"}}, "5", "Pipeline #5 for feature/x"),
        ({"pipeline_run.run_number": ...}, "5", "Pipeline #5 for feature/x"),
        ({"pipeline_run.run_number": ..., "pipeline_run.url": ...}, None, "Pipeline for feature/x"),
        (
            {"pipeline_run.run_number": ..., "pipeline_run.url": {"stringValue": "https://ci.example/job/pay/42/"}},
            None,
            "Pipeline for feature/x",
        ),
        ({"pipeline.target.ref_name": ...}, "5", "Pipeline #5"),
    ],
)
def test_a_run_is_numbered_by_its_attribute_or_else_its_link(
    changes: dict[str, Any], number: str | None, name: str
) -> None:
    facts = report_of(span_with(**changes), SPAN).facts
    assert (facts.build_number, facts.name) == (number, name)
    assert facts.run_id is not None


@pytest.mark.parametrize(
    ("ref_type", "branch", "tag"),
    [("BRANCH", "v2.5", None), ("TAG", None, "v2.5"), ("tag", None, "v2.5"), ("", "v2.5", None)],
)
def test_a_run_is_of_a_branch_unless_it_says_tag(ref_type: str, branch: str | None, tag: str | None) -> None:
    facts = report_of(pipeline_span(branch="v2.5", ref_type=ref_type), SPAN).facts
    assert (facts.branch, facts.tag) == (branch, tag)


def test_of_several_runs_in_one_body_the_first_that_can_be_read_counts() -> None:
    bodies = [
        pipeline_span(name="bbc.pipeline_step"),
        pipeline_span(result="EXPIRED"),
        pipeline_span(number=6),
        pipeline_span(number=7),
    ]
    both = {"resourceSpans": [None, {"scopeSpans": [{}]}, *(one["resourceSpans"][0] for one in bodies)]}
    assert report_of(both, SPAN) == report_of(pipeline_span(number=6), SPAN)
    assert reason_of({"resourceSpans": both["resourceSpans"][:4]}, SPAN).code is ReasonCode.BUILD_NOT_SUCCESSFUL


def test_a_span_without_an_end_is_ordered_by_when_it_arrives() -> None:
    body = span_with()
    body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["endTimeUnixNano"] = 0
    report = report_of(body, SPAN)
    assert (report.updated_at, report.facts.finished_at) == (None, None)


def test_attributes_that_are_not_read_and_odd_ones_do_no_harm() -> None:
    body = span_with(**{"pipeline.trigger.name": {"stringValue": "\x00"}})
    body["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"] += [None, 5, {"key": None}, {"value": 1}]
    assert report_of(body, SPAN) == report_of(span_with(), SPAN)
