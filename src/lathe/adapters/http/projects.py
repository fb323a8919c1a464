"""Projects, their repositories and releases."""

from __future__ import annotations

from typing import Any, Final

from lathe.adapters.http import answers, shapes
from lathe.adapters.http.calls import Ask, Call, Reply
from lathe.adapters.http.requests import (
    ListQuery,
    NoQuery,
    ProjectBody,
    ProjectChange,
    ProjectsQuery,
    ReleaseBody,
    ReleaseChange,
    RepositoryBody,
    WhetherArchived,
)
from lathe.application import projects, queries, releases
from lathe.application.lists import ProjectFilter
from lathe.application.projects import ProjectView
from lathe.domain.api_key import Scope
from lathe.domain.project import Files
from lathe.domain.release import Release, ReleaseState

_ARCHIVED: Final = {WhetherArchived.NO: False, WhetherArchived.YES: True, WhetherArchived.ANY: None}


def _projects(ask: Ask[None, ProjectsQuery]) -> Reply:
    walk = ask.walk()
    wanted = ProjectFilter(ask.query.q, _ARCHIVED[ask.query.archived or WhetherArchived.NO])
    page = queries.projects(ask.parts.store, ask.organization_id, wanted, walk.limit, walk.after)
    cursor = walk.cursor(page.next)
    return Reply(answers.Projects([shapes.project(view) for view in page.rows], cursor), headers=walk.link(cursor))


def _create(ask: Ask[ProjectBody, NoQuery]) -> Reply:
    body = ask.body
    view = projects.create(
        ask.parts.store,
        ask.parts.ids,
        ask.caller,
        body.name,
        body.repositories or (),
        files=body.files or Files.SUCCESSFUL,
    )
    return Reply(_shown(ask, view), f"/api/v1/projects/{view.project.id}")


def _project(ask: Ask[None, NoQuery]) -> Reply:
    return Reply(shapes.project(projects.get(ask.parts.store, ask.organization_id, ask.ids["id"])))


def _change(ask: Ask[ProjectChange, NoQuery]) -> Reply:
    body = ask.body
    view = projects.change(
        ask.parts.store, ask.caller, ask.ids["id"], name=body.name, files=body.files, archived=body.archived
    )
    return Reply(_shown(ask, view))


def _declare(ask: Ask[RepositoryBody, NoQuery]) -> Reply:
    project_id = ask.ids["id"]
    repository, link = projects.declare_repository(ask.parts.store, ask.parts.ids, ask.caller, project_id, ask.body.url)
    shown = shapes.repository(repository, link) if ask.may_read else answers.RepositoryReceipt(repository.id)
    return Reply(shown, f"/api/v1/projects/{project_id}/repositories/{repository.id}")


def _remove(ask: Ask[None, NoQuery]) -> Reply:
    projects.remove_repository(ask.parts.store, ask.caller, ask.ids["id"], ask.ids["repository_id"])
    return Reply()


def _releases(ask: Ask[None, ListQuery]) -> Reply:
    walk, store, project_id = ask.walk(), ask.parts.store, ask.ids["id"]
    project = projects.get(store, ask.organization_id, project_id).project
    page = queries.releases(store, ask.organization_id, project_id, walk.limit, walk.after)
    cursor = walk.cursor(page.next)
    rows = [shapes.release(release, project) for release in page.rows]
    return Reply(answers.Releases(rows, cursor), headers=walk.link(cursor))


def _create_release(ask: Ask[ReleaseBody, NoQuery]) -> Reply:
    body = ask.body
    release = releases.create(
        ask.parts.store,
        ask.parts.ids,
        ask.caller,
        ask.ids["id"],
        body.name,
        state=body.state or ReleaseState.PLANNED,
        branch_patterns=body.branch_patterns or (),
    )
    return Reply(_shown_release(ask, release), f"/api/v1/releases/{release.id}")


def _release(ask: Ask[None, NoQuery]) -> Reply:
    return Reply(_shown_release(ask, releases.get(ask.parts.store, ask.organization_id, ask.ids["id"])))


