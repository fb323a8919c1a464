"""Bodies of bounded size that arrive in bounded time, and in bounded memory over all requests together.

The server itself would wait for a slow body for ever and buffer a large one as fast as it is read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from attrs import define, frozen
from starlette.requests import ClientDisconnect

from lathe.adapters.web.arrival import noted
from lathe.domain.errors import LatheError, Unavailable

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Message

SMALL: Final = 32 * 1024
"""Bytes of a body that every request may hold; more than any build status or workflow run of a CI system has."""

LARGE_AT_ONCE: Final = 8
"""How many bodies beyond that may be held at a time, by senders of whom nothing is known yet."""

LARGE_WAITING: Final = 32
"""How many more may wait for that, each with the first pieces of its body."""

_JSON = re.compile(r"application/(?:json|[a-z0-9!#$&^_.+-]+\+json)", re.IGNORECASE)
_CLOSING: Final = {"Connection": "close"}
_LARGE_REST: Final = 64 * 1024


@frozen
class BodyLimits:
    """How large a body may be, and how many seconds all of it may take."""

    size: int = 1024 * 1024
    seconds: float = 10.0


_USUAL: Final = BodyLimits()


class NotTaken(LatheError):
    """A body that is not read, or not to its end. Each kind below has its status in the table of problems."""


class WrongMediaType(NotTaken):
    """Not the kind of body that is taken here."""

    code = "unsupported_media_type"


class TooLarge(NotTaken):
    """More bytes than a body may have."""

    code = "body_too_large"


class TooSlow(NotTaken):
    """Not all there in time."""

    code = "body_too_slow"


class Bodies:
    """Reads bodies, of which only so many may be large at a time. Belongs to one event loop.

    Else senders that are slow, or many, could fill the memory before anybody knows who they are. A small body waits for
    nobody. A large one waits for its place without being read on, which the sender's connection feels.
    """

    def __init__(
        self, limits: BodyLimits = _USUAL, *, large_at_once: int = LARGE_AT_ONCE, large_waiting: int = LARGE_WAITING
    ) -> None:
        self._limits = limits
        self._places = asyncio.Semaphore(large_at_once)
        self._may_wait = large_waiting

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Read the whole body; where it is large, it keeps its place until the block ends.

        Raises what `read_body` does, and Unavailable if it is large and too many others are.
        """
        place = _Place(self)
        try:
            yield await read_body(request, self._limits, place.take)
        finally:
            place.give_back()

    async def read(self, request: Request) -> bytes:
        """Read the whole body, and give its place back at once. Raises the same."""
        place = _Place(self)
        try:
            return await read_body(request, self._limits, place.take)
        finally:
            place.give_back()

    def give_back_place(self) -> None:
        """Let the next large body in."""
        self._places.release()

    async def wait_for_place(self) -> None:
        """Wait, with what was read so far, for half the time that a body may take. Raises Unavailable."""
        too_many = "More large bodies come in than can be read now; send it again"
        if self._places.locked() and not self._may_wait:
            raise Unavailable(too_many, code="overloaded")
        self._may_wait -= 1
        try:
            async with asyncio.timeout(self._limits.seconds / 2):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable(too_many, code="overloaded") from None
        finally:
            self._may_wait += 1


@define
class _Place:
    """The place among large bodies that one body has, if it needs one."""

    _bodies: Bodies
    _taken: bool = False

    async def take(self) -> None:
        await self._bodies.wait_for_place()
        self._taken = True

    def give_back(self) -> None:
        if self._taken:
            self._bodies.give_back_place()


async def _freely() -> None:
    """Let a body grow large without asking."""


async def read_body(request: Request, limits: BodyLimits, grow: Callable[[], Awaitable[None]] = _freely) -> bytes:
    """Return the whole body; ``grow`` is awaited before more than `SMALL` of it is read.

    Raises TooLarge as soon as it is known to be, TooSlow if it has not arrived in time (the connection is closed after
    either), ClientDisconnect if the sender goes away.
    """
    declared = _declared_length(request)
    if declared is not None and declared > limits.size:
        raise _too_large(limits)
    first = _begun(request.receive())
    if isinstance(first, _Rest) or first.get("more_body", False):
        try:
            async with asyncio.timeout(limits.seconds):
                body = await _read(request, first, limits, grow)
        except TimeoutError as error:
            raise TooSlow(f"The body was not sent within {limits.seconds:g} seconds") from error
    else:
        body = _piece(first)
        if len(body) > limits.size:
            raise _too_large(limits)
    noted(request)["body_was_read"] = True
    return body


async def throw_away(request: Request, limits: BodyLimits) -> None:
    """Take in what is left of a body that is too large, within bounds, and keep nothing of it.

    A browser reads no answer before it has sent its form: one that is cut off shows its own error in place of ours.
    """
    taken = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(limits.seconds):
            while taken <= limits.size:
                message = await request.receive()
                taken += len(message.get("body", b""))
                if not message.get("more_body", False):
                    noted(request)["body_was_read"] = message["type"] == "http.request"
                    return


def wrong_media_type(request: Request) -> WrongMediaType | None:
    """Look at the headers of a body before it is read; return None if they say plain JSON, else what is wrong."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if not _JSON.fullmatch(content_type):
        return WrongMediaType("Send JSON, and say so: Content-Type: application/json")
    if "content-encoding" in request.headers and any(map(str.strip, request.headers.getlist("content-encoding"))):
        return WrongMediaType("Send the body as it is, without a Content-Encoding")
    return None


def headers_if_unread(request: Request) -> dict[str, str]:
    """Return the headers for an answer given before the body was read: a large rest is not waited for."""
    if request.method in {"GET", "HEAD"} or noted(request).get("body_was_read"):
        return {}
    declared = _declared_length(request)
    unbounded = declared is None and "transfer-encoding" in request.headers
    return dict(_CLOSING) if unbounded or (declared or 0) > _LARGE_REST else {}


@frozen
class _Rest:
    """What is left of an awaitable that was begun: it waits for something."""

    steps: Generator[Any, Any, Message]
    waits_for: object

    def __await__(self) -> Generator[Any, Any, Message]:
        try:
            yield self.waits_for
        except BaseException as error:  # cancelled; so it is too
            self.steps.throw(error)
            raise
        return (yield from self.steps)


def _begun(receiving: Awaitable[Message]) -> Message | _Rest:
    """Return the message that is there already, as nearly every body is: it needs no deadline. Else await the rest."""
    steps = receiving.__await__()
    try:
        return _Rest(steps, next(steps))
    except StopIteration as there:
        message: Message = there.value
        return message


def _piece(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    piece: bytes = message.get("body", b"")
    return piece


async def _read(
    request: Request, first: Message | _Rest, limits: BodyLimits, grow: Callable[[], Awaitable[None]]
) -> bytes:
    # Not a list of what arrived at once: a sender of single bytes would make it many times as large as the body.
    body = bytearray()
    grown = False
    message = await first if isinstance(first, _Rest) else first
    while True:
        body += _piece(message)
        if len(body) > limits.size:
            raise _too_large(limits)
        if not message.get("more_body", False):
            return bytes(body)
        if len(body) > SMALL and not grown:
            await grow()
            grown = True
        message = await request.receive()


def _declared_length(request: Request) -> int | None:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _too_large(limits: BodyLimits) -> TooLarge:
    return TooLarge(f"A body may have at most {limits.size:,} bytes")
