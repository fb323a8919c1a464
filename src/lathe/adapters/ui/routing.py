"""From a route to its handler: session, form, token, membership and role, in this order, the same for every page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from lathe.adapters.ui.contexts import Context
from lathe.adapters.ui.flash import Flash, leave_flash
from lathe.adapters.ui.forms import LARGE_FORM_LIMITS, Form, read_form
from lathe.adapters.ui.visit import Visit, finish, needed_role
from lathe.adapters.web.body import Bodies
from lathe.adapters.web.csrf import FIELD, must_be_our_form, must_carry_token
from lathe.adapters.web.sessions import viewer_of
from lathe.domain.errors import Forbidden
from lathe.domain.organization import Role

if TYPE_CHECKING:
    from starlette.requests import Request

    from lathe.adapters.web.parts import Parts

Endpoint: TypeAlias = Callable[["Request"], Awaitable[Response]]
Shows: TypeAlias = Callable[[Visit], Context | Response]
Does: TypeAlias = Callable[[Visit, Form], Response]


SHOWN_AT_ONCE: Final = 2
"""How many pages are made at a time. They are work for the interpreter: more would only wait for each other, and
deliveries for all of them. With two, twice as many deliveries come through beside readers who load without pause."""


class Pages:
    """Makes routes of handlers for pages inside an organization. Belongs to one event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._places = asyncio.Semaphore(SHOWN_AT_ONCE)

    def get(self, path: str, shows: Shows, needs: Role = Role.VIEWER) -> Route:
        """Return the route of a page that members may see."""

        async def endpoint(request: Request) -> Response:
            async with self._places:
                return await run_in_threadpool(self._show, request, shows, needs)

        return Route(f"/o/{{slug}}{path}", endpoint, methods=["GET"], name=shows.__name__)

    def post(self, path: str, does: Does, needs: Role = Role.TESTER, *, large: bool = False) -> Route:
        """Return the route of a form; a ``large`` one may hold what a CI sends."""
        bodies = Bodies(LARGE_FORM_LIMITS) if large else None

        async def endpoint(request: Request) -> Response:
            must_be_our_form(request, self._parts.base_url)
            form = await read_form(request, bodies)
            return await run_in_threadpool(self._do, request, form, does, needs)

        return Route(f"/o/{{slug}}{path}", endpoint, methods=["POST"], name=does.__name__)

    def _show(self, request: Request, shows: Shows, needs: Role) -> Response:
        visit = self._visit(request)
        if visit is None:
            query = f"?{request.url.query}" if request.url.query else ""
            return to_login(quote(request.url.path, safe="/%") + query)
        _must_be(visit, needs)
        return finish(shows(visit), visit)

    def _do(self, request: Request, form: Form, does: Does, needs: Role) -> Response:
        visit = self._visit(request, form)
        if visit is None:
            response = to_login(f"/o/{quote(request.path_params['slug'], safe='')}/releases")
            leave_flash(response, self._parts, Flash("session_over"))
            return response
        _must_be(visit, needs)
        return does(visit, form)

    def _visit(self, request: Request, form: Form | None = None) -> Visit | None:
        """Return the visit, None if nobody is logged in.

        Raises Forbidden (the form's token is not the session's), NotFound (the organization).
        """
        found = viewer_of(request, self._parts)
        if found is None:
            return None
        viewer, token = found
        if form is not None:
            must_carry_token(form.text(FIELD), token)
        organization, member = viewer.membership(request.path_params["slug"])
        # Before anything is read to be shown: what changes meanwhile is then told too often, never not at all.
        mark = "" if form is not None else self._parts.feed.mark(organization.id)
        visit = Visit(request, self._parts, viewer, token, organization, member, mark)
        request.state.visit = visit  # an error page keeps the frame
        return visit


def to_login(then: str) -> Response:
    """Send somebody to log in first, and to come back."""
    return RedirectResponse(f"/login?next={quote(then, safe='')}", 303)


def _must_be(visit: Visit, needs: Role) -> None:
    if not visit.member.role.may(needs):
        raise Forbidden(needed_role(needs))
