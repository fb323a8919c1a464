"""A name for every request, which its answer and its log lines carry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from structlog.contextvars import bind_contextvars

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from lathe.application.ports import Ids

_HEADER: Final = b"x-request-id"
_VALID = re.compile(rb"[A-Za-z0-9._~-]{1,128}")


class RequestId:
    """ASGI middleware. Takes over the sender's ``X-Request-Id`` if it is valid, else makes one, and answers with it.

    Handlers find it as ``request.state.request_id``.
    """

    def __init__(self, app: ASGIApp, ids: Ids) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request and add the header as its answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _sent(scope) or str(self._ids.new()).encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (_HEADER, request_id)]
            await send(message)

        # Never unbound: a request is a task of its own, and what is bound in a task ends with it.
        bind_contextvars(request_id=request_id.decode())
        await self._app(scope, receive, sending)


def _sent(scope: Scope) -> bytes | None:
    """Return the sender's id. Two of them are none."""
    sent = [value for name, value in scope["headers"] if name == _HEADER]
    return sent[0] if len(sent) == 1 and _VALID.fullmatch(sent[0]) else None
