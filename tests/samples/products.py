"""Samples of projects, repositories and releases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from attrs import evolve

from lathe.domain.branch_pattern import BranchPattern
from lathe.domain.project import Files, Project
from lathe.domain.release import Release, ReleaseState
from lathe.domain.repository import LinkKind, Repository, RepositoryLink
from tests.samples.basics import EARLIER, NOW, new_id, repo_url, unique
from tests.samples.people import actor


def project(organization_id: UUID, **changes: Any) -> Project:
    name = unique("Pay API")
    return evolve(
        Project(
            organization_id=organization_id,
            id=new_id(),
            name=name,
            slug=name.lower().replace(" ", "-"),
            created_at=NOW,
            files=Files.FINISHED,
        ),
        **changes,
    )


def repository(organization_id: UUID, **changes: Any) -> Repository:
    return evolve(
        Repository(
            organization_id=organization_id,
            id=new_id(),
            url=repo_url(f"acme/{unique('pay-api')}"),
            uuid=f"bitbucket:{{{new_id()}}}",
            source="bitbucket",
            created_at=EARLIER,
        ),
        **changes,
    )


def bare_repository(organization_id: UUID, **changes: Any) -> Repository:
    """Only its URL is known, and a person declared it."""
    return repository(organization_id, **{"uuid": None, "source": None} | changes)


def repository_link(organization_id: UUID, repository_id: UUID, project_id: UUID, **changes: Any) -> RepositoryLink:
    return evolve(
        RepositoryLink(organization_id, repository_id, project_id, LinkKind.DECLARED, actor(), NOW),
        **changes,
    )


def release(organization_id: UUID, project_id: UUID, **changes: Any) -> Release:
    return evolve(
        Release(
            organization_id=organization_id,
            id=new_id(),
            project_id=project_id,
            name=unique("2.4"),
            state=ReleaseState.ACTIVE,
            branch_patterns=(BranchPattern("release/2.*"), BranchPattern("main")),
            created_at=EARLIER,
            activated_at=NOW,
            closed_at=EARLIER + timedelta(minutes=1),
        ),
        **changes,
    )


def bare_release(organization_id: UUID, project_id: UUID, **changes: Any) -> Release:
    planned = Release(organization_id, new_id(), project_id, unique("2.4"), ReleaseState.PLANNED, (), NOW)
    return evolve(planned, **changes)
