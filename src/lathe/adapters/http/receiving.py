"""Deliveries: webhook addresses and ``POST /api/v1/builds``.

The order is the same everywhere: route, credential headers, known refusals, bounded body, signature, parse. Admission
is part of the transaction that stores the delivery, so what is wrong with a body travels along as a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from starlette.responses import Response

from lathe.adapters.http import answers
from lathe.adapters.http.codec import dumped
from lathe.adapters.http.credentials import (
    no_credential,
    presented_by_key,
    presented_for_delivery,
    refuse_known,
    refused,
    show,
)
from lathe.adapters.http.kinds import parsed_id
from lathe.adapters.http.outcomes import answered
from lathe.adapters.http.reports import SOURCE, read_report
from lathe.adapters.http.signatures import SIGNATURE_HEADERS, Signatures
from lathe.adapters.web.body import BodyLimits, headers_if_unread, must_be_json, read_body
from lathe.application.admission import unknown_credential
from lathe.application.intake import Incoming, Presented, Refused
from lathe.domain.api_key import Scope
from lathe.domain.delivery import CredentialKind
from lathe.domain.errors import NotFound
from lathe.domain.hook import Provider

if TYPE_CHECKING:
    from starlette.requests import Request

    from lathe.adapters.web.parts import Parts
    from lathe.adapters.web.refusals import Refusals

_PING: Final = "diagnostics:ping"
_MEDIA_TYPE: Final = "application/json"
_NOWHERE: Final = UUID(int=0)
"""Stands for a hook id that is none: it is looked for like any other, and never found."""


class Receiving:
    """The endpoints that take deliveries."""

    def __init__(self, parts: Parts, refusals: Refusals, limits: BodyLimits, signatures: Signatures) -> None:
        self._parts = parts
        self._refusals = refusals
        self._limits = limits
        self._signatures = signatures

    async def create_build(self, request: Request) -> Response:
        """Take a build in our own form, with an API key."""
        presented = presented_by_key(request)
        if presented is None:
            raise no_credential()
        body = await self._body(request, presented)
        incoming = Incoming(presented, SOURCE, read_report(body), body, _headers(request))
        return await self._take(request, incoming)

    async def webhook(self, request: Request) -> Response:
        """Take what a provider sends, with an API key or an organization's id."""
        provider = self._provider(request)
        presented = presented_for_delivery(request)
        body = await self._body(request, presented)
        return await self._parsed(request, presented, provider, body)

    async def signed_webhook(self, request: Request) -> Response:
        """Take what a provider sends to a hook. The signature must hold; an API key beside it decides the rest alone.

        Whoever cannot sign learns nothing, not even whether the hook exists.
        """
        provider = self._provider(request)
        hook_id = parsed_id(request.path_params["hook_id"]) or _NOWHERE
        presented = presented_by_key(request) or Presented(CredentialKind.HOOK, hook_id=hook_id)
        signature = request.headers.get(SIGNATURE_HEADERS[provider])
        if signature is None and request.headers.get("x-event-key") == _PING:
            return self._unsigned_ping(request)
        if signature is None:
            if await self._signatures.known(provider, hook_id):
                self._refusals.count_hook(hook_id)
            raise unknown_credential()
        body = await self._body(request, presented)
        verdict = await self._signatures.check(provider, hook_id, body, signature)
        if not verdict.signed:
            if verdict.known:
                self._refusals.count_hook(hook_id)
            raise unknown_credential()
        return await self._parsed(request, presented, provider, body)

    def _provider(self, request: Request) -> Provider:
        for provider in self._parts.parsers:
            if provider.value == request.path_params["provider"] and provider in SIGNATURE_HEADERS:
                return provider
        raise NotFound("no deliveries of such a provider are taken")

    async def _body(self, request: Request, presented: Presented) -> bytes:
        refuse_known(request, self._refusals, presented, Scope.BUILDS_CREATE)
        must_be_json(request)
        return await read_body(request, self._limits)

    async def _parsed(self, request: Request, presented: Presented, provider: Provider, body: bytes) -> Response:
        headers = _headers(request)
        reading = self._parts.parsers[provider].read(headers, body)
        return await self._take(request, Incoming(presented, provider.value, reading, body, headers))

    async def _take(self, request: Request, incoming: Incoming) -> Response:
        answer = await self._parts.intake.submit(incoming)
        if isinstance(answer, Refused):
            raise refused(request, self._refusals, incoming.presented, answer)
        show(request, answer.admission)
        status, location, outcome = answered(answer, incoming.reading)
        headers = dict(request.state.headers)
        if location:
            headers["Location"] = location
        return Response(dumped(outcome), status, headers, _MEDIA_TYPE)

    def _unsigned_ping(self, request: Request) -> Response:
        """Answer a connection test that nobody signed, the same whether the hook exists or not; nothing is stored."""
        reason = answers.ReasonReceipt("ping", "The address answers; only a signed request shows that the secret fits")
        ignored = answers.Ignored(delivery_id=self._parts.ids.new(), reason=reason)
        return Response(dumped(ignored), 200, headers_if_unread(request), _MEDIA_TYPE)


def _headers(request: Request) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
