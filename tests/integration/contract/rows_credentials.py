"""Who is let in, what a caller learns first, and what every answer says of limit, expiry and request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from attrs import evolve

from tests.integration.contract.scene import (
    SCOPES,
    UNKNOWN_KEY,
    bearer,
    nobody,
    sent_by_bitbucket,
    signed,
)
from tests.integration.contract.table import ABSENT, Ask, Table

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene

TABLE: Final = Table()
BUILDS: Final = "GET /api/v1/builds"
row = TABLE.row


# --- the order: 401, 403, 429, and only then 400 ----------------------------------------------------------------------

TAKING: Final[Mapping[str, str]] = {
    "POST /api/webhooks/{provider}": "builds:create",
    "POST /api/webhooks/{provider}/{hook_id}": "builds:create",
    "POST /api/v1/builds": "builds:create",
    "POST /api/v1/placements/preview": "builds:read",
    "POST /api/v1/queue/{id}/assign": "queue:manage",
    "POST /api/v1/queue/{id}/reject": "queue:manage",
    "POST /api/v1/queue/{id}/project": "queue:manage",
    "POST /api/v1/builds/{id}/move": "queue:manage",
    "POST /api/v1/projects": "projects:manage",
    "PATCH /api/v1/projects/{id}": "projects:manage",
    "POST /api/v1/projects/{id}/repositories": "projects:manage",
    "POST /api/v1/projects/{id}/releases": "projects:manage",
    "PATCH /api/v1/releases/{id}": "projects:manage",
    "POST /api/v1/hooks": "hooks:manage",
    "POST /api/v1/deliveries/{id}/replay": "builds:create",
}
"""Every call that takes a body, and the scope that it needs."""


def sent_to(scene: Scene, call: str, body: bytes, by: Mapping[str, str]) -> Ask:
    """Return a request of a call with this body and credential, well signed where that is asked for."""
    if call.endswith("{hook_id}"):
        return evolve(signed(scene.shared_hook(), body), by=by)
    if call.endswith("{provider}"):
        return sent_by_bitbucket(body, by=by)
    return Ask(ids={"id": nobody()}, body=body, by=by)


def _learns_in_order(call: str, scope: str) -> None:
    by: dict[tuple[int, str, str], Callable[[Scene], str]] = {
        (401, "unauthenticated", "a bad key"): lambda _: UNKNOWN_KEY,
        (403, "insufficient_scope", "a lacking scope"): lambda scene: scene.key(*(set(SCOPES) - {scope})),
        (429, "rate_limited", "a limit that is used up"): lambda scene: scene.used_up_key(),
        (400, "malformed", "nothing else"): lambda scene: scene.key(scope),
    }
    for (status, code, what), key in by.items():

        def arrange(scene: Scene, key: Callable[[Scene], str] = key) -> Ask:
            return sent_to(scene, call, b"{", bearer(key(scene)))

        TABLE.add(f"{call} is told of {what} before a bad body", call, status, code, arrange)


for _call, _scope in TAKING.items():
    _learns_in_order(_call, _scope)


# --- 401 --------------------------------------------------------------------------------------------------------------

_INVALID: Final = {"www-authenticate": 'Bearer realm="lathe", error="invalid_token"', "ratelimit": ABSENT}

NO_KEYS: Final[Mapping[str, Callable[[Scene], Mapping[str, str]]]] = {
    "a key that nobody made": lambda _: bearer(UNKNOWN_KEY),
    "a key with a wrong checksum": lambda scene: bearer(scene.key()[:-1] + ("0" if scene.key()[-1] != "0" else "1")),
    "a key that was revoked": lambda scene: bearer(scene.revoked_key()),
    "a key that has expired": lambda scene: bearer(scene.expired_key()),
    "a password": lambda _: {"Authorization": "Basic dXNlcjpwYXNz"},
    "a bare key": lambda scene: {"Authorization": scene.key()},
}

for _what, _by in NO_KEYS.items():
    TABLE.add(
        f"{_what} is refused",
        BUILDS,
        401,
        "unauthenticated",
        partial(lambda scene, by: Ask(by=by(scene)), by=_by),
        headers=_INVALID,
    )


@row(BUILDS, 401, "unauthenticated", headers={"www-authenticate": 'Bearer realm="lathe"'})
def without_a_credential_one_is_asked_for(scene: Scene) -> Ask:
    return Ask(by={})


# --- 403 --------------------------------------------------------------------------------------------------------------


@row(
    "POST /api/v1/hooks",
    403,
    "insufficient_scope",
    headers={"www-authenticate": 'Bearer realm="lathe", error="insufficient_scope", scope="hooks:manage"'},
)
def a_lacking_scope_is_named(scene: Scene) -> Ask:
    return Ask(by=bearer(scene.key("builds:read", "projects:manage")), body={"provider": "bitbucket"})


READING: Final[Mapping[str, str]] = {
    "GET /api/v1/builds": "builds:read",
    "GET /api/v1/builds/{id}": "builds:read",
    "GET /api/v1/queue": "builds:read",
    "GET /api/v1/queue/{id}": "builds:read",
    "GET /api/v1/projects": "builds:read",
    "GET /api/v1/projects/{id}": "builds:read",
    "GET /api/v1/projects/{id}/releases": "builds:read",
    "GET /api/v1/releases/{id}": "builds:read",
    "GET /api/v1/hooks": "hooks:manage",
    "GET /api/v1/deliveries": "builds:read",
    "GET /api/v1/deliveries/{id}": "builds:read",
    "POST /api/v1/queue/{id}/undo": "queue:manage",
    "POST /api/v1/builds/{id}/requeue": "queue:manage",
    "POST /api/v1/hooks/{id}/rotate": "hooks:manage",
    "DELETE /api/v1/hooks/{id}": "hooks:manage",
    "DELETE /api/v1/projects/{id}/repositories/{repository_id}": "projects:manage",
}
"""Every call that takes no body, and the scope that it needs."""


def _needs_its_scope(call: str, scope: str) -> None:
    ask = Ask(ids={"id": nobody(), "repository_id": nobody()}, by={})

    def by_another(scene: Scene) -> Ask:
        return evolve(ask, by=bearer(scene.key(*(set(SCOPES) - {scope}))))

    challenge = {"www-authenticate": f'Bearer realm="lathe", error="insufficient_scope", scope="{scope}"'}
    TABLE.add(f"{call} needs the scope {scope}", call, 403, "insufficient_scope", by_another, headers=challenge)
    challenge = {"www-authenticate": 'Bearer realm="lathe"'}
    TABLE.add(f"{call} needs a key", call, 401, "unauthenticated", lambda _: ask, headers=challenge)


for _call, _scope in READING.items():
    _needs_its_scope(_call, _scope)


# --- limits -----------------------------------------------------------------------------------------------------------


@row(BUILDS, 200, headers={"ratelimit-policy": '"key";q=60;w=60', "ratelimit": '"key";r=59;t=60'})
def the_first_request_of_a_key_leaves_the_rest_of_its_limit(scene: Scene) -> Ask:
    return Ask(by=bearer(scene.fresh_key()))


@row(BUILDS, 200, headers={"ratelimit": ABSENT, "ratelimit-policy": ABSENT})
def a_key_without_a_limit_is_told_of_none(scene: Scene) -> Ask:
    return Ask(by=bearer(scene.key(limit="unlimited")))


@row(BUILDS, 200, headers={"ratelimit": re.compile('"key";r=0;t=(60|5.)')})
def what_is_malformed_spends_the_limit_too(scene: Scene) -> Ask:
    by = bearer(scene.fresh_key(limit=4))
    delivery = sent_by_bitbucket(b"{", by=by)
    assert scene.ask("POST", "/api/webhooks/bitbucket", delivery).status_code == 400
    assert scene.ask("POST", "/api/v1/builds", Ask(by=by, body=[])).status_code == 422
    assert scene.ask("GET", "/api/v1/builds", Ask(by=by, query="limit=0")).status_code == 422
    return Ask(by=by)


@row(BUILDS, 200, headers={"ratelimit": re.compile('"key";r=0;t=(60|5.)')})
def a_lacking_scope_spends_nothing(scene: Scene) -> Ask:
    by = bearer(scene.fresh_key("builds:read", limit=1))
    for _ in range(3):
        assert scene.ask("POST", "/api/v1/builds", Ask(by=by, body={"name": "x"})).status_code == 403
    return Ask(by=by)


@row(BUILDS, 429, "rate_limited", headers={"ratelimit-policy": '"key";q=2;w=60'})
def reads_and_deliveries_spend_the_same_limit(scene: Scene) -> Ask:
    by = bearer(scene.fresh_key(limit=2))
    assert scene.ask("GET", "/api/v1/queue", Ask(by=by)).status_code == 200
    ping = sent_by_bitbucket({"test": True}, event="diagnostics:ping", by=by)
    assert scene.ask("POST", "/api/webhooks/bitbucket", ping).status_code == 200
    return Ask(by=by)


@row(BUILDS, 200, headers={"ratelimit-policy": '"key";q=9;w=60', "ratelimit": re.compile('"key";r=7;t=(60|5.)')})
def a_raised_limit_holds_for_the_next_request(scene: Scene) -> Ask:
    made = scene.place.command(
        "key", "create", "Raised", "--org", "acme", "--scope", "builds:read", "--rate-limit", "1"
    )
    by = bearer(made["key"])
    assert scene.ask("GET", "/api/v1/builds", Ask(by=by)).status_code == 200
    scene.place.command("key", "update", made["id"], "--rate-limit", "9")
    return Ask(by=by)


# --- expiry -----------------------------------------------------------------------------------------------------------

_EXPIRES: Final = {"lathe-key-expires": "2999-01-31T00:00:00.000000Z"}


@row(BUILDS, 200, headers=_EXPIRES)
def a_key_that_expires_says_when(scene: Scene) -> Ask:
    return Ask(by=bearer(scene.key(expires="2999-01-31")))


@row("POST /api/v1/builds", 400, "malformed", headers=_EXPIRES)
def a_key_that_expires_says_so_beside_an_error(scene: Scene) -> Ask:
    return Ask(by=bearer(scene.key(expires="2999-01-31")), body=b"{")


@row("POST /api/v1/builds", 403, "insufficient_scope", headers=_EXPIRES)
def a_key_that_expires_says_so_beside_a_lacking_scope(scene: Scene) -> Ask:
    return Ask(by=bearer(scene.key("builds:read", expires="2999-01-31")), body={"name": "x"})


@row(BUILDS, 200, headers={"lathe-key-expires": ABSENT})
def a_key_that_never_expires_says_nothing_of_it(scene: Scene) -> Ask:
    return Ask()


# --- request ids ------------------------------------------------------------------------------------------------------


@row(BUILDS, 200, headers={"x-request-id": "Trace~1_2.3-4"})
def a_request_keeps_its_id(scene: Scene) -> Ask:
    return Ask(headers={"X-Request-Id": "Trace~1_2.3-4"})


@row("POST /api/v1/builds", 400, "malformed", says={"request_id": "x" * 128}, headers={"x-request-id": "x" * 128})
def an_error_names_the_id_of_its_request(scene: Scene) -> Ask:
    return Ask(headers={"X-Request-Id": "x" * 128}, body=b"{")


_NEW: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@row(BUILDS, 200, headers={"x-request-id": _NEW})
def an_id_that_is_too_long_is_replaced(scene: Scene) -> Ask:
    return Ask(headers={"X-Request-Id": "x" * 129})


@row(BUILDS, 401, "unauthenticated", headers={"x-request-id": _NEW})
def an_id_with_odd_characters_is_replaced(scene: Scene) -> Ask:
    return Ask(by={}, headers={"X-Request-Id": "two words; one injection"})
