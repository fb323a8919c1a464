"""One request to a page: who asks, in which organization, and how handlers answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote
from uuid import UUID

from attrs import frozen
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lathe.adapters.ui.contexts import Context, Frame, Inside, Notice, UndoSeveral
from lathe.adapters.ui.flash import SEVERAL, Flash, drop_flash, flash_of, leave_flash
from lathe.adapters.ui.forms import Form, Tried, tried
from lathe.adapters.ui.templating import render
from lathe.adapters.web.csrf import form_token
from lathe.adapters.web.sessions import AUTOMATIC
from lathe.application.caller import Caller
from lathe.application.standing import Own
from lathe.domain.errors import Conflict, Invalid, NotFound
from lathe.domain.organization import Actor, Member, Organization, Role

if TYPE_CHECKING:
    from starlette.requests import Request

    from lathe.adapters.web.parts import Parts
    from lathe.application.login import Viewer
    from lathe.application.ports import Store

T = TypeVar("T")


def base_of(organization: Organization) -> str:
    """Return the address of an organization. Slugs may hold letters of any script."""
    return f"/o/{quote(organization.slug, safe='')}"


def answer(context: Context, status: int = 200) -> HTMLResponse:
    """Render a page."""
    return HTMLResponse(render(context.template, context), status)


@frozen
class Visit:
    """A person in an organization, and what the person asks for. ``mark`` is where the feed of changes goes on."""

    request: Request
    parts: Parts
    viewer: Viewer
    session_token: str
    organization: Organization
    member: Member
    mark: str = ""

    @property
    def store(self) -> Store:
        """Where everything is kept."""
        return self.parts.store

    @property
    def org(self) -> UUID:
        """The organization's id."""
        return self.organization.id

    @property
    def caller(self) -> Caller:
        """On whose behalf use cases run."""
        user = self.viewer.user
        return Caller(self.org, Actor("user", user.id, user.name))

    @property
    def base(self) -> str:
        """The organization's address."""
        return base_of(self.organization)

    @property
    def address(self) -> str:
        """This server's own address, as configured, else as it was asked."""
        return self.parts.base_url or str(self.request.base_url).rstrip("/")

    @property
    def link_address(self) -> str:
        """The address that one-time links lead to: as configured, else where this server listens.

        Never what the Host header says: whoever could set that would be handed the link's token.
        """
        if self.parts.base_url:
            return self.parts.base_url
        host, port = self.request.scope["server"]
        return f"http://{f'[{host}]' if ':' in host else host}" + ("" if port == 80 else f":{port}")

    @property
    def now(self) -> datetime:
        """The store's time."""
        return self.store.read(lambda tx: tx.now())

    @property
    def flash(self) -> Flash | None:
        """What was done just before. What an open page asks by itself is not told: the next page to be seen says it."""
        return None if AUTOMATIC in self.request.headers else flash_of(self.request, self.parts)

    def id(self, name: str = "id") -> UUID:
        """Return an id from the address."""
        found: UUID = self.request.path_params[name]
        return found

    def frame(
        self,
        title: str,
        section: str,
        notice: Notice | None = None,
        *,
        name: str | None = None,
        place: str | None = None,
    ) -> Frame:
        """Return the frame of a page; a notice goes before what was done just before, to what has that name, there."""
        flash = self.flash
        if notice is None and flash:
            notice = Notice(flash.sentence(name, place), undo_several=self.undo_several(flash.code, flash.entries))
        return Frame(
            title=f"{title} · {self.organization.name}",
            section=section,
            notice=notice,
            csrf=form_token(self.session_token),
            inside=self.inside,
            mark=self.mark,
            preferences=self.viewer.user.preferences,
        )

    @property
    def inside(self) -> Inside:
        """What the frame shows of the person."""
        others = tuple((org.name, base_of(org)) for org, _ in self.viewer.memberships if org.id != self.org)
        user = self.viewer.user
        return Inside(self.organization.name, self.base, user.name, user.email, self.member.role, others)

    def undo_several(self, code: str, entries: tuple[UUID, ...]) -> UndoSeveral | None:
        """Return how to undo what was done to several entries just before, None if to none."""
        return UndoSeveral(entries, Own(SEVERAL[code], self.now)) if entries and code in SEVERAL else None

    def go(self, path: str, code: str | None = None, subject: UUID | None = None) -> Response:
        """Send the browser to a page of the organization, which says what was done."""
        return self.go_saying(path, Flash(code, subject) if code else None)

    def go_saying(self, path: str, flash: Flash | None) -> Response:
        """Send the browser to a page of the organization, which says more of what was done."""
        response = RedirectResponse(f"{self.base}{path}", 303)
        if flash:
            leave_flash(response, self.parts, flash)
        return response


Again = Callable[[Tried, Notice | None], Context]


def carried_out(form_name: str, form: Form, act: Callable[[], Response], again: Again) -> Response:
    """Do what a form asks for, or show its page again.

    What cannot be done because somebody was faster is said at the top (409); faults stand at their fields, with
    everything as it was typed (422).
    """
    try:
        return act()
    except Invalid as error:
        faults = tried(form_name, form, error)
        named = any(faults.errors)
        text = "Nothing was changed. See the marked field." if named else sentence(error.detail)
        return answer(again(faults, Notice(text, "bad")), 422)
    except Conflict as error:
        taken = {"name": error.detail} if error.reason == "name_taken" else {}
        return answer(again(Tried(form_name, form, taken), Notice(sentence(error.detail), "bad")), 409)


def sentence(detail: str) -> str:
    """Return a detail as a sentence."""
    return detail[:1].upper() + detail[1:] + ("" if detail.endswith((".", "?", "!")) else ".")


def finish(response: Response | Context, visit: Visit) -> Response:
    """Render what a handler returned, and let the browser forget the flash that it has shown."""
    if isinstance(response, Response):
        return response
    page = answer(response)
    if visit.flash:
        drop_flash(page, visit.parts)
    return page


def found(look: Callable[[], T]) -> T | None:
    """Return what ``look`` finds, None if it is not there."""
    try:
        return look()
    except NotFound:
        return None


def needed_role(role: Role) -> str:
    """Say what a person lacks."""
    who = {Role.ADMIN: "admins", Role.TESTER: "testers and admins", Role.VIEWER: "members"}[role]
    return f"Only {who} of this organization may do that."
