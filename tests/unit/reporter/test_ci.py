"""What the reporter makes of each CI's variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lathe.adapters.ui.connecting import CIS
from lathe_report.ci import KNOWN, found
from lathe_report.report import made
from tests.pipelines import AZURE, BITBUCKET, CIRCLECI, GITHUB, GITLAB, JENKINS, JOBS, SHA


def body(environ: dict[str, str], **given: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(made(environ, given).body)
    return fields


def told(environ: dict[str, str], *names: str) -> tuple[Any, ...]:
    fields = body(environ)
    return tuple(fields.get(name) for name in names)


EXPECTED = {
    "bitbucket": {
        "name": "Pipeline #482",
        "build_number": "482",
        "repo_url": "https://bitbucket.org/acme/pay-api",
        "url": "https://bitbucket.org/acme/pay-api/pipelines/results/482",
    },
    "github": {
        "name": "Build & test #12",
        "build_number": "12",
        "run_id": "9001",
        "repo_url": "https://github.com/acme/pay-api",
        "url": "https://github.com/acme/pay-api/actions/runs/9001",
        "author": "ada",
    },
    "gitlab": {
        "name": "Pipeline #77",
        "build_number": "77",
        "run_id": "31337",
        "repo_url": "https://gitlab.com/acme/pay-api",
        "url": "https://gitlab.com/acme/pay-api/-/pipelines/31337",
        "author": "Ada Lovelace",
    },
    "jenkins": {
        "name": "acme/pay-api/main #5",
        "build_number": "5",
        "run_id": "acme/pay-api/main #5",
        "repo_url": "https://github.com/acme/pay-api.git",
        "url": "https://ci.acme.example/job/acme/job/pay-api/5/",
    },
    "circleci": {
        "name": "build #31",
        "build_number": "31",
        "repo_url": "git@github.com:acme/pay-api.git",
        "url": "https://circleci.com/gh/acme/pay-api/31",
        "author": "ada",
    },
    "azure": {
        "name": "Pay API 20260314.2",
        "build_number": "20260314.2",
        "run_id": "811",
        "repo_url": "https://dev.azure.com/acme/shop/_git/pay-api",
        "url": "https://dev.azure.com/acme/Web%20Shop/_build/results?buildId=811",
        "author": "Ada Lovelace",
    },
}


@pytest.mark.parametrize("source", JOBS)
def test_a_build_on_main_is_told_in_full(source: str) -> None:
    common = {"source": source, "status": "successful", "commit_sha": SHA, "branch": "main"}

    assert body(JOBS[source]) == common | EXPECTED[source]


def test_every_ci_that_is_known_is_tried_here() -> None:
    assert {ci.source for ci in KNOWN} == set(JOBS)
    assert {ci.source for ci in CIS if ci.fetches} == set(JOBS)


def test_outside_of_a_pipeline_there_is_no_ci() -> None:
    assert found({"CI": "true", "GITHUB_ACTIONS": " "}) is None


def test_variables_of_jenkins_on_a_machine_do_not_hide_the_ci_that_runs_the_job() -> None:
    ci = found(JENKINS | GITLAB)

    assert ci is not None
    assert ci.source == "gitlab"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (BITBUCKET | {"BITBUCKET_TAG": "v2.5.0", "BITBUCKET_BRANCH": ""}, (None, "v2.5.0")),
        (BITBUCKET | {"BITBUCKET_TAG": "v2.5.0"}, (None, "v2.5.0")),
        (GITHUB | {"GITHUB_REF": "refs/tags/v2.5.0"}, (None, "v2.5.0")),
        (GITHUB | {"GITHUB_REF": "refs/heads/release/2.5"}, ("release/2.5", None)),
        (GITHUB | {"GITHUB_REF": "refs/heads/tags/x"}, ("tags/x", None)),
        (GITLAB | {"CI_COMMIT_TAG": "v2.5.0", "CI_COMMIT_REF_NAME": "v2.5.0"}, (None, "v2.5.0")),
        (GITLAB | {"CI_COMMIT_BRANCH": ""}, ("main", None)),
        (JENKINS | {"TAG_NAME": "v2.5.0", "BRANCH_NAME": "v2.5.0"}, (None, "v2.5.0")),
        (JENKINS | {"GIT_BRANCH": "refs/tags/v2.5.0"}, (None, "v2.5.0")),
        (JENKINS | {"GIT_BRANCH": "refs/remotes/origin/release/2.5"}, ("release/2.5", None)),
        (JENKINS | {"GIT_BRANCH": "origin/origin/x"}, ("origin/x", None)),
        (JENKINS | {"GIT_BRANCH": "detached"}, (None, None)),
        (JENKINS | {"BRANCH_NAME": "release/2.5"}, ("release/2.5", None)),
        (CIRCLECI | {"CIRCLE_TAG": "v2.5.0"}, (None, "v2.5.0")),
        (AZURE | {"BUILD_SOURCEBRANCH": "refs/tags/v2.5.0"}, (None, "v2.5.0")),
    ],
)
def test_branches_and_tags_are_told_apart(environ: dict[str, str], expected: tuple[str | None, str | None]) -> None:
    assert told(environ, "branch", "tag") == expected


GITHUB_REQUEST = GITHUB | {
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_HEAD_REF": "retry-captures",
    "GITHUB_REF": "refs/pull/7/merge",
    "GITHUB_SHA": "0" * 40,
}


def event(folder: Path, repository: str | None) -> dict[str, str]:
    repo = repository and {"full_name": repository, "owner": {"login": repository.partition("/")[0]}}
    head = {"sha": SHA, "ref": "retry-captures", "repo": repo}
    file = folder / "event.json"
    file.write_text(json.dumps({"pull_request": {"number": 7, "head": head}}), encoding="utf-8")
    return GITHUB_REQUEST | {"GITHUB_EVENT_PATH": str(file)}


def test_a_pull_request_on_github_is_told_by_its_own_commit_and_branch(tmp_path: Path) -> None:
    assert told(event(tmp_path, "acme/pay-api"), "commit_sha", "branch", "run_id") == (SHA, "retry-captures", "9001")


def test_a_fork_that_was_deleted_meanwhile_does_not_pass_for_the_repository(tmp_path: Path) -> None:
    assert told(event(tmp_path, None), "commit_sha", "branch") == (SHA, "fork:retry-captures")


def test_the_branch_of_a_fork_is_not_the_branch_of_the_same_name_here(tmp_path: Path) -> None:
    azure = AZURE | {"SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/main", "SYSTEM_PULLREQUEST_ISFORK": "True"}
    gitlab = GITLAB | {
        "CI_COMMIT_BRANCH": "",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2",
    }
    jenkins = JENKINS | {"BRANCH_NAME": "PR-7", "CHANGE_BRANCH": "main", "CHANGE_FORK": "ada"}

    assert told(event(tmp_path, "ada/pay-api"), "branch") == ("ada:retry-captures",)
    assert told(azure, "branch") == ("fork:main",)
    assert told(gitlab, "branch") == ("merge-requests/7/head",)
    assert told(jenkins, "branch") == ("ada:main",)


@pytest.mark.parametrize("text", [None, "", "[]", '{"pull_request": {"head": null}}'])
def test_without_its_event_a_pull_request_names_no_commit_rather_than_one_that_contradicts(
    text: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "event.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")

    told_of = told(GITHUB_REQUEST | {"GITHUB_EVENT_PATH": str(file)}, "commit_sha", "branch")

    assert told_of == (None, "retry-captures")


def test_requests_to_merge_are_told_by_the_branch_that_is_to_be_merged() -> None:
    azure = AZURE | {
        "BUILD_SOURCEBRANCH": "refs/pull/7/merge",
        "BUILD_SOURCEVERSION": "0" * 40,
        "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/retry",
        "SYSTEM_PULLREQUEST_SOURCECOMMITID": SHA,
    }
    gitlab = GITLAB | {
        "CI_COMMIT_BRANCH": "",
        "CI_COMMIT_REF_NAME": "refs/merge-requests/7/head",
        "CI_MERGE_REQUEST_PROJECT_ID": "1",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "retry",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1",
    }

    assert told(azure, "branch", "commit_sha") == ("retry", SHA)
    assert told(gitlab, "branch") == ("retry",)
    assert told(JENKINS | {"BRANCH_NAME": "PR-7", "CHANGE_BRANCH": "retry"}, "branch") == ("retry",)
    assert told(AZURE | {"BUILD_SOURCEBRANCH": "refs/pull/7/merge"}, "branch") == (None,)
    assert told(BITBUCKET | {"BITBUCKET_COMMIT": SHA[:12]}, "commit_sha") == (SHA[:12],)


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        (BITBUCKET | {"BITBUCKET_EXIT_CODE": "1"}, "failed"),
        (BITBUCKET | {"BITBUCKET_EXIT_CODE": ""}, "successful"),
        (GITLAB | {"CI_JOB_STATUS": "failed"}, "failed"),
        (GITLAB | {"CI_JOB_STATUS": "canceled"}, "stopped"),
        (GITLAB | {"CI_JOB_STATUS": "running"}, "successful"),
        (AZURE | {"AGENT_JOBSTATUS": "SucceededWithIssues"}, "successful"),
        (AZURE | {"AGENT_JOBSTATUS": "Failed"}, "failed"),
        (AZURE | {"AGENT_JOBSTATUS": "Canceled"}, "stopped"),
    ],
)
def test_the_result_is_the_one_that_the_ci_tells(environ: dict[str, str], status: str) -> None:
    assert told(environ, "status") == (status,)


def test_what_a_ci_leaves_out_is_left_out() -> None:
    signs = [{ci.signs[0]: "true"} for ci in KNOWN]

    reports = [body(environ) for environ in signs]

    assert [set(report) - {"build_number"} for report in reports] == [{"name", "status", "source"}] * len(KNOWN)


def test_older_and_rarer_names_of_the_same_facts_are_read() -> None:
    bitbucket = {**BITBUCKET, "BITBUCKET_GIT_HTTP_ORIGIN": ""}
    gitlab = {name: value for name, value in GITLAB.items() if name != "CI_PROJECT_URL"}
    azure = {**AZURE, "SYSTEM_COLLECTIONURI": "", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI": "https://tfs.corp/acme/"}

    assert told(bitbucket, "repo_url") == ("https://bitbucket.org/acme/pay-api",)
    assert told(gitlab, "repo_url") == ("https://gitlab.com/acme/pay-api.git",)
    assert told(azure, "url") == ("https://tfs.corp/acme/Web%20Shop/_build/results?buildId=811",)
