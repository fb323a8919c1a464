"""uvicorn, as Lathe runs it."""

from __future__ import annotations

import errno
import signal
import socket
from typing import Any, Final

import click
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from lathe.entrypoints.protocol import PatientProtocol

APP: Final = "lathe.entrypoints.asgi:app"

# Longer than the minute after which common proxies drop an idle connection: the side that sends is to end it.
KEEP_ALIVE_SECONDS: Final = 75
GRACE_SECONDS: Final = 30
"""How long requests that run at a stop may take to finish. A body has 10 s to arrive, a database 9 s to answer."""

START_SECONDS: Final = 30
BACKLOG: Final = 2048


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Who connects from now on waits for the server to begin.

    Raises OSError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    listener.set_inheritable(True)
    return listener


def why_not(fault: OSError, host: str, port: int) -> str:
    """Say why an address cannot be listened on, and what to do."""
    if fault.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is taken by another program: choose another one with --port"
    if fault.errno == errno.EACCES:
        return f"port {port} may not be used by this user: choose one above 1023 with --port"
    return f"cannot listen on {host}, port {port}: {fault.strerror or fault}"


def address_of(listener: socket.socket) -> str:
    """Return the address to open in a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_config(app: Any, *, workers: int = 1) -> Config:
    """Return how uvicorn serves ``app``: an application, or the import path of a function that makes it."""
    return Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        loop="uvloop",
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # which proxies are believed is decided where it matters, by LATHE_TRUSTED_PROXIES
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=START_SECONDS,
    )


def run(listener: socket.socket, *, workers: int) -> None:
    """Serve until SIGTERM or SIGINT, and finish what runs. Raises ClickException if serving could not begin."""
    # uvicorn repeats the signal once it has finished, which would end this process by it instead of with status 0.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    config = server_config(APP, workers=workers)
    if workers == 1:
        began = _run_here(config, listener)
    else:
        supervisor = Multiprocess(config, sockets=[listener])
        supervisor.run()
        began = all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes)
    if not began:
        raise click.ClickException("the server could not start; the log above says why")


def _run_here(config: Config, listener: socket.socket) -> bool:
    """Serve in this process; return whether serving began."""
    try:
        Server(config).run(sockets=[listener])
    except SystemExit as left:
        return left.code != STARTUP_FAILURE
    return True


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)
