"""The Releases page, home: the Build Queue, and every release with its newest builds; and the page of one release."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from lathe.adapters.ui import contexts
from lathe.adapters.ui.contexts import Notice, QueueRow
from lathe.adapters.ui.flash import Flash
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.visit import Visit, carried_out
from lathe.application import queries, releases
from lathe.application.intake import EntryView
from lathe.application.lists import BuildFilter, Place
from lathe.domain.errors import NotFound
from lathe.domain.release import Release, ReleaseState
from lathe.domain.text import NAME_LIMIT, text_fault

if TYPE_CHECKING:
    from starlette.responses import Response

BUILDS_SHOWN = 50


def releases_page(visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None) -> contexts.ReleasesPage:
    """Show the Releases page."""
    after = visit.request.query_params.get("after", "")
    page = queries.releases_page(visit.store, visit.org, place(after))
    flash = visit.flash
    subject = flash.subject if flash and not tried.form else None
    touched = next((view for view in (*page.queue.rows, *page.decided) if view.entry.id == subject), None)
    if notice is None and flash:
        notice = done(flash, touched)
    active = [one.release for one in page.active]
    return contexts.ReleasesPage(
        frame=visit.frame("Releases", "releases", notice),
        tried=tried,
        rows=[queue_row(view, active, subject) for view in page.queue.rows],
        after=after,
        older=older(page.queue.next, {}),
        pending=page.pending,
        oldest=page.oldest_pending,
        decided=page.decided,
        active=page.active,
        planned=[pair for pair in page.inactive if pair[0].state is ReleaseState.PLANNED],
        closed=[pair for pair in page.inactive if pair[0].state is ReleaseState.CLOSED],
        more_inactive=page.more_inactive,
        projects=page.projects,
        last_build=page.last_build,
        now=page.now,
    )


def done(flash: Flash, view: EntryView | None) -> Notice:
    """Say what was done to an entry; a decision can be undone on the spot."""
    if view is None:
        return Notice(flash.sentence())
    assignment = view.entry.assignment
    place = f"{view.project.name} {assignment.release_name}" if view.project and assignment else None
    undo = view.entry.id if flash.code in ("assigned", "rejected") else None
    return Notice(flash.sentence(view.entry.facts.name, place), undo=undo)


def queue_row(view: EntryView, active: list[Release], subject: UUID | None = None) -> QueueRow:
    """Return an entry with the active releases of its project, the suggested one first."""
    theirs = [release for release in active if view.project and release.project_id == view.project.id]
    suggested = view.suggested_release
    if suggested:
        theirs.sort(key=lambda release: release.id != suggested.id)
    return QueueRow(view, tuple(theirs), touched=view.entry.id == subject)


def create_release(visit: Visit, form: Form) -> Response:
    """Create a release of a project that is chosen in the form."""

    def act() -> Response:
        project_id = form.id("project_id", "project")
        made = create_from(visit, form, project_id)
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


def release_page(visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None) -> contexts.ReleasePage:
    """Show a release with its builds, filtered as the address says."""
    asked = {name: _searched(visit.request.query_params.get(name, "")) for name in ("branch", "source", "q")}
    after = place(visit.request.query_params.get("after"))
    wanted = BuildFilter(branch=asked["branch"] or None, source=asked["source"] or None, q=asked["q"] or None)
    page = queries.release_page(visit.store, visit.org, visit.id(), wanted=wanted, limit=BUILDS_SHOWN, after=after)
    title = f"{page.project.name} {page.release.name}"
    filters = {name: value for name, value in asked.items() if value}
    return contexts.ReleasePage(
        frame=visit.frame(title, "releases", notice, name=page.release.name),
        tried=tried,
        release=page.release,
        project=page.project,
        builds=page.builds.rows,
        count=page.count,
        branch=asked["branch"],
        source=asked["source"],
        q=asked["q"],
        older=older(page.builds.next, filters),
        deep=after is not None,
        now=page.now,
    )


def change_release(visit: Visit, form: Form) -> Response:
    """Rename a release, or let other branches feed it."""

    def act() -> Response:
        releases.change(
            visit.store,
            visit.caller,
            visit.id(),
            name=form.text("name"),
            branch_patterns=form.lines("branch_patterns"),
        )
        return visit.go(f"/releases/{visit.id()}", "release_changed")

    return carried_out("release", form, act, lambda tried, notice: release_page(visit, tried, notice))


def change_state(visit: Visit, form: Form) -> Response:
    """Activate, close or reopen a release."""

    def act() -> Response:
        state = form.choice("state", ReleaseState)
        releases.change(visit.store, visit.caller, visit.id(), state=state)
        code = {ReleaseState.ACTIVE: "release_active", ReleaseState.CLOSED: "release_closed"}.get(state)
        return visit.go(f"/releases/{visit.id()}", code or "release_changed")

    return carried_out("state", form, act, lambda tried, notice: release_page(visit, tried, notice))


def older(next_place: Place | None, filters: dict[str, str]) -> str | None:
    """Return the query of the address where a list goes on, None at its end."""
    if next_place is None:
        return None
    return "?" + urlencode({**filters, "after": f"{next_place.created_at.isoformat()}~{next_place.id}"})


def place(text: str | None) -> Place | None:
    """Return the place in a list that an address names. Raises NotFound where it names none."""
    if not text:
        return None
    time, _, row = text.partition("~")
    try:
        parsed = Place(datetime.fromisoformat(time), UUID(row))
    except ValueError:
        parsed = None
    if parsed is None or parsed.created_at.tzinfo is None:
        raise NotFound("This list has no such place. Begin at its top.")
    return parsed


def _searched(text: str) -> str:
    """Return what a filter looks for; what no stored text can be finds everything, not an error."""
    text = text.strip()
    return "" if text_fault(text, "", NAME_LIMIT, empty=True) else text
