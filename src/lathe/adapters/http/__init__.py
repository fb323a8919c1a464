"""The HTTP API: webhooks, builds, triage, projects, hooks, and their OpenAPI document."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, final

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from lathe.adapters.http.health import alive, ready
from lathe.adapters.http.managed import Endpoint, endpoint
from lathe.adapters.http.receiving import Receiving
from lathe.adapters.http.reference import openapi_json, reference_page
from lathe.adapters.http.reporter import report_py
from lathe.adapters.http.signatures import PROVIDERS, Signatures
from lathe.adapters.http.table import CALLS
from lathe.adapters.web.body import Bodies
from lathe.adapters.web.refusals import Refusals

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from lathe.adapters.web.parts import Parts


def routes(
    parts: Parts,
    refusals: Refusals | None = None,
    bodies: Bodies | None = None,
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> Sequence[BaseRoute]:
    """Return the routes of the API, of the health checks, of the API reference and of the reporter.

    ``refusals`` remembers and counts refused requests; whoever hands it in runs and closes it.
    """
    if not parts.parsers.keys() >= set(PROVIDERS):
        raise ValueError("a provider is offered whose deliveries nobody can read")
    refusals = refusals or Refusals(parts.store)
    bodies = bodies or Bodies()
    receiving = Receiving(parts, refusals, bodies, Signatures(parts.store, parts.box, monotonic))
    taking: dict[str, Endpoint] = {
        "webhook": receiving.webhook,
        "signed_webhook": receiving.signed_webhook,
        "create_build": receiving.create_build,
    }
    by_path: dict[str, dict[str, Endpoint]] = {}
    for call in CALLS:
        answer = endpoint(call, call.run, parts, refusals, bodies) if call.run else taking[call.name]
        by_path.setdefault(call.path, {})[call.method] = answer
    return [
        *(Route(path, _ByMethod(answers), methods=list(answers)) for path, answers in by_path.items()),
        Route("/api/v1/openapi.json", openapi_json),
        Route("/docs", reference_page),
        Route("/report.py", report_py),
        Route("/healthz", alive),
        Route("/readyz", ready(parts)),
    ]


@final
class _ByMethod:
    """All methods of a path, so that 405 can name them all. Called as an application of its own: errors that it raises
    are answered around all routes, and need not be caught for each."""

    def __init__(self, answers: Mapping[str, Endpoint]) -> None:
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        method = scope["method"]
        response = await self._answers["GET" if method == "HEAD" else method](request)
        await response(scope, receive, send)
