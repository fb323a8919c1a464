"""What is measured: programs of their own that listen on free ports, and the loads that are sent to them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.load import write_requests
from benchmarks.machine import Watch

START_SECONDS = 60.0


@frozen
class Server:
    """A program that answers on a port of 127.0.0.1."""

    port: int
    process: int
    """Its process id."""


@contextmanager
def server(command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> Iterator[Server]:
    """Run a program that takes its port as its last argument, as long as the block lasts.

    Raises RuntimeError, with what it wrote, if it does not listen in time.
    """
    port = free_port()
    with log.open("wb") as out:
        process = subprocess.Popen([*command, str(port)], env=environment, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(port):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"{command} does not listen:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(60)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a raw request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def get(path: str, headers: Mapping[str, str]) -> bytes:
    """Return a raw request."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


@frozen
class Answered:
    """What a load was answered. Times in milliseconds; ``generator`` and ``foreign`` are shares: of one core, that the
    generator took, and of the machine, that other work took."""

    seconds: float
    statuses: Mapping[int, int]
    p50: float
    p99: float
    generator: float
    foreign: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(self.statuses.values()) / self.seconds


@frozen
class Sending:
    """A load: over so many connections, for so long or until all are sent; ``again`` begins anew instead of ending."""

    server: Server
    requests: Path
    connections: int
    seconds: float
    again: bool = False

    @property
    def command(self) -> list[str]:
        """The command that does it."""
        what = [str(self.server.port), str(self.connections), str(self.seconds), str(self.requests)]
        return [sys.executable, "-m", "benchmarks.load", *what, *(["again"] if self.again else [])]


def send(first: Sending, *others: Sending) -> list[Answered]:
    """Run loads beside each other, and return what each was answered. Raises RuntimeError if one of them fails."""
    loads = (first, *others)
    with ExitStack() as stack:
        watch = stack.enter_context(Watch())
        running = [
            stack.enter_context(subprocess.Popen(one.command, stdout=subprocess.PIPE, text=True)) for one in loads
        ]
        said = [process.communicate(timeout=one.seconds + 120)[0] for process, one in zip(running, loads, strict=True)]
    if any(process.returncode for process in running):
        raise RuntimeError("a load failed; it says above why")
    return [_answered(json.loads(text), watch.foreign) for text in said]


def _answered(said: Mapping[str, Any], foreign: float) -> Answered:
    statuses = {int(status): count for status, count in said["statuses"].items()}
    share = said["cpu"] / said["seconds"]
    return Answered(said["seconds"], statuses, said["p50"], said["p99"], share, foreign)


def kept(folder: Path, name: str, requests: Iterable[bytes]) -> Path:
    """Keep requests in a file, for a load to send."""
    path = folder / name
    write_requests(path, requests)
    return path
