"""The feed of changes: who waits is told soon, nobody else costs anything, and nobody holds up the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

import pytest
from attrs import define, field

from lathe.adapters.clock import SystemClock
from lathe.adapters.feed import WatchingFeed
from lathe.adapters.memory.store import MemoryStore
from lathe.application.ports import Store, Transaction
from lathe.domain.errors import Unavailable
from tests import samples

T = TypeVar("T")
PATIENCE = 10.0
SOON = 0.02


@define
class Looked:
    """A store that counts who looks, and can be away or broken."""

    store: Store = field(factory=lambda: MemoryStore(SystemClock()))
    reads: int = 0
    fault: Exception | None = None

    def write(self, work: Callable[[Transaction], T]) -> T:
        return self.store.write(work)

    def read(self, work: Callable[[Transaction], T]) -> T:
        self.reads += 1
        if self.fault:
            raise self.fault
        return self.store.read(work)

    def close(self) -> None:
        self.store.close()

    def organization(self) -> UUID:
        made = samples.organization()
        self.store.write(lambda tx: tx.organizations.add(made))
        return made.id

    def change(self, organization_id: UUID) -> None:
        self.store.write(lambda tx: tx.entries.add(samples.entry(organization_id)))


def run(test: Callable[[Looked, WatchingFeed], Coroutine[Any, Any, None]], kind: type[WatchingFeed]) -> None:
    """Run a test against a feed, and let the feed end."""

    async def whole() -> None:
        store = Looked()
        feed = kind(store, every=SOON)
        try:
            async with asyncio.timeout(PATIENCE):
                await test(store, feed)
        finally:
            feed.close()
            await feed.closed()

    asyncio.run(whole())


# --- what is promised -------------------------------------------------------------------------------------------------


async def all_that_wait_are_told(store: Looked, feed: WatchingFeed) -> None:
    here = store.organization()
    since = feed.mark(here)
    waiting = [asyncio.create_task(feed.after(here, since, PATIENCE)) for _ in range(3)]
    await asyncio.sleep(3 * SOON)
    assert not any(one.done() for one in waiting)
    store.change(here)
    told = await asyncio.gather(*waiting)
    assert told == [feed.mark(here)] * 3 != [since] * 3


async def changes_elsewhere_are_not_told(store: Looked, feed: WatchingFeed) -> None:
    here, there = store.organization(), store.organization()
    since = feed.mark(here)
    waiting = asyncio.create_task(feed.after(here, since, 10 * SOON))
    watching = asyncio.create_task(feed.after(there, feed.mark(there), PATIENCE))
    store.change(there)
    assert await watching != since
    assert await waiting == since


async def who_missed_something_is_told_at_once(store: Looked, feed: WatchingFeed) -> None:
    here = store.organization()
    since = feed.mark(here)
    store.change(here)
    assert await feed.after(here, since, PATIENCE) == feed.mark(here) != since
    assert await feed.after(here, "", PATIENCE) == feed.mark(here)


async def nobody_looks_for_nobody(store: Looked, feed: WatchingFeed) -> None:
    here = store.organization()
    assert await feed.after(here, feed.mark(here), 5 * SOON) == feed.mark(here)
    await asyncio.sleep(3 * SOON)
    before = store.reads
    await asyncio.sleep(5 * SOON)
    assert store.reads == before
    store.change(here)
    assert await feed.after(here, "", PATIENCE)


async def a_crowd_costs_one_look(store: Looked, feed: WatchingFeed) -> None:
    here = store.organization()
    since = feed.mark(here)
    waiting = [asyncio.create_task(feed.after(here, since, 20 * SOON)) for _ in range(100)]
    await asyncio.gather(*waiting)
    assert store.reads < 50


async def a_store_that_is_away_is_waited_for(store: Looked, feed: WatchingFeed) -> None:
    here = store.organization()
    since = feed.mark(here)
    waiting = asyncio.create_task(feed.after(here, since, PATIENCE))
    for fault in (Unavailable("away"), ValueError("broken")):
        store.fault = fault
        await asyncio.sleep(3 * SOON)
    store.change(here)
    store.fault = None
    assert await waiting != since


async def the_end_waits_for_nobody(store: Looked, feed: WatchingFeed) -> None:
    here = store.organization()
    waiting = [asyncio.create_task(feed.after(here, feed.mark(here), PATIENCE)) for _ in range(3)]
    await asyncio.sleep(SOON)
    feed.close()
    assert await asyncio.gather(*waiting) == [None] * 3
    assert await feed.after(here, "", PATIENCE) is None
    await feed.closed()
    before = store.reads
    await asyncio.sleep(3 * SOON)
    assert store.reads == before


PROMISES = (
    all_that_wait_are_told,
    changes_elsewhere_are_not_told,
    who_missed_something_is_told_at_once,
    nobody_looks_for_nobody,
    a_crowd_costs_one_look,
    a_store_that_is_away_is_waited_for,
    the_end_waits_for_nobody,
)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_it_is_kept(promise: Callable[[Looked, WatchingFeed], Coroutine[Any, Any, None]]) -> None:
    run(promise, WatchingFeed)


# --- each broken once -------------------------------------------------------------------------------------------------


class TellsAll(WatchingFeed):
    """Whatever happens anywhere is told to everybody."""

    async def after(self, organization_id: UUID, since: str, seconds: float) -> str | None:
        await super().after(organization_id, since, min(seconds, SOON))
        return "something"


class NeverRests(WatchingFeed):
    """Goes on looking when everybody has left."""

    async def _look_while_watched(self) -> None:
        while not self._closed:
            await self._look(list(self._watched))
            await asyncio.sleep(self._every)


class GivesUp(WatchingFeed):
    """One look that fails is the last one."""

    async def _look(self, organizations: list[UUID]) -> None:
        await asyncio.to_thread(self._store.read, lambda tx: tx.now())
        await super()._look(organizations)


class HoldsUp(WatchingFeed):
    """Lets those who wait wait on when it is closed."""

    def close(self) -> None:
        self._rest.set()


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (TellsAll, changes_elsewhere_are_not_told),
        (NeverRests, nobody_looks_for_nobody),
        (GivesUp, a_store_that_is_away_is_waited_for),
        (HoldsUp, the_end_waits_for_nobody),
    ],
)
def test_a_feed_that_breaks_it_is_caught(
    broken: type[WatchingFeed],
    promise: Callable[[Looked, WatchingFeed], Coroutine[Any, Any, None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(globals(), "PATIENCE", 0.5)
    with pytest.raises((AssertionError, TimeoutError, ValueError, Unavailable)):
        run(promise, broken)
