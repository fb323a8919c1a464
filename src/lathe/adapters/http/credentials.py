"""Who asks: credentials read from headers, and what the answer's headers say of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool

from lathe.adapters.http.kinds import parsed_id
from lathe.adapters.web.arrival import noted
from lathe.adapters.web.written import written_time
from lathe.application.admission import Refusal, admit_key, unknown_credential
from lathe.application.intake import Admission, Presented, Refused
from lathe.domain.api_key import Scope, key_hash, well_formed
from lathe.domain.delivery import CredentialKind
from lathe.domain.errors import LatheError, Unauthenticated
from lathe.domain.rate_limit import WINDOW_SECONDS

if TYPE_CHECKING:
    from starlette.requests import Request

    from lathe.adapters.web.refusals import Refusals
    from lathe.application.ports import Store

ORGANIZATION_HEADER: Final = "x-pt-org-id"

_BEARER = re.compile(r"bearer +(\S+)", re.IGNORECASE | re.ASCII)


def no_credential() -> Unauthenticated:
    """Return the error for a request that shows no credential at all."""
    return Unauthenticated("This address needs a credential", presented=False)


def sent_key(request: Request) -> str | None:
    """Return the text of the API key that was sent, None if there is no ``Authorization`` at all.

    Raises Unauthenticated for anything that cannot be a key of ours, without asking the store.
    """
    sent = request.headers.getlist("authorization")
    if not sent:
        return None
    match = _BEARER.fullmatch(sent[0].strip()) if len(sent) == 1 else None
    if match is None or not well_formed(match[1]):
        raise unknown_credential()
    return match[1]


def presented_by_key(request: Request) -> Presented | None:
    """Return the API key of a delivery, None if there is none. Raises Unauthenticated."""
    text = sent_key(request)
    return Presented(CredentialKind.KEY, key_hash=key_hash(text)) if text else None


def presented_for_delivery(request: Request) -> Presented:
    """Return the credential of an unsigned delivery; a key decides alone. Raises Unauthenticated."""
    if by_key := presented_by_key(request):
        return by_key
    sent = request.headers.getlist(ORGANIZATION_HEADER)
    if not sent:
        raise no_credential()
    organization_id = parsed_id(sent[0].strip()) if len(sent) == 1 else None
    if organization_id is None:
        raise unknown_credential()
    return Presented(CredentialKind.ORGANIZATION, organization_id=organization_id)


async def admit(request: Request, store: Store, refusals: Refusals, scope: Scope) -> Admission:
    """Let a request to the API in and spend its limit. Raises Unauthenticated, Forbidden, RateLimited."""
    text = sent_key(request)
    if text is None:
        raise no_credential()
    presented = Presented(CredentialKind.KEY, key_hash=key_hash(text))
    refuse_known(request, refusals, presented, scope)
    try:
        admission = await run_in_threadpool(admit_key, store, text, scope)
    except Refusal as refusal:
        raise refused(request, refusals, presented, refusal.refused) from None
    show(request, admission)
    return admission


def refuse_known(request: Request, refusals: Refusals, presented: Presented, scope: Scope) -> None:
    """Refuse what the last known state refuses already. Raises RateLimited."""
    if known := refusals.find(presented, scope):
        show(request, known.admission)
        raise known.error()


def refused(request: Request, refusals: Refusals, presented: Presented, refusal: Refused) -> LatheError:
    """Return the error for what was not admitted, and remember it."""
    refusals.note(presented, refusal)
    show(request, refusal.admission)
    return refusal.error


def show(request: Request, admission: Admission | None) -> dict[str, str]:
    """Let the answer's headers, an error's too, tell what is left of the limit; return those headers."""
    noted(request)["headers"] = headers = limit_headers(admission) if admission else {}
    return headers


def limit_headers(admission: Admission) -> dict[str, str]:
    """Return the headers about a credential's limit and end."""
    headers = {}
    if decision := admission.decision:
        policy = f'"{admission.kind.value}"'
        headers["RateLimit-Policy"] = f"{policy};q={decision.limit};w={WINDOW_SECONDS}"
        headers["RateLimit"] = f"{policy};r={decision.remaining};t={decision.reset_seconds}"
    if admission.expires_at:
        headers["Lathe-Key-Expires"] = written_time(admission.expires_at)
    return headers
