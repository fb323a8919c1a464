"""Bitbucket Data Center, which sends to the same address as Bitbucket Cloud: its connection test, and build statuses.

It has no webhook for build statuses of its own. Add-ons send ``build:status``; what they fill in differs, and so does
what the server knows of a repository. Whatever CI it is that builds, its numbers are its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from lathe.adapters.providers.reading import (
    at,
    branch_and_tag,
    instant_of_milliseconds,
    integer,
    items,
    kept,
    link,
    one_line,
    repository_id,
    text,
)
from lathe.adapters.providers.reasons import lacking, unknown
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Reason

SOURCE: Final = "bitbucket"
PING_EVENT: Final = "diagnostics:ping"
STATUS_EVENT: Final = "build:status"

STATES: Final = {
    "INPROGRESS": BuildStatus.IN_PROGRESS,
    "SUCCESSFUL": BuildStatus.SUCCESSFUL,
    "FAILED": BuildStatus.FAILED,
    "CANCELLED": BuildStatus.STOPPED,
    "STOPPED": BuildStatus.STOPPED,
}
"""The states of a build on Data Center; those that have no name for it in Cloud included."""

_COMMIT = re.compile(r"[!-~]{1,64}")


def event_by_shape(fields: dict[str, object]) -> str | None:
    """Return the event whose body this must be, None if it is none of Data Center's."""
    if at(fields, "test") is True:
        return PING_EVENT
    named = isinstance(at(fields, "repository"), dict) and at(fields, "commit") is not None
    return STATUS_EVENT if named and at(fields, "status") is not None else None


def from_status(fields: dict[str, object]) -> BuildReport | Reason:
    """Read what an add-on says of a build. ``status`` is an object, or the state alone."""
    status, repository = at(fields, "status"), at(fields, "repository")
    state = text(status) or text(status, "state")
    repo_url, commit = _repo_url(repository), _commit(fields)
    url = link(text(fields, "url") or text(status, "url"))
    if state is None or repo_url is None or not (commit or url):
        facts = {"a state": state, "a repository with its address": repo_url, "a commit or a link": commit or url}
        return lacking("The build status", facts)
    if (known := STATES.get(state.upper())) is None:
        return unknown("Bitbucket", "state", state)
    number = kept(text(status, "buildNumber"))
    name, key = text(status, "name"), text(status, "key")
    branch, tag = branch_and_tag(text(status, "ref") or text(fields, "ref"))
    changed_at = _changed_at(status)
    build = BuildFacts(
        source=SOURCE,
        name=one_line(name or (f"Build #{number}" if number else key or "")) or "Build",
        status=known,
        build_number=number,
        commit_sha=commit,
        branch=branch,
        tag=tag,
        repo_url=repo_url,
        url=url,
        finished_at=changed_at if known.finished else None,
    )
    uuid = repository_id(SOURCE, repo_url, repository)
    return BuildReport(facts=build, repository_uuid=uuid, status_key=key or build.name, updated_at=changed_at)


def _changed_at(status: object) -> datetime | None:
    """Return when the build got this state: milliseconds since 1970 began, as Data Center writes times."""
    for name in ("updatedDate", "dateAdded", "createdDate"):
        if found := instant_of_milliseconds(integer(status, name)):
            return found
    return None


def _commit(fields: dict[str, object]) -> str | None:
    """Return the commit, which is an object or its hash alone."""
    commit = at(fields, "commit")
    sha = text(commit) or text(commit, "id") or text(commit, "hash")
    return sha if sha and _COMMIT.fullmatch(sha) else None


def _repo_url(repository: object) -> RepoUrl | None:
    """Return the first of a repository's addresses that is one; ssh comes last, which may have a host of its own."""
    return next((url for url in map(RepoUrl.parse, _addresses(repository)) if url), None)


def _addresses(repository: object) -> Iterator[str]:
    links = at(repository, "links")
    over_http_first = sorted(items(links, "clone"), key=lambda clone: text(clone, "name") == "ssh")
    for node in (*items(links, "self"), *over_http_first):
        if address := text(node, "href"):
            yield address
