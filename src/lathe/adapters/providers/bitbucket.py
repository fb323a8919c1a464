"""Bitbucket: build statuses and pipeline runs of Bitbucket Cloud, and what Bitbucket Data Center sends.

Sources: Atlassian's documentation of webhook event payloads and of Pipelines' OpenTelemetry traces; real bodies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from lathe.adapters.providers import bitbucket_data_center as data_center
from lathe.adapters.providers.reading import (
    at,
    branch_and_tag,
    header,
    instant,
    instant_of_nanoseconds,
    integer,
    items,
    json_object,
    kept,
    link,
    one_line,
    text,
)
from lathe.adapters.providers.reasons import lacking, unknown
from lathe.application.intake import Reading
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.errors import LatheError
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import Reason, ReasonCode

SOURCE: Final = "bitbucket"
STATUS_EVENTS: Final = frozenset({"repo:commit_status_created", "repo:commit_status_updated"})
RUN_EVENT: Final = "pipeline:span_created"
RUN_SPAN: Final = "bbc.pipeline_run"

STATES: Final = {
    "INPROGRESS": BuildStatus.IN_PROGRESS,
    "SUCCESSFUL": BuildStatus.SUCCESSFUL,
    "FAILED": BuildStatus.FAILED,
    "STOPPED": BuildStatus.STOPPED,
}
"""The states of a commit status."""

RESULTS: Final = {
    "COMPLETE": BuildStatus.SUCCESSFUL,
    "SUCCESSFUL": BuildStatus.SUCCESSFUL,
    "FAILED": BuildStatus.FAILED,
    "ERROR": BuildStatus.FAILED,  # the commit status of such a run says FAILED
    "STOPPED": BuildStatus.STOPPED,
}
"""The results of a pipeline run."""

_UUID = re.compile(r"\{?([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}?")
_COMMIT = re.compile(r"[!-~]{1,64}")
_COMMIT_IN_LINK = re.compile(r"/commits?/([0-9A-Fa-f]{7,64})(?=[/?#]|$)")

_NUMBER = r"([1-9][0-9]{0,17})"
_WHOLE_NUMBER = re.compile(_NUMBER)
# …/pipelines/results/8, …/addon/pipelines/home#!/results/8
_PIPELINE_URL = re.compile(rf"/pipelines/(?:home(?:\?[^#]*)?#!/)?results/{_NUMBER}(?=[/?#]|$)")
# The same, with the whole of what stands before it
_PAGE_OF_PIPELINES = re.compile(
    r"(https?://[^/?#]+/[^/?#]+/[^/?#]+)(?:/addon)?" + _PIPELINE_URL.pattern, re.IGNORECASE | re.ASCII
)
_NUMBER_IN_URL = (
    _PIPELINE_URL,
    # Jenkins: …/job/pay-api/job/main/42/, and Blue Ocean's …/blue/organizations/jenkins/pay-api/detail/main/42/pipeline
    re.compile(rf"/job/[^/?#]+/{_NUMBER}(?=[/?#]|$)"),
    re.compile(rf"/blue/organizations/[^?#]+/detail/[^/?#]+/{_NUMBER}(?=[/?#]|$)"),
)
_NUMBER_IN_NAME = (
    # "Pipeline #8 for main", "Nightly build #42"
    re.compile(rf"\b(?:pipeline|build|run|job) #{_NUMBER}\b", re.IGNORECASE),
    # "pay-api » main #42" or "#42", but not "Checks of PR #12"
    re.compile(rf"(?:^|(?<!\bpr)(?<!\bmr)(?<!request)(?<!issue)\s)#{_NUMBER}$", re.IGNORECASE),
)


class BitbucketParser:
    """Reads what Bitbucket sends, whether Bitbucket itself sent it or a pipeline step passed it on."""

    def read(self, headers: dict[str, str], body: bytes) -> Reading:
        """Return what the request says; header names are lower case. Never raises."""
        event = header(headers, "x-event-key")
        return Reading(event, _delivery_id(headers, event), _content(event, body))


def _delivery_id(headers: dict[str, str], event: str | None) -> str | None:
    """Cloud names its deliveries in ``X-Request-UUID``, Data Center in ``X-Request-Id``.

    In front of Cloud's events ``X-Request-Id`` belongs to whoever passes them on: a proxy, or a client that uses one id
    for all it does. Taken for a delivery id, it would make duplicates of news.
    """
    name = "x-request-uuid"
    if name not in headers and event is not None and event not in STATUS_EVENTS and event != RUN_EVENT:
        name = "x-request-id"
    # Two ids that are equal once they are cut are not the same delivery.
    return kept(headers.get(name, "").strip())


def _content(event: str | None, body: bytes) -> BuildReport | Reason | LatheError:
    try:
        fields = json_object(body)
        kind = event or _event_by_shape(fields)
        if kind in STATUS_EVENTS:
            return _from_status(fields)
        if kind == RUN_EVENT:
            return _from_spans(fields)
        if kind == data_center.STATUS_EVENT:
            return data_center.from_status(fields)
    except LatheError as fault:
        return fault
    if kind == data_center.PING_EVENT:
        return Reason(ReasonCode.PING, "Bitbucket tested the connection")
    return _without_build(kind)


def _event_by_shape(fields: dict[str, object]) -> str | None:
    """A pipeline step that passes a body on with curl seldom passes the headers on too."""
    if isinstance(at(fields, "commit_status"), dict):
        return "repo:commit_status_updated"
    if isinstance(at(fields, "resourceSpans"), list):
        return RUN_EVENT
    return data_center.event_by_shape(fields)


def _without_build(event: str | None) -> Reason:
    if event is None:
        detail = "The X-Event-Key header is missing, and the body is neither a build status nor a pipeline run"
        return Reason(ReasonCode.FACTS_MISSING, detail)
    detail = f"{event} tells of no build; Lathe reads build statuses (created, updated) and pipeline runs"
    return Reason(ReasonCode.EVENT_NOT_SUPPORTED, detail)


# --- build statuses ---------------------------------------------------------------------------------------------------


def _from_status(fields: dict[str, object]) -> BuildReport | Reason:
    """Read a commit status. Any CI may have posted it: where Pipelines did not, ref and number are often missing."""
    status = at(fields, "commit_status")
    repo_url, repository_uuid = _repository(fields)
    state = text(status, "state")
    if state is None or not (repo_url or repository_uuid):
        return lacking("The build status", {"a state": state, "a repository": repo_url or repository_uuid})
    if (known := STATES.get(state.upper())) is None:
        return unknown("Bitbucket", "state", state)
    key, address, name = text(status, "key"), text(status, "url"), text(status, "name")
    url = link(address)
    number = _number_told(url, name)
    branch, tag = branch_and_tag(text(status, "refname"))
    updated_at = instant(text(status, "updated_on"))
    facts = BuildFacts(
        source=SOURCE,
        name=one_line(name or (f"Build #{number}" if number else key or "")) or "Build",
        status=known,
        build_number=number,
        commit_sha=_commit(status),
        branch=branch,
        tag=tag,
        repo_url=repo_url,
        url=url,
        author=_author(fields, status),
        finished_at=updated_at if known.finished else None,
    )
    # Another CI's numbers repeat, in each of its jobs and beside Pipelines' own: there the key tells builds apart.
    own = address is None or (url is not None and _of_pipelines(url, repo_url, repository_uuid))
    status_key = None if own else key or facts.name
    return BuildReport(facts=facts, repository_uuid=repository_uuid, status_key=status_key, updated_at=updated_at)


def _repository(fields: dict[str, object]) -> tuple[RepoUrl | None, str | None]:
    """Return URL and UUID, both from the same object: one that is pieced together could join two repositories."""
    for path in (("repository",), ("commit_status", "repository")):
        repository = at(fields, *path)
        found = _repo_url(repository), _uuid(text(repository, "uuid"), prefix="bitbucket:")
        if any(found):
            return found
    return None, None


def _repo_url(repository: object) -> RepoUrl | None:
    url = RepoUrl.parse(text(repository, "links", "html", "href"))
    # Bitbucket also writes its addresses with UUIDs for the names: https://bitbucket.org/{…}/{…}
    if url and "/{" not in url.key:
        return url
    full_name = text(repository, "full_name")
    return RepoUrl.parse(f"https://bitbucket.org/{full_name}") if full_name else None


def _of_pipelines(url: str, repo_url: RepoUrl | None, repository_uuid: str | None) -> bool:
    """Whether this is where Pipelines shows a run of this repository.

    Elsewhere, at another repository or another host, such an address tells nothing of this repository's runs.
    """
    page = _PAGE_OF_PIPELINES.match(url)
    repository = RepoUrl.parse(page[1]) if page else None
    if repository is None or repository.host != "bitbucket.org":
        return False
    if repository.slug.startswith("{"):
        return repository_uuid is not None and _uuid(repository.slug, prefix="bitbucket:") == repository_uuid
    return repository == repo_url


def _number_told(url: str | None, name: str | None) -> str | None:
    """Return the number that the link or else the name of a status tells, in one of the shapes listed above.

    Any other number stands for something else as likely: a pull request, a date, a version.
    """
    for told, shapes in ((url, _NUMBER_IN_URL), (name, _NUMBER_IN_NAME)):
        for shape in shapes:
            if told and (match := shape.search(told)):
                return match[1]
    return None


def _commit(status: object) -> str | None:
    sha = text(status, "commit", "hash")
    if sha and _COMMIT.fullmatch(sha):
        return sha
    # Older shapes name it in a link only.
    match = _COMMIT_IN_LINK.search(text(status, "links", "commit", "href") or "")
    return match[1] if match else None


def _author(fields: dict[str, object], status: object) -> str | None:
    """Return who wrote the commit, else who acted. A mail address or a workspace is nobody's name."""
    author = at(status, "commit", "author")
    name = text(author, "user", "display_name") or (text(author, "raw") or "").partition("<")[0]
    if not name.strip() and text(fields, "actor", "type") == "user":
        name = text(fields, "actor", "display_name") or ""
    return one_line(name) or None


