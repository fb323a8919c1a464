"""How every call but deliveries is answered: admitted, read, done on a thread, written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from lathe.adapters.http import codec
from lathe.adapters.http.calls import Ask, Call, Reply
from lathe.adapters.http.credentials import admit
from lathe.adapters.http.kinds import parsed_id
from lathe.adapters.web import strict_json
from lathe.adapters.web.arrival import noted
from lathe.adapters.web.body import Bodies, headers_if_unread, wrong_media_type
from lathe.adapters.web.written import Written, dumped
from lathe.domain.errors import NotFound

if TYPE_CHECKING:
    from starlette.requests import Request

    from lathe.adapters.web.arrival import Arrival
    from lathe.adapters.web.parts import Parts
    from lathe.adapters.web.refusals import Refusals

Endpoint = Callable[["Arrival"], Awaitable[Response]]


def endpoint(
    call: Call, run: Callable[[Ask[Any, Any]], Reply], parts: Parts, refusals: Refusals, bodies: Bodies
) -> Endpoint:
    """Return the endpoint of a call."""

    async def answer(request: Request) -> Response:
        admission = await admit(request, parts.store, refusals, call.scope)
        ids = _ids(request.path_params)
        query: Any = codec.read_query(call.query, request.query_params.multi_items())
        body = await _body(request, call.body, bodies) if call.body else None
        origin = parts.base_url or str(request.base_url).rstrip("/")
        ask = Ask(parts, admission, request.scope["path"], origin, ids, body, query)
        reply = await run_in_threadpool(run, ask)
        return _written(call, reply, {**noted(request)["headers"], **headers_if_unread(request)})

    return answer


def _ids(parameters: Mapping[str, str]) -> dict[str, UUID]:
    """Return the ids in a path. What is no id names nothing, like an id that is unknown. Raises NotFound."""
    ids = {name: parsed_id(text) for name, text in parameters.items()}
    if None in ids.values():
        raise NotFound("there is nothing of such an id")
    return {name: one for name, one in ids.items() if one}


async def _body(request: Request, cls: type, bodies: Bodies) -> object:
    if fault := wrong_media_type(request):
        raise fault
    return codec.read(cls, strict_json.parse(await bodies.read(request)))


def _written(call: Call, reply: Reply, headers: Mapping[str, str]) -> Response:
    headers = {**headers, **reply.headers}
    if reply.location:
        headers["Location"] = reply.location
    if reply.content is None:
        return Response(None, call.status, headers)
    return Written(dumped(reply.content), call.status, headers)
