"""Senders that do not finish: each sends a good request up to some point and then waits for the server's patience."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPResponse
from threading import Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from attrs import define, field, frozen
from httpx2 import Request, Response

from tests.integration.contract.scene import pay_api, sent_by_bitbucket, signed
from tests.integration.contract.table import Ask

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene

PATIENCE_SECONDS: Final = 10.0

Sender = Callable[[socket.socket, bytes], None]


@frozen
class Slow:
    """One way to be slow at one address. ``sends`` gets the connection and the body, once the head is sent."""

    name: str
    call: str
    arrange: Callable[[Scene], Ask]
    sends: Sender
    chunked: bool = False


def _all_but_the_last_byte(connection: socket.socket, body: bytes) -> None:
    connection.sendall(body[:-1])


def _nothing(connection: socket.socket, body: bytes) -> None:
    """Promise a body and keep silent."""


def _a_byte_now_and_then(connection: socket.socket, body: bytes) -> None:
    """Never silent for long, never done: a deadline for each piece would wait for ever."""
    with suppress(OSError):
        for byte in body:
            connection.sendall(bytes([byte]))
            time.sleep(0.4)


def _a_chunk_without_an_end(connection: socket.socket, body: bytes) -> None:
    connection.sendall(b"%x\r\n%s\r\n" % (len(body), body))


def _delivery(scene: Scene) -> Ask:
    return sent_by_bitbucket(pay_api(scene))


def _signed(scene: Scene) -> Ask:
    return signed(scene.shared_hook(), pay_api(scene))


def _ours(scene: Scene) -> Ask:
    return Ask(body=json.dumps({"name": "Slow"}).encode() + b" " * 200)


SLOW: Final = (
    Slow("a delivery without its last byte", "POST /api/webhooks/{provider}", _delivery, _all_but_the_last_byte),
    Slow("a delivery byte by byte", "POST /api/webhooks/{provider}", _delivery, _a_byte_now_and_then),
    Slow(
        "a delivery in chunks that never end", "POST /api/webhooks/{provider}", _delivery, _a_chunk_without_an_end, True
    ),
    Slow("a signed delivery without a body", "POST /api/webhooks/{provider}/{hook_id}", _signed, _nothing),
    Slow("a build without its last byte", "POST /api/v1/builds", _ours, _all_but_the_last_byte),
    Slow("a project byte by byte", "POST /api/v1/projects", _ours, _a_byte_now_and_then),
)


@define
class SlowSender:
    """A sender that is at it, beside everything else that is asked."""

    slow: Slow
    scene: Scene
    _connection: socket.socket = field(init=False)
    _thread: Thread = field(init=False)
    _answer: Response | None = None
    _seconds: float = 0.0

    def __attrs_post_init__(self) -> None:
        ask = self.slow.arrange(self.scene)
        parts = urlsplit(self.scene.place.address)
        assert isinstance(ask.body, bytes)
        self._connection = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30)
        self._thread = Thread(target=self._send, args=(ask, ask.body), daemon=True)
        self._thread.start()

    def answer(self) -> tuple[Response, float]:
        """Return what the server answered, and after how many seconds."""
        self._thread.join(30)
        assert self._answer is not None, f"{self.slow.name} was not answered"
        return self._answer, self._seconds

    def close(self) -> None:
        """Go away."""
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        self._thread.join(30)

    def _send(self, ask: Ask, body: bytes) -> None:
        method, _, path = self.slow.call.partition(" ")
        by = {"Authorization": f"Bearer {self.scene.key()}"} if ask.by is None else ask.by
        length = {"Transfer-Encoding": "chunked"} if self.slow.chunked else {"Content-Length": str(len(body))}
        headers = {
            "Host": "lathe.test",
            "Content-Type": "application/json",
            "X-Request-Id": "slow",
            **by,
            **ask.headers,
            **length,
        }
        head = f"{method} {path.format(**ask.ids)} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
        began = time.monotonic()
        with suppress(OSError):
            self._connection.sendall(head.encode() + b"\r\n")
            self.slow.sends(self._connection, body)
            said = HTTPResponse(self._connection, method=method)
            said.begin()
            content = said.read()
            self._seconds = time.monotonic() - began
            request = Request(method, self.scene.place.address + path.format(**ask.ids))
            self._answer = Response(said.status, headers=said.getheaders(), content=content, request=request)
