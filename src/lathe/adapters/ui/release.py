"""The page of one release: its builds, how many came when, what feeds it; opened and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lathe.adapters.ui import contexts
from lathe.adapters.ui.charts import build_chart
from lathe.adapters.ui.contexts import Notice
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.offers import offered_after
from lathe.adapters.ui.places import older, place, searched
from lathe.adapters.ui.visit import Visit, carried_out
from lathe.application import release_view, releases
from lathe.application.lists import BuildFilter
from lathe.domain.release import ReleaseState

if TYPE_CHECKING:
    from starlette.responses import Response

BUILDS_SHOWN: Final = 50


def release_page(visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None) -> contexts.ReleasePage:
    """Show a release with its builds, filtered as the address says."""
    asked = {name: searched(visit.request.query_params.get(name, "")) for name in ("branch", "source", "q")}
    after = place(visit.request.query_params.get("after"))
    wanted = BuildFilter(branch=asked["branch"] or None, source=asked["source"] or None, q=asked["q"] or None)
    page = release_view.release_page(visit.store, visit.org, visit.id(), wanted=wanted, limit=BUILDS_SHOWN, after=after)
    title = f"{page.project.name} {page.release.name}"
    return contexts.ReleasePage(
        frame=visit.frame(title, "releases", notice, name=page.release.name),
        tried=tried,
        release=page.release,
        project=page.project,
        siblings=page.siblings,
        builds=page.builds.rows,
        count=page.count,
        chart=build_chart(page.per_day, page.now, release_view.CHARTED),
        offer=offered_after(visit, page.project.id),
        branch=asked["branch"],
        source=asked["source"],
        q=asked["q"],
        older=older(page.builds.next, {name: value for name, value in asked.items() if value}),
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
