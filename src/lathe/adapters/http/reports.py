"""Build reports from bodies of our own form."""

from __future__ import annotations

from typing import Final

from lathe.adapters.http import codec
from lathe.adapters.http.requests import BuildBody
from lathe.adapters.web import strict_json
from lathe.application.intake import Reading
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.delivery import API
from lathe.domain.errors import LatheError

SOURCE: Final = API


class OwnParser:
    """Implements `ReportParser` for bodies of our own form."""

    def read(self, headers: dict[str, str], body: bytes) -> Reading:  # noqa: ARG002 - the body says everything
        """Return what a body says."""
        return read_report(body)


def read_report(body: bytes) -> Reading:
    """Return what a body says; what is wrong with it is a value too, since credentials are judged first."""
    try:
        return Reading(None, None, report_of(codec.read(BuildBody, strict_json.parse(body))))
    except LatheError as error:
        return Reading(None, None, error)


def report_of(body: BuildBody) -> BuildReport:
    """Return the report that a body makes."""
    facts = BuildFacts(
        source=body.source or SOURCE,
        name=body.name.strip(),
        status=BuildStatus(body.status.value) if body.status else BuildStatus.SUCCESSFUL,
        build_number=body.build_number,
        run_id=body.run_id,
        commit_sha=body.commit_sha,
        branch=body.branch,
        tag=body.tag,
        repo_url=body.repo_url,
        url=body.url,
        author=body.author.strip() if body.author else None,
        finished_at=body.finished_at,
    )
    return BuildReport(facts=facts, updated_at=body.finished_at, project_id=body.project_id, release_id=body.release_id)
