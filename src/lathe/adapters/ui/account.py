"""Getting in and out: set-up, passwords, joining, log-in, log-out."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from lathe.adapters.ui.contexts import Context, Frame, JoinPage, LoginPage, MessagePage, Notice, PasswordPage, SetupPage
from lathe.adapters.ui.flash import Flash, drop_flash, flash_of, leave_flash
from lathe.adapters.ui.forms import Form, Tried, read_form, without_passwords
from lathe.adapters.ui.routing import to_login
from lathe.adapters.ui.visit import answer, base_of, carried_out
from lathe.adapters.ui.words import browser_name
from lathe.adapters.web.client_address import client_address
from lathe.adapters.web.csrf import FIELD, form_token, must_be_our_form, must_carry_token
from lathe.adapters.web.sessions import begin_session, end_session, session_token, viewer_of
from lathe.application import login
from lathe.domain.errors import LatheError, RateLimited, Unauthenticated
from lathe.domain.session import LinkPurpose
from lathe.domain.text import text_fault

if TYPE_CHECKING:
    from starlette.requests import Request

    from lathe.adapters.web.parts import Parts
    from lathe.adapters.web.throttle import LoginThrottle

_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")

Shows: TypeAlias = "Callable[[Request], Response]"
Does: TypeAlias = "Callable[[Request, Form], Response]"


def local_path(path: str) -> str | None:
    """Return ``path`` if it leads to a page of this server and nowhere else, else None."""
    return path if _LOCAL.fullmatch(path) else None


class Account:
    """The pages that need no membership."""

    def __init__(self, parts: Parts, throttle: LoginThrottle) -> None:
        self._parts = parts
        self._throttle = throttle

    def routes(self) -> list[BaseRoute]:
        """Return their routes."""
        return [
            Route("/", self._getting(self.home), methods=["GET"]),
            Route("/setup/{token}", self._getting(self.setup_form), methods=["GET"]),
            Route("/setup/{token}", self._posting(self.set_up), methods=["POST"]),
            Route("/password/{token}", self._getting(self.password_form), methods=["GET"]),
            Route("/password/{token}", self._posting(self.set_password), methods=["POST"]),
            Route("/join/{token}", self._getting(self.join_form), methods=["GET"]),
            Route("/join/{token}", self._posting(self.join), methods=["POST"]),
            Route("/login", self._getting(self.login_form), methods=["GET"]),
            Route("/login", self._posting(self.log_in), methods=["POST"]),
            Route("/login/{token}", self._getting(self.log_in_by_link), methods=["GET"]),
            Route("/logout", self._posting(self.log_out), methods=["POST"]),
        ]

    def _getting(self, shows: Shows) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(shows, request)

        return endpoint

    def _posting(self, does: Does) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            must_be_our_form(request, self._parts.base_url)
            return await run_in_threadpool(does, request, await read_form(request))

        return endpoint

    # --- home ---------------------------------------------------------------------------------------------------------

    def home(self, request: Request) -> Response:
        """Go to the Releases page of the person's first organization, or to the log-in."""
        found = viewer_of(request, self._parts)
        if found is None:
            return RedirectResponse("/login", 303)
        viewer, token = found
        if viewer.memberships:
            return RedirectResponse(f"{base_of(viewer.memberships[0][0])}/releases", 303)
        return answer(
            MessagePage(
                frame=Frame(title="No organization", csrf=form_token(token)),
                heading="No organization yet",
                text=f"{viewer.user.email} is not a member of any organization. Ask an admin for a link to join.",
            )
        )

    # --- links --------------------------------------------------------------------------------------------------------

    def setup_form(self, request: Request) -> Response:
        """Show the form that makes the first organization."""
        login.look_at_link(self._parts.store, _token(request), LinkPurpose.SETUP)
        return answer(SetupPage(frame=Frame(title="Set up")))

    def set_up(self, request: Request, form: Form) -> Response:
        """Make the first organization and its admin, logged in."""
        self._throttle.spend_address(self._address(request))

        def act() -> Response:
            parts = self._parts
            organization, token = login.set_up(
                parts.store,
                parts.ids,
                parts.hasher,
                _token(request),
                organization=form.text("organization"),
                email=form.text("email"),
                name=form.text("name"),
                password=form.text("password"),
                browser=_browser(request),
            )
            return self._inside(request, f"{base_of(organization)}/releases", token)

        def again(tried: Tried, notice: Notice | None) -> Context:
            return SetupPage(frame=Frame(title="Set up", notice=notice), tried=without_passwords(tried))

        return carried_out("setup", form, act, again)

    def password_form(self, request: Request) -> Response:
        """Show the form that sets a password."""
        return answer(self._password_page(request))

    def _password_page(
        self, request: Request, tried: Tried | None = None, notice: Notice | None = None
    ) -> PasswordPage:
        link = login.look_at_link(self._parts.store, _token(request), LinkPurpose.PASSWORD)
        title = f"Join {link.organization}" if link.organization else "Set a password"
        frame = Frame(title=title, notice=notice)
        page = PasswordPage(frame=frame, email=link.email or "", organization=link.organization)
        return evolve(page, tried=without_passwords(tried)) if tried else page

    def set_password(self, request: Request, form: Form) -> Response:
        """Set the password; the person is logged in, and every older session ends."""
        self._throttle.spend_address(self._address(request))

        def act() -> Response:
            parts = self._parts
            token = login.set_password(
                parts.store,
                parts.ids,
                parts.hasher,
                _token(request),
                name=form.text("name").strip() or None,
                password=form.text("password"),
                browser=_browser(request),
            )
            response = self._inside(request, "/", token)
            leave_flash(response, parts, Flash("password_set"))
            return response

        return carried_out("password", form, act, lambda tried, notice: self._password_page(request, tried, notice))

    def join_form(self, request: Request) -> Response:
        """Show the form that joins an organization, to whoever is logged in."""
        found = viewer_of(request, self._parts)
        if found is None:
            return to_login(request.url.path)
        viewer, token = found
        link = login.look_at_link(self._parts.store, _token(request), LinkPurpose.JOIN)
        return answer(
            JoinPage(
                frame=Frame(title="Join", csrf=form_token(token)),
                organization=link.organization or "",
                email=link.email or "",
                own=link.email == viewer.user.email,
                role=link.role,
                before=link.before,
            )
        )

    def join(self, request: Request, form: Form) -> Response:
        """Make the person a member, with a new session; every older one ends."""
        found = viewer_of(request, self._parts)
        if found is None:
            return to_login(request.url.path)
        viewer, token = found
        must_carry_token(form.text(FIELD), token)
        organization, fresh = login.join(
            self._parts.store, self._parts.ids, viewer, _token(request), browser=_browser(request)
        )
        response = RedirectResponse(f"{base_of(organization)}/releases", 303)
        begin_session(response, self._parts, fresh)
        leave_flash(response, self._parts, Flash("joined"))
        return response

    # --- log-in -------------------------------------------------------------------------------------------------------

    def login_form(self, request: Request) -> Response:
        """Show the log-in."""
        flash = flash_of(request, self._parts)
        notice = Notice(flash.sentence()) if flash else None
        then = local_path(request.query_params.get("next", "")) or ""
        empty = login.needs_setup(self._parts.store)
        response = answer(LoginPage(frame=Frame(title="Log in", notice=notice), next=then, empty=empty))
        if flash:
            drop_flash(response, self._parts)
        return response

    def log_in(self, request: Request, form: Form) -> Response:
        """Log in with e-mail address and password."""
        email = form.text("email")
        then = local_path(form.text("next"))
        # What cannot be an address must not reach the database, and takes as long as any other unknown one.
        known = "" if text_fault(email, "/email", 254, empty=True) else email
        try:
            self._throttle.spend(email, self._address(request))
            parts, password = self._parts, form.text("password")
            token = login.login(parts.store, parts.ids, parts.hasher, known, password, browser=_browser(request))
        except Unauthenticated as error:
            return self._login_again(form, then, error, 401)
        except RateLimited as error:
            response = self._login_again(form, then, error, 429)
            response.headers["Retry-After"] = str(error.retry_after)
            return response
        return self._inside(request, then or "/", token)

    def _login_again(self, form: Form, then: str | None, error: LatheError, status: int) -> Response:
        frame = Frame(title="Log in", notice=Notice(f"{error.detail.rstrip('.')}.", "bad"))
        return answer(LoginPage(frame=frame, next=then or "", tried=without_passwords(Tried("login", form))), status)

    def log_in_by_link(self, request: Request) -> Response:
        """Log in with a link that was made for that: the demo's."""
        token = login.login_by_link(self._parts.store, self._parts.ids, _token(request), browser=_browser(request))
        return self._inside(request, "/", token)

    def log_out(self, request: Request, form: Form) -> Response:
        """End the session."""
        token = session_token(request, self._parts)
        if token:
            must_carry_token(form.text(FIELD), token)
            login.logout(self._parts.store, token)
        response = RedirectResponse("/login", 303)
        end_session(response, self._parts)
        leave_flash(response, self._parts, Flash("logged_out"))
        return response

    def _address(self, request: Request) -> str | None:
        return client_address(request, self._parts.trusted_proxies)

    def _inside(self, request: Request, path: str, token: str) -> Response:
        """Go on with a new session; the one that the browser had before ends."""
        before = session_token(request, self._parts)
        if before:
            login.logout(self._parts.store, before)
        response = RedirectResponse(path, 303)
        begin_session(response, self._parts, token)
        return response


def _token(request: Request) -> str:
    return str(request.path_params["token"])


def _browser(request: Request) -> str | None:
    return browser_name(request.headers.get("user-agent"))
