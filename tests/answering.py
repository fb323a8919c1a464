"""A server that gives the answers it is told to give, one after another, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from attrs import define, field, frozen


@frozen
class Reply:
    """An answer. With ``status`` 0 the connection is closed without one; with -1 nothing ever comes."""

    status: int = 201
    body: bytes = b'{"status": "created", "build": {"id": "01990a3c"}}'
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class Asked:
    """A request. Header names are lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@define
class Answering:
    """The server's address, what it will answer (the last one for ever), and what it was asked."""

    address: str
    replies: list[Reply]
    asked: list[Asked] = field(factory=list)
    over: Event = field(factory=Event)


@contextmanager
def answering(*replies: Reply) -> Iterator[Answering]:
    """Run such a server as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            one.asked.append(Asked(self.path, headers, body))
            reply = one.replies.pop(0) if len(one.replies) > 1 else one.replies[0]
            if reply.status == -1:
                one.over.wait(30)
            if reply.status < 1:
                return
            self.send_response_only(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST  # noqa: N815 - the name that is looked for

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that is overridden
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        one = Answering(f"http://127.0.0.1:{server.server_port}", list(replies) or [Reply()])
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield one
        finally:
            one.over.set()
            server.shutdown()
            thread.join()
