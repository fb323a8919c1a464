"""Placing a report: by the project or release that it names itself, else by matching. Filing and preview share it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from lathe.domain.build_report import BuildReport
from lathe.domain.errors import Fault, Invalid
from lathe.domain.matching import Matched, match
from lathe.domain.placement import Placement, given_project, not_finished, place
from lathe.domain.project import LinkedProject, Project
from lathe.domain.release import Release

Given = tuple[Project, Release | None]
"""The project that a report names itself, with the release if it names one."""


def given_by(
    report: BuildReport,
    find_project: Callable[[UUID], Project | None],
    find_release: Callable[[UUID], Release | None],
) -> Given | Invalid | None:
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


def placed(
    report: BuildReport,
    given: Given | None,
    projects: Callable[[], list[LinkedProject]],
    releases_of: Callable[[UUID], list[Release]],
    *,
    confirm_name_matches: bool,
) -> Placement:
    """Decide where a build that is not known yet goes; ``projects`` are those that matching may look at."""
    facts = report.facts
    if not facts.status.finished:
        return not_finished(facts)
    if given:
        project, release = given
        return place(facts, given_project(project, release), [release] if release else releases_of(project.id))
    found = match(report, projects())
    releases = releases_of(found.project.id) if isinstance(found, Matched) else []
    return place(facts, found, releases, confirm_name_matches=confirm_name_matches)


def _fault(pointer: str, code: str, detail: str) -> Invalid:
    return Invalid(f"{pointer[1:]} {detail}", (Fault(pointer, code, detail),))
