"""What every request and answer gets, whoever answers: a name, headers that keep browsers strict, a page for faults."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import structlog
from starlette.requests import Request
from structlog.contextvars import bind_contextvars

from lathe.adapters.web.problems import rendered, unexpected

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lathe.application.ports import Ids

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)

# Not no-referrer: with that, browsers send `Origin: null` with our own forms.
_ALWAYS: Final = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=63072000")
_NO_STORE: Final = (b"cache-control", b"no-store")

_REQUEST_ID: Final = b"x-request-id"
_VALID: Final = re.compile(rb"[A-Za-z0-9._~-]{1,128}")

_log = structlog.get_logger()


class Edge:
    """ASGI middleware around everything else.

    A request keeps the ``X-Request-Id`` that it came with if that is valid, else it gets one; its answer and its log
    lines carry it, and handlers find it as ``request.state.request_id``. Answers that say nothing about caching must
    not be kept: pages show what only one person may see. What nobody expected is logged in full and answered with an id
    and nothing else; once the answer has begun, the connection is all that can be closed.

    ``https``: whether people reach this server so; only then may it promise that it stays so.
    """

    def __init__(self, app: ASGIApp, ids: Ids, *, https: bool = False) -> None:
        self._app = app
        self._ids = ids
        self._headers = (*_ALWAYS, _HSTS) if https else _ALWAYS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = _sent(scope) or str(self._ids.new()).encode()
        named = (_REQUEST_ID, name)
        text = name.decode()
        scope.setdefault("state", {})["request_id"] = text
        # Never unbound: a request is a task of its own, and what is bound in a task ends with it.
        bind_contextvars(request_id=text)
        begun = False

        def sending(message: Message) -> Awaitable[None]:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = message.get("headers", ())
                no_store = () if _NO_STORE[0] in dict(headers) else (_NO_STORE,)
                message["headers"] = [*headers, *self._headers, named, *no_store]
            return send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            _log.exception("unexpected fault", method=scope["method"], path=scope["path"])
            if begun:
                raise
            await rendered(Request(scope, receive), unexpected())(scope, receive, sending)


def _sent(scope: Scope) -> bytes | None:
    """Return the sender's name for a request. Two of them are none."""
    sent = [value for name, value in scope["headers"] if name == _REQUEST_ID]
    return sent[0] if len(sent) == 1 and _VALID.fullmatch(sent[0]) else None
