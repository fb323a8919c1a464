"""A load of prepared requests over keep-alive connections, from a process of its own: it is never the bottleneck.

Used as a program: ``python -m benchmarks.load PORT CONNECTIONS SECONDS FILE``; FILE holds length-prefixed raw requests,
which are sent once each. Prints one line of JSON: seconds, answers by status, and milliseconds at p50 and p99.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import uvloop

_HEAD = re.compile(rb"HTTP/1\.1 (\d\d\d).*?\r\ncontent-length: (\d+)\r\n", re.DOTALL | re.IGNORECASE)


def write_requests(path: Path, requests: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        for request in requests:
            file.write(len(request).to_bytes(4, "big") + request)


def read_requests(path: Path) -> list[bytes]:
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


class Client(asyncio.Protocol):
    """Sends one request after another, each when the one before is answered."""

    def __init__(self, requests: Iterator[bytes], statuses: Counter[int], times: list[float], until: float) -> None:
        self.requests, self.statuses, self.times, self.until = requests, statuses, times, until
        self.done = asyncio.get_running_loop().create_future()
        self.buffer = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # a stream, always
        self.transport = transport
        self.next()

    def next(self) -> None:
        request = next(self.requests, None)
        if request is None or time.perf_counter() > self.until:
            self.transport.close()
            self.done.set_result(None)
            return
        self.sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = _HEAD.match(self.buffer)
        assert head, self.buffer[:200]
        if len(self.buffer) < end + 4 + int(head[2]):
            return
        self.statuses[int(head[1])] += 1
        self.times.append(time.perf_counter() - self.sent)
        self.buffer = b""
        self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError("the server closed a connection"))


async def main(port: int, connections: int, seconds: float, path: Path) -> None:
    requests = iter(read_requests(path))
    statuses: Counter[int] = Counter()
    times: list[float] = []
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    clients = [
        (await loop.create_connection(lambda: Client(requests, statuses, times, began + seconds), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(client.done for client in clients))
    times.sort()
    result = {
        "seconds": time.perf_counter() - began,
        "statuses": statuses,
        "p50": 1000 * times[len(times) // 2],
        "p99": 1000 * times[len(times) * 99 // 100],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])))
