"""Gathering deliveries: who waits, who fails, who is answered. Each promise is also broken once, to be caught."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from attrs import define, evolve, field

from lathe.adapters.ingest import Ingest, settle
from lathe.application.intake import Answer, Incoming, Received
from lathe.application.ports import Store, Transaction
from lathe.application.receive import ItemFailed, receive
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.errors import OutcomeUnknown, Unavailable
from tests.unit.application.world import World, report

T = TypeVar("T")
PATIENCE = 10.0


@define
class Gated:
    """A store whose COMMIT can be held back, made to fail, or whose answer can be lost."""

    store: Store
    gate: threading.Event = field(factory=threading.Event)
    begun: threading.Event = field(factory=threading.Event)
    commits: int = 0
    lose_answer: bool = False
    poison: set[str] = field(factory=set)

    def write(self, work: Callable[[Transaction], T]) -> T:
        def held(tx: Transaction) -> T:
            result = work(tx)
            self.begun.set()
            assert self.gate.wait(PATIENCE)
            self._stumble(result)
            return result

        result = self.store.write(held)
        self.commits += 1
        if self.lose_answer:
            raise OutcomeUnknown("The connection broke while the COMMIT was under way")
        return result

    def _stumble(self, result: object) -> None:
        """Fail as a database does over one row: without saying which."""
        answers = result if isinstance(result, list) else []
        for answer in answers:
            if isinstance(answer, Received) and answer.build and answer.build.build.facts.name in self.poison:
                raise ValueError("the database stumbles over some row")

    def read(self, work: Callable[[Transaction], T]) -> T:
        return self.store.read(work)

    def close(self) -> None:
        self.store.close()


class Bench:
    """A world with one project, and an ingest over a gated store."""

    def __init__(self, kind: type[Ingest] = Ingest, **limits: int) -> None:
        self.world = World()
        pay = self.world.project("Pay", "https://bitbucket.org/acme/pay-api")
        self.world.release(pay, "2.5")
        self.gated = Gated(self.world.store)
        self.ingest = kind(self.gated, self.world.ids, **limits)

    def delivery(self, number: int, **facts: Any) -> Incoming:
        return self.world.incoming(report(number, **facts))

    def stored(self) -> set[str | None]:
        return {build.facts.build_number for build in self.world.builds()}

    @contextmanager
    def running(self) -> Iterator[None]:
        self.ingest.start()
        try:
            yield
        finally:
            self.gated.gate.set()
            self.ingest.close()

    async def block(self) -> asyncio.Task[Answer]:
        """Send one delivery that holds the only writer at its COMMIT, so that the next ones wait."""
        first = asyncio.create_task(self.ingest.submit(self.delivery(1)))
        await until(self.gated.begun.is_set)
        return first


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what is waited for happens on a thread
            await asyncio.sleep(0.001)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, PATIENCE * 2))


def statuses(answers: list[Any]) -> list[Any]:
    return [a.status if isinstance(a, Received) else type(a) for a in answers]


def test_what_waits_at_one_moment_shares_one_commit() -> None:
    async def scene() -> None:
        bench = Bench()
        with bench.running():
            first = await bench.block()
            rest = [asyncio.create_task(bench.ingest.submit(bench.delivery(n))) for n in range(2, 40)]
            await asyncio.sleep(0)
            bench.gated.gate.set()
            answers = await asyncio.gather(first, *rest)
        assert statuses(answers) == [DeliveryStatus.CREATED] * 39
        assert bench.gated.commits == 2

    run(scene())


def test_an_answer_never_precedes_its_commit() -> None:
    async def scene(kind: type[Ingest]) -> bool:
        bench = Bench(kind)
        with bench.running():
            task = await bench.block()
            done, _ = await asyncio.wait([task], timeout=0.05)
            early = bool(done)
            bench.gated.gate.set()
            await task
        assert bench.stored() == {"1"}
        return early

    assert asyncio.run(scene(Ingest)) is False
    assert asyncio.run(scene(_AnswersBeforeCommit)) is True


class _AnswersBeforeCommit(Ingest):
    """The broken variant: it promises first and writes later."""

    def _answer(self, batch: list[Any]) -> None:
        settle(batch, [waiting.incoming for waiting in batch])
        receive(self._store, self._ids, [waiting.incoming for waiting in batch])


def _neighbours_survive(kind: type[Ingest], *, poison_in_store: bool) -> bool:
    """Send nine deliveries together, one of them poisoned; tell whether it alone fails."""
    bench = Bench(kind)
    poisoned = bench.delivery(5, name="poison")
    if poison_in_store:
        bench.gated.poison = {"poison"}
    else:
        object.__setattr__(poisoned, "headers", None)  # deciding about it raises, whatever the types say

    async def scene() -> list[Any]:
        with bench.running():
            first = await bench.block()
            batch = [poisoned if n == 5 else bench.delivery(n) for n in range(2, 10)]
            tasks = [asyncio.create_task(bench.ingest.submit(one)) for one in batch]
            await asyncio.sleep(0)
            bench.gated.gate.set()
            return await asyncio.gather(first, *tasks, return_exceptions=True)

    answers = asyncio.run(scene())
    failed = [n for n, answer in enumerate(answers, start=1) if isinstance(answer, Exception)]
    return failed == [5] and bench.stored() == {str(n) for n in range(1, 10) if n != 5}


@pytest.mark.parametrize("poison_in_store", [True, False], ids=["the store stumbles", "deciding fails"])
def test_neighbours_of_a_failing_delivery_survive(poison_in_store: bool) -> None:
    assert _neighbours_survive(Ingest, poison_in_store=poison_in_store)
    assert not _neighbours_survive(_FailsTogether, poison_in_store=poison_in_store)


class _FailsTogether(Ingest):
    """The broken variant: one for all, all for one."""

    def _answer(self, batch: list[Any]) -> None:
        try:
            answers = receive(self._store, self._ids, [waiting.incoming for waiting in batch])
        except (ItemFailed, ValueError) as error:
            settle(batch, [error] * len(batch))
        else:
            settle(batch, answers)


def _cancelled_callers_harm_nobody(kind: type[Ingest]) -> bool:
    """Cancel one caller before its turn and one during its COMMIT; tell whether all others are answered."""
    bench = Bench(kind)

    async def scene() -> list[Any]:
        with bench.running():
            first = await bench.block()
            waiting = [asyncio.create_task(bench.ingest.submit(bench.delivery(n))) for n in range(2, 6)]
            await asyncio.sleep(0)
            first.cancel()
            waiting[1].cancel()
            await asyncio.sleep(0)
            bench.gated.gate.set()
            done, _ = await asyncio.wait([first, *waiting], timeout=1)
            after = await asyncio.wait_for(bench.ingest.submit(bench.delivery(9)), 1) if len(done) == 5 else None
            return [*(task.cancelled() for task in (first, *waiting)), isinstance(after, Received)]

    try:
        fates = asyncio.run(scene())
    except TimeoutError:
        return False
    return fates == [True, False, True, False, False, True] and bench.stored() == {"1", "2", "4", "5", "9"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_cancelled_caller_harms_nobody() -> None:
    assert _cancelled_callers_harm_nobody(Ingest)
    assert not _cancelled_callers_harm_nobody(_AnswersWhoeverIsGone)


class _AnswersWhoeverIsGone(Ingest):
    """The broken variant: it answers promises that may be cancelled by then, which takes the answers of the others."""

    def _run(self) -> None:
        while batch := self._next_batch():
            answers = receive(self._store, self._ids, [waiting.incoming for waiting in batch])
            batch[0].loop.call_soon_threadsafe(self._answer_all, batch, answers)

    def _answer_all(self, batch: list[Any], answers: list[Answer]) -> None:
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.promise.set_result(answer)


def _full_queue_refuses(kind: type[Ingest]) -> bool:
    bench = Bench(kind, waiting_limit=3)

    async def scene() -> list[Any]:
        with bench.running():
            first = await bench.block()
            tasks = [asyncio.create_task(bench.ingest.submit(bench.delivery(n))) for n in range(2, 8)]
            await asyncio.sleep(0)
            bench.gated.gate.set()
            return await asyncio.gather(first, *tasks, return_exceptions=True)

    answers = asyncio.run(scene())
    refused = [n for n, answer in enumerate(answers, start=1) if isinstance(answer, Unavailable)]
    return refused == [5, 6, 7] and bench.stored() == {"1", "2", "3", "4"}


def test_a_full_queue_refuses_and_stores_nothing_of_what_it_refused() -> None:
    assert _full_queue_refuses(Ingest)
    assert not _full_queue_refuses(_NeverFull)


class _NeverFull(Ingest):
    """The broken variant: it takes whatever comes."""

    def __init__(self, store: Store, ids: Any, **_: int) -> None:
        super().__init__(store, ids, waiting_limit=10**9)


def _full_memory_refuses(kind: type[Ingest]) -> bool:
    """Let three of six fit beside the one that is being written; tell whether they do, and whether room comes back."""
    bench = Bench(kind, waiting_bytes=4 * 1000)

    def large(number: int) -> Incoming:
        return evolve(bench.delivery(number), body=b" " * 1000)

    async def scene() -> list[Any]:
        with bench.running():
            first = asyncio.create_task(bench.ingest.submit(large(1)))
            await until(bench.gated.begun.is_set)
            tasks = [asyncio.create_task(bench.ingest.submit(large(n))) for n in range(2, 8)]
            await asyncio.sleep(0)
            bench.gated.gate.set()
            answers = await asyncio.gather(first, *tasks, return_exceptions=True)
            await until(lambda: not bench.ingest._held)
            return [*answers, *await asyncio.gather(*(bench.ingest.submit(large(n)) for n in range(8, 12)))]

    answers = asyncio.run(scene())
    refused = [n for n, answer in enumerate(answers, start=1) if isinstance(answer, Unavailable)]
    return refused == [5, 6, 7] and bench.stored() == {"1", "2", "3", "4", "8", "9", "10", "11"}


def test_bodies_beyond_the_memory_for_them_are_refused_until_others_are_answered() -> None:
    assert _full_memory_refuses(Ingest)
    assert not _full_memory_refuses(_CountsHeadsOnly)


class _CountsHeadsOnly(Ingest):
    """The broken variant: it counts how many wait, however large they are."""

    def __init__(self, store: Store, ids: Any, **_: int) -> None:
        super().__init__(store, ids, waiting_bytes=10**12)


def _shutdown_drains(kind: type[Ingest]) -> bool:
    bench = Bench(kind)

    async def scene() -> list[Any]:
        bench.ingest.start()
        first = await bench.block()
        tasks = [asyncio.create_task(bench.ingest.submit(bench.delivery(n))) for n in range(2, 6)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(bench.ingest.close))
        await until(lambda: bench.ingest._closing)
        late = await asyncio.gather(bench.ingest.submit(bench.delivery(9)), return_exceptions=True)
        bench.gated.gate.set()
        await closing
        done, pending = await asyncio.wait([first, *tasks], timeout=0.5)
        for task in pending:
            task.cancel()
        return [len(done), isinstance(late[0], Unavailable)]

    return asyncio.run(scene()) == [5, True] and bench.stored() == {"1", "2", "3", "4", "5"}


def test_shutdown_finishes_what_waits_and_takes_no_more() -> None:
    assert _shutdown_drains(Ingest)
    assert not _shutdown_drains(_DropsAtShutdown)


class _DropsAtShutdown(Ingest):
    """The broken variant: closing means stopping at once."""

    def _next_batch(self) -> list[Any]:
        batch = super()._next_batch()
        return [] if self._closing else batch


def _unknown_commit_is_never_success(kind: type[Ingest]) -> bool:
    bench = Bench(kind)
    bench.gated.lose_answer = True
    bench.gated.gate.set()

    async def scene() -> list[Any]:
        with bench.running():
            tasks = [bench.ingest.submit(bench.delivery(n)) for n in range(1, 4)]
            return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(scene())
    return all(isinstance(answer, OutcomeUnknown) for answer in answers) and bench.gated.commits <= 3


def test_a_commit_of_unknown_fate_is_an_error_for_all_and_never_run_again() -> None:
    assert _unknown_commit_is_never_success(Ingest)
    assert not _unknown_commit_is_never_success(_TriesAgain)


class _TriesAgain(Ingest):
    """The broken variant: it runs a batch again although it may be stored, and so reports duplicates as success."""

    def _answer(self, batch: list[Any]) -> None:
        incoming = [waiting.incoming for waiting in batch]
        for _ in range(2):
            try:
                answers = receive(self._store, self._ids, incoming)
            except OutcomeUnknown:
                self._store.lose_answer = False  # type: ignore[attr-defined]
                continue
            settle(batch, answers)
            return


def test_a_store_that_is_away_is_an_error_for_all_and_the_next_batch_is_taken() -> None:
    bench = Bench()
    bench.gated.gate.set()
    away = [True]
    write = bench.gated.store.write

    class Away:
        def write(self, work: Callable[[Transaction], T]) -> T:
            if away[0]:
                raise Unavailable("The database is away")
            return write(work)

        def read(self, work: Callable[[Transaction], T]) -> T:
            raise AssertionError("receiving does not read")

        def close(self) -> None: ...

    ingest = Ingest(Away(), bench.world.ids)

    async def scene() -> list[Any]:
        ingest.start()
        try:
            first = await asyncio.gather(ingest.submit(bench.delivery(1)), return_exceptions=True)
            away[0] = False
            return [*first, await ingest.submit(bench.delivery(1))]
        finally:
            ingest.close()

    assert statuses(asyncio.run(scene())) == [Unavailable, DeliveryStatus.CREATED]


def test_an_ingest_that_never_started_closes() -> None:
    Bench().ingest.close()
