"""Tells open pages that something changed: one look at the store a second, for the organizations that somebody watches.

Several processes and machines need nothing from each other for it, and whoever writes pays nothing: see
``docs/decisions/0012-live.md``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Final
from uuid import UUID

import structlog
from attrs import define, field
from starlette.concurrency import run_in_threadpool

from lathe.application.ports import Store, Transaction
from lathe.domain.errors import Unavailable

EVERY: Final = 1.0
"""Seconds between two looks."""

_log = structlog.get_logger()


@define
class _Watched:
    """An organization that somebody watches. ``turned`` is set, and replaced, when there is another mark."""

    mark: str | None = None
    waiting: int = 0
    turned: asyncio.Event = field(factory=asyncio.Event)

    def turn(self, mark: str | None) -> None:
        """Let all that wait look."""
        self.mark = mark
        self.turned.set()
        self.turned = asyncio.Event()


class WatchingFeed:
    """Implements `ChangeFeed` for one process. It looks while somebody waits, and rests while nobody does.

    ``after`` and ``close`` belong to one event loop; ``mark`` may be asked from any thread.
    """

    def __init__(self, store: Store, *, every: float = EVERY) -> None:
        self._store = store
        self._every = every
        self._watched: dict[UUID, _Watched] = {}
        self._looking: asyncio.Task[None] | None = None
        self._rest = asyncio.Event()  # replaced by each task; set: rest no longer
        self._closed = False

    def mark(self, organization_id: UUID) -> str:
        """Return the mark of the last look where somebody watches, else look."""
        watched = self._watched.get(organization_id)
        known = watched.mark if watched else None
        return known or self._store.read(lambda tx: tx.activity.mark(organization_id))

    async def after(self, organization_id: UUID, since: str, seconds: float) -> str | None:
        """Wait for another mark than ``since``."""
        watched = self._watched.setdefault(organization_id, _Watched())
        self._begin()
        watched.waiting += 1
        try:
            async with asyncio.timeout(seconds):
                while not self._closed and watched.mark in (None, since):
                    await watched.turned.wait()
        except TimeoutError:
            return since
        finally:
            watched.waiting -= 1
        return None if self._closed else watched.mark

    def close(self) -> None:
        """Let all that wait go at once, and nobody wait any more."""
        self._closed = True
        for watched in self._watched.values():
            watched.turn(None)
        self._rest.set()

    async def closed(self) -> None:
        """Return when the store is not looked at any more."""
        if self._looking:
            await self._looking

    def _begin(self) -> None:
        if not self._closed and (self._looking is None or self._looking.done()):
            # In a context of its own: what it logs is not about the request that happened to come first.
            self._looking = asyncio.create_task(self._look_while_watched(), context=Context())

    async def _look_while_watched(self) -> None:
        self._rest = asyncio.Event()
        while self._watched and not self._closed:
            await self._look(list(self._watched))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rest.wait(), self._every)
            for organization_id in [one for one, watched in self._watched.items() if not watched.waiting]:
                del self._watched[organization_id]

    async def _look(self, organizations: list[UUID]) -> None:
        try:
            marks = await run_in_threadpool(self._store.read, _marks(organizations))
        except Unavailable as away:
            _log.warning("pages are not told of changes at the moment", detail=away.detail)
            return
        except Exception:  # noqa: BLE001 - one look that failed is no reason to stop looking
            _log.exception("could not look for changes")
            return
        for organization_id, mark in marks.items():
            if self._watched[organization_id].mark != mark:
                self._watched[organization_id].turn(mark)


def _marks(organizations: list[UUID]) -> Callable[[Transaction], dict[UUID, str]]:
    return lambda tx: {one: tx.activity.mark(one) for one in organizations}
