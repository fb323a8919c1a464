"""What other providers than Bitbucket Cloud send: filed, ignored, signed, refused, and known again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from attrs import evolve

from lathe.domain.hook import Provider
from tests.bodies import Sent, build_status, own_form, pipeline, proven, sent, workflow_run
from tests.integration.contract.scene import UNKNOWN_KEY, HookMade, bearer
from tests.integration.contract.table import ABSENT, HERE, Ask, Table

if TYPE_CHECKING:
    from tests.bodies import JsonObject
    from tests.integration.contract.scene import Scene

TABLE: Final = Table()
WEBHOOK: Final = "POST /api/webhooks/{provider}"
SIGNED: Final = "POST /api/webhooks/{provider}/{hook_id}"
row = TABLE.row

GITHUB, GITLAB, GENERIC, BITBUCKET = Provider.GITHUB, Provider.GITLAB, Provider.GENERIC, Provider.BITBUCKET

_NEW: Final[Mapping[Provider, Callable[[int], JsonObject]]] = {
    GITHUB: lambda number: workflow_run(run=number),
    GITLAB: lambda number: pipeline(pipeline_id=number),
    GENERIC: lambda number: own_form(number=number),
}
"""Bodies of a build of the project Pay API, by its number."""

_TOKEN: Final = "token"
_WAYS: Final = ((GITHUB, ""), (GITLAB, "signature"), (GITLAB, _TOKEN), (GENERIC, ""))


def by_key(provider: Provider, body: JsonObject, *, event: str | None = None, delivery_id: str = "") -> Ask:
    """Return a delivery to a provider's address, with a key that may do all."""
    return _ask(sent(provider, body, delivery_id or str(uuid4()), event))


def to_hook(hook: HookMade, request: Sent, proof: Mapping[str, str], **more: Any) -> Ask:
    """Return a delivery to a hook's address, with what proves who sent it."""
    headers = {**request.headers, **proof}
    ids = {"provider": request.provider.value, "hook_id": hook.id}
    return Ask(ids=ids, by=more.pop("by", {}), body=request.body, headers=headers, **more)


def _ask(request: Sent, **more: Any) -> Ask:
    return Ask(ids={"provider": request.provider.value}, body=request.body, headers=request.headers, **more)


def _answer(scene: Scene, ask: Ask) -> dict[str, Any]:
    path = f"/api/webhooks/{ask.ids['provider']}"
    said: dict[str, Any] = scene.ask("POST", path, ask).json()
    return said


# --- by key: what becomes of what they send ---------------------------------------------------------------------------

_FILED: Final = {"build.project.name": "Pay API", "build.release.name": "2.5", "build.verified": True}


@row(WEBHOOK, 201, "created", says={**_FILED, "build.source": "github", "build.run_id": HERE, "build.branch": HERE})
def a_run_of_github_is_filed(scene: Scene) -> Ask:
    return by_key(GITHUB, workflow_run(run=scene.number()))


@row(WEBHOOK, 201, "created", says={**_FILED, "build.source": "gitlab", "build.finished_at": HERE})
def a_pipeline_of_gitlab_is_filed(scene: Scene) -> Ask:
    return by_key(GITLAB, pipeline(pipeline_id=scene.number()))


@row(WEBHOOK, 201, "created", says={**_FILED, "build.source": "teamcity", "build.branch": None})
def a_build_in_our_own_form_is_filed_at_the_generic_address(scene: Scene) -> Ask:
    return by_key(GENERIC, {**own_form(number=scene.number()), "source": "teamcity"})


@row(WEBHOOK, 201, "created", says={**_FILED, "build.source": "bitbucket", "build.branch": "release/2.5"})
def a_build_status_of_data_center_is_filed(scene: Scene) -> Ask:
    return by_key(BITBUCKET, build_status(number=scene.number()))


@row(WEBHOOK, 200, "duplicate")
def another_attempt_of_a_run_is_the_same_build(scene: Scene) -> Ask:
    run = scene.number()
    first = _answer(scene, by_key(GITHUB, workflow_run(run=run)))
    again = workflow_run(run=run, conclusion="failure", updated_at="2026-04-07T10:00:00Z")
    return evolve(by_key(GITHUB, again), says={"build.id": first["build"]["id"], "build.status": "failed"})


@row(WEBHOOK, 201, "created")
def another_workflow_of_the_same_run_number_is_another_build(scene: Scene) -> Ask:
    _answer(scene, by_key(GITHUB, workflow_run(run=scene.number(), number=4)))
    return by_key(GITHUB, workflow_run(run=scene.number(), number=4))


