"""The HTTP API: webhooks, builds, triage, projects, hooks, and their OpenAPI document."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, final

from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Route

from lathe.adapters.http.health import alive, ready
from lathe.adapters.http.managed import Endpoint, endpoint
from lathe.adapters.http.receiving import Receiving
from lathe.adapters.http.reference import openapi_json, reference_page
from lathe.adapters.http.reporter import report_py
from lathe.adapters.http.signatures import PROVIDERS, Signatures
from lathe.adapters.http.table import CALLS
from lathe.adapters.web.arrival import Arrival
from lathe.adapters.web.body import Bodies
from lathe.adapters.web.problems import answer_to
from lathe.adapters.web.refusals import Refusals
from lathe.domain.errors import LatheError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

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
class Ahead:
    """ASGI middleware that hands deliveries to their endpoints at once, past the router: of a busy server they are
    nearly all that is asked. Without it they come the same way as the rest, to the same endpoints.

    ``routes`` are those of the API.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        taking = {
            route.path: route.endpoint.answers.get("POST")
            for route in routes
            if isinstance(route, Route) and isinstance(route.endpoint, _ByMethod)
        }
        self._reports = taking["/api/v1/builds"]
        self._unsigned = taking["/api/webhooks/{provider}"]
        self._signed = taking["/api/webhooks/{provider}/{hook_id}"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a delivery, pass anything else on."""
        endpoint = self._endpoint(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        request = Arrival(scope, receive)
        try:
            response = await endpoint(request)
        except (LatheError, ClientDisconnect) as error:
            response = answer_to(request, error)
            error.__traceback__ = None  # its frames hold the body, and one of them the error itself
        await response(scope, receive, send)

    def _endpoint(self, scope: Scope) -> Endpoint | None:
        match scope["path"].split("/"):
            case ["", "api", "webhooks", provider] if provider:
                scope["path_params"] = {"provider": provider}
                return self._unsigned
            case ["", "api", "webhooks", provider, hook_id] if provider and hook_id:
                scope["path_params"] = {"provider": provider, "hook_id": hook_id}
                return self._signed
            case ["", "api", "v1", "builds"]:
                return self._reports
        return None


@final
class _ByMethod:
    """All methods of a path, so that 405 can name them all. Called as an application of its own: errors that it raises
    are answered around all routes, and need not be caught for each."""

    def __init__(self, answers: Mapping[str, Endpoint]) -> None:
        self.answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        response = await self.answers["GET" if method == "HEAD" else method](Arrival(scope, receive))
        await response(scope, receive, send)
