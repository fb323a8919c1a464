"""What a caller learns comes in one order: 401, 403, 429, and only then what is wrong with the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lathe.adapters.web.body import BodyLimits
from lathe.application.hooks import revoke
from lathe.domain.api_key import Scope, key_text
from lathe.domain.delivery import CredentialKind
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.http.world import World, bearer, delivery, post, serving, signed, with_headers

if TYPE_CHECKING:
    from starlette.testclient import TestClient

BITBUCKET = "/api/webhooks/bitbucket"
REPORT = "/api/v1/builds"

ADDRESSES = pytest.mark.parametrize("path", [BITBUCKET, REPORT])
BODIES = pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 422),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
        (b" " * 5000, {}, 413),
    ],
)


def bad(content: bytes, headers: dict[str, str]) -> dict[str, Any]:
    return with_headers({**delivery({}), "content": content}, headers)


@ADDRESSES
@BODIES
def test_a_bad_body_is_told_to_whoever_is_admitted_and_spends_the_limit(
    path: str, content: bytes, headers: dict[str, str], status: int
) -> None:
    world = World(BodyLimits(size=4096))
    wrong = bad(content, headers)
    with serving(world) as client:
        post(client, path, wrong, 401)
        post(client, path, with_headers(wrong, bearer(key_text(bytes(32)))), 401)
        post(client, path, with_headers(wrong, bearer(world.key(Scope.BUILDS_READ))), 403)
        own = bearer(world.key(rate_limit=2))
        for left in (1, 0):
            answer = post(client, path, with_headers(wrong, own), status)
            assert answer.headers["ratelimit"] == f'"key";r={left};t=60'
        post(client, path, with_headers(wrong, own), 429)


@BODIES
def test_a_bad_body_from_an_organization_id_spends_the_limit(
    content: bytes, headers: dict[str, str], status: int
) -> None:
    world = World(BodyLimits(size=4096))
    with serving(world) as client:
        by_id = {"X-Pt-Org-Id": str(world.acme.organization.id)}
        post(client, BITBUCKET, with_headers(bad(content, headers), by_id), 401)
        by_id = world.allow_org_id(rate_limit=1)
        post(client, BITBUCKET, with_headers(bad(content, headers), by_id), status)
        post(client, BITBUCKET, with_headers(bad(content, headers), by_id), 429)


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"Content-Encoding": "gzip"}])
def test_the_media_type_of_a_hook_is_told_to_whoever_can_sign(headers: dict[str, str]) -> None:
    world = World()
    hook, secret = world.hook()
    with serving(world) as client:
        good = with_headers(signed(delivery(commit_status()), secret), headers)
        answer = post(client, f"{BITBUCKET}/{hook.id}", good, 415)
        assert answer.headers["ratelimit"] == '"hook";r=599;t=60'
        forged = with_headers(signed(delivery(commit_status()), "another secret"), headers)
        post(client, f"{BITBUCKET}/{hook.id}", forged, 401)
        post(client, f"{BITBUCKET}/{hook.id}", with_headers(good, bearer(world.key(Scope.BUILDS_READ))), 403)
        revoke(world.store, world.acme.caller, hook.id)
        post(client, f"{BITBUCKET}/{hook.id}", good, 401)


def test_a_body_that_was_not_taken_is_kept_as_invalid_without_it(world: World, client: TestClient) -> None:
    by_key = bearer(world.key())
    answer = post(client, BITBUCKET, with_headers(bad(b"{}", {"Content-Type": "text/plain"}), by_key), 415)
    assert answer.json()["detail"] == "Send JSON, and say so: Content-Type: application/json"
    (incoming,) = world.intake.taken
    assert (incoming.presented.kind, incoming.body, incoming.reading.delivery_id) == (CredentialKind.KEY, b"", None)
