"""Deliveries: webhook addresses and ``POST /api/v1/builds``.

The order is the same everywhere: route, credential headers, known refusals, bounded body, signature, parse. Admission
is part of the transaction that stores the delivery, so what is wrong with a body travels along as a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import frozen
from starlette.responses import Response

from lathe.adapters.http import answers
from lathe.adapters.http.credentials import (
    no_credential,
    presented_by_key,
    presented_for_delivery,
    refuse_known,
    refused,
    show,
)
from lathe.adapters.http.kinds import parsed_id
from lathe.adapters.http.once import key_of
from lathe.adapters.http.outcomes import answered, read_again, written
from lathe.adapters.http.reason_codes import IgnoredReasonCode
from lathe.adapters.http.reports import SOURCE, read_report
from lathe.adapters.http.signatures import PROVIDERS, Signatures, is_ping, proof_of
from lathe.adapters.web.body import Bodies, NotTaken, headers_if_unread, wrong_media_type
from lathe.adapters.web.written import Written, dumped
from lathe.application.admission import unknown_credential
from lathe.application.intake import Incoming, Once, Presented, Reading, Refused
from lathe.domain.api_key import Scope
from lathe.domain.delivery import CredentialKind
from lathe.domain.errors import Invalid, LatheError, NotFound
from lathe.domain.repo_url import without_userinfo

if TYPE_CHECKING:
    from lathe.adapters.web.arrival import Arrival
    from lathe.adapters.web.parts import Parts
    from lathe.adapters.web.refusals import Refusals

Reads = Callable[[dict[str, str], bytes], Reading]
"""Makes a reading of headers and body."""

_NOWHERE: Final = UUID(int=0)
"""Stands for a hook id that is none: it is looked for like any other, and never found."""
_PROVIDERS: Final = {provider.value: provider for provider in PROVIDERS}


@frozen
class _Form:
    """In which form a request comes: the ``source`` of that, how it is read, and whether it is to be answered once."""

    source: str
    reads: Reads
    once: Once | None = None


class Receiving:
    """The endpoints that take deliveries."""

    def __init__(self, parts: Parts, refusals: Refusals, bodies: Bodies, signatures: Signatures) -> None:
        self._parts = parts
        self._refusals = refusals
        self._bodies = bodies
        self._signatures = signatures
        # By name: an enumeration's members are slow to look up.
        self._forms = {one.value: _Form(one.value, parts.parsers[one].read) for one in PROVIDERS}

    async def create_build(self, request: Arrival) -> Response:
        """Take a build in our own form, with an API key."""
        presented = presented_by_key(request)
        if presented is None:
            raise no_credential()
        return await self._unsigned(request, presented, _own_form(request))

    async def webhook(self, request: Arrival) -> Response:
        """Take what a provider sends, with an API key or an organization's id."""
        form = self._forms.get(request.path_params["provider"])
        if form is None:
            raise _unknown_provider()
        return await self._unsigned(request, presented_for_delivery(request), form)

    async def signed_webhook(self, request: Arrival) -> Response:
        """Take what a provider sends to a hook. The signature must hold; an API key beside it decides the rest alone.

        Whoever cannot sign learns nothing, not even whether the hook exists.
        """
        provider = _PROVIDERS.get(request.path_params["provider"])
        if provider is None:
            raise _unknown_provider()
        hook_id = parsed_id(request.path_params["hook_id"]) or _NOWHERE
        presented = presented_by_key(request) or Presented(CredentialKind.HOOK, hook_id=hook_id)
        proof = proof_of(provider, request.headers)
        if proof is None and is_ping(provider, request.headers):
            return self._unsigned_ping(request)
        if proof is None:
            if await self._signatures.known(provider, hook_id):
                self._refusals.count_hook(hook_id)
            raise unknown_credential()
        refuse_known(request, self._refusals, presented, Scope.BUILDS_CREATE)
        # A body that is too large or too slow is told at once: without it, nobody can say whether it was signed.
        async with self._bodies.body(request) as body:
            verdict = await self._signatures.check(provider, hook_id, body, proof)
        if not verdict.signed:
            if verdict.known:
                self._refusals.count_hook(hook_id)
            raise unknown_credential()
        fitting = wrong_media_type(request) or body
        return await self._submit(request, presented, self._forms[provider.value], fitting)

    async def _unsigned(self, request: Arrival, presented: Presented, form: _Form) -> Response:
        """Take a delivery whose credential is in its headers alone."""
        refuse_known(request, self._refusals, presented, Scope.BUILDS_CREATE)
        body = wrong_media_type(request) or await self._read(request)
        return await self._submit(request, presented, form, body)

    async def _read(self, request: Arrival) -> bytes | NotTaken:
        try:
            return await self._bodies.read(request)
        except NotTaken as fault:
            return fault

    async def _submit(self, request: Arrival, presented: Presented, form: _Form, body: bytes | NotTaken) -> Response:
        """Hand in a delivery and answer it.

        Why a body was not taken travels on like what is wrong in one that was: only whoever is admitted learns it, and
        it spends the limit.
        """
        headers = _headers(request)
        if isinstance(body, NotTaken):
            incoming = Incoming(presented, form.source, _alone(Reading(None, None, body)), b"", headers)
        else:
            incoming = Incoming(presented, form.source, _alone(form.reads(headers, body)), body, headers, form.once)
        answer = await self._parts.intake.submit(incoming)
        if isinstance(answer, Refused):
            raise refused(request, self._refusals, presented, answer)
        about = show(request, answer.admission)
        if answer.written is not None:
            status, location, content = read_again(answer.written)
        else:
            status, location, outcome = answered(answer, incoming.reading)
            content = dumped(outcome)
        return Written(content, status, {**about, "Location": location} if location else about)

    def _unsigned_ping(self, request: Arrival) -> Response:
        """Answer a connection test that nobody signed, the same whether the hook exists or not; nothing is stored."""
        reason = answers.IgnoredReasonReceipt(
            IgnoredReasonCode.PING, "The address answers; only a signed request shows that the secret fits"
        )
        ignored = answers.Ignored(delivery_id=self._parts.ids.new(), reason=reason)
        return Written(dumped(ignored), 200, headers_if_unread(request))


def _own_form(request: Arrival) -> _Form:
    """Return our own form, with the wish that the request is answered once.

    A wish that cannot be understood is a fault of the request like any in its body: it is told to who is admitted.
    """
    try:
        key = key_of(request)
    except Invalid as error:
        fault = Reading(None, None, error)
        return _Form(SOURCE, lambda _headers, _body: fault)
    return _Form(SOURCE, lambda _headers, body: read_report(body), Once(key, written) if key else None)


def _alone(reading: Reading) -> Reading:
    """Let a fault go on without what it came through: frames that hold the body, a cause that holds its text."""
    if isinstance(fault := reading.content, LatheError):
        fault.__traceback__ = fault.__cause__ = fault.__context__ = None
    return reading


def _unknown_provider() -> NotFound:
    return NotFound("no deliveries of such a provider are taken")


def _headers(request: Arrival) -> dict[str, str]:
    """Return the headers that are read and may be kept; the first of several counts, as it does for the signature."""
    return {name: without_userinfo(value) if "@" in value else value for name, value in request.headers.first.items()}