@row(WEBHOOK, 200, "duplicate")
def a_running_pipeline_that_comes_late_is_the_build_that_was_filed(scene: Scene) -> Ask:
    number = scene.number()
    first = _answer(scene, by_key(GITLAB, pipeline(pipeline_id=number)))
    late = pipeline(pipeline_id=number, status="running", finished_at=None)
    return evolve(by_key(GITLAB, late), says={"build.id": first["build"]["id"], "build.status": "successful"})


@row(WEBHOOK, 201, "created")
def a_failed_run_is_filed_when_an_attempt_succeeds(scene: Scene) -> Ask:
    run = scene.number()
    failed = workflow_run(run=run, conclusion="failure", updated_at="2026-04-07T08:00:00Z")
    assert _answer(scene, by_key(GITHUB, failed))["status"] == "ignored"
    return by_key(GITHUB, workflow_run(run=run))


@row(WEBHOOK, 200, "duplicate")
def a_redelivery_of_any_provider_returns_the_first_answer(scene: Scene) -> Ask:
    for provider, body in _NEW.items():
        ask = by_key(provider, body(scene.number()), delivery_id=f"again {uuid4()}")
        assert _answer(scene, ask)["delivery_id"] == _answer(scene, ask)["delivery_id"]
    headers = {"X-Event-Key": "build:status", "X-Request-Id": str(uuid4())}
    ask = Ask(ids={"provider": "bitbucket"}, body=build_status(number=scene.number()), headers=headers)
    return evolve(ask, says={"delivery_id": _answer(scene, ask)["delivery_id"]})


_IGNORED: Final = {"status": "ignored", "delivery_id": HERE, "reason.detail": HERE}


@row(WEBHOOK, 200, "event_not_supported", says=_IGNORED)
def a_part_of_a_run_is_ignored(scene: Scene) -> Ask:
    return by_key(GITHUB, {"action": "completed", "workflow_job": {"run_id": 5}}, event="workflow_job")


@row(WEBHOOK, 200, "event_not_supported", says=_IGNORED)
def a_part_of_a_pipeline_is_ignored(scene: Scene) -> Ask:
    return by_key(GITLAB, {"object_kind": "build"}, event="Job Hook")


@row(WEBHOOK, 200, "build_not_finished", says=_IGNORED)
def a_pipeline_that_runs_is_ignored_until_it_has_finished(scene: Scene) -> Ask:
    return by_key(GITLAB, pipeline(pipeline_id=scene.number(), status="running", finished_at=None))


@row(WEBHOOK, 200, "build_not_successful", says=_IGNORED)
def a_result_that_nobody_knows_is_ignored_by_name(scene: Scene) -> Ask:
    return by_key(GITHUB, workflow_run(run=scene.number(), conclusion="sublime"))


@row(WEBHOOK, 200, "facts_missing", says=_IGNORED)
def a_typo_in_our_own_form_is_told_at_the_generic_address_and_not_refused(scene: Scene) -> Ask:
    return by_key(GENERIC, {**own_form(number=scene.number()), "brnach": "main"})


@row(WEBHOOK, 200, "ping", says=_IGNORED)
def a_ping_of_github_is_ignored(scene: Scene) -> Ask:
    return by_key(GITHUB, {"zen": "Design for failure."}, event="ping")


@row(WEBHOOK, 422, "invalid", faults=[("", "not_an_object")])
def a_list_is_no_delivery_of_any_provider(scene: Scene) -> Ask:
    for provider in (GITHUB, GITLAB):
        answer = scene.ask("POST", f"/api/webhooks/{provider.value}", Ask(body=b"[]"))
        assert answer.status_code == 422, answer.text
    return Ask(ids={"provider": "generic"}, body=b"[]")


@row(WEBHOOK, 422, "invalid", faults=[("/project_id", "not_found")])
def a_project_that_is_not_there_is_told_at_the_generic_address_too(scene: Scene) -> Ask:
    return by_key(GENERIC, {**own_form(number=scene.number()), "project_id": str(uuid4())})


# --- hooks: every provider, every way to prove itself -----------------------------------------------------------------

_SAYS: Final = {"placement": {"outcome": "created"}, "build.project.id": HERE, "build.project.name": ABSENT}
_BAD: Final = {"www-authenticate": 'Bearer realm="lathe", error="invalid_token"', "ratelimit": ABSENT}


def _request(scene: Scene, provider: Provider) -> Sent:
    return sent(provider, _NEW[provider](scene.number()), str(uuid4()))


def _now() -> int:
    return int(time.time())


