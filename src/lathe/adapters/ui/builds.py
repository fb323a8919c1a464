"""The page of a build: what it is, why it is where it is, and how it gets elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lathe.adapters.ui import product_contexts
from lathe.adapters.ui.contexts import Notice
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.places import id_in
from lathe.adapters.ui.visit import Visit, carried_out
from lathe.application import build_page as build_pages
from lathe.application import triage

if TYPE_CHECKING:
    from starlette.responses import Response


def build_page(visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None) -> product_contexts.BuildPage:
    """Show a build."""
    asked = id_in(visit.request.query_params.get("project"))
    page = build_pages.build_page(visit.store, visit.org, visit.id(), asked)
    name = page.view.build.facts.name
    first = next((one for one in page.projects if one.id == asked), page.view.project)
    return product_contexts.BuildPage(
        frame=visit.frame(name, "releases", notice, name=name),
        tried=tried,
        view=page.view,
        releases=page.choices.first(first, but=page.view.release.id),
        projects=page.projects,
        asked=first,
        deliveries=page.deliveries,
        credentials=page.credentials,
        history=page.history,
        now=page.now,
    )


def move(visit: Visit, form: Form) -> Response:
    """File the build under another release."""

    def act() -> Response:
        triage.move(visit.store, visit.caller, visit.id(), form.id("release_id", "release"))
        return visit.go(f"/builds/{visit.id()}", "moved")

    return carried_out("move", form, act, lambda tried, notice: build_page(visit, tried, notice))


def requeue(visit: Visit, form: Form) -> Response:
    """Send the build back to the queue."""

    def act() -> Response:
        view = triage.requeue(visit.store, visit.parts.ids, visit.caller, visit.id())
        return visit.go(f"/queue/{view.entry.id}", "requeued", view.entry.id)

    return carried_out("requeue", form, act, lambda tried, notice: build_page(visit, tried, notice))
