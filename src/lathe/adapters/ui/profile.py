"""The own account: name, how pages look, password, and where somebody is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lathe.adapters.ui import contexts
from lathe.adapters.ui.contexts import Notice
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried, without_passwords
from lathe.adapters.ui.visit import Visit, carried_out
from lathe.adapters.ui.words import browser_name
from lathe.adapters.web.client_address import client_address
from lathe.adapters.web.sessions import begin_session
from lathe.application import profile
from lathe.domain.organization import Preferences, Theme

if TYPE_CHECKING:
    from starlette.responses import Response

    from lathe.adapters.web.throttle import LoginThrottle


def profile_page(visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None) -> contexts.ProfilePage:
    """Show the person's own account."""
    return contexts.ProfilePage(
        frame=visit.frame("Your profile", "", notice),
        tried=without_passwords(tried),
        user=visit.viewer.user,
        sessions=profile.sessions(visit.store, visit.viewer),
        current=visit.viewer.session.handle,
        now=visit.now,
    )


def change_profile(visit: Visit, form: Form) -> Response:
    """Keep the name and how the person likes the pages."""

    def act() -> Response:
        preferences = Preferences(form.choice("theme", Theme), form.ticked("shortcuts"))
        profile.prefer(visit.store, visit.viewer, form.text("name"), preferences)
        return visit.go("/profile", "profile_saved")

    return carried_out("profile", form, act, lambda tried, notice: profile_page(visit, tried, notice))


def end_session(visit: Visit, form: Form) -> Response:
    """Log one browser out; the own one is then asked to log in."""

    def act() -> Response:
        profile.end_session(visit.store, visit.viewer, form.text("session"))
        return visit.go("/profile", "session_ended")

    return carried_out("session", form, act, lambda tried, notice: profile_page(visit, tried, notice))


def end_other_sessions(visit: Visit, form: Form) -> Response:
    """Log every other browser out."""

    def act() -> Response:
        profile.end_other_sessions(visit.store, visit.viewer)
        return visit.go("/profile", "sessions_ended")

    return carried_out("sessions", form, act, lambda tried, notice: profile_page(visit, tried, notice))


class PasswordChange:
    """The form that changes the password. Guessing the present one at an open browser is slowed down as at the door."""

    def __init__(self, throttle: LoginThrottle) -> None:
        self._throttle = throttle

    def change_password(self, visit: Visit, form: Form) -> Response:
        """Change the password; the session begins anew, and every other one ends."""
        parts, viewer = visit.parts, visit.viewer
        self._throttle.spend(viewer.user.email, client_address(visit.request, parts.trusted_proxies))

        def act() -> Response:
            token = profile.change_password(
                visit.store,
                parts.ids,
                parts.hasher,
                viewer,
                present=form.text("present"),
                password=form.text("password"),
                browser=browser_name(visit.request.headers.get("user-agent")),
            )
            response = visit.go("/profile", "password_changed")
            begin_session(response, parts, token)
            return response

        return carried_out("password", form, act, lambda tried, notice: profile_page(visit, tried, notice))
