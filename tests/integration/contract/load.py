"""Many connections that ask at the same time, and processes that go to the database without a server."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import cycle
from threading import Event, Thread
from typing import Final
from urllib.parse import urlsplit

from attrs import define, field, frozen

from lathe.application.admission import Refusal, admit_key
from lathe.domain.api_key import Scope
from lathe.domain.errors import Unauthenticated
from tests.integration.contract.histories import History, Shot
from tests.stores import open_store

DIRECT_PROCESSES: Final = 2
PATIENCE_SECONDS: Final = 40.0


@frozen
class Request:
    """What is asked again and again."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None


@define
class Load:
    """What so many connections ask, from ``begin`` on, each taking turns with the same requests."""

    address: str
    requests: Sequence[Request]
    connections: int
    begin: float = 0.0
    pause: float = 0.0
    """Seconds that a connection rests after each answer."""
    history: list[Shot] = field(factory=list)
    _served: set[int] = field(factory=set)
    _faults: list[BaseException] = field(factory=list)
    _done: Event = field(factory=Event)

    def wait_until(self, wanted: Callable[[History], bool]) -> None:
        """Return once every connection was answered and the history is as wanted."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self._served) < self.connections or not wanted(self.history):
            assert not self._faults, self._faults
            assert time.monotonic() < deadline, f"{len(self.history)} answers and nothing as wanted"
            time.sleep(0.01)

    @contextmanager
    def running(self) -> Iterator[Load]:
        """Ask as long as the block lasts."""
        threads = [Thread(target=self._ask_on, args=(number,)) for number in range(self.connections)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._done.set()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)
        assert not self._faults, self._faults

    def _ask_on(self, number: int) -> None:
        parts = urlsplit(self.address)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
        try:
            connection.connect()
            time.sleep(max(0.0, self.begin - time.monotonic()))
            for one in cycle(self.requests):
                if self._done.is_set():
                    return
                sent = time.monotonic()
                connection.request(one.method, one.path, one.body, dict(one.headers))
                response = connection.getresponse()
                response.read()
                self.history.append(Shot(sent, time.monotonic(), response.status))
                self._served.add(number)
                time.sleep(self.pause)
        except Exception as fault:  # noqa: BLE001 - told when the block ends
            self._faults.append(fault)
        finally:
            connection.close()


@contextmanager
def direct_processes() -> Iterator[Executor]:
    """Keep processes that share nothing with this one but the database, and have started."""
    with ProcessPoolExecutor(DIRECT_PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        for started in [pool.submit(time.sleep, 0.1) for _ in range(DIRECT_PROCESSES)]:
            started.result()
        yield pool


def spend_directly(url: str, key: str, begin: float, end: float) -> History:
    """Spend a key's limit in a process of its own between two instants, without any server."""
    store = open_store("sql", None, lambda: url)
    history = []
    try:
        time.sleep(max(0.0, begin - time.monotonic()))
        while time.monotonic() < end:
            sent = time.monotonic()
            try:
                admit_key(store, key, Scope.BUILDS_READ)
                status = 200
            except Refusal:
                status = 429
            except Unauthenticated:
                status = 401
            history.append(Shot(sent, time.monotonic(), status))
    finally:
        store.close()
    return history
