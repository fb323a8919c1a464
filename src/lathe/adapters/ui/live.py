"""What keeps open pages up to date: a stream of changes, the same by asking again and again, and who decided what."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from lathe.adapters.ui.visit import Visit, sentence
from lathe.application import login, queries
from lathe.domain.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

STREAMS: Final = 500
"""How many streams a process keeps open."""

STREAMS_OF_ONE: Final = 4
"""How many of them for one person. Browsers open six connections to a server, and need some for everything else."""

HEARTBEAT: Final = 15.0
"""Seconds of silence after which something is said: proxies cut what is silent for a minute, and pages give it up."""

CHECK_EVERY: Final = 30.0
"""Seconds after which a stream looks whether the person may still read it."""

LIFE: Final = 600.0
"""Seconds after which a stream ends. Browsers come back at once; who has stopped reading does not: a place is free."""

SENT_WITHIN: Final = 20.0
"""Seconds that a reader has for taking what is sent, once the buffers on the way are full."""

ASKED_AT_ONCE: Final = 100

_HEADERS: Final = {"X-Accel-Buffering": "no"}  # nginx would hold back what is small
_KIND: Final = "text/event-stream"


class Live:
    """Belongs to one process: it counts the streams that are open there."""

    def __init__(self) -> None:
        self._open: Counter[UUID] = Counter()

    def stream(self, visit: Visit) -> Response:
        """Answer with a stream of the organization's marks, each time that it is another one."""
        if visit.request.method == "HEAD":
            return Response(headers=_HEADERS, media_type=_KIND)
        query, headers = visit.request.query_params, visit.request.headers
        return _Stream(self._open, visit, headers.get("last-event-id") or query.get("since", ""))


class _Stream(StreamingResponse):
    """A stream for one page, refused (503) where too many are open."""

    def __init__(self, streams: Counter[UUID], visit: Visit, since: str) -> None:
        super().__init__(_events(visit, since), headers=_HEADERS, media_type=_KIND)
        self._streams = streams
        self._person = visit.viewer.user.id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the browser leaves or takes nothing, the person may not read any more, or the server stops."""
        if self._streams.total() >= STREAMS or self._streams[self._person] >= STREAMS_OF_ONE:
            await PlainTextResponse("Too many pages are live. Ask instead.", 503)(scope, receive, send)
            return
        self._streams[self._person] += 1

        async def sent(message: Message) -> None:
            async with asyncio.timeout(SENT_WITHIN):
                await send(message)

        try:
            with suppress(TimeoutError):  # the server closes the connection of an answer that is not complete
                await super().__call__(scope, receive, sent)
        finally:
            self._streams[self._person] -= 1
            self._streams += Counter()  # forget who has none


async def _events(visit: Visit, since: str) -> AsyncIterator[str]:
    """Yield server-sent events: ``change`` with the new mark as its id, ``still`` with the same, ``end`` for good."""
    feed, clock = visit.parts.feed, asyncio.get_running_loop().time
    began = checked = clock()
    yield "retry: 3000\n\n"  # after a restart, all pages come back within these milliseconds
    while clock() - began < LIFE:
        mark = await feed.after(visit.org, since, HEARTBEAT)
        if mark is None:
            return
        if clock() - checked >= CHECK_EVERY:
            if not await run_in_threadpool(_may_still_read, visit):
                yield "event: end\ndata:\n\n"
                return
            checked = clock()
        yield f"id: {mark}\nevent: {'still' if mark == since else 'change'}\ndata:\n\n"
        since = mark


def _may_still_read(visit: Visit) -> bool:
    """Tell whether the session goes on, with the same role: forms on the page are made for it."""
    try:
        viewer = login.viewer(visit.parts.store, visit.session_token, prolong=False)
        return viewer is not None and viewer.membership(visit.organization.slug)[1].role is visit.member.role
    except NotFound:
        return False
    except Unavailable:
        return True  # for now: nothing changes while the store is away


def poll(visit: Visit) -> Response:
    """Answer at once with the organization's mark, and whether it is another one than ``since``."""
    return JSONResponse({"mark": visit.mark, "changed": visit.mark != visit.request.query_params.get("since")})


def decisions(visit: Visit) -> Response:
    """Answer who decided what about the queue entries that are asked for; those that wait are left out."""
    asked = visit.request.query_params.getlist("entry")[:ASKED_AT_ONCE]
    try:
        ids = [UUID(one) for one in asked]
    except ValueError:
        raise NotFound("there is no such queue entry") from None
    said = queries.decisions(visit.store, visit.org, ids)
    return JSONResponse({str(one): sentence(text) for one, text in said.items()})
