"""The web application: routes, middleware, and what starts and stops along with it."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from uvicorn.config import STARTUP_FAILURE

from lathe.adapters import http, ui
from lathe.adapters.web.edge import Edge
from lathe.adapters.web.problems import exception_handlers
from lathe.adapters.web.refusals import Refusals
from lathe.domain.errors import LatheError
from lathe.entrypoints.compose import Running, compose, load_settings
from lathe.entrypoints.logs import configure_logs
from lathe.entrypoints.protocol import WHEN_STOPPING
from lathe.entrypoints.settings import BadSettings

COLLECTED_AT: Final = (10_000, 20, 20)
"""Objects made since the last look, and looks of each kind between two of the next: a batch alone makes thousands."""

_log = structlog.get_logger("lathe.server")


def create_app(parts: Running) -> Starlette:
    """Return the application around these parts. It starts them as it starts, and closes them, drained, as it stops."""
    refusals = Refusals(parts.store)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, Any]]:
        _leave_with_parent()
        parts.intake.start()
        counting = asyncio.create_task(refusals.run())
        _log.info("started", process=os.getpid())
        try:
            yield {WHEN_STOPPING: parts.feed.close}
        finally:
            parts.feed.close()
            await parts.feed.closed()
            await run_in_threadpool(parts.intake.close)
            await refusals.close()
            await counting
            await run_in_threadpool(parts.store.close)
            _log.info("stopped", process=os.getpid())

    api = http.routes(parts, refusals)
    app = Starlette(
        routes=[*api, *ui.routes(parts)],
        middleware=[Middleware(Edge, ids=parts.ids, https=parts.https), Middleware(http.Ahead, routes=api)],
        exception_handlers=exception_handlers,
        lifespan=lifespan,
    )
    # Such a redirect would be built from the Host header; what is not there is 404.
    app.router.redirect_slashes = False
    ui.install(app, parts)
    return app


def _leave_with_parent() -> None:
    """Let a worker stop when its parent process is gone, however that ended: it would hold the port for nobody."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    loop = asyncio.get_running_loop()

    def leave() -> None:
        loop.remove_reader(parent.sentinel)
        _log.warning("the parent process is gone", process=os.getpid())
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(parent.sentinel, leave)


def app() -> Starlette:
    """Make the application of one server process, from the environment. The parent has checked and migrated already."""
    try:
        settings = load_settings(os.environ)
        configure_logs(settings.log_format)
        made = create_app(compose(settings))
    except (BadSettings, LatheError) as fault:
        _log.error("cannot start", reason=str(fault))
        sys.exit(STARTUP_FAILURE)
    # What is there now stays until the end: the collector need not look at it for every few deliveries.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AT)
    return made
