"""Deliveries go past the router: that must make no difference but in time."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from lathe.adapters.http import Ahead, routes
from lathe.adapters.web.arrival import Fields
from lathe.adapters.web.edge import Edge
from lathe.adapters.web.problems import exception_handlers
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.http.world import World, bearer, delivery, masked, signed, with_headers

PATHS = [
    "/api/webhooks/bitbucket",
    "/api/webhooks/nobody",
    "/api/webhooks/",
    "/api/webhooks/bitbucket/",
    "/api/webhooks/bitbucket/HOOK",
    "/api/webhooks/nobody/HOOK",
    "/api/webhooks/bitbucket/HOOK/more",
    "/api/v1/builds",
    "/api/v1/builds/",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_the_way_past_the_router_answers_as_the_router_does(method: str, path: str) -> None:
    world = World()
    hook, secret = world.hook()
    url = path.replace("HOOK", str(hook.id))
    api = routes(world.parts, world.refusals)

    def app(*more: Middleware) -> TestClient:
        middleware = [Middleware(Edge, ids=world.ids), *more]
        made = Starlette(routes=api, middleware=middleware, exception_handlers=exception_handlers)
        made.router.redirect_slashes = False
        return TestClient(made)

    behind, ahead = app(), app(Middleware(Ahead, routes=api))
    own = {"content": b'{"name": "x"}', "headers": {"Content-Type": "application/json", "Idempotency-Key": "once"}}
    arguments = own if path.startswith("/api/v1") else signed(delivery(commit_status()), secret)
    key = bearer(world.key(rate_limit=None))
    for sent in (
        arguments,
        with_headers(arguments, key),
        with_headers(arguments, {**key, "Content-Type": "text/plain"}),
        with_headers(arguments, {"Authorization": "Bearer nothing"}),
        with_headers({**arguments, "content": b"["}, key),
    ):
        behind.request(method, url, **sent)  # so that both of the following come second
        assert masked(behind.request(method, url, **sent)) == masked(ahead.request(method, url, **sent))


def test_the_first_of_several_fields_counts_and_all_are_found() -> None:
    fields = Fields([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")])
    assert (fields["A"], fields.get("a"), fields.getlist("A"), fields.getlist("b")) == ("1", "1", ["1", "3"], ["2"])
    alone = Fields([(b"a", b"1")])
    assert ("A" in alone, alone.getlist("a"), alone.getlist("b"), alone.get("b", "none")) == (True, ["1"], [], "none")
