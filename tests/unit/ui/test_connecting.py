"""What is copied into a CI's own file reports the right facts: each script runs in a shell, with its CI's variables."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from lathe.adapters.http.reports import read_report
from lathe.adapters.ui.ci import Ci
from lathe.adapters.ui.connecting import CIS
from lathe.adapters.ui.natives import SENDERS
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.errors import LatheError
from lathe.domain.repo_url import RepoUrl
from lathe.entrypoints.compose import PARSERS

ADDRESS = "https://lathe.example"
SHA = "4be1a0c93d5f7e2286b0c4d9a1f3e5577c8d9e01"

CURL = """#!/bin/sh
printf '%s\\n' "$@" > "$TOLD/arguments"
cat > "$TOLD/body"
exit ${CURL_FAILS:-0}
"""

GIT = f"""#!/bin/sh
case "$*" in "rev-parse HEAD") echo {SHA} ;; "remote get-url origin") echo git@bitbucket.org:acme/pay-api.git ;; esac
"""

BITBUCKET = {
    "BITBUCKET_BUILD_NUMBER": "482",
    "BITBUCKET_COMMIT": SHA,
    "BITBUCKET_REPO_FULL_NAME": "acme/pay-api",
    "BITBUCKET_EXIT_CODE": "0",
}
GITHUB = {
    "GITHUB_WORKFLOW": "Build & test",
    "GITHUB_RUN_NUMBER": "12",
    "GITHUB_RUN_ID": "9001",
    "GITHUB_SHA": SHA,
    "GITHUB_ACTOR": "ada",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/pay-api",
    "RESULT": "success",
}
GITLAB = {
    "CI_PIPELINE_IID": "77",
    "CI_PIPELINE_ID": "31337",
    "CI_COMMIT_SHA": SHA,
    "CI_PROJECT_URL": "https://gitlab.com/acme/tools/pay-api",
    "CI_REPOSITORY_URL": "https://gitlab-ci-token:secret@gitlab.com/acme/tools/pay-api.git",
    "CI_PIPELINE_URL": "https://gitlab.com/acme/tools/pay-api/-/pipelines/31337",
    "GITLAB_USER_NAME": "Ada Lovelace",
    "RESULT": "successful",
}
JENKINS = {
    "JOB_NAME": "acme/pay-api/main",
    "BUILD_NUMBER": "5",
    "GIT_COMMIT": SHA,
    "GIT_URL": "https://github.com/acme/pay-api.git",
    "BUILD_URL": "https://ci.acme.example/job/acme/job/pay-api/5/",
    "RESULT": "SUCCESS",
}
CIRCLECI = {
    "CIRCLE_JOB": "build",
    "CIRCLE_BUILD_NUM": "31",
    "CIRCLE_SHA1": SHA,
    "CIRCLE_USERNAME": "ada",
    "CIRCLE_REPOSITORY_URL": "git@github.com:acme/pay-api.git",
    "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/pay-api/31",
    "RESULT": "successful",
}
AZURE = {
    "BUILD_DEFINITIONNAME": "Pay API",
    "BUILD_BUILDNUMBER": "20260314.2",
    "BUILD_BUILDID": "811",
    "BUILD_SOURCEVERSION": SHA,
    "BUILD_REQUESTEDFOR": "Ada Lovelace",
    "BUILD_REPOSITORY_URI": "https://acme@dev.azure.com/acme/shop/_git/pay-api",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
    "SYSTEM_TEAMPROJECTID": "0d5f",
    "AGENT_JOBSTATUS": "Succeeded",
}


def facts(source: str, name: str, number: str, repository: str, **more: Any) -> BuildFacts:
    url = RepoUrl.parse(repository)
    assert url is not None
    return BuildFacts(source=source, name=name, build_number=number, repo_url=url, **{"commit_sha": SHA} | more)


ON_MAIN = {
    "bitbucket": (
        BITBUCKET | {"BITBUCKET_BRANCH": "main"},
        facts(
            "bitbucket",
            "Pipeline #482",
            "482",
            "https://bitbucket.org/acme/pay-api",
            branch="main",
            url="https://bitbucket.org/acme/pay-api/pipelines/results/482",
        ),
    ),
    "github": (
        GITHUB | {"GITHUB_REF": "refs/heads/main"},
        facts(
            "github",
            "Build & test #12",
            "12",
            "https://github.com/acme/pay-api",
            run_id="9001",
            branch="main",
            author="ada",
            url="https://github.com/acme/pay-api/actions/runs/9001",
        ),
    ),
    "gitlab": (
        GITLAB | {"CI_COMMIT_REF_NAME": "main"},
        facts(
            "gitlab",
            "Pipeline #77",
            "77",
            "https://gitlab.com/acme/tools/pay-api",
            run_id="31337",
            branch="main",
            author="Ada Lovelace",
            url="https://gitlab.com/acme/tools/pay-api/-/pipelines/31337",
        ),
    ),
    "jenkins": (
        JENKINS | {"GIT_BRANCH": "origin/main"},
        facts(
            "jenkins",
            "acme/pay-api/main #5",
            "5",
            "https://github.com/acme/pay-api",
            run_id="acme/pay-api/main #5",
            branch="main",
            url="https://ci.acme.example/job/acme/job/pay-api/5/",
        ),
    ),
    "circleci": (
        CIRCLECI | {"CIRCLE_BRANCH": "main"},
        facts(
            "circleci",
            "build #31",
            "31",
            "https://github.com/acme/pay-api",
            branch="main",
            author="ada",
            url="https://circleci.com/gh/acme/pay-api/31",
        ),
    ),
    "azure": (
        AZURE | {"BUILD_SOURCEBRANCH": "refs/heads/main"},
        facts(
            "azure",
            "Pay API 20260314.2",
            "20260314.2",
            "https://dev.azure.com/acme/shop/_git/pay-api",
            run_id="811",
            branch="main",
            author="Ada Lovelace",
            url="https://dev.azure.com/acme/0d5f/_build/results?buildId=811",
        ),
    ),
    "other": ({}, facts("api", "Build #123", "123", "https://bitbucket.org/acme/pay-api", branch="main")),
}
# Data Center builds nothing itself: whatever builds for it reports as any other CI does.
ON_MAIN["bitbucket-data-center"] = ON_MAIN["other"]

REFS: tuple[tuple[str, dict[str, str], str | None, str | None], ...] = (
    ("bitbucket", {"BITBUCKET_TAG": "v1"}, None, "v1"),
    ("bitbucket", {"BITBUCKET_BRANCH": 'odd"name'}, 'odd"name', None),
    ("github", {"GITHUB_REF": "refs/heads/release/2.5"}, "release/2.5", None),
    ("github", {"GITHUB_REF": "refs/tags/v1", "BRANCH": "left over"}, None, "v1"),
    ("github", {"GITHUB_REF": "refs/pull/7/merge", "GITHUB_HEAD_REF": "feature/x"}, "feature/x", None),
    ("gitlab", {"CI_COMMIT_REF_NAME": "v1", "CI_COMMIT_TAG": "v1", "BRANCH": "left over"}, None, "v1"),
    ("jenkins", {"GIT_BRANCH": "origin/feature/x"}, "feature/x", None),
    ("jenkins", {"BRANCH_NAME": "release/2.5", "GIT_BRANCH": "release/2.5"}, "release/2.5", None),
    ("jenkins", {"BRANCH_NAME": "PR-7", "CHANGE_BRANCH": "feature/x"}, "feature/x", None),
    ("jenkins", {"BRANCH_NAME": "v1", "TAG_NAME": "v1"}, None, "v1"),
    ("circleci", {"CIRCLE_TAG": "v1"}, None, "v1"),
    ("azure", {"BUILD_SOURCEBRANCH": "refs/heads/release/2.5"}, "release/2.5", None),
    ("azure", {"BUILD_SOURCEBRANCH": "refs/tags/v1"}, None, "v1"),
    (
        "azure",
        {"BUILD_SOURCEBRANCH": "refs/pull/7/merge", "SYSTEM_PULLREQUEST_SOURCEBRANCH": "refs/heads/feature/x"},
        "feature/x",
        None,
    ),
)

RESULTS = (
    ("bitbucket", {"BITBUCKET_EXIT_CODE": "1"}, BuildStatus.FAILED),
    ("github", {"RESULT": "failure"}, BuildStatus.FAILED),
    ("github", {"RESULT": "cancelled"}, BuildStatus.STOPPED),
    ("gitlab", {"RESULT": "failed"}, BuildStatus.FAILED),
    ("jenkins", {"RESULT": "UNSTABLE"}, BuildStatus.FAILED),
    ("jenkins", {"RESULT": "FAILURE"}, BuildStatus.FAILED),
    ("jenkins", {"RESULT": "ABORTED"}, BuildStatus.STOPPED),
    ("circleci", {"RESULT": "failed"}, BuildStatus.FAILED),
    ("azure", {"AGENT_JOBSTATUS": "SucceededWithIssues"}, BuildStatus.SUCCESSFUL),
    ("azure", {"AGENT_JOBSTATUS": "Failed"}, BuildStatus.FAILED),
    ("azure", {"AGENT_JOBSTATUS": "Canceled"}, BuildStatus.STOPPED),
)


def ci_named(slug: str) -> Ci:
    return next(ci for ci in CIS if ci.slug == slug)


def script_in(slug: str) -> str:
    """Return the script as the CI finds it in its own file."""
    snippet = ci_named(slug).snippet(ADDRESS)
    match slug:
        case "jenkins":
            return snippet.split("'''")[1].replace("\\\\", "\\")
        case "other" | "bitbucket-data-center":
            return snippet
    file = yaml.safe_load(snippet)
    found: dict[str, Any] = {
        "bitbucket": lambda: file["pipelines"]["default"][0]["step"]["after-script"][0],
        "github": lambda: file["jobs"]["build"]["steps"][-1]["run"],
        "gitlab": lambda: file["tell-lathe"]["script"][0],
        "circleci": lambda: file["jobs"]["build"]["steps"][-1]["run"]["command"],
        "azure": lambda: file["steps"][-1]["bash"],
    }
    return str(found[slug]())


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A folder in which curl leaves what it was told."""
    for name, text in (("curl", CURL), ("git", GIT)):
        program = tmp_path / name
        program.write_text(text)
        program.chmod(0o755)
    return tmp_path


