"""Refused requests: remembered for a moment, so that a flood needs no database, and counted for people to see.

Only refusals are remembered. A window fills up between two looks at the database and never empties early, so what the
last known state refuses would be refused again; nothing is ever admitted from here.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from uuid import UUID

import structlog
from attrs import frozen
from starlette.concurrency import run_in_threadpool

from lathe.application.intake import Admission, Presented, Refused
from lathe.application.ports import Store, Transaction
from lathe.domain.api_key import Scope
from lathe.domain.delivery import CredentialKind
from lathe.domain.errors import OutcomeUnknown, RateLimited, Unavailable

LONGEST: Final = 1.0
"""Seconds that a refusal is remembered at most: so soon a changed limit holds."""

EVERY: Final = 10.0
"""Seconds between two times that the counts are stored."""

REMEMBERED: Final = 4096

_log = structlog.get_logger()


@frozen
class Known:
    """A refusal that a request is sure to meet again."""

    admission: Admission
    detail: str
    retry_after: int
    until: float

    def error(self) -> RateLimited:
        """Return it as a new error each time: one that was raised holds on to the request that it was raised for."""
        return RateLimited(self.detail, retry_after=self.retry_after)


class Refusals:
    """Belongs to one event loop; `run` beside the server, `close` at its end."""

    def __init__(self, store: Store, *, monotonic: Callable[[], float] = time.monotonic, every: float = EVERY) -> None:
        self._store = store
        self._monotonic = monotonic
        self._every = every
        self._known: dict[Presented, Known] = {}
        self._keys: Counter[UUID] = Counter()
        self._hooks: Counter[UUID] = Counter()
        self._closing = asyncio.Event()

    def find(self, presented: Presented, scope: Scope) -> Known | None:
        """Return the refusal that a request with this credential is sure to meet, and count it; else None."""
        known = self._known.get(presented) if self._known else None  # mostly nobody is refused
        if known is None:
            return None
        if known.until <= self._monotonic():
            del self._known[presented]
            return None
        if scope not in known.admission.scopes:
            return None
        self._count(known.admission)
        return known

    def note(self, presented: Presented, refused: Refused) -> None:
        """Remember and count a request that the store refused for its limit; others are passed over."""
        error, admission = refused.error, refused.admission
        if not isinstance(error, RateLimited) or admission is None:
            return
        self._count(admission)
        self._known.pop(presented, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        # A limit's next request is free in `retry_after` seconds at the soonest, which is never less than one.
        until = self._monotonic() + min(LONGEST, error.retry_after)
        self._known[presented] = Known(admission, error.detail, error.retry_after, until)

    def count_hook(self, hook_id: UUID) -> None:
        """Count a request to a hook that was not signed as it must be."""
        self._add(self._hooks, hook_id)

    async def run(self) -> None:
        """Store the counts from time to time, until closed."""
        while not self._closing.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._every)
            await self._flush()

    async def close(self) -> None:
        """Let `run` end, and store what is left to count."""
        self._closing.set()
        await self._flush()

    async def _flush(self) -> None:
        keys, self._keys = self._keys, Counter()
        hooks, self._hooks = self._hooks, Counter()
        if not keys and not hooks:
            return

        def work(tx: Transaction) -> None:
            if keys:
                tx.keys.count_refused(dict(keys))
            if hooks:
                tx.hooks.count_refused(dict(hooks))

        try:
            await run_in_threadpool(self._store.write, work)
        except OutcomeUnknown:
            _log.warning("refused requests may not have been counted")
        except Unavailable as error:
            _log.warning("refused requests are counted later", detail=error.detail)
            self._keys.update(keys)
            self._hooks.update(hooks)
        except Exception:  # noqa: BLE001 - counts are no reason to stop counting
            _log.exception("refused requests could not be counted")

    def _count(self, admission: Admission) -> None:
        if admission.kind is CredentialKind.KEY:
            self._add(self._keys, admission.credential_id)
        elif admission.kind is CredentialKind.HOOK:
            self._add(self._hooks, admission.credential_id)

    @staticmethod
    def _add(counts: Counter[UUID], one: UUID) -> None:
        if one in counts or len(counts) < REMEMBERED:
            counts[one] += 1