# --- pipeline runs ----------------------------------------------------------------------------------------------------


def _from_spans(fields: dict[str, object]) -> BuildReport | Reason:
    """Read an OTLP trace. Bitbucket sends one for each run and for each part of one; only the run is a build.

    Should one body hold several runs, the first that can be read as a build counts: a delivery carries one report.
    """
    if not isinstance(at(fields, "resourceSpans"), list):
        return lacking("The trace", {"resourceSpans": None})
    first: BuildReport | Reason | None = None
    for run in _run_spans(fields):
        read = _from_run(run)
        if isinstance(read, BuildReport):
            return read
        first = first or read
    detail = "The trace holds parts of a pipeline run, such as steps; the run itself comes in a delivery of its own"
    return first or Reason(ReasonCode.EVENT_NOT_SUPPORTED, detail)


def _run_spans(fields: dict[str, object]) -> Iterator[object]:
    for resource in items(fields, "resourceSpans"):
        for scope in items(resource, "scopeSpans"):
            for span in items(scope, "spans"):
                if text(span, "name") == RUN_SPAN:
                    yield span


def _from_run(span: object) -> BuildReport | Reason:
    """Read a run. It names neither commit nor repository address: it speaks of a build that a status also tells of."""
    said = _attributes(span)
    repository_uuid = _uuid(said.get("pipeline.repository.uuid"), prefix="bitbucket:")
    result = said.get("pipeline.state.result.name")
    url = link(said.get("pipeline_run.url"))
    number = _number_of_run(said.get("pipeline_run.run_number"), url, repository_uuid)
    run_id = _uuid(said.get("pipeline_run.uuid"))
    if not (result and repository_uuid and (number or run_id)):
        facts = {"a result": result, "a repository UUID": repository_uuid, "a run number": number or run_id}
        return lacking("The pipeline run", facts)
    if (status := RESULTS.get(result.upper())) is None:
        return unknown("Bitbucket", "result", result)
    ref = kept(said.get("pipeline.target.ref_name"))
    is_tag = said.get("pipeline.target.ref_type", "").upper() == "TAG"
    finished_at = instant_of_nanoseconds(integer(span, "endTimeUnixNano"))
    build = BuildFacts(
        source=SOURCE,
        name=one_line("Pipeline" + (f" #{number}" if number else "") + (f" for {ref}" if ref else "")),
        status=status,
        build_number=number,
        run_id=run_id,
        branch=None if is_tag else ref,
        tag=ref if is_tag else None,
        url=url,
        finished_at=finished_at,
    )
    return BuildReport(facts=build, repository_uuid=repository_uuid, updated_at=finished_at)


