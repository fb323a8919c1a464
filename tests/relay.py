"""Stands between a client and a server, and lets things go wrong there."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

from attrs import define, field

Fault = Callable[["Relay", bytes], bytes]
"""Is handed a whole request, and returns what the client gets: nothing, and the connection breaks."""


def refusing(status: int, retry_after: int) -> Fault:
    """Return a fault: the server is busy, and says for how long."""
    head = f"HTTP/1.1 {status} Busy\r\nRetry-After: {retry_after}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    return lambda _relay, _request: head.encode()


@define
class Relay:
    """Passes on each request to ``target``, unless a fault is due: the first request meets the first of them.

    Without a target, connections break.
    """

    target: str | None
    faults: list[Fault] = field(factory=list)
    requests: list[bytes] = field(factory=list)
    address: str = ""

    def forward(self, request: bytes) -> bytes:
        """Return what the target answers; nothing if it is away."""
        if self.target is None:
            return b""
        try:
            with self.connected() as upstream:
                upstream.sendall(request)
                return b"".join(iter(lambda: upstream.recv(65536), b""))
        except OSError:
            return b""

    def connected(self) -> socket.socket:
        """Return a connection to the target."""
        parts = urlsplit(self.target or "")
        return socket.create_connection((str(parts.hostname), parts.port or 80), timeout=60)

    def answer(self, client: socket.socket) -> None:
        """Take one request from a connection, and end it."""
        with client, suppress(OSError):
            if request := _read(client):
                self.requests.append(request)
                fault = self.faults.pop(0) if self.faults else None
                client.sendall(fault(self, request) if fault else self.forward(request))


def _read(client: socket.socket) -> bytes:
    """Return one request with its body, made to end its connection."""
    got = b""
    while b"\r\n\r\n" not in got:
        if not (part := client.recv(65536)):
            return b""
        got += part
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", got)
    while length and len(got.partition(b"\r\n\r\n")[2]) < int(length[1]):
        got += client.recv(65536)
    return got


@contextmanager
def relaying(target: str | None, *faults: Fault) -> Iterator[Relay]:
    """Run a relay as long as the block lasts."""
    relay = Relay(target, list(faults))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay.address = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def accept() -> None:
            with suppress(OSError):
                while True:
                    relay.answer(listener.accept()[0])

        thread = Thread(target=accept, daemon=True)
        thread.start()
        yield relay
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)
