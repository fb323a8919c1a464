"""GitLab: pipelines.

A pipeline is one report, whichever of its jobs ran; jobs and deployments tell of a part of it and are passed over.

Sources: GitLab's documentation of webhook events; bodies of several versions.
"""

from __future__ import annotations

import re
from datetime import datetime
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

SOURCE: Final = "gitlab"
PIPELINE_EVENT: Final = "Pipeline Hook"

STATUSES: Final = {
    "success": BuildStatus.SUCCESSFUL,
    "failed": BuildStatus.FAILED,
    "canceled": BuildStatus.STOPPED,
    **dict.fromkeys(
        (
            "created",
            "waiting_for_resource",
            "waiting_for_callback",
            "preparing",
            "pending",
            "running",
            "canceling",
            "manual",
            "scheduled",
        ),
        BuildStatus.IN_PROGRESS,
    ),
}
"""The states of a pipeline that built something or will; ``manual`` waits for somebody to start its next job."""

_SKIPPED: Final = Reason(ReasonCode.BUILD_NOT_SUCCESSFUL, "The pipeline was skipped: it built nothing")
_CHILD: Final = Reason(
    ReasonCode.EVENT_NOT_SUPPORTED, "This is a child pipeline, a part of another one; that one comes in an own delivery"
)

# "2026-03-12 09:41:26 UTC", and "+0100" for the zone in some places
_OLD_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?: UTC| ([+-]\d\d):?(\d\d))", re.ASCII)


class GitLabParser:
    """Reads what GitLab sends, whether GitLab itself sent it or somebody passed it on."""

    def read(self, headers: dict[str, str], body: bytes) -> Reading:
        """Return what the request says; header names are lower case. Never raises."""
        event = header(headers, "x-gitlab-event")
        return Reading(event, _delivery_id(headers), _content(event, body))


def _delivery_id(headers: dict[str, str]) -> str | None:
    """Versions before 17 name no delivery. Where a delivery is signed, its ``webhook-id`` is, and the other key is not.

    ``X-Gitlab-Event-UUID`` does not: what one webhook sets off carries on the id of what set it off, so that news
    would be taken for a repetition.
    """
    named = (headers.get(name, "").strip() for name in ("webhook-id", "idempotency-key"))
    return kept(next(filter(None, named), None))


def _content(event: str | None, body: bytes) -> BuildReport | Reason | LatheError:
    try:
        fields = json_object(body)
        # A system hook has a name of its own for all that it sends.
        if event == PIPELINE_EVENT or (event in (None, "System Hook") and text(fields, "object_kind") == "pipeline"):
            return _from_pipeline(fields)
    except LatheError as fault:
        return fault
    return _without_build(event)


def _without_build(event: str | None) -> Reason:
    if event is None:
        detail = "The X-Gitlab-Event header is missing, and the body is no pipeline"
        return Reason(ReasonCode.FACTS_MISSING, detail)
    if event in ("Job Hook", "Build Hook", "Deployment Hook"):
        detail = f"{event} tells of a part of a pipeline; tick “Pipeline events” alone, which tells of the whole"
    else:
        detail = f"{event} tells of no build; tick “Pipeline events” alone among the webhook's triggers"
    return Reason(ReasonCode.EVENT_NOT_SUPPORTED, detail)


def _from_pipeline(fields: dict[str, object]) -> BuildReport | Reason:
    said, project = at(fields, "object_attributes"), at(fields, "project")
    repo_url, pipeline_id, state = _repo_url(project), integer(said, "id"), text(said, "status")
    if repo_url is None or pipeline_id is None or state is None:
        facts = {"a repository": repo_url, "an id": pipeline_id is not None, "a status": state}
        return lacking("The pipeline", facts)
    if text(said, "source") == "parent_pipeline":
        return _CHILD
    if state == "skipped":
        return _SKIPPED
    if (status := STATUSES.get(state)) is None:
        return unknown("GitLab", "status", state)
    # Versions that have no number of the project show the id, which counts over the whole server.
    number = str(integer(said, "iid") or pipeline_id)
    branch, tag = _branch_and_tag(fields, said, project)
    finished_at = _instant(text(said, "finished_at")) if status.finished else None
    build = BuildFacts(
        source=SOURCE,
        name=one_line(f"{text(said, 'name') or 'Pipeline'} #{number}"),
        status=status,
        build_number=number,
        run_id=str(pipeline_id),
        commit_sha=kept(text(said, "sha"), 64),
        branch=branch,
        tag=tag,
        repo_url=repo_url,
        url=link(text(said, "url")) or _page(project, pipeline_id),
        author=one_line(text(fields, "commit", "author", "name") or text(fields, "user", "name") or "") or None,
        finished_at=finished_at,
    )
    uuid = repository_id(SOURCE, repo_url, project)
    # When a pipeline was last changed is said only once it has ended. Before, it counts as new as it was when it began,
    # or a "running" that was late on the way would be taken for a new run of one that has ended.
    updated_at = finished_at if status.finished else _instant(text(said, "created_at"))
    return BuildReport(facts=build, repository_uuid=uuid, updated_at=updated_at)


def _branch_and_tag(fields: dict[str, object], said: object, project: object) -> tuple[str | None, str | None]:
    """Return the branch or the tag that a pipeline ran for.

    One for a merge request names that, or the branch that is to be merged. If that branch is in a fork, only the
    request is named: the fork's ``main`` is not the ``main`` of this project.
    """
    ref = text(said, "ref")
    if at(said, "tag") is True:
        return None, kept(ref.removeprefix("refs/tags/") if ref else None)
    request = at(fields, "merge_request")
    here, there = integer(project, "id"), integer(request, "source_project_id")
    if here is not None and there is not None and here != there:
        number = integer(request, "iid")
        return (None if number is None else f"merge-requests/{number}/head"), None
    if ref and ref.startswith("refs/merge-requests/"):
        ref = text(request, "source_branch") or ref.removeprefix("refs/")
    return kept(ref.removeprefix("refs/heads/") if ref else None), None


def _repo_url(project: object) -> RepoUrl | None:
    addresses = (text(project, name) for name in ("web_url", "git_http_url", "git_ssh_url", "http_url", "ssh_url"))
    return next((url for url in map(RepoUrl.parse, addresses) if url), None)


def _page(project: object, pipeline_id: int) -> str | None:
    """Return where a pipeline is shown, which old versions do not say."""
    home = text(project, "web_url")
    return link(f"{home.rstrip('/')}/-/pipelines/{pipeline_id}") if home else None


def _instant(value: str | None) -> datetime | None:
    """Return the time that GitLab wrote in one of its ways, None if it is none."""
    if value and (match := _OLD_TIME.fullmatch(value)):
        value = match[1] + (f"{match[2]}:{match[3]}" if match[2] else "Z")
    return instant(value)
