"""The Build Queue: the page of an entry, and what people decide, on it or on the Releases page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from lathe.adapters.ui import contexts
from lathe.adapters.ui.contexts import Context, Notice
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.releases import filed_under, part_of_queue, queue_row, releases_page
from lathe.adapters.ui.visit import Visit, carried_out
from lathe.application import queries, releases, triage
from lathe.application.standing import Seen
from lathe.domain.errors import Conflict, Invalid
from lathe.domain.queue_entry import EntryStatus, RejectReason
from lathe.domain.release import ReleaseState

if TYPE_CHECKING:
    from starlette.responses import Response


def entry_page(visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None) -> contexts.EntryPage:
    """Show a queue entry."""
    page = queries.entry_page(visit.store, visit.org, visit.id())
    name = page.view.entry.facts.name
    return contexts.EntryPage(
        frame=visit.frame(name, "releases", notice, name=name, place=filed_under(page.view)),
        tried=tried,
        row=queue_row(page.view, {one.id: theirs for one, theirs in page.choices.releases}),
        kept=page.kept,
        releases=page.choices.first(page.view.project),
        complete=page.choices.complete,
        projects=page.projects,
        deliveries=page.deliveries,
        credentials=page.credentials,
        now=page.now,
    )


def assign(visit: Visit, form: Form) -> Response:
    """File the entry under a release."""

    def act() -> Response:
        triage.assign(
            visit.store,
            visit.parts.ids,
            visit.caller,
            visit.id(),
            form.id("release_id", "release"),
            remember_repository=form.ticked("remember_repository"),
        )
        return _back(visit, form, "assigned")

    return _decided(visit, form, "assign", act)


def select_project(visit: Visit, form: Form) -> Response:
    """Choose the entry's project; the choice of a release comes next."""

    def act() -> Response:
        triage.select_project(
            visit.store, visit.caller, visit.id(), form.id("project_id", "project"), seen=seen_in(form).get(visit.id())
        )
        return _back(visit, form, "selected")

    return _decided(visit, form, "project", act)


def create_project(visit: Visit, form: Form) -> Response:
    """Create a project with the entry's repository, and choose it."""

    def act() -> Response:
        triage.create_project(
            visit.store,
            visit.parts.ids,
            visit.caller,
            visit.id(),
            form.text("name"),
            declare_repository=form.ticked("declare_repository"),
            seen=seen_in(form).get(visit.id()),
        )
        return _back(visit, form, "selected")

    return _decided(visit, form, "create-project", act)


def create_release(visit: Visit, form: Form) -> Response:
    """Create an active release of the entry's project, which has none; filing the entry under it comes next."""

    def act() -> Response:
        view = queries.entry(visit.store, visit.org, visit.id())
        if view.project is None:
            raise Conflict("this build has no project yet; select one first", code="no_project")
        name, state = form.text("name"), ReleaseState.ACTIVE
        releases.create(visit.store, visit.parts.ids, visit.caller, view.project.id, name, state=state)
        return _back(visit, form, "release_opened")

    return _decided(visit, form, "create-release", act)


def seen_in(form: Form) -> dict[UUID, Seen]:
    """Return what the page with the form showed of entries: in each field the entry, and its project if it had one.

    Raises Invalid.
    """
    try:
        pairs = [one.partition(" ") for one in form.many("seen")]
        return {UUID(entry): Seen(UUID(project) if project else None) for entry, _, project in pairs}
    except ValueError:
        raise Invalid("choose among those that are shown") from None


def reject(visit: Visit, form: Form) -> Response:
    """Reject the entry."""

    def act() -> Response:
        triage.reject(visit.store, visit.caller, visit.id(), form.choice("reason", RejectReason), form.text("note"))
        return _back(visit, form, "rejected")

    return _decided(visit, form, "reject", act)


def undo(visit: Visit, form: Form) -> Response:
    """Take the last decision on the entry back."""

    def act() -> Response:
        before = queries.entry(visit.store, visit.org, visit.id()).entry.status
        triage.undo(visit.store, visit.caller, visit.id())
        return _back(visit, form, "unselected" if before is EntryStatus.PENDING else "undone")

    return _decided(visit, form, "undo", act)


def _decided(visit: Visit, form: Form, name: str, act: Callable[[], Response]) -> Response:
    """Carry a decision out; what goes wrong is shown on the page that the form was on."""
    queries.entry(visit.store, visit.org, visit.id())

    def again(tried: Tried, notice: Notice | None) -> Context:
        return releases_page(visit, tried, notice) if _from_list(form) else entry_page(visit, tried, notice)

    return carried_out(f"{name}-{visit.id()}", form, act, again)


def _back(visit: Visit, form: Form, code: str) -> Response:
    """Go back to the page that the form was on: of the list, to the same part."""
    if not _from_list(form):
        return visit.go(f"/queue/{visit.id()}", code, visit.id())
    return visit.go(f"/releases{part_of_queue(visit)}", code, visit.id())


def _from_list(form: Form) -> bool:
    return form.text("from") == "releases"
