"""How long and how large a request may be apart from its body: what happens before any of our code sees it."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NoReturn, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 10.0
HEAD_BYTES: Final = 64 * 1024
"""The address and the fields of a request, those that follow a chunked body included."""

MOST_WAITING: Final = 64
"""Requests on one connection that may have been sent before the one ahead of them is answered."""

WHEN_STOPPING: Final = "when_stopping"
"""Under this name the application's lifespan state may hold a function that ends answers which never end themselves."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"  # RFC 6585, 5
)


class _TooMuch(Exception):
    """Ends the parser's work on a connection."""


class Corked:
    """A transport that sends together what is written together: uvicorn writes the head of an answer, then its body.

    Each piece would be a system call, and would wake the other side.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send before the loop waits again."""
        if not self._pieces:
            self._loop.call_soon(self._send)
        self._pieces.append(data)

    def close(self) -> None:
        """Close after what was written."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._pieces:
            together = b"".join(self._pieces)
            self._pieces.clear()
            self._transport.write(together)


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience, which by itself it does not have.

    A connection is closed where the client owes something (the head of a request, or the rest of a body whose request
    is answered already) and has not sent it after ``HEAD_SECONDS``, where what is no body grows beyond ``HEAD_BYTES``,
    or where more than ``MOST_WAITING`` requests wait for their turn. Bodies that somebody reads have their deadline and
    limit where they are read, idle connections uvicorn's own timeout.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = True  # a client that connects and says nothing owes a head, too
        self._size = 0  # of the address and the whole fields of this request
        self._unread = 0  # bytes that came since a head or a piece of a body was complete: the parser may hold them
        self._too_much = False
        self._rest_of_body = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn narrows it
        """Begin to wait for a head."""
        super().connection_made(cast(asyncio.Transport, Corked(transport, self.loop)))
        self._watch()

    def shutdown(self) -> None:
        """Called as the server stops, once for each connection: it waits for the answers that are being given."""
        if when_stopping := self.app_state.get(WHEN_STOPPING):
            when_stopping()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        if self._deadline:
            self._deadline.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on. Most requests come whole, in one piece: they never start a timer."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_BYTES:
            self._refuse()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Called after the parser stopped, at what is no HTTP or too much of it."""
        if self._too_much:
            self._refuse()
        else:
            super().send_400_response(msg)

    def _refuse(self) -> None:
        if self.transport.is_closing():
            return
        if self._in_head and not self._working:  # else it would pass for the answer to a request that came before
            self.transport.write(_TOO_LARGE)
        self.transport.close()

    def on_message_begin(self) -> None:
        """Called by the parser at the first byte of a request."""
        self._in_head, self._size, self._rest_of_body = True, 0, False
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Called by the parser with a piece of the address."""
        self._take(len(url))
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser with a whole field. Those that follow a body are nothing to anybody here.

        uvicorn would add them to the head, without end, and while the application reads it.
        """
        # Called more often than anything here: it does what uvicorn's own does, and calls nobody.
        self._size += len(name) + len(value) + 4  # b": \r\n"
        if self._size > HEAD_BYTES:
            self._stop()
        if self._in_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def _take(self, size: int) -> None:
        self._size += size
        if self._size > HEAD_BYTES:
            self._stop()

    def _stop(self) -> NoReturn:
        self._too_much = True
        raise _TooMuch

    def on_headers_complete(self) -> None:
        """Called by the parser after the empty line."""
        if len(self.pipeline) >= MOST_WAITING:  # uvicorn stops to read, but not to take from what it has read
            self._stop()
        self._in_head, self._unread = False, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Called by the parser with a piece of the body."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Called by the parser after the body and what follows it."""
        self._rest_of_body, self._unread = False, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called after an answer, possibly before the body was sent that it answers."""
        super().on_response_complete()
        self._rest_of_body = self.cycle.more_body
        self._watch()

    @property
    def _working(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, whatever its type says
        return cycle is not None and not cycle.response_complete

    def _watch(self) -> None:
        """Let the time run while the client owes something, and only then."""
        idle = self.timeout_keep_alive_task is not None
        owed = self._in_head or self._rest_of_body or not (self._working or idle)
        if owed and self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_late)
        elif not owed and self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self._working:  # the next head may wait until this request has its answer
            self._watch()
        elif not self.transport.is_closing():
            self.transport.close()
