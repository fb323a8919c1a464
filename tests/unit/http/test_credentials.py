"""Who is let in, in which order a caller learns what is wrong, and what headers say of the limit."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lathe.adapters.memory.clock import MORNING
from lathe.application import hooks, keys
from lathe.domain.api_key import Scope
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.http.world import Api, bearer, delivery, masked, must_be_documented, post, signed, with_headers

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.unit.http.world import World

BITBUCKET = "/api/webhooks/bitbucket"
UNKNOWN_KEY = "pt_live_0123456789abcdefghijABCDEFGHIJKL"


def unknown_key(world: World) -> str:
    """Return a key that is well formed and was never stored."""
    with_other = type(world)()
    return with_other.key()


def test_what_is_no_key_of_ours_is_refused_alike_and_without_a_look_at_the_store(
    world: World, client: TestClient
) -> None:
    key = world.key()
    good = {"X-Pt-Org-Id": world.allow_org_id()["X-Pt-Org-Id"]}
    shown = [
        "Basic dXNlcjpwYXNz",
        key,
        "Bearer",
        "Bearer ",
        f"Bearer {key} {key}",
        f"Bearer {key[:-1]}",
        f"Bearer {key[:-1]}é".encode("latin-1"),
        f"Bearer {UNKNOWN_KEY}",
        f"Bearer {unknown_key(world)}",
    ]
    answers = set()
    for authorization in shown:
        sent: Any = {"Authorization": authorization, **good}
        answer = client.get("/api/v1/builds", headers=sent)
        answers.add(repr(masked(answer)[1:]))
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="lathe", error="invalid_token"'
        # The organization's id would be good, but a key that was sent decides alone.
        post(client, BITBUCKET, with_headers(delivery(commit_status()), sent), 401)
    assert len(answers) == 1
    two = client.get("/api/v1/builds", headers=[("Authorization", f"Bearer {key}")] * 2)
    assert two.status_code == 401


def test_the_word_bearer_is_read_in_any_case(world: World, client: TestClient) -> None:
    assert client.get("/api/v1/builds", headers={"Authorization": f"bearer  {world.key()}"}).status_code == 200


def test_a_request_without_credential_is_told_so(client: TestClient) -> None:
    for method, path in [("GET", "/api/v1/builds"), ("POST", "/api/v1/builds"), ("POST", BITBUCKET)]:
        answer = client.request(method, path)
        must_be_documented(method, path, answer)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="lathe"'


def test_the_organizations_id_opens_nothing_but_webhooks(world: World, client: TestClient) -> None:
    headers = world.allow_org_id()
    assert client.get("/api/v1/builds", headers=headers).status_code == 401
    assert client.post("/api/v1/builds", headers=headers, json={"name": "x"}).status_code == 401
    twice = list(headers.items()) * 2
    answer = client.post(BITBUCKET, headers=twice, content=b"{}")
    assert answer.status_code == 401
    assert client.post(BITBUCKET, headers={"X-Pt-Org-Id": "acme"}, content=b"{}").status_code == 401


def test_a_key_beside_a_signature_decides_alone(world: World, client: TestClient) -> None:
    hook, secret = world.hook()
    address = f"{BITBUCKET}/{hook.id}"
    good = signed(delivery(commit_status()), secret)
    post(client, address, with_headers(good, bearer(unknown_key(world))), 401)
    post(client, address, with_headers(good, bearer(world.key(Scope.BUILDS_READ))), 403)
    post(client, address, with_headers(delivery(commit_status()), bearer(world.key())), 401)
    answer = post(client, address, with_headers(good, bearer(world.key())), 201)
    assert answer.headers["ratelimit-policy"].startswith('"key"')


def test_revoked_and_expired_keys_are_answered_like_unknown_ones(world: World, client: TestClient) -> None:
    unknown = masked(client.get("/api/v1/builds", headers=bearer(unknown_key(world))))
    expiring = world.key(expires_at=MORNING + timedelta(hours=1))
    answer = client.get("/api/v1/builds", headers=bearer(expiring))
    assert answer.headers["lathe-key-expires"] == "2026-03-14T10:26:53.589793Z"
    world.clock.advance(timedelta(hours=1))
    assert masked(client.get("/api/v1/builds", headers=bearer(expiring))) == unknown
    assert masked(client.get("/api/v1/queue", headers=bearer(expiring)))[0] == 401
    key, text = keys.create(world.store, world.ids, world.acme.caller, "CI", set(Scope))
    assert client.get("/api/v1/builds", headers=bearer(text)).status_code == 200
    keys.revoke(world.store, world.acme.caller, key.id)
    assert masked(client.get("/api/v1/builds", headers=bearer(text))) == unknown


def test_a_lacking_scope_is_named(world: World, client: TestClient) -> None:
    reader, writer = world.key(Scope.BUILDS_READ), world.key(Scope.BUILDS_CREATE)
    answer = post(client, BITBUCKET, with_headers(delivery(commit_status()), bearer(reader)), 403)
    expected = 'Bearer realm="lathe", error="insufficient_scope", scope="builds:create"'
    assert answer.headers["www-authenticate"] == expected
    assert answer.json()["code"] == "insufficient_scope"
    Api(client, bearer(writer))("GET", "/api/v1/builds", status=403)


def test_a_caller_learns_of_credentials_and_limits_before_anything_about_the_body(
    world: World, client: TestClient
) -> None:
    """401, 403, 429, then 400 or 422, on every address that takes a body."""
    wrong: dict[str, Any] = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    hook, secret = world.hook()
    addresses = {
        BITBUCKET: Scope.BUILDS_CREATE,
        f"{BITBUCKET}/{hook.id}": Scope.BUILDS_CREATE,
        "/api/v1/builds": Scope.BUILDS_CREATE,
        "/api/v1/projects": Scope.PROJECTS_MANAGE,
        "/api/v1/placements/preview": Scope.BUILDS_READ,
        f"/api/v1/queue/{hook.id}/assign": Scope.QUEUE_MANAGE,
        "/api/v1/hooks": Scope.HOOKS_MANAGE,
    }
    for address, scope in addresses.items():
        request = signed(wrong, secret) if str(hook.id) in address else wrong
        others = set(Scope) - {scope}
        once = world.key(scope, rate_limit=1)
        post(client, address, with_headers(request, bearer(unknown_key(world))), 401)
        post(client, address, with_headers(request, bearer(world.key(*others))), 403)
        post(client, address, with_headers(request, bearer(once)), 400)
        post(client, address, with_headers(request, bearer(once)), 429)


def test_every_answer_says_what_is_left_of_the_limit(world: World, client: TestClient) -> None:
    api = Api(client, bearer(world.key(rate_limit=3)))
    assert api("GET", "/api/v1/builds").headers["ratelimit-policy"] == '"key";q=3;w=60'
    world.clock.advance(timedelta(seconds=18))
    assert api("GET", "/api/v1/builds?limit=no", status=422).headers["ratelimit"] == '"key";r=1;t=42'
    assert api("POST", "/api/v1/builds", b"{", status=400).headers["ratelimit"] == '"key";r=0;t=42'
    refused = api("POST", "/api/v1/builds", {"name": "x"}, status=429)
    assert refused.headers["ratelimit"] == '"key";r=0;t=42'
    assert refused.headers["retry-after"] == "42"
    world.now.seconds += 42
    world.clock.advance(timedelta(seconds=42))
    api("POST", "/api/v1/builds", {"name": "x"}, status=202)


def test_an_unlimited_key_is_told_of_no_limit(api: Api) -> None:
    assert "ratelimit" not in api("GET", "/api/v1/builds").headers


def test_what_is_refused_already_needs_neither_body_nor_store_for_a_second(world: World, client: TestClient) -> None:
    caller = bearer(world.key(rate_limit=1))
    request = with_headers(delivery(commit_status()), caller)
    post(client, BITBUCKET, request, 201)
    post(client, BITBUCKET, request, 429)
    asked = world.submitted()
    # Not even the media type is looked at, let alone the body.
    unread = with_headers(request, {"Content-Type": "text/plain"})
    assert post(client, BITBUCKET, unread, 429).headers["ratelimit"] == '"key";r=0;t=60'
    assert world.submitted() == asked
    world.now.seconds += 1
    post(client, BITBUCKET, request, 429)
    assert world.submitted() == asked + 1, "the store is asked again after a second"


def test_a_remembered_refusal_never_hides_a_lacking_scope(world: World, client: TestClient) -> None:
    api = Api(client, bearer(world.key(Scope.BUILDS_READ, rate_limit=1)))
    api("GET", "/api/v1/builds")
    api("GET", "/api/v1/builds", status=429)
    api("POST", "/api/v1/builds", {"name": "x"}, status=403)


def test_hooks_and_organizations_have_limits_of_their_own(world: World, client: TestClient) -> None:
    by_id = with_headers(delivery({"test": True}, "diagnostics:ping"), world.allow_org_id(rate_limit=1))
    post(client, BITBUCKET, by_id, 200)
    assert post(client, BITBUCKET, by_id, 429).headers["ratelimit-policy"] == '"organization";q=1;w=60'
    assert post(client, BITBUCKET, with_headers(by_id, {"Content-Type": "none"}), 429).json()["code"] == "rate_limited"


def test_refused_requests_are_counted_for_people_to_see(world: World, client: TestClient) -> None:
    hook, _ = world.hook()
    address = f"{BITBUCKET}/{hook.id}"
    post(client, address, delivery(commit_status()), 401)
    post(client, address, signed(delivery(commit_status()), "another secret"), 401)
    key, text = keys.create(world.store, world.ids, world.acme.caller, "CI", set(Scope), rate_limit=1)
    api = Api(client, bearer(text))
    api("GET", "/api/v1/builds")
    for _ in range(3):
        api("GET", "/api/v1/builds", status=429)
    organization = world.acme.organization.id
    assert world.store.read(lambda tx: tx.keys.get(organization, key.id)).refused == 0, "not in the request's path"
    asyncio.run(world.refusals.close())
    assert world.store.read(lambda tx: tx.keys.get(organization, key.id)).refused == 3
    assert world.store.read(lambda tx: tx.hooks.get(organization, hook.id)).refused == 2
    assert hooks.listed(world.store, organization)[0].requests == 0


@pytest.mark.parametrize("sent", ["a", "Trace~1_2.3-4", "x" * 128])
def test_a_valid_request_id_is_echoed(api: Api, sent: str) -> None:
    assert api("GET", "/api/v1/builds", X_Request_Id=sent).headers["x-request-id"] == sent
    assert api("GET", "/api/v1/builds?limit=0", status=422, X_Request_Id=sent).json()["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 129, "two words", "semi;colon", "a\tb"])
def test_any_other_request_id_is_replaced(api: Api, sent: str) -> None:
    assert api("GET", "/api/v1/builds", X_Request_Id=sent).headers["x-request-id"] not in {"", sent}