_READ_ATTRIBUTES = frozenset(
    {
        "pipeline.repository.uuid",
        "pipeline.state.result.name",
        "pipeline.target.ref_name",
        "pipeline.target.ref_type",
        "pipeline_run.run_number",
        "pipeline_run.url",
        "pipeline_run.uuid",
    }
)


def _attributes(span: object) -> dict[str, str]:
    """Return those attributes of a span that are read, numbers as text."""
    said: dict[str, str] = {}
    for attribute in items(span, "attributes"):
        key = text(attribute, "key")
        if key in _READ_ATTRIBUTES:
            value = text(attribute, "value", "stringValue") or integer(attribute, "value", "intValue")
            if value is not None:
                said[key] = str(value)
    return said


def _number_of_run(number: str | None, url: str | None, repository_uuid: str | None) -> str | None:
    if number and _WHOLE_NUMBER.fullmatch(number):
        return number
    return _number_told(url, None) if url and _of_pipelines(url, None, repository_uuid) else None


# --- both -------------------------------------------------------------------------------------------------------------


def _uuid(value: str | None, prefix: str = "") -> str | None:
    """Return a UUID in lower case without the braces that Bitbucket puts around it."""
    match = _UUID.fullmatch(value or "")
    return prefix + match[1].lower() if match else None
