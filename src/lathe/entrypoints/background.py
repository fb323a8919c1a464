"""A real server on a thread, beside whatever the main thread does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from uvicorn import Server

from lathe.entrypoints.asgi import create_app
from lathe.entrypoints.compose import Running
from lathe.entrypoints.server import server_config


@contextmanager
def serving(parts: Running, listener: socket.socket) -> Iterator[None]:
    """Serve on a bound socket for the length of a block; what runs at its end is finished first."""
    server = Server(server_config(create_app(parts)))
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="lathe-server")
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
