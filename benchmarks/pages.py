"""Lists and the Releases page at size: beside a small organization, deep down, and beside rendering alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final
from unittest.mock import patch
from uuid import UUID

from attrs import frozen
from starlette.applications import Starlette

from benchmarks.arithmetic import Spread
from benchmarks.bench import Bench
from benchmarks.machine import Watch
from benchmarks.rounds import Served, releases_page
from benchmarks.scene import Scene, environment
from benchmarks.servers import Answered, Sending, kept, send
from lathe.adapters.sql import open_store
from lathe.adapters.ui import visit
from lathe.adapters.ui.templating import render
from lathe.application import queries
from lathe.application.lists import BuildFilter, EntryFilter, Place
from lathe.application.ports import Store
from lathe.entrypoints.asgi import create_app
from lathe.entrypoints.compose import compose, load_settings

LIMIT: Final = 50
LISTS: Final = ("builds", "queue")
DEPTH: Final = 0.99
"""How deep the deepest page lies that is measured: 1 % of the rows are older."""

TIMES: Final = 50
RENDERED: Final = 50
LOADED: Final = 60
"""How often the page is loaded in a round. Of so few, p99 is the slowest."""

ROUNDS: Final = 3
HIGHEST_ID: Final = UUID(int=2**128 - 1)


@frozen
class Timed:
    """What a function took, in milliseconds, and the share of the machine that other work took meanwhile."""

    p50: float
    foreign: float


def timed(function: Callable[[], object], times: int) -> Timed:
    """Call a function again and again."""
    taken = []
    with Watch() as watch:
        for _ in range(times):
            began = time.perf_counter()
            function()
            taken.append(time.perf_counter() - began)
    return Timed(1000 * Spread.of(taken).median, watch.foreign)


def lists(bench: Bench, few: Scene, full: Scene) -> None:
    """Measure the lists of a small organization and of a large one, its first page and its deepest.

    By the use case that pages and API share, with every row made: what HTTP adds is the same for all and would only
    make them look alike. In turn, a few calls of each, so that all see the same machine.
    """
    with closing(open_store(few.url)) as small, closing(open_store(full.url)) as large:
        depth = _depth(full)
        calls = {
            f"{full.name}.{name}.{which}": call
            for name in LISTS
            for which, call in (
                ("few", _list(small, few, name, None)),
                ("first", _list(large, full, name, None)),
                ("deep", _list(large, full, name, depth[name])),
            )
        }
        for call in calls.values():
            timed(call, 20)  # plans and pages are in memory then
        for _ in range(bench.plan.rounds):
            found = {name: bench.calm(name, partial(timed, call, TIMES)) for name, call in calls.items()}
            bench.note(**{name: one.p50 for name, one in found.items()})


def _list(store: Store, scene: Scene, name: str, after: Place | None) -> Callable[[], object]:
    of = scene.organization.id

    def call() -> object:
        if name == "builds":
            page: queries.Page[Any] = queries.builds(store, of, BuildFilter(), LIMIT, after)
        else:
            page = queries.entries(store, of, EntryFilter(), LIMIT, after)
        if len(page.rows) != LIMIT:
            raise RuntimeError(f"{len(page.rows)} rows of {name}: too few to be compared")
        return page

    return call


def _depth(scene: Scene) -> dict[str, Place]:
    """Return where the deepest pages begin."""
    with closing(open_store(scene.url)) as store:
        of = scene.organization.id
        now = store.read(lambda tx: tx.now())
        found = {}
        for name in LISTS:
            oldest = _oldest(store, of, name, now)
            found[name] = Place(oldest + (now - oldest) * (1 - DEPTH), HIGHEST_ID)
        return found


def _oldest(store: Store, of: UUID, name: str, now: Any) -> Any:
    """Return a time behind which almost nothing is, found by halves."""
    older, newer = now - timedelta(days=3000), now
    while newer - older > timedelta(minutes=10):
        middle = older + (newer - older) / 2
        after = Place(middle, HIGHEST_ID)
        page: queries.Page[Any] = (
            queries.builds(store, of, BuildFilter(), LIMIT, after)
            if name == "builds"
            else queries.entries(store, of, EntryFilter(), LIMIT, after)
        )
        older, newer = (older, middle) if len(page.rows) == LIMIT else (middle, newer)
    return newer


# --- the Releases page ------------------------------------------------------------------------------------------------


def releases(bench: Bench, full: Served) -> None:
    """Measure the Releases page over one connection, and how long it takes to render the same context from memory."""
    template, context = captured(bench, full.scene)
    requests = kept(bench.folder, "page", [releases_page(full.scene)] * LOADED)
    load = Sending(full.server, requests, 1, 60.0)
    name = f"{full.scene.name}.page"

    def attempt() -> Answered:
        (answered,) = send(load)
        if set(answered.statuses) != {200}:
            raise RuntimeError(f"the Releases page answered {dict(answered.statuses)}")
        return answered

    for _ in range(min(ROUNDS, bench.plan.rounds)):
        rendered = bench.calm(f"{name}.rendered", partial(timed, partial(render, template, context), RENDERED))
        page = bench.calm(name, attempt)
        bench.note(**{f"{name}.p50": page.p50, f"{name}.p99": page.p99, f"{name}.rendered": rendered.p50})


def captured(bench: Bench, scene: Scene) -> tuple[str, Any]:
    """Return the template and the context of the Releases page, as its own handler makes them."""
    found: list[tuple[str, Any]] = []

    def rendered(template: str, context: Any) -> str:
        found.append((template, context))
        return render(template, context)

    parts = compose(load_settings(environment(scene, {}, bench.folder / "lathe.key")))
    try:
        with patch.object(visit, "render", rendered):
            status = asyncio.run(_asked(create_app(parts), scene))
    finally:
        parts.store.close()
    if status != 200 or len(found) != 1:
        raise RuntimeError(f"the Releases page answered {status} and rendered {len(found)} templates")
    return found[0]


async def _asked(app: Starlette, scene: Scene) -> int:
    """Ask an application for the page, without a server, and return the answer's status."""
    statuses: list[int] = []
    path = f"/o/{scene.organization.slug}/releases"
    headers = [(b"host", b"127.0.0.1"), (b"cookie", f"lathe={scene.session}".encode()), (b"accept", b"text/html")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def sent(message: Any) -> None:
        with suppress(KeyError):
            statuses.append(message["status"])

    await app(scope, receive, sent)
    return statuses[0]
