"""GitHub: runs of GitHub Actions.

A run is one report, whichever of its jobs ran. Checks, jobs and statuses tell of the same run several times, in other
words each time: they are passed over, so that one run is one build.

Source: GitHub's documentation of webhook events and payloads.
"""

from __future__ import annotations

from typing import Final

from lathe.adapters.providers.reading import (
    at,
    header,
    instant,
    integer,
    json_object,
    kept,
    link,
    one_line,
    repository_id,
    text,
)
from lathe.adapters.providers.reasons import lacking, unknown
from lathe.application.intake import Reading
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.errors import LatheError
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Reason, ReasonCode

SOURCE: Final = "github"
RUN_EVENT: Final = "workflow_run"
PING_EVENT: Final = "ping"

SAME_RUN: Final = frozenset({"check_run", "check_suite", "workflow_job", "status", "deployment_status"})
"""Events that tell of a run too."""

CONCLUSIONS: Final = {
    "success": BuildStatus.SUCCESSFUL,
    "failure": BuildStatus.FAILED,
    "timed_out": BuildStatus.FAILED,
    "startup_failure": BuildStatus.FAILED,
    "cancelled": BuildStatus.STOPPED,
    "stale": BuildStatus.STOPPED,  # GitHub gave it up after two weeks
}
"""How a run that built something can end."""

_NOTHING_BUILT: Final = {
    "skipped": Reason(ReasonCode.BUILD_NOT_SUCCESSFUL, "The run was skipped: it built nothing"),
    "action_required": Reason(ReasonCode.BUILD_NOT_FINISHED, "The run waits for a person to approve it on GitHub"),
}


class GitHubParser:
    """Reads what GitHub sends, whether GitHub itself sent it or somebody passed it on."""

    def read(self, headers: dict[str, str], body: bytes) -> Reading:
        """Return what the request says; header names are lower case. Never raises."""
        event = header(headers, "x-github-event")
        # GitHub names the event by it: a second webhook for the same event sends the same id, a redelivery too.
        return Reading(event, kept(headers.get("x-github-delivery", "").strip()), _content(event, body))


def _content(event: str | None, body: bytes) -> BuildReport | Reason | LatheError:
    try:
        fields = json_object(body)
        kind = event or _event_by_shape(fields)
        if kind == RUN_EVENT:
            return _from_run(fields)
    except LatheError as fault:
        return fault
    if kind == PING_EVENT:
        return Reason(ReasonCode.PING, "GitHub tested the connection")
    return _without_build(kind)


def _event_by_shape(fields: dict[str, object]) -> str | None:
    """Whoever passes a body on seldom passes the headers on too."""
    if isinstance(at(fields, "workflow_run"), dict):
        return RUN_EVENT
    return PING_EVENT if isinstance(at(fields, "zen"), str) else None


def _without_build(event: str | None) -> Reason:
    if event is None:
        detail = "The X-GitHub-Event header is missing, and the body is no workflow run"
        return Reason(ReasonCode.FACTS_MISSING, detail)
    if event in SAME_RUN:
        detail = f"{event} tells of a part of a run; tick “Workflow runs” alone, which tells of the whole"
    else:
        detail = f"{event} tells of no build; tick “Workflow runs” alone among the webhook's events"
    return Reason(ReasonCode.EVENT_NOT_SUPPORTED, detail)


def _from_run(fields: dict[str, object]) -> BuildReport | Reason:
    run = at(fields, "workflow_run")
    repository = at(fields, "repository")
    repo_url = _repo_url(repository) or _repo_url(at(run, "repository"))
    run_id, number = integer(run, "id"), integer(run, "run_number")
    if repo_url is None or run_id is None:
        return lacking("The workflow run", {"a repository": repo_url, "an id": run_id is not None})
    status = _status(fields, run)
    if isinstance(status, Reason):
        return status
    workflow = text(run, "name") or text(fields, "workflow", "name") or "Workflow run"
    ref, is_tag = _ref(run, repository), text(run, "event") == "release"
    updated_at = instant(text(run, "updated_at"))
    facts = BuildFacts(
        source=SOURCE,
        # The number counts the runs of this workflow only; it stays the same in every attempt.
        name=one_line(workflow if number is None else f"{workflow} #{number}"),
        status=status,
        build_number=None if number is None else str(number),
        run_id=str(run_id),
        commit_sha=kept(text(run, "head_sha"), 64),
        branch=None if is_tag else ref,
        tag=ref if is_tag else None,
        repo_url=repo_url,
        url=link(text(run, "html_url")),
        author=one_line(text(run, "head_commit", "author", "name") or text(run, "actor", "login") or "") or None,
        finished_at=updated_at if status.finished else None,
    )
    uuid = repository_id(SOURCE, repo_url, repository)
    return BuildReport(facts=facts, repository_uuid=uuid, updated_at=updated_at)


def _status(fields: dict[str, object], run: object) -> BuildStatus | Reason:
    """Return the state of a run. What it ended with counts only once it has ended: a new attempt may still hold it."""
    state, conclusion = text(run, "status"), text(run, "conclusion")
    if (state or text(fields, "action")) != "completed":
        return BuildStatus.IN_PROGRESS
    if conclusion is None:
        return lacking("The workflow run has ended but", {"a conclusion": None})
    known = CONCLUSIONS.get(conclusion.lower()) or _NOTHING_BUILT.get(conclusion.lower())
    return known or unknown("GitHub", "conclusion", conclusion)


def _ref(run: object, repository: object) -> str | None:
    """Return the branch, or the tag of a release; a fork's branch with its owner, as GitHub shows it.

    A pull request from a fork is built here too: its ``main`` is not the ``main`` of this repository. If the fork is
    gone by then, no repository is named.
    """
    ref = text(run, "head_branch")
    here, there = integer(repository, "id"), integer(run, "head_repository", "id")
    gone = there is None and (text(run, "event") or "").startswith("pull_request")
    if ref and (gone or (here is not None and there is not None and here != there)):
        owner = text(run, "head_repository", "owner", "login") or "fork"
        ref = f"{owner}:{ref}"
    return kept(ref)


def _repo_url(repository: object) -> RepoUrl | None:
    addresses = (text(repository, name) for name in ("html_url", "clone_url", "ssh_url"))
    if url := next((url for url in map(RepoUrl.parse, addresses) if url), None):
        return url
    full_name = text(repository, "full_name")
    return RepoUrl.parse(f"https://github.com/{full_name}") if full_name else None