def run(slug: str, told: Path, environment: dict[str, str], shell: str = "sh") -> subprocess.CompletedProcess[str]:
    found = {"PATH": f"{told}:{os.environ['PATH']}", "TOLD": str(told), "LATHE_API_KEY": "pt_live_sample"}
    command = [shell, "-e", "-c", script_in(slug)]
    return subprocess.run(command, env=found | environment, capture_output=True, text=True, check=False)


def reported(slug: str, told: Path, environment: dict[str, str], shell: str = "sh") -> BuildReport:
    """Run the script as the CI would, and read what it sends as the server does."""
    done = run(slug, told, environment, shell)
    assert (done.returncode, done.stderr) == (0, "")
    arguments = (told / "arguments").read_text().splitlines()
    assert "Authorization: Bearer pt_live_sample" in arguments
    assert arguments[-1] == f"{ADDRESS}/api/v1/builds"
    content = read_report((told / "body").read_bytes()).content
    assert isinstance(content, BuildReport), content.detail if isinstance(content, LatheError) else content
    return content


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("slug", [ci.slug for ci in CIS])
def test_a_build_on_a_branch_is_reported_with_all_its_facts(slug: str, shell: str, told: Path) -> None:
    environment, expected = ON_MAIN[slug]
    assert reported(slug, told, environment, shell).facts == expected


