"""What each CI system tells a job of its build, in environment variables, as the fields of a report.

A run has one identity, whoever tells of it: number, run id and commit are here what the CI's own webhooks carry too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Callable, Mapping, NamedTuple
from urllib.parse import quote

Environ = Mapping[str, str]


class Ci(NamedTuple):
    """A CI system: what shows that a job runs there, and what it tells.

    ``source`` is its name in reports. Any of ``signs`` is set in all its jobs. ``read`` returns the fields of a report,
    blank where nothing is told; ``status`` the job's result in the CI's own word. ``attempts`` are variables that
    differ when the same run is tried again.
    """

    source: str
    name: str
    signs: tuple[str, ...]
    read: Callable[[Environ], dict[str, str]]
    status: Callable[[Environ], str]
    attempts: tuple[str, ...] = ()


def found(environ: Environ) -> Ci | None:
    """Return the CI that this job runs in, None if it is none that is known."""
    for ci in KNOWN:
        if _first(environ, *ci.signs):
            return ci
    return None


def attempt(ci: Ci, environ: Environ) -> str:
    """Return what tells this try of a run from the others."""
    return " ".join(environ.get(name, "") for name in ci.attempts)


def _first(environ: Environ, *names: str) -> str:
    """Return the first of these variables that is not blank."""
    for name in names:
        value = environ.get(name, "").strip()
        if value:
            return value
    return ""


def _says_nothing(_environ: Environ) -> str:
    return ""


# --- Bitbucket Pipelines ----------------------------------------------------------------------------------------------


def _bitbucket(environ: Environ) -> dict[str, str]:
    number = _first(environ, "BITBUCKET_BUILD_NUMBER")
    repository = _bitbucket_repository(environ)
    tag = _first(environ, "BITBUCKET_TAG")
    return {
        "name": f"Pipeline #{number}",
        "build_number": number,
        "commit_sha": _first(environ, "BITBUCKET_COMMIT"),
        "branch": "" if tag else _first(environ, "BITBUCKET_BRANCH"),
        "tag": tag,
        "repo_url": repository,
        "url": f"{repository}/pipelines/results/{number}" if repository else "",
    }


def _bitbucket_repository(environ: Environ) -> str:
    """Return the repository's address. Pipelines tell it with http, which is not where people should be sent."""
    name = _first(environ, "BITBUCKET_REPO_FULL_NAME")
    origin = _first(environ, "BITBUCKET_GIT_HTTP_ORIGIN") or (f"https://bitbucket.org/{name}" if name else "")
    return re.sub(r"^http://(?:[^/@]*@)?", "https://", origin)


def _bitbucket_status(environ: Environ) -> str:
    """Return how the step ended, which only its after-script is told."""
    return _first(environ, "BITBUCKET_EXIT_CODE")


# --- GitHub Actions ---------------------------------------------------------------------------------------------------


def _github(environ: Environ) -> dict[str, str]:
    run, number = _first(environ, "GITHUB_RUN_ID"), _first(environ, "GITHUB_RUN_NUMBER")
    server, name = _first(environ, "GITHUB_SERVER_URL") or "https://github.com", _first(environ, "GITHUB_REPOSITORY")
    repository = f"{server}/{name}" if name else ""
    branch, tag = _branch_and_tag(_first(environ, "GITHUB_REF"))
    commit = _first(environ, "GITHUB_SHA")
    if _first(environ, "GITHUB_HEAD_REF"):  # which only a pull request has
        commit, branch = _github_pull_request(environ)
    return {
        "name": f"{_first(environ, 'GITHUB_WORKFLOW') or 'Workflow'} #{number}",
        "build_number": number,
        "run_id": run,
        "commit_sha": commit,
        "branch": branch,
        "tag": tag,
        "repo_url": repository,
        "url": f"{repository}/actions/runs/{run}" if repository and run else "",
        "author": _first(environ, "GITHUB_ACTOR"),
    }


def _github_pull_request(environ: Environ) -> tuple[str, str]:
    """Return commit and branch that the run of a pull request is shown at, which are in the event alone.

    ``GITHUB_SHA`` is a merge that exists nowhere else: no commit is better than one that contradicts the webhook's. And
    a fork's ``main`` is not the ``main`` of this repository.
    """
    branch = _first(environ, "GITHUB_HEAD_REF")
    try:
        event = json.loads(Path(_first(environ, "GITHUB_EVENT_PATH")).read_text(encoding="utf-8"))
        head = event["pull_request"]["head"]
        source = head["repo"] or {"full_name": "", "owner": {"login": "fork"}}  # a fork that is gone is none
        commit, owner, repository = head["sha"], source["owner"]["login"], source["full_name"]
    except (OSError, ValueError, LookupError, TypeError):
        return "", branch
    return str(commit), branch if repository == _first(environ, "GITHUB_REPOSITORY") else f"{owner}:{branch}"


# --- GitLab CI --------------------------------------------------------------------------------------------------------


def _gitlab(environ: Environ) -> dict[str, str]:
    number, run = _first(environ, "CI_PIPELINE_IID"), _first(environ, "CI_PIPELINE_ID")
    tag = _first(environ, "CI_COMMIT_TAG")
    return {
        "name": f"Pipeline #{number or run}",
        "build_number": number,
        "run_id": run,
        "commit_sha": _first(environ, "CI_COMMIT_SHA"),
        "branch": "" if tag else _gitlab_branch(environ),
        "tag": tag,
        "repo_url": _first(environ, "CI_PROJECT_URL", "CI_REPOSITORY_URL"),
        "url": _first(environ, "CI_PIPELINE_URL"),
        "author": _first(environ, "GITLAB_USER_NAME"),
    }


