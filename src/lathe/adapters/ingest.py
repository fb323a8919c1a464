"""Gathers the deliveries that wait at one moment into one transaction.

A burst shares one COMMIT, a lone delivery waits for nobody. Nothing else in the program knows that batches exist.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, Future
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from threading import Condition, Thread
from typing import Final, TypeAlias

import structlog
from attrs import field, frozen

from lathe.application.intake import Answer, Incoming
from lathe.application.ports import Ids, Store
from lathe.application.receive import ItemFailed, receive
from lathe.domain.errors import Unavailable

WAITING_LIMIT: Final = 2048
WAITING_BYTES: Final = 64 * 1024 * 1024
BATCH_LIMIT: Final = 256

_log = structlog.get_logger()


Result: TypeAlias = Answer | BaseException


@frozen(eq=False)
class _Waiting:
    """A delivery and the promise of its answer, which belongs to an event loop."""

    incoming: Incoming
    loop: AbstractEventLoop = field(factory=asyncio.get_running_loop)
    promise: Future[Answer] = field()

    @promise.default
    def _promised(self) -> Future[Answer]:
        return self.loop.create_future()

    def settle(self, result: Result) -> None:
        """Keep the promise, on its loop. Whoever waited may have gone meanwhile."""
        if self.promise.done():
            return
        if isinstance(result, BaseException):
            self.promise.set_exception(result)
        else:
            self.promise.set_result(result)


class Ingest:
    """Takes deliveries one by one on the event loop and works on them in sets, on one thread.

    ``waiting_limit`` bounds how many may wait before the next are refused, ``waiting_bytes`` how large the bodies of
    all that are not answered yet may be together, ``batch_limit`` how many share a COMMIT.
    """

    def __init__(
        self,
        store: Store,
        ids: Ids,
        *,
        waiting_limit: int = WAITING_LIMIT,
        waiting_bytes: int = WAITING_BYTES,
        batch_limit: int = BATCH_LIMIT,
    ) -> None:
        self._store = store
        self._ids = ids
        self._waiting_limit = waiting_limit
        self._waiting_bytes = waiting_bytes
        self._batch_limit = batch_limit
        self._held = 0
        self._waiting: deque[_Waiting] = deque()
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._run, name="lathe-ingest")

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """Take no more, finish what waits, and return when all of it is answered."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    async def submit(self, incoming: Incoming) -> Answer:
        """Return what became of the delivery, once that is durable.

        Raises Unavailable (full, closing, or the store is away: nothing was stored), OutcomeUnknown, and whatever went
        wrong with this one delivery. A caller that is cancelled before its turn takes its delivery along; later the
        delivery is stored all the same.
        """
        waiting = _Waiting(incoming)
        size = len(incoming.body)
        with self._changed:
            if self._closing:
                raise Unavailable("The server is shutting down; send it again", code="shutting_down")
            if len(self._waiting) >= self._waiting_limit or self._held + size > self._waiting_bytes:
                raise Unavailable("More deliveries wait than can be taken now; send it again", code="overloaded")
            self._waiting.append(waiting)
            self._held += size
            self._changed.notify()
        return await waiting.promise

    def _run(self) -> None:
        while batch := self._next_batch():
            self._answer([waiting for waiting in batch if not waiting.promise.cancelled()])
            self._let_go(batch)

    def _next_batch(self) -> list[_Waiting]:
        """Wait for deliveries and return those that are there; none at all once closed and drained."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._batch_limit))]

    def _let_go(self, batch: list[_Waiting]) -> None:
        """Forget what is answered; without it, the last batch would be held until the next one comes."""
        with self._changed:
            self._held -= sum(len(waiting.incoming.body) for waiting in batch)
        batch.clear()

    def _answer(self, batch: list[_Waiting]) -> None:
        """Receive a batch and answer everybody in it; one that fails is taken out and the rest run again."""
        if not batch:
            return
        try:
            answers = receive(self._store, self._ids, [waiting.incoming for waiting in batch])
        except Unavailable as error:
            # Nothing was stored, or nobody knows: running any of it again is the sender's decision.
            settle(batch, [error] * len(batch))
        except ItemFailed as failed:
            culprit = batch[failed.index]
            _fail(culprit, failed.__cause__ or failed)
            self._answer([waiting for waiting in batch if waiting is not culprit])
        except BaseException as error:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            if len(batch) == 1:
                _fail(batch[0], error)
                return
            # The store does not say which one it stumbles over: search by halves.
            middle = len(batch) // 2
            self._answer(batch[:middle])
            self._answer(batch[middle:])
        else:
            settle(batch, answers)


def settle(batch: Sequence[_Waiting], results: Sequence[Result]) -> None:
    """Answer everybody in a batch; a loop is woken once for all of its own."""
    by_loop: dict[AbstractEventLoop, list[tuple[_Waiting, Result]]] = {}
    for waiting, result in zip(batch, results, strict=True):
        by_loop.setdefault(waiting.loop, []).append((waiting, result))
    for loop, settled in by_loop.items():
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle_here, settled)


def _settle_here(settled: Sequence[tuple[_Waiting, Result]]) -> None:
    for waiting, result in settled:
        waiting.settle(result)


def _fail(waiting: _Waiting, error: BaseException) -> None:
    _log.error(
        "delivery failed", source=waiting.incoming.source, event_type=waiting.incoming.reading.event, exc_info=error
    )
    settle([waiting], [error])