@pytest.mark.parametrize(("slug", "environment", "branch", "tag"), REFS)
def test_branches_tags_and_pull_requests_are_told_apart(
    slug: str, environment: dict[str, str], branch: str | None, tag: str | None, told: Path
) -> None:
    base = {"bitbucket": BITBUCKET, "github": GITHUB, "gitlab": GITLAB, "jenkins": JENKINS}
    base |= {"circleci": CIRCLECI, "azure": AZURE}
    found = reported(slug, told, base[slug] | environment).facts
    assert (found.branch, found.tag) == (branch, tag)


@pytest.mark.parametrize(("slug", "environment", "status"), RESULTS)
def test_the_result_is_said_in_our_words(
    slug: str, environment: dict[str, str], status: BuildStatus, told: Path
) -> None:
    assert reported(slug, told, ON_MAIN[slug][0] | environment).facts.status is status


@pytest.mark.parametrize("slug", [ci.slug for ci in CIS])
def test_a_server_that_is_away_fails_no_build(slug: str, told: Path) -> None:
    done = run(slug, told, ON_MAIN[slug][0] | {"CURL_FAILS": "22"})
    assert (done.returncode, done.stdout) == (0, "Lathe did not take this build\n")


def test_no_script_sends_a_variable_that_holds_a_token(told: Path) -> None:
    reported("gitlab", told, ON_MAIN["gitlab"][0])
    assert "secret" not in (told / "body").read_text()


def test_the_second_job_of_gitlab_says_that_the_pipeline_failed() -> None:
    job = yaml.safe_load(ci_named("gitlab").snippet(ADDRESS))["tell-lathe-of-failure"]
    assert (job["extends"], job["when"], job["variables"]["RESULT"]) == ("tell-lathe", "on_failure", "failed")


def test_circleci_would_read_two_angle_brackets_as_its_own() -> None:
    assert "<<" not in ci_named("circleci").snippet(ADDRESS)


def test_a_native_webhook_is_offered_only_where_one_is_taken() -> None:
    assert {ci.native.provider for ci in CIS if ci.native} == set(PARSERS) == set(SENDERS)
    slugs = {ci.slug: ci.native.provider for ci in CIS if ci.native}
    assert all(slugs[sender.slug] is provider for provider, sender in SENDERS.items())


def test_every_body_is_one_json_object_without_blank_facts(told: Path) -> None:
    reported("github", told, GITHUB | {"GITHUB_REF": "refs/pull/7/merge"})
    body = json.loads((told / "body").read_text())
    assert "branch" not in body
    assert all(body.values())
