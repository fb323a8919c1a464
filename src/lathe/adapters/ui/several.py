"""One decision about several builds in the queue, by a form that needs no script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode
from uuid import UUID

from lathe.adapters.ui.contexts import Notice
from lathe.adapters.ui.flash import Flash
from lathe.adapters.ui.forms import Form
from lathe.adapters.ui.places import moment
from lathe.adapters.ui.queue import seen_in
from lathe.adapters.ui.releases import part_of_queue, releases_page
from lathe.adapters.ui.visit import Visit, answer, carried_out
from lathe.adapters.ui.words import plural
from lathe.application import bulk
from lathe.application.bulk import Report
from lathe.application.standing import Own
from lathe.domain.errors import Invalid
from lathe.domain.queue_entry import EntryStatus, RejectReason

if TYPE_CHECKING:
    from starlette.responses import Response


_VERBS: Final = {
    "several_assigned": "filed",
    "several_selected": "given a project",
    "several_rejected": "rejected",
    "several_undone": "in the queue again",
    "several_unselected": "without the chosen project again",
}


def decide_several(visit: Visit, form: Form) -> Response:
    """Assign, select a project for, or reject the builds that were ticked; which of these, the button says."""

    def act() -> Response:
        picked = form.ids("shown") if form.ticked("every") else form.ids("entry")
        if not picked:
            raise Invalid("tick the builds that are meant first")
        report, code = _decided(visit, form, picked)
        return _told(visit, report, code, _part(visit, form, code))

    return carried_out("several", form, act, lambda tried, notice: releases_page(visit, tried, notice))


def undo_several(visit: Visit, form: Form) -> Response:
    """Take back what was decided about several builds at once just before; what others decided since stays."""

    def act() -> Response:
        until = moment(form.text("until"))
        if until is None:
            raise Invalid("undo what was done just before")
        own = Own(form.choice("status", EntryStatus), until)
        report = bulk.undo(visit.store, visit.caller, form.ids("entry"), own)
        code = "several_unselected" if own.status is EntryStatus.PENDING else "several_undone"
        return _told(visit, report, code, part_of_queue(visit) if code == "several_undone" else "")

    return carried_out("undo-several", form, act, lambda tried, notice: releases_page(visit, tried, notice))


def _told(visit: Visit, report: Report, code: str, part: str) -> Response:
    """Say what became of several builds: at once if some were missed, else on the part of the queue to go on with."""
    if report.refused:
        notice = Notice(_said(report, code), "bad", undo_several=visit.undo_several(code, report.decided))
        return answer(releases_page(visit, notice=notice, missed=report.refused), 200 if report.done else 409)
    return visit.go_saying(f"/releases{part}", Flash(code, None, report.done, entries=report.decided))


def _decided(visit: Visit, form: Form, picked: list[UUID]) -> tuple[Report, str]:
    """Do what the button says; return what became of it, and by what name it is told."""
    store, caller = visit.store, visit.caller
    match form.text("do"):
        case "assign":
            release_id = form.id("release_id", "release")
            return bulk.assign(store, visit.parts.ids, caller, picked, release_id), "several_assigned"
        case "project":
            project_id = form.id("project_id", "project")
            return bulk.select_project(store, caller, picked, project_id, seen_in(form)), "several_selected"
        case "reject":
            reason, note = form.choice("reason", RejectReason), form.text("note")
            return bulk.reject(store, caller, picked, reason, note), "several_rejected"
        case _:
            raise Invalid("choose what to do with them")


def _said(report: Report, code: str) -> str:
    """Say in one line what became of several; the list of those that were missed follows on the page."""
    return f"{plural(report.done, 'build').capitalize()} {_VERBS[code]}, {len(report.refused)} not."


def _part(visit: Visit, form: Form, code: str) -> str:
    """Return the query of the part of the queue to go on with: after a project was chosen, what waits for it."""
    if code == "several_selected":
        return "?" + urlencode({"project": form.text("project_id")})
    return part_of_queue(visit)
