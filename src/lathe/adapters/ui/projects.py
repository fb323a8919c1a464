"""Projects: the list, and the page of one with its repositories, releases and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lathe.adapters.ui import product_contexts
from lathe.adapters.ui.asking import asked_in
from lathe.adapters.ui.contexts import Notice
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.offers import offered_after
from lathe.adapters.ui.places import older, place, searched
from lathe.adapters.ui.releases import create_from
from lathe.adapters.ui.visit import Visit, carried_out
from lathe.application import connecting, project_pages, projects
from lathe.domain.project import Files

if TYPE_CHECKING:
    from starlette.responses import Response

PROJECTS_SHOWN = 50


def projects_page(
    visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None
) -> product_contexts.ProjectsPage:
    """Show the projects."""
    after = place(visit.request.query_params.get("after"))
    q = searched(visit.request.query_params.get("q", ""))
    page = project_pages.projects_page(visit.store, visit.org, PROJECTS_SHOWN, after, q or None)
    return product_contexts.ProjectsPage(
        frame=visit.frame("Projects", "projects", notice),
        tried=tried,
        projects=page.rows.rows,
        archived=page.archived,
        q=q,
        older=older(page.rows.next, {"q": q} if q else {}),
        deep=after is not None,
        now=page.now,
    )


def create_project(visit: Visit, form: Form) -> Response:
    """Create a project."""

    def act() -> Response:
        urls = form.lines("repositories")
        made = projects.create(visit.store, visit.parts.ids, visit.caller, form.text("name"), urls)
        code = "project_made" if made.repositories else "project_made_bare"
        return visit.go(f"/projects/{made.project.id}", code)

    return carried_out("new-project", form, act, lambda tried, notice: projects_page(visit, tried, notice))


def project_page(
    visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None
) -> product_contexts.ProjectPage:
    """Show a project, and what would happen to the build that its address asks about."""
    page = project_pages.project_page(visit.store, visit.org, visit.id())
    asked, preview = asked_in(visit)
    return product_contexts.ProjectPage(
        frame=visit.frame(page.view.project.name, "projects", notice),
        tried=tried,
        view=page.view,
        releases=page.releases,
        newest=page.newest,
        waiting=page.waiting,
        asked=asked,
        preview=preview,
        first_steps=connecting.first_steps(visit.store, visit.org),
        offer=offered_after(visit, visit.id()),
        now=page.now,
    )


def change_project(visit: Visit, form: Form) -> Response:
    """Rename a project, or let other results count."""

    def act() -> Response:
        files = form.choice("files", Files)
        projects.change(visit.store, visit.caller, visit.id(), name=form.text("name"), files=files)
        return visit.go(f"/projects/{visit.id()}", "project_changed")

    return _on_its_page(visit, "project", form, act)


def archive(visit: Visit, form: Form) -> Response:
    """Archive the project."""

    def act() -> Response:
        projects.change(visit.store, visit.caller, visit.id(), archived=True)
        return visit.go(f"/projects/{visit.id()}", "project_archived")

    return _on_its_page(visit, "archive", form, act)


def restore(visit: Visit, form: Form) -> Response:
    """Take an archived project into use again."""

    def act() -> Response:
        projects.change(visit.store, visit.caller, visit.id(), archived=False)
        return visit.go(f"/projects/{visit.id()}", "project_restored")

    return _on_its_page(visit, "restore", form, act)


def add_repository(visit: Visit, form: Form) -> Response:
    """Declare that a repository belongs to the project."""

    def act() -> Response:
        projects.declare_repository(visit.store, visit.parts.ids, visit.caller, visit.id(), form.text("url").strip())
        return visit.go(f"/projects/{visit.id()}", "repository_added")

    return _on_its_page(visit, "repository", form, act)


def remove_repository(visit: Visit, form: Form) -> Response:
    """Remove a repository from the project."""

    def act() -> Response:
        projects.remove_repository(visit.store, visit.caller, visit.id(), visit.id("repository_id"))
        return visit.go(f"/projects/{visit.id()}", "repository_removed")

    return _on_its_page(visit, "remove", form, act)


def create_release(visit: Visit, form: Form) -> Response:
    """Create a release of the project."""

    def act() -> Response:
        made = create_from(visit, form, visit.id())
        steps = connecting.first_steps(visit.store, visit.org)
        if made.active and not (steps.connected or steps.arrived):
            return visit.go("/connect", "release_made_first")
        return visit.go(f"/releases/{made.id}", "release_made", made.id)

    return _on_its_page(visit, "new-release", form, act)


def _on_its_page(visit: Visit, name: str, form: Form, act: Callable[[], Response]) -> Response:
    return carried_out(name, form, act, lambda tried, notice: project_page(visit, tried, notice))
