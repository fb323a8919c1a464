"""What nobody expected: logged in full, answered with an id and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from starlette.requests import Request

from lathe.adapters.web.problems import rendered, unexpected

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger()


class Faults:
    """ASGI middleware, inside of `RequestId`. After the answer has begun, the connection is all that can be closed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an exception that got as far as here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            _log.exception("unexpected fault", method=scope["method"], path=scope["path"])
            if begun:
                raise
            await rendered(Request(scope, receive), unexpected())(scope, receive, send)
