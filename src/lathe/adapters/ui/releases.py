"""The Releases page, home: the Build Queue, and every release with its newest builds."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from lathe.adapters.ui import contexts
from lathe.adapters.ui.charts import age_chart
from lathe.adapters.ui.contexts import Notice, Option, QueueRow
from lathe.adapters.ui.flash import Flash
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.places import id_in, older, place, searched
from lathe.adapters.ui.visit import Visit, carried_out
from lathe.application import connecting, home, releases
from lathe.application.bulk import Refusal
from lathe.application.home import QueueView
from lathe.application.intake import EntryView
from lathe.application.lists import EntryFilter
from lathe.application.queries import COUNTED_TO
from lathe.application.views import ActiveReleases
from lathe.domain.errors import Fault, Invalid, NotFound
from lathe.domain.queue_entry import EntryStatus
from lathe.domain.release import Release, ReleaseState, choose_release

if TYPE_CHECKING:
    from starlette.responses import Response

PART: Final = ("q", "project", "after")
"""What the address says of the part of the queue that is shown."""


def releases_page(
    visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None, missed: tuple[Refusal, ...] = ()
) -> contexts.ReleasesPage:
    """Show the Releases page. ``missed`` are those of several builds that could not be decided about just before."""
    page = home.releases_page(visit.store, visit.org, _wanted(visit), place(_asked(visit, "after")))
    flash = visit.flash if notice is None and not tried.form else None
    subject = flash.subject if flash else None
    shown = (*page.queue.page.rows, *page.queue.decided)
    if flash:
        view = next((view for view in shown if view.entry.id == subject), None)
        notice = done(flash, view, page.queue.kept) if view else None
    return contexts.ReleasesPage(
        **_section(visit, page.queue, subject, opened=bool(flash and flash.code in OPENS_THE_CHOICE)),
        frame=visit.frame("Releases", "releases", notice),
        tried=tried,
        missed=missed,
        active=page.active,
        active_count=page.active_count,
        planned=[pair for pair in page.inactive if pair[0].state is ReleaseState.PLANNED],
        closed=[pair for pair in page.inactive if pair[0].state is ReleaseState.CLOSED],
        more_inactive=page.more_inactive,
    )


def glance(visit: Visit) -> contexts.Glance:
    """Answer what an open Releases page compares itself with, before it asks for all of itself."""
    seen = home.glance(visit.store, visit.org, _wanted(visit), place(_asked(visit, "after")))
    return contexts.Glance(
        frame=visit.frame("Releases", "releases"),
        rows=[queue_row(one, seen.choices) for one in seen.rows],
        pending=seen.pending,
        active=seen.active,
        active_count=seen.active_count,
        now=seen.now,
    )


def go_home(visit: Visit) -> Response:
    """Lead from the address of the organization alone to its first page."""
    return visit.go("/releases")


OPENS_THE_CHOICE: Final = frozenset({"selected", "release_opened"})


def _section(visit: Visit, view: QueueView, subject: UUID | None = None, *, opened: bool = False) -> dict[str, Any]:
    """Return what the Build Queue shows, as the context of the page takes it."""
    listed = {name: text for name in ("q", "project") if (text := _asked(visit, name))}
    wanted = _wanted(visit)
    return {
        "rows": [queue_row(one, view.active, subject, opened=opened) for one in view.page.rows],
        "after": _asked(visit, "after"),
        "older": older(view.page.next, listed),
        "here": part_of_queue(visit),
        "q": wanted.q or "",
        "project": view.project,
        "pending": view.pending,
        "oldest": view.oldest,
        "ages": age_chart(view.since, view.now, COUNTED_TO),
        "decided": view.decided,
        "kept": view.kept,
        "offer": view.offered,
        "projects": view.projects,
        "choices": view.choices,
        "last_build": view.last_build,
        "first_steps": connecting.first_steps(visit.store, visit.org) if _nothing_yet(view) else None,
        "now": view.now,
    }


def _nothing_yet(view: QueueView) -> bool:
    return not (view.last_build or view.pending or view.decided)


def part_of_queue(visit: Visit) -> str:
    """Return the query of the part of the queue that is shown, or that a form was on: its address carries it along."""
    asked = {name: text for name in PART if (text := _asked(visit, name))}
    return f"?{urlencode(asked)}" if asked else ""


def _asked(visit: Visit, name: str) -> str:
    return searched(visit.request.query_params.get(name, ""))


def _wanted(visit: Visit) -> EntryFilter:
    """Return what the address asks for; what cannot be the id of a project leaves nothing out, and is no error."""
    return EntryFilter(EntryStatus.PENDING, project_id=id_in(_asked(visit, "project")), q=_asked(visit, "q") or None)


def done(flash: Flash, view: EntryView, kept: Container[UUID] = ()) -> Notice:
    """Say what was done to an entry; a decision can be undone on the spot, but for what is ``kept``."""
    where = filed_under(view)
    undo = view.entry.id if flash.code in ("assigned", "rejected") and view.entry.id not in kept else None
    return Notice(flash.sentence(view.entry.facts.name, where), undo=undo)


def filed_under(view: EntryView) -> str | None:
    """Return what an entry was filed under, with its project; None if it is not."""
    assignment = view.entry.assignment
    return f"{view.project.name} {assignment.release_name}" if view.project and assignment else None


def queue_row(
    view: EntryView, active: ActiveReleases, subject: UUID | None = None, *, opened: bool = False
) -> QueueRow:
    """Return an entry with the active releases of its project, the suggested one first."""
    theirs = [*active.get(view.project.id, ())] if view.project else []
    suggested, facts = view.suggested_release, view.entry.facts
    if suggested:
        theirs.sort(key=lambda release: release.id != suggested.id)
    options = []
    for one in view.entry.candidates if view.project is None else ():
        choice = choose_release(active.get(one.id, ()), facts.branch, facts.tag)
        options.append(Option(one, choice.release if choice else None))
    touched = view.entry.id == subject
    return QueueRow(view, tuple(theirs), tuple(options), touched=touched, opened=touched and opened)


def create_release(visit: Visit, form: Form) -> Response:
    """Create a release of a project that is chosen in the form."""

    def act() -> Response:
        project_id = form.id("project_id", "project")
        try:
            made = create_from(visit, form, project_id)
        except NotFound as gone:
            raise Invalid(gone.detail, (Fault("/project_id", "not_found", "names no project"),)) from None
        return visit.go(f"/releases/{made.id}", "release_made", made.id)

    return carried_out("new-release", form, act, lambda tried, notice: releases_page(visit, tried, notice))


def create_from(visit: Visit, form: Form, project_id: UUID) -> Release:
    """Create a release of a project as a form says. Raises as `releases.create` does."""
    return releases.create(
        visit.store,
        visit.parts.ids,
        visit.caller,
        project_id,
        form.text("name"),
        state=form.choice("state", ReleaseState),
        branch_patterns=form.lines("branch_patterns"),
    )
