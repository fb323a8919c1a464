"""Remembered refusals: for a second at most, in bounded memory, counted once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Condition
from typing import Any
from uuid import UUID

import pytest

from lathe.adapters.web import refusals as module
from lathe.adapters.web.refusals import Refusals
from lathe.application.intake import Admission, Presented, Refused
from lathe.domain.api_key import Scope
from lathe.domain.delivery import CredentialKind
from lathe.domain.errors import Forbidden, LatheError, OutcomeUnknown, RateLimited, Unavailable
from tests.unit.http.world import Now, some_id

SCOPE = Scope.BUILDS_READ


class Counts:
    """A store that does nothing but count what is refused, and fails when it is told to."""

    def __init__(self) -> None:
        self.counted: list[dict[UUID, int]] = []
        self.fault: Exception | None = None
        self._more = Condition()

    def wait_until(self, writes: int) -> None:
        """Return once so many writes came."""
        with self._more:
            assert self._more.wait_for(lambda: len(self.counted) >= writes, timeout=60)

    def write(self, work: Callable[[Any], Any]) -> None:
        if self.fault:
            raise self.fault

        class Rows:
            count_refused = self.counted.append

        class Transaction:
            keys = hooks = Rows

        with self._more:
            work(Transaction)
            self._more.notify_all()


def refusals_over(store: Any, now: Now, **more: Any) -> Refusals:
    return Refusals(store, monotonic=now, **more)


def refused(kind: CredentialKind = CredentialKind.KEY, error: LatheError | None = None) -> tuple[Presented, Refused]:
    admission = Admission(kind, some_id(), some_id(), frozenset({SCOPE}), "CI")
    presented = Presented(kind, key_hash=admission.credential_id.bytes)
    return presented, Refused(error or RateLimited("too many", retry_after=42), admission)


def test_a_refusal_is_remembered_for_one_second() -> None:
    now = Now()
    refusals = refusals_over(Counts(), now)
    presented, refusal = refused()
    assert refusals.find(presented, SCOPE) is None
    refusals.note(presented, refusal)
    now.seconds += 0.999
    known = refusals.find(presented, SCOPE)
    assert known is not None
    assert (known.admission, known.error().detail, known.error().retry_after) == (refusal.admission, "too many", 42)
    assert known.error() is not known.error(), "what is raised would keep its request in memory"
    now.seconds += 0.001
    assert refusals.find(presented, SCOPE) is None


def test_only_a_used_up_limit_is_remembered() -> None:
    refusals = refusals_over(Counts(), Now())
    presented, refusal = refused(error=Forbidden("no", scope="builds:read"))
    refusals.note(presented, refusal)
    assert refusals.find(presented, SCOPE) is None


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 3)
    store = Counts()
    refusals = refusals_over(store, Now())
    noted = [refused() for _ in range(5)]
    for presented, refusal in noted:
        refusals.note(presented, refusal)
    assert [refusals.find(presented, SCOPE) is not None for presented, _ in noted] == [False, False, True, True, True]
    asyncio.run(refusals.close())
    assert len(store.counted[0]) == 3, "beyond that nobody is counted"


def test_counts_are_kept_while_the_store_is_away_and_never_stored_twice() -> None:
    store = Counts()
    refusals = refusals_over(store, Now())
    presented, refusal = refused()
    hook_id = some_id()

    async def scenario() -> None:
        refusals.note(presented, refusal)
        refusals.count_hook(hook_id)
        store.fault = Unavailable("away")
        await refusals.close()
        store.fault = None
        refusals.note(presented, refusal)
        await refusals.close()
        refusals.count_hook(hook_id)
        store.fault = OutcomeUnknown("nobody knows")
        await refusals.close()
        store.fault = RuntimeError("broken")
        refusals.count_hook(hook_id)
        await refusals.close()
        store.fault = None
        await refusals.close()

    asyncio.run(scenario())
    assert refusal.admission is not None
    assert store.counted == [{refusal.admission.credential_id: 2}, {hook_id: 1}]


def test_counts_are_stored_from_time_to_time_until_closed() -> None:
    store = Counts()
    refusals = refusals_over(store, Now(), every=0.01)

    async def scenario() -> None:
        running = asyncio.create_task(refusals.run())
        for expected in (1, 2):
            refusals.count_hook(some_id())
            await asyncio.to_thread(store.wait_until, expected)
        refusals.count_hook(some_id())
        await refusals.close()
        await running

    asyncio.run(scenario())
    assert [sum(counts.values()) for counts in store.counted] == [1, 1, 1]
