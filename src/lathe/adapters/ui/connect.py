"""Connect a CI: the choice, and for each the steps, what arrived since, and where a test build would go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from lathe.adapters.ui import product_contexts
from lathe.adapters.ui.asking import asked_in
from lathe.adapters.ui.ci import Ci
from lathe.adapters.ui.connecting import CIS
from lathe.adapters.ui.contexts import Notice
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.places import moment
from lathe.adapters.ui.product_contexts import Asked
from lathe.adapters.ui.visit import Visit, answer, carried_out
from lathe.application import connecting, hooks, keys
from lathe.domain.api_key import ApiKey, Scope
from lathe.domain.errors import NotFound
from lathe.domain.hook import Hook
from lathe.domain.organization import Role

if TYPE_CHECKING:
    from lathe.adapters.ui.routing import Pages

KEY_LIVES: Final = timedelta(days=365)


def routes(pages: Pages) -> list[Route]:
    """Return the routes of these pages."""
    found = [pages.get("/connect", connect_page)]
    for ci in CIS:
        path = f"/connect/{ci.slug}"
        found += [pages.get(path, _showing(ci)), pages.post(path, _making(ci), Role.ADMIN)]
    return found


def connect_page(visit: Visit) -> product_contexts.ConnectPage:
    """Show which CI systems can be connected."""
    return product_contexts.ConnectPage(
        frame=visit.frame("Connect a CI", "connect"),
        cis=CIS,
        first_steps=connecting.first_steps(visit.store, visit.org),
        now=visit.now,
    )


def _showing(ci: Ci) -> Callable[[Visit], product_contexts.ConnectCiPage | Response]:
    def ci_page(visit: Visit) -> product_contexts.ConnectCiPage | Response:
        """Show how a CI system is connected. The address keeps since when somebody is at it."""
        if _since(visit) is None:
            query = {**visit.request.query_params, "since": visit.now.isoformat()}
            return RedirectResponse(f"{visit.base}/connect/{ci.slug}?{urlencode(query)}", 303)
        return _page(visit, ci)

    return ci_page


def _making(ci: Ci) -> Callable[[Visit, Form], Response]:
    def make_credential(visit: Visit, form: Form) -> Response:
        """Make the webhook or the API key that a step asks for, and show it on the answer itself, this once."""

        def act() -> Response:
            parts, made = visit.parts, form.text("make")
            if made == "hook" and ci.native:
                hook = hooks.create(visit.store, parts.ids, parts.box, visit.caller, ci.native.provider)
                return answer(_page(visit, ci, hook=hook))
            if made != "key":
                raise NotFound("There is nothing like that to make here.")
            expires = visit.now + KEY_LIVES
            scopes = {Scope.BUILDS_CREATE}
            key = keys.create(visit.store, parts.ids, visit.caller, ci.name, scopes, expires_at=expires)
            return answer(_page(visit, ci, key=key))

        return carried_out("make", form, act, lambda tried, notice: _page(visit, ci, tried, notice))

    return make_credential


def _page(
    visit: Visit,
    ci: Ci,
    tried: Tried = NOTHING_TRIED,
    notice: Notice | None = None,
    *,
    hook: tuple[Hook, str] | None = None,
    key: tuple[ApiKey, str] | None = None,
) -> product_contexts.ConnectCiPage:
    since = _since(visit) or visit.now
    asked, preview = asked_in(visit, ci.source)
    if not asked.repo_url:
        known = connecting.known_repository(visit.store, visit.org)
        asked = Asked(known.https if known else "", asked.branch or "main")
    arrivals = connecting.arrivals(visit.store, visit.org, since)
    return product_contexts.ConnectCiPage(
        frame=visit.frame(f"Connect {ci.name}", "connect", notice),
        tried=tried,
        ci=ci,
        address=visit.address,
        reachable=urlsplit(visit.address).hostname not in ("127.0.0.1", "localhost", "::1"),
        since=since,
        arrivals=arrivals,
        asked=asked,
        preview=preview,
        hook=hook[0] if hook else None,
        secret=hook[1] if hook else None,
        key=key[0] if key else None,
        key_text=key[1] if key else None,
        now=arrivals.now,
    )


def _since(visit: Visit) -> datetime | None:
    """Return since when somebody is at it, as the address says, None if it says nothing that can be."""
    return moment(visit.request.query_params.get("since", ""))