def _change_release(ask: Ask[ReleaseChange, NoQuery]) -> Reply:
    body = ask.body
    release = releases.change(
        ask.parts.store,
        ask.caller,
        ask.ids["id"],
        name=body.name,
        state=body.state,
        branch_patterns=body.branch_patterns,
    )
    return Reply(_shown_release(ask, release))


def _shown(ask: Ask[Any, Any], view: ProjectView) -> answers.Project | answers.ProjectReceipt:
    return shapes.project(view) if ask.may_read else answers.ProjectReceipt(view.project.id)


def _shown_release(ask: Ask[Any, Any], release: Release) -> answers.Release | answers.ReleaseReceipt:
    if not ask.may_read:
        return shapes.release_receipt(release)
    project = projects.get(ask.parts.store, ask.organization_id, release.project_id).project
    return shapes.release(release, project)


_A_PROJECT = answers.Project | answers.ProjectReceipt
_A_REPOSITORY = answers.Repository | answers.RepositoryReceipt
_A_RELEASE = answers.Release | answers.ReleaseReceipt

CALLS: Final = (
    Call(
        name="list_projects",
        method="GET",
        path="/api/v1/projects",
        summary="List projects",
        scope=Scope.BUILDS_READ,
        query=ProjectsQuery,
        answers={200: answers.Projects},
        run=_projects,
    ),
    Call(
        name="create_project",
        method="POST",
        path="/api/v1/projects",
        summary="Create a project",
        scope=Scope.PROJECTS_MANAGE,
        body=ProjectBody,
        answers={201: _A_PROJECT},
        run=_create,
        conflicts=True,
    ),
    Call(
        name="get_project",
        method="GET",
        path="/api/v1/projects/{id}",
        summary="Read a project with its repositories",
        scope=Scope.BUILDS_READ,
        answers={200: answers.Project},
        run=_project,
    ),
    Call(
        name="change_project",
        method="PATCH",
        path="/api/v1/projects/{id}",
        summary="Change a project: its name, what it files, whether it is archived",
        scope=Scope.PROJECTS_MANAGE,
        body=ProjectChange,
        answers={200: _A_PROJECT},
        run=_change,
        conflicts=True,
    ),
    Call(
        name="declare_repository",
        method="POST",
        path="/api/v1/projects/{id}/repositories",
        summary="Declare that a repository belongs to a project",
        scope=Scope.PROJECTS_MANAGE,
        body=RepositoryBody,
        answers={201: _A_REPOSITORY},
        run=_declare,
        conflicts=True,
    ),
    Call(
        name="remove_repository",
        method="DELETE",
        path="/api/v1/projects/{id}/repositories/{repository_id}",
        summary="Remove a repository from a project; its builds stay",
        scope=Scope.PROJECTS_MANAGE,
        answers={204: None},
        run=_remove,
    ),
    Call(
        name="list_releases",
        method="GET",
        path="/api/v1/projects/{id}/releases",
        summary="List the releases of a project",
        scope=Scope.BUILDS_READ,
        query=ListQuery,
        answers={200: answers.Releases},
        run=_releases,
    ),
    Call(
        name="create_release",
        method="POST",
        path="/api/v1/projects/{id}/releases",
        summary="Create a release",
        scope=Scope.PROJECTS_MANAGE,
        body=ReleaseBody,
        answers={201: _A_RELEASE},
        run=_create_release,
        conflicts=True,
    ),
    Call(
        name="get_release",
        method="GET",
        path="/api/v1/releases/{id}",
        summary="Read a release",
        scope=Scope.BUILDS_READ,
        answers={200: answers.Release},
        run=_release,
    ),
    Call(
        name="change_release",
        method="PATCH",
        path="/api/v1/releases/{id}",
        summary="Change a release: its name, its state, the branches that feed it",
        scope=Scope.PROJECTS_MANAGE,
        body=ReleaseChange,
        answers={200: _A_RELEASE},
        run=_change_release,
        conflicts=True,
    ),
)
