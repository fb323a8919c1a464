"""The project and release that a report names itself, so that no matching is needed."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from lathe.domain.build_report import BuildReport
from lathe.domain.errors import Fault, Invalid
from lathe.domain.project import Project
from lathe.domain.release import Release


def given_by(
    report: BuildReport,
    find_project: Callable[[UUID], Project | None],
    find_release: Callable[[UUID], Release | None],
) -> tuple[Project, Release | None] | Invalid | None:
    """Return what the report names; None if it names nothing; Invalid, as a value, if there is no such thing."""
    release = find_release(report.release_id) if report.release_id else None
    if report.release_id and release is None:
        return _fault("/release_id", "not_found", "names no release")
    project_id = report.project_id or (release.project_id if release else None)
    if project_id is None:
        return None
    project = find_project(project_id)
    if project is None:
        return _fault("/project_id", "not_found", "names no project")
    if release and release.project_id != project.id:
        return _fault("/release_id", "wrong_project", "belongs to another project than the one named")
    return project, release


def _fault(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(f"{pointer[1:]} {detail}", (Fault(pointer, code, detail),))
