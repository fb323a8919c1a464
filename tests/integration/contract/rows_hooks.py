"""Deliveries that Bitbucket signs, and the hooks that they are sent to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from attrs import evolve

from lathe.entrypoints.sample_bodies import commit_status, event_headers, pipeline_span
from tests.integration.contract.scene import (
    CREATED,
    SPAN,
    UNKNOWN_KEY,
    HookMade,
    bearer,
    nobody,
    pay_api,
    sent_by_bitbucket,
    signed,
)
from tests.integration.contract.table import ABSENT, HERE, Ask, Table

if TYPE_CHECKING:
    from tests.integration.contract.scene import Scene

TABLE: Final = Table()
SIGNED: Final = "POST /api/webhooks/{provider}/{hook_id}"
row = TABLE.row


# --- good signatures --------------------------------------------------------------------------------------------------


@row(
    SIGNED,
    201,
    "created",
    says={"placement": {"outcome": "created"}, "build.project.id": HERE, "build.project.name": ABSENT},
    headers={
        "ratelimit-policy": '"hook";q=600;w=60',
        "ratelimit": '"hook";r=599;t=60',
        "location": re.compile("/api/v1/builds/[0-9a-f-]{36}"),
    },
)
def what_bitbucket_signed_is_filed(scene: Scene) -> Ask:
    return signed(scene.hook(), pay_api(scene))


@row(SIGNED, 202, "no_project_match", says={"queue_entry.reason": {"code": "no_project_match"}})
def what_bitbucket_signed_waits_where_no_project_fits(scene: Scene) -> Ask:
    return signed(scene.hook(), commit_status(repository=f"acme/{uuid4().hex}"))


@row(SIGNED, 200, "duplicate")
def a_signed_event_of_a_build_that_came_by_key_is_the_same_build(scene: Scene) -> Ask:
    body = pay_api(scene)
    first = scene.ask("POST", "/api/webhooks/bitbucket", sent_by_bitbucket(body, event=CREATED)).json()
    return evolve(signed(scene.hook(), body), says={"build.id": first["build"]["id"]})


@row(SIGNED, 200, "duplicate")
def a_signed_run_is_the_build_of_its_status(scene: Scene) -> Ask:
    hook, number = scene.hook(), scene.number()
    path = f"/api/webhooks/bitbucket/{hook.id}"
    first = scene.ask("POST", path, signed(hook, commit_status(number=number))).json()
    return evolve(signed(hook, pipeline_span(number=number), event=SPAN), says={"build.id": first["build"]["id"]})


@row(SIGNED, 200, "ping")
def a_signed_connection_test_is_ignored(scene: Scene) -> Ask:
    return signed(scene.hook(), {"test": True}, event="diagnostics:ping")


@row(SIGNED, 200, "ping", headers={"ratelimit": ABSENT})
def an_unsigned_connection_test_is_answered_and_tells_nothing(scene: Scene) -> Ask:
    return _unsigned(scene.hook(), {"test": True}, "diagnostics:ping")


@row(SIGNED, 201, "created")
def after_a_rotation_the_new_secret_signs(scene: Scene) -> Ask:
    hook = scene.hook()
    new = scene.place.command("hook", "rotate", hook.id)["secret"]
    assert new != hook.secret
    return signed(hook, pay_api(scene), secret=new)


@row(SIGNED, 201, "created")
def after_a_rotation_the_old_secret_signs_for_a_while(scene: Scene) -> Ask:
    hook = scene.hook()
    scene.place.command("hook", "rotate", hook.id)
    return signed(hook, pay_api(scene))


@row(
    SIGNED, 201, "created", headers={"ratelimit-policy": re.compile('"key";.*')}, says={"build.project.name": "Pay API"}
)
def a_key_beside_a_good_signature_decides_the_rest(scene: Scene) -> Ask:
    return signed(scene.hook(), pay_api(scene), by=bearer(scene.key()))


# --- bad ones: one answer for all -------------------------------------------------------------------------------------

_BAD: Final = {"www-authenticate": 'Bearer realm="lathe", error="invalid_token"', "ratelimit": ABSENT}


def _unsigned(hook: HookMade, body: dict[str, object], event: str) -> Ask:
    headers = event_headers(event, str(uuid4()))
    return Ask(ids={"provider": "bitbucket", "hook_id": hook.id}, by={}, body=body, headers=headers)


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def what_nobody_signed_is_refused(scene: Scene) -> Ask:
    return _unsigned(scene.hook(), pay_api(scene), "repo:commit_status_updated")


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def what_another_secret_signed_is_refused(scene: Scene) -> Ask:
    return signed(scene.hook(), pay_api(scene), secret="0" * 64)


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def what_another_hooks_secret_signed_is_refused(scene: Scene) -> Ask:
    return signed(scene.hook(), pay_api(scene), secret=scene.hook().secret)


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_signature_over_another_body_is_refused(scene: Scene) -> Ask:
    ask = signed(scene.hook(), pay_api(scene))
    assert isinstance(ask.body, bytes)
    return evolve(ask, body=ask.body + b" ")


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_signature_that_is_none_is_refused(scene: Scene) -> Ask:
    ask = signed(scene.hook(), pay_api(scene))
    return evolve(ask, headers={**ask.headers, "X-Hub-Signature": "sha256="})


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_revoked_hook_takes_nothing_though_its_secret_was_at_hand(scene: Scene) -> Ask:
    hook = scene.hook()
    path = f"/api/webhooks/bitbucket/{hook.id}"
    assert scene.ask("POST", path, signed(hook, pay_api(scene))).status_code == 201
    scene.place.command("hook", "revoke", hook.id)
    return signed(hook, pay_api(scene))


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_hook_that_does_not_exist_refuses_like_one_that_does(scene: Scene) -> Ask:
    return signed(HookMade(nobody(), scene.hook().secret), pay_api(scene))


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_bad_signature_is_told_before_a_bad_body(scene: Scene) -> Ask:
    return signed(scene.hook(), b"{", secret="0" * 64)


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_good_key_does_not_make_up_for_a_missing_signature(scene: Scene) -> Ask:
    ask = _unsigned(scene.hook(), pay_api(scene), "repo:commit_status_updated")
    return evolve(ask, by=bearer(scene.key()))


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_bad_key_beside_a_good_signature_is_refused(scene: Scene) -> Ask:
    return signed(scene.hook(), pay_api(scene), by=bearer(UNKNOWN_KEY))


@row(SIGNED, 403, "insufficient_scope")
def a_key_without_the_scope_beside_a_good_signature_is_refused(scene: Scene) -> Ask:
    return signed(scene.hook(), pay_api(scene), by=bearer(scene.key("builds:read")))


@row(SIGNED, 404, "not_found")
def a_provider_that_nobody_knows_has_no_hooks(scene: Scene) -> Ask:
    hook = scene.hook()
    return evolve(signed(hook, pay_api(scene)), ids={"provider": "nobody", "hook_id": hook.id})


# --- hooks, as they are managed ---------------------------------------------------------------------------------------

_A_SECRET: Final = re.compile("whsec_[A-Za-z0-9+/]{43}=")


@row("GET /api/v1/hooks", 200, says={"data.0.secret": ABSENT, "data.0.provider": "bitbucket", "data.0.requests": 1})
def hooks_are_listed_without_their_secrets_and_with_their_use(scene: Scene) -> Ask:
    hook = scene.hook()
    assert scene.ask("POST", f"/api/webhooks/bitbucket/{hook.id}", signed(hook, pay_api(scene))).status_code == 201
    return Ask(query="limit=1", says={"data.0.id": hook.id, "data.0.last_delivery_at": HERE})


@row("POST /api/v1/hooks", 201, says={"secret": _A_SECRET, "revoked_at": None})
def a_hook_is_made_with_its_address_and_its_secret(scene: Scene) -> Ask:
    address = re.compile(re.escape(scene.place.address) + "/api/webhooks/bitbucket/[0-9a-f-]{36}")
    return Ask(body={"provider": "bitbucket"}, says={"address": address})


@row("POST /api/v1/hooks", 422, "invalid", faults=[("/provider", "not_a_choice")])
def there_are_hooks_for_known_providers_only(scene: Scene) -> Ask:
    return Ask(body={"provider": "jenkins"})


@row("POST /api/v1/hooks/{id}/rotate", 200, says={"secret": _A_SECRET})
def rotating_shows_a_new_secret(scene: Scene) -> Ask:
    hook = scene.hook()
    return Ask(ids={"id": hook.id}, says={"id": hook.id})


@row("POST /api/v1/hooks/{id}/rotate", 409, "conflict")
def a_revoked_hook_has_nothing_to_rotate(scene: Scene) -> Ask:
    hook = scene.hook()
    scene.place.command("hook", "revoke", hook.id)
    return Ask(ids={"id": hook.id})


@row("DELETE /api/v1/hooks/{id}", 204)
def revoking_a_hook_is_answered_without_words(scene: Scene) -> Ask:
    return Ask(ids={"id": scene.hook().id})


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def what_was_revoked_by_a_request_takes_nothing_more(scene: Scene) -> Ask:
    hook = scene.hook()
    scene.made("DELETE", f"/api/v1/hooks/{hook.id}")
    return signed(hook, pay_api(scene))
