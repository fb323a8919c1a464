"""Settings → Organization: the organization itself, its API keys, its webhooks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from starlette.responses import RedirectResponse

from lathe.adapters.ui import contexts
from lathe.adapters.ui.contexts import Notice
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.visit import Visit, answer, carried_out
from lathe.application import hooks, keys, organizations
from lathe.domain.api_key import Scope
from lathe.domain.errors import Fault, Invalid
from lathe.domain.hook import Provider

if TYPE_CHECKING:
    from starlette.responses import Response

    from lathe.domain.api_key import ApiKey
    from lathe.domain.hook import Hook

Made: TypeAlias = "tuple[ApiKey, str]"
MadeHook: TypeAlias = "tuple[Hook, str]"

EXPIRIES: Final = {"30": 30, "90": 90, "365": 365, "never": None}
"""Days that a new key lives, by the value of the choice."""


def settings(visit: Visit) -> Response:
    """Go to the first of the settings."""
    return RedirectResponse(f"{visit.base}/settings/organization", 303)


# --- the organization -------------------------------------------------------------------------------------------------


def organization_page(
    visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None
) -> contexts.OrganizationPage:
    """Show what is decided about the organization."""
    return contexts.OrganizationPage(
        frame=visit.frame("Organization", "settings", notice),
        tried=tried,
        organization=visit.organization,
        address=visit.address,
    )


def change_organization(visit: Visit, form: Form) -> Response:
    """Change the organization."""

    def act() -> Response:
        organizations.change(
            visit.store,
            visit.caller,
            name=form.text("name"),
            allow_org_id=form.ticked("allow_org_id"),
            confirm_name_matches=form.ticked("confirm_name_matches"),
        )
        return visit.go("/settings/organization", "organization_changed")

    return carried_out("organization", form, act, lambda tried, notice: organization_page(visit, tried, notice))


# --- API keys ---------------------------------------------------------------------------------------------------------


def keys_page(
    visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None, made: Made | None = None
) -> contexts.KeysPage:
    """Show the API keys; ``made`` is the one that was just created, whose text is shown this once."""
    now = visit.now
    return contexts.KeysPage(
        frame=visit.frame("API Keys", "settings", notice),
        tried=tried,
        keys=sorted(keys.listed(visit.store, visit.org), key=lambda key: not key.usable(now)),
        now=now,
        address=visit.address,
        made=made[0] if made else None,
        text=made[1] if made else None,
    )


def create_key(visit: Visit, form: Form) -> Response:
    """Create a key and show it: on the answer itself, since it is kept nowhere to be shown after a redirect."""

    def act() -> Response:
        scopes = {scope for scope in Scope if scope.value in form.many("scopes")}
        limit = None if form.ticked("unlimited") else form.number("rate_limit")
        made = keys.create(
            visit.store,
            visit.parts.ids,
            visit.caller,
            form.text("name"),
            scopes,
            expires_at=_expiry(form.text("expires"), visit.now),
            rate_limit=limit,
        )
        return answer(keys_page(visit, made=made))

    return carried_out("new-key", form, act, lambda tried, notice: keys_page(visit, tried, notice))


def change_key(visit: Visit, form: Form) -> Response:
    """Rename a key, or give it another limit."""

    def act() -> Response:
        limit = None if form.ticked("unlimited") else form.number("rate_limit")
        keys.change(visit.store, visit.caller, visit.id(), name=form.text("name"), rate_limit=limit)
        return visit.go("/settings/keys", "key_changed")

    name = f"key-{visit.id()}"
    return carried_out(name, form, act, lambda tried, notice: keys_page(visit, tried, notice))


def revoke_key(visit: Visit, form: Form) -> Response:
    """Revoke a key."""

    def act() -> Response:
        keys.revoke(visit.store, visit.caller, visit.id())
        return visit.go("/settings/keys", "key_revoked")

    return carried_out("revoke", form, act, lambda tried, notice: keys_page(visit, tried, notice))


def _expiry(choice: str, now: datetime) -> datetime | None:
    if choice not in EXPIRIES:
        fault = Fault("/expires", "not_one_of", "choose one of those that are offered")
        raise Invalid(fault.detail, (fault,))
    days = EXPIRIES[choice]
    return now + timedelta(days=days) if days else None


# --- webhooks ---------------------------------------------------------------------------------------------------------


def hooks_page(
    visit: Visit,
    tried: Tried = NOTHING_TRIED,
    notice: Notice | None = None,
    made: MadeHook | None = None,
    *,
    rotated: bool = False,
) -> contexts.HooksPage:
    """Show the webhooks; ``made`` is the one whose secret is shown this once."""
    return contexts.HooksPage(
        frame=visit.frame("Webhooks", "settings", notice),
        tried=tried,
        hooks=sorted(hooks.listed(visit.store, visit.org), key=lambda hook: not hook.live()),
        now=visit.now,
        address=visit.address,
        made=made[0] if made else None,
        secret=made[1] if made else None,
        rotated=rotated,
    )


def create_hook(visit: Visit, form: Form) -> Response:
    """Create a webhook for a provider and show its address and secret."""

    def act() -> Response:
        parts = visit.parts
        made = hooks.create(visit.store, parts.ids, parts.box, visit.caller, form.choice("provider", Provider))
        return answer(hooks_page(visit, made=made))

    return carried_out("new-hook", form, act, lambda tried, notice: hooks_page(visit, tried, notice))


def rotate_hook(visit: Visit, form: Form) -> Response:
    """Give a webhook a new secret and show it."""

    def act() -> Response:
        parts = visit.parts
        made = hooks.rotate(visit.store, parts.ids, parts.box, visit.caller, visit.id())
        return answer(hooks_page(visit, made=made, rotated=True))

    return carried_out("rotate", form, act, lambda tried, notice: hooks_page(visit, tried, notice))


def revoke_hook(visit: Visit, form: Form) -> Response:
    """Revoke a webhook."""

    def act() -> Response:
        hooks.revoke(visit.store, visit.caller, visit.id())
        return visit.go("/settings/webhooks", "hook_revoked")

    return carried_out("revoke", form, act, lambda tried, notice: hooks_page(visit, tried, notice))
