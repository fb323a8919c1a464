"""Settings → Members: who is in the organization, as what, and who was invited."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lathe.adapters.ui import contexts
from lathe.adapters.ui.contexts import Notice
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.visit import Visit, answer, carried_out
from lathe.application import members
from lathe.domain.organization import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

Again: TypeAlias = "Callable[[Tried, Notice | None], contexts.MembersPage]"


def members_page(
    visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None, invited: members.Invited | None = None
) -> contexts.MembersPage:
    """Show the members; ``invited`` is the invitation that was just made, whose link is shown this once."""
    view = members.listed(visit.store, visit.org)
    return contexts.MembersPage(
        frame=visit.frame("Members", "settings", notice),
        tried=tried,
        members=view.members,
        invitations=view.invitations,
        own=visit.viewer.user.id,
        now=view.now,
        invited=invited,
        link=f"{visit.link_address}/{invited.purpose.value}/{invited.token}" if invited else None,
        assumed=visit.parts.base_url is None,
    )


def invite(visit: Visit, form: Form) -> Response:
    """Invite somebody, or make a new link for somebody who was invited, and show the link on the answer itself."""

    def act() -> Response:
        role = form.choice("role", Role)
        email = form.text("email")
        invited = members.invite_or_renew(visit.store, visit.parts.ids, visit.caller, email, role)
        return answer(members_page(visit, invited=invited))

    return carried_out("invite", form, act, _again(visit))


def withdraw(visit: Visit, form: Form) -> Response:
    """Take an invitation back."""

    def act() -> Response:
        members.withdraw(visit.store, visit.caller, visit.id())
        return visit.go("/settings/members", "invitation_withdrawn")

    return carried_out("withdraw", form, act, _again(visit))


def change_role(visit: Visit, form: Form) -> Response:
    """Give a member another role. Who changes the own one is logged out by that, as everybody is."""

    def act() -> Response:
        members.change_role(visit.store, visit.caller, visit.id(), form.choice("role", Role))
        return visit.go("/settings/members", "role_changed")

    return carried_out(f"member-{visit.id()}", form, act, _again(visit))


def remove(visit: Visit, form: Form) -> Response:
    """End a membership."""

    def act() -> Response:
        members.remove(visit.store, visit.caller, visit.id())
        return visit.go("/settings/members", "member_removed")

    return carried_out("remove", form, act, _again(visit))


def _again(visit: Visit) -> Again:
    return lambda tried, notice: members_page(visit, tried, notice)
