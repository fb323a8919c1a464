"""Bodies of bounded size that arrive in bounded time.

The server itself would wait for a slow body for ever and buffer a large one as fast as it is read.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from starlette.requests import Request

_JSON = re.compile(r"application/(?:json|[a-z0-9!#$&^_.+-]+\+json)", re.IGNORECASE)
_CLOSING: Final = {"Connection": "close"}
_SMALL: Final = 64 * 1024


@frozen
class BodyLimits:
    """How large a body may be, and how many seconds all of it may take."""

    size: int = 1024 * 1024
    seconds: float = 10.0


async def read_body(request: Request, limits: BodyLimits) -> bytes:
    """Return the whole body.

    Raises HTTPException 413 as soon as it is known to be too large, 408 if it has not arrived in time (the connection
    is closed after either), ClientDisconnect if the sender goes away.
    """
    declared = _declared_length(request)
    if declared is not None and declared > limits.size:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.seconds):
            body = await _read(request, limits)
    except TimeoutError as error:
        detail = f"The body was not sent within {limits.seconds:g} seconds"
        raise HTTPException(408, detail, headers=_CLOSING) from error
    request.state.body_was_read = True
    return body


def must_be_json(request: Request) -> None:
    """Look at the headers of a body before it is read. Raises HTTPException 415 unless they say plain JSON."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if not _JSON.fullmatch(content_type):
        raise HTTPException(415, "Send JSON, and say so: Content-Type: application/json")
    if request.headers.get("content-encoding", "").strip():
        raise HTTPException(415, "Send the body as it is, without a Content-Encoding")


def headers_if_unread(request: Request) -> dict[str, str]:
    """Return the headers for an answer given before the body was read: a large rest is not waited for."""
    if request.method in {"GET", "HEAD"} or getattr(request.state, "body_was_read", False):
        return {}
    declared = _declared_length(request)
    unbounded = declared is None and "transfer-encoding" in request.headers
    return dict(_CLOSING) if unbounded or (declared or 0) > _SMALL else {}


async def _read(request: Request, limits: BodyLimits) -> bytes:
    chunks, size = [], 0
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        if chunk := message.get("body", b""):
            size += len(chunk)
            if size > limits.size:
                raise _too_large(limits)
            chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _declared_length(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _too_large(limits: BodyLimits) -> HTTPException:
    return HTTPException(413, f"A body may have at most {limits.size:,} bytes", headers=_CLOSING)