def _gitlab_branch(environ: Environ) -> str:
    """Return the branch; of a merge request that comes from a fork only its number, since the branch is not here."""
    here, there = _first(environ, "CI_MERGE_REQUEST_PROJECT_ID"), _first(environ, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    if here != there:
        return f"merge-requests/{_first(environ, 'CI_MERGE_REQUEST_IID')}/head"
    return _first(environ, "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_BRANCH", "CI_COMMIT_REF_NAME")


def _gitlab_status(environ: Environ) -> str:
    """Return how the job ended, which only its after_script is told; before that it runs."""
    status = _first(environ, "CI_JOB_STATUS")
    return "" if status == "running" else status


# --- Jenkins ----------------------------------------------------------------------------------------------------------


def _jenkins(environ: Environ) -> dict[str, str]:
    job, number = _first(environ, "JOB_NAME"), _first(environ, "BUILD_NUMBER")
    tag = _first(environ, "TAG_NAME")
    told = _first(environ, "CHANGE_BRANCH", "BRANCH_NAME", "GIT_LOCAL_BRANCH", "GIT_BRANCH")
    fork = _first(environ, "CHANGE_FORK")
    told = f"{fork}:{told}" if fork else told
    branch, tag_of_ref = _branch_and_tag(re.sub(r"^(?:refs/remotes/)?origin/|^detached$|^HEAD$", "", told))
    return {
        "name": f"{job} #{number}",
        "build_number": number,
        "run_id": f"{job} #{number}" if job and number else "",
        "commit_sha": _first(environ, "GIT_COMMIT"),
        "branch": "" if tag else branch,
        "tag": tag or tag_of_ref,
        "repo_url": _first(environ, "GIT_URL", "GIT_URL_1"),
        "url": _first(environ, "BUILD_URL"),
    }


# --- CircleCI ---------------------------------------------------------------------------------------------------------


def _circleci(environ: Environ) -> dict[str, str]:
    number, tag = _first(environ, "CIRCLE_BUILD_NUM"), _first(environ, "CIRCLE_TAG")
    return {
        "name": f"{_first(environ, 'CIRCLE_JOB') or 'Job'} #{number}",
        "build_number": number,
        "commit_sha": _first(environ, "CIRCLE_SHA1"),
        "branch": "" if tag else _first(environ, "CIRCLE_BRANCH"),
        "tag": tag,
        "repo_url": _first(environ, "CIRCLE_REPOSITORY_URL"),
        "url": _first(environ, "CIRCLE_BUILD_URL"),
        "author": _first(environ, "CIRCLE_USERNAME"),
    }


# --- Azure Pipelines --------------------------------------------------------------------------------------------------


def _azure(environ: Environ) -> dict[str, str]:
    number, run = _first(environ, "BUILD_BUILDNUMBER"), _first(environ, "BUILD_BUILDID")
    collection = _first(environ, "SYSTEM_COLLECTIONURI", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI").rstrip("/")
    project = quote(_first(environ, "SYSTEM_TEAMPROJECTID", "SYSTEM_TEAMPROJECT"), safe="")
    branch, tag = _branch_and_tag(_first(environ, "SYSTEM_PULLREQUEST_SOURCEBRANCH", "BUILD_SOURCEBRANCH"))
    if _first(environ, "SYSTEM_PULLREQUEST_ISFORK").lower() == "true":
        branch = f"fork:{branch}"
    return {
        "name": f"{_first(environ, 'BUILD_DEFINITIONNAME') or 'Pipeline'} {number}",
        "build_number": number,
        "run_id": run,
        "commit_sha": _first(environ, "SYSTEM_PULLREQUEST_SOURCECOMMITID", "BUILD_SOURCEVERSION"),
        "branch": branch,
        "tag": tag,
        "repo_url": _first(environ, "BUILD_REPOSITORY_URI"),
        "url": f"{collection}/{project}/_build/results?buildId={run}" if collection and project and run else "",
        "author": _first(environ, "BUILD_REQUESTEDFOR"),
    }


def _azure_status(environ: Environ) -> str:
    return _first(environ, "AGENT_JOBSTATUS")


def _branch_and_tag(ref: str) -> tuple[str, str]:
    """Return branch and tag of a full ref; one that is not full is a branch. Any other ref, a pull request's, is none.

    ``refs/pull/12/merge`` is a merge that nobody develops on.
    """
    if ref.startswith("refs/tags/"):
        return "", ref[len("refs/tags/") :]
    if ref.startswith("refs/heads/"):
        return ref[len("refs/heads/") :], ""
    return "" if ref.startswith("refs/") else ref, ""


KNOWN = (
    Ci(
        "bitbucket",
        "Bitbucket Pipelines",
        ("BITBUCKET_BUILD_NUMBER",),
        _bitbucket,
        _bitbucket_status,
        ("BITBUCKET_STEP_UUID", "BITBUCKET_STEP_RUN_NUMBER"),
    ),
    Ci(
        "github",
        "GitHub Actions",
        ("GITHUB_ACTIONS",),
        _github,
        _says_nothing,
        ("GITHUB_JOB", "GITHUB_RUN_ATTEMPT"),
    ),
    Ci("gitlab", "GitLab CI", ("GITLAB_CI",), _gitlab, _gitlab_status, ("CI_JOB_ID",)),
    Ci("circleci", "CircleCI", ("CIRCLECI",), _circleci, _says_nothing),
    Ci(
        "azure",
        "Azure Pipelines",
        ("TF_BUILD",),
        _azure,
        _azure_status,
        ("SYSTEM_JOBID", "SYSTEM_JOBATTEMPT"),
    ),
    Ci("jenkins", "Jenkins", ("JENKINS_URL", "JENKINS_HOME"), _jenkins, _says_nothing),
)
"""Every CI system that is known. Jenkins comes last: on its machines its variables are often everywhere."""
