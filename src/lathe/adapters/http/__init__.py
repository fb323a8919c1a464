"""The HTTP API: webhooks, builds, triage, projects, hooks, and their OpenAPI document."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

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
    from starlette.requests import Request
    from starlette.responses import Response

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
        *(Route(path, _by_method(answers), methods=list(answers)) for path, answers in by_path.items()),
        Route("/api/v1/openapi.json", openapi_json),
        Route("/docs", reference_page),
        Route("/report.py", report_py),
        Route("/healthz", alive),
        Route("/readyz", ready(parts)),
    ]


def _by_method(answers: dict[str, Endpoint]) -> Endpoint:
    """Return one endpoint for all methods of a path, so that 405 can name them all."""

    async def answer(request: Request) -> Response:
        return await answers["GET" if request.method == "HEAD" else request.method](request)

    return answer
