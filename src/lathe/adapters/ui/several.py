"""One decision about several builds in the queue, by a form that needs no script."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from lathe.adapters.ui.contexts import Notice
from lathe.adapters.ui.forms import Form
from lathe.adapters.ui.releases import part_of_queue, releases_page
from lathe.adapters.ui.visit import Visit, answer, carried_out
from lathe.adapters.ui.words import plural
from lathe.application import bulk
from lathe.application.bulk import Report
from lathe.domain.errors import Invalid
from lathe.domain.queue_entry import RejectReason

if TYPE_CHECKING:
    from starlette.responses import Response


def decide_several(visit: Visit, form: Form) -> Response:
    """Assign, select a project for, or reject the builds that were ticked; which of these, the button says."""

    def act() -> Response:
        picked = form.ids("shown") if form.ticked("every") else form.ids("entry")
        if not picked:
            raise Invalid("tick the builds that are meant first")
        report, code = _decided(visit, form, picked)
        if report.refused:
            notice = Notice(_said(report, code), "bad")
            return answer(releases_page(visit, notice=notice, missed=report.refused), 200 if report.done else 409)
        return visit.go(f"/releases{_part(visit, form, code)}", code, count=report.done)

    return carried_out("several", form, act, lambda tried, notice: releases_page(visit, tried, notice))


def _decided(visit: Visit, form: Form, picked: list[UUID]) -> tuple[Report, str]:
    """Do what the button says; return what became of it, and by what name it is told."""
    store, caller = visit.store, visit.caller
    match form.text("do"):
        case "assign":
            release_id = form.id("release_id", "release")
            return bulk.assign(store, visit.parts.ids, caller, picked, release_id), "several_assigned"
        case "project":
            return bulk.select_project(store, caller, picked, form.id("project_id", "project")), "several_selected"
        case "reject":
            reason, note = form.choice("reason", RejectReason), form.text("note")
            return bulk.reject(store, caller, picked, reason, note), "several_rejected"
        case _:
            raise Invalid("choose what to do with them")


def _said(report: Report, code: str) -> str:
    """Say in one line what became of several; the list of those that were missed follows on the page."""
    verb = {"several_assigned": "filed", "several_rejected": "rejected"}.get(code, "given a project")
    return f"{plural(report.done, 'build').capitalize()} {verb}, {len(report.refused)} not."


def _part(visit: Visit, form: Form, code: str) -> str:
    """Return the query of the part of the queue to go on with: after a project was chosen, what waits for it."""
    if code == "several_selected":
        return "?" + urlencode({"project": form.text("project_id")})
    return part_of_queue(visit)