def _proven(
    provider: Provider, way: str, *, late: int = 0, secret: str = "", rotated: bool = False
) -> Callable[[Scene], Ask]:
    """Return what arranges a delivery to a new hook of a provider; with another secret, or with the one before."""

    def arrange(scene: Scene) -> Ask:
        hook = scene.hook(provider=provider.value)
        if rotated:
            scene.place.command("hook", "rotate", hook.id)
        request = _request(scene, provider)
        return to_hook(hook, request, proven(request, secret or hook.secret, way, timestamp=_now() + late))

    return arrange


def _unproven(provider: Provider) -> Callable[[Scene], Ask]:
    return lambda scene: to_hook(scene.hook(provider=provider.value), _request(scene, provider), {})


_WRONG: Final = "whsec_" + "A" * 43 + "="
_HOOKED: Final = {"ratelimit-policy": '"hook";q=600;w=60'}

for _provider, _way in _WAYS:
    _name = " ".join(("a delivery of", _provider.value, *(("by", _way) if _way else ())))
    TABLE.add(f"{_name} is filed", SIGNED, 201, "created", _proven(_provider, _way), says=_SAYS, headers=_HOOKED)
    TABLE.add(f"{_name} is filed by the secret before", SIGNED, 201, "created", _proven(_provider, _way, rotated=True))
    _wrong = _proven(_provider, _way, secret=_WRONG)
    TABLE.add(f"{_name} with a wrong secret is refused", SIGNED, 401, "unauthenticated", _wrong, headers=_BAD)
for _provider in _NEW:
    _name = f"a delivery of {_provider.value} that proves nothing is refused"
    TABLE.add(_name, SIGNED, 401, "unauthenticated", _unproven(_provider), headers=_BAD)
for _late in (-310, 310):
    _name = f"a signature of gitlab that is {_late} seconds from now is refused"
    TABLE.add(_name, SIGNED, 401, "unauthenticated", _proven(GITLAB, "signature", late=_late), headers=_BAD)
for _late in (-290, 290):
    _name = f"a signature of gitlab that is {_late} seconds from now counts"
    TABLE.add(_name, SIGNED, 201, "created", _proven(GITLAB, "signature", late=_late))


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_bad_signature_never_falls_back_to_a_good_token(scene: Scene) -> Ask:
    hook, request = scene.hook(provider="gitlab"), _request(scene, GITLAB)
    return to_hook(hook, request, {"X-Gitlab-Token": hook.secret, "webhook-signature": "v1,AAAA"})


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_hook_of_one_provider_takes_nothing_of_another(scene: Scene) -> Ask:
    hook, request = scene.hook(provider="github"), _request(scene, GENERIC)
    return to_hook(hook, request, proven(request, hook.secret))


@row(SIGNED, 401, "unauthenticated", headers=_BAD)
def a_bad_key_beside_a_good_token_is_refused(scene: Scene) -> Ask:
    hook, request = scene.hook(provider="gitlab"), _request(scene, GITLAB)
    return to_hook(hook, request, {"X-Gitlab-Token": hook.secret}, by=bearer(UNKNOWN_KEY))


@row(SIGNED, 200, "ping", headers={"ratelimit": ABSENT})
def an_unsigned_ping_of_github_is_answered_and_tells_nothing(scene: Scene) -> Ask:
    return to_hook(scene.hook(provider="github"), sent(GITHUB, {"zen": "Keep it calm."}, str(uuid4()), "ping"), {})


@row(SIGNED, 200, "ping")
def a_signed_ping_of_github_is_ignored(scene: Scene) -> Ask:
    hook, request = scene.hook(provider="github"), sent(GITHUB, {"zen": "Keep it calm."}, str(uuid4()), "ping")
    return to_hook(hook, request, proven(request, hook.secret))


@row("GET /api/v1/hooks", 200, says={"data.0.requests": 1, "data.0.refused": 2, "data.0.last_delivery_at": HERE})
def what_a_hook_took_and_refused_is_shown(scene: Scene) -> Ask:
    hook = scene.hook(provider="gitlab")
    path = f"/api/webhooks/gitlab/{hook.id}"
    for secret, status in ((hook.secret, 201), (_WRONG, 401), ("", 401)):
        request = _request(scene, GITLAB)
        proof = proven(request, secret, _TOKEN) if secret else {}
        assert scene.ask("POST", path, to_hook(hook, request, proof)).status_code == status
    _wait_for_counts(scene, hook)
    return Ask(query="limit=1", says={"data.0.id": hook.id})


def _wait_for_counts(scene: Scene, hook: HookMade) -> None:
    """Refusals are counted in memory and stored every ten seconds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        (newest,) = scene.ask("GET", "/api/v1/hooks", Ask(query="limit=1")).json()["data"]
        if newest["id"] == hook.id and newest["refused"] == 2:
            return
        time.sleep(0.5)
