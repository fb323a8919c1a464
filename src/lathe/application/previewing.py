"""Where a build would go by today's rules, with nothing stored."""

from __future__ import annotations

from uuid import UUID

from attrs import frozen

from lathe.application.placing import given_by, placed
from lathe.application.ports import Store, Transaction
from lathe.domain.build_report import BuildReport
from lathe.domain.errors import Invalid
from lathe.domain.placement import Placement
from lathe.domain.project import Project
from lathe.domain.release import Release
from lathe.domain.text import words


@frozen
class Preview:
    """A placement with the project that was found and the release that would be chosen."""

    placement: Placement
    project: Project | None
    release: Release | None


def preview(store: Store, organization_id: UUID, report: BuildReport) -> Preview:
    """Return where a build would go, if it were not known yet.

    Raises Invalid if the report names a project or release that is not there.
    """

    def work(tx: Transaction) -> Preview:
        placement = preview_in(tx, organization_id, report)
        project = tx.projects.get(organization_id, placement.project_id) if placement.project_id else None
        release = tx.releases.get(organization_id, placement.release_id) if placement.release_id else None
        return Preview(placement, project, release)

    return store.read(work)


def preview_in(tx: Transaction, organization_id: UUID, report: BuildReport) -> Placement:
    """Place a build within a transaction. Raises Invalid if the report names a project or release that is not there."""
    facts = report.facts
    given = given_by(
        report,
        lambda project_id: tx.projects.some(organization_id, {project_id}).get(project_id),
        lambda release_id: tx.releases.some(organization_id, {release_id}).get(release_id),
    )
    if isinstance(given, Invalid):
        raise given
    name = words(facts.repo_url.slug) if facts.repo_url else ()
    return placed(
        report,
        given,
        lambda: tx.projects.candidates(organization_id, report.repository_uuid, facts.repo_url, name),
        lambda project_id: tx.releases.of_project(organization_id, project_id),
        confirm_name_matches=tx.organizations.get(organization_id).confirm_name_matches,
    )
