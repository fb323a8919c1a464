"""A load of prepared requests over keep-alive connections, from a process of its own.

Used as a program: ``python -m benchmarks.load PORT CONNECTIONS SECONDS FILE [again]``. FILE holds raw requests, which
are sent once each, or again and again; each connection sends its next one when the one before is answered. It ends
after SECONDS, or when all are sent. Prints one line of JSON: see `main`.

It shares the machine with the server, so it does as little as can be: one loop around epoll, little beside the system
calls that any program needs. Each run says which share of a core it took, and the table shows it: it is not what holds
the others up.
"""

from __future__ import annotations

import json
import re
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HELLO = b"HTTP/1.1 "


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    """Keep requests in a file, each behind its length."""
    with path.open("wb") as file:
        for request in requests:
            file.write(len(request).to_bytes(4, "big") + request)


def read_requests(path: Path) -> list[bytes]:
    """Return what was kept."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def status_of(data: bytes) -> int | None:
    """Return the status of an answer, None while some of it is missing. Raises ValueError if it is no answer."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    length = _LENGTH.search(data, 0, end)
    if not data.startswith(_HELLO) or length is None:
        raise ValueError(f"this is no answer: {data[:200]!r}")
    return int(data[9:12]) if len(data) >= end + 4 + int(length[1]) else None


class Load:
    """Connections that send one request after another until the time is up or nothing is left."""

    def __init__(self, port: int, connections: int, requests: Iterator[bytes]) -> None:
        self.statuses: Counter[int] = Counter()
        self.times: list[float] = []
        self._requests = requests
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]

    def run(self, seconds: float) -> None:
        """Send, and take what is answered. Raises ConnectionError if the server closes a connection."""
        poll, clock, until = select.epoll(), time.perf_counter, time.perf_counter() + seconds
        open_ones = {one.fileno(): one for one in self._sockets}
        sent: dict[int, float] = {}
        halves: dict[int, bytes] = {}
        for number, one in open_ones.items():
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(number, select.EPOLLIN)
        waiting = [number for number in open_ones if self._send(open_ones[number], number, sent)]
        busy = len(waiting)
        while busy:
            for number, _ in poll.poll():
                data = open_ones[number].recv(262144)
                if not data:
                    raise ConnectionResetError("the server closed a connection")
                if number in halves:
                    data = halves.pop(number) + data
                status = status_of(data)
                if status is None:
                    halves[number] = data
                    continue
                now = clock()
                self.statuses[status] += 1
                self.times.append(now - sent[number])
                if now > until or not self._send(open_ones[number], number, sent):
                    busy -= 1
        for one in self._sockets:
            one.close()

    def _send(self, to: socket.socket, number: int, sent: dict[int, float]) -> bool:
        """Send the next request; return whether there was one."""
        request = next(self._requests, None)
        if request is None:
            return False
        sent[number] = time.perf_counter()
        to.sendall(request)
        return True


def main(port: int, connections: int, seconds: float, requests: Iterator[bytes]) -> dict[str, Any]:
    """Return seconds, answers by status, milliseconds at p50 and p99, and seconds of processor time taken."""
    load = Load(port, connections, requests)
    began, taken = time.perf_counter(), time.process_time()
    load.run(seconds)
    elapsed, taken = time.perf_counter() - began, time.process_time() - taken
    times = sorted(load.times)
    at = {name: 1000 * times[len(times) * part // 100] for name, part in (("p50", 50), ("p99", 99))}
    return {"seconds": elapsed, "statuses": load.statuses, "cpu": taken, **at}


if __name__ == "__main__":
    prepared = read_requests(Path(sys.argv[4]))
    source = cycle(prepared) if sys.argv[5:] == ["again"] else iter(prepared)
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), source)))
