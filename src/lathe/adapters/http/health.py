"""Whether the process is up, and whether it can work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from lathe.adapters.web.problems import problem_of, rendered
from lathe.domain.errors import Unavailable

if TYPE_CHECKING:
    from starlette.requests import Request

    from lathe.adapters.http.managed import Endpoint
    from lathe.adapters.web.parts import Parts


async def alive(request: Request) -> Response:  # noqa: ARG001 - the form of an endpoint
    """Answer at all."""
    return PlainTextResponse("ok\n")


def ready(parts: Parts) -> Endpoint:
    """Return the endpoint that says whether deliveries can be taken."""

    async def answer(request: Request) -> Response:
        why_not = await run_in_threadpool(parts.unready)
        if why_not is None:
            return PlainTextResponse("ready\n")
        return rendered(request, problem_of(Unavailable(why_not, code="not_ready")))

    return answer
