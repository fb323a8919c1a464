"""Webhook addresses: what each situation answers, and that whoever cannot sign learns nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from attrs import evolve

from lathe.adapters.http import routes
from lathe.application import hooks, projects, releases
from lathe.application.lists import BuildFilter, EntryFilter
from lathe.domain.api_key import Scope
from lathe.domain.delivery import KEPT_HEADERS
from lathe.domain.hook import Provider
from lathe.domain.release import ReleaseState
from lathe.entrypoints.compose import PARSERS
from lathe.entrypoints.sample_bodies import commit_status, pipeline_span
from tests.unit.http.world import bearer, delivery, masked, post, signed, some_id, with_headers

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.unit.http.world import Api, World

BITBUCKET = "/api/webhooks/bitbucket"
WAREHOUSE = "acme/warehouse"


def by_key(world: World, *scopes: Scope, body: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return with_headers(delivery(body or commit_status(), **more), bearer(world.key(*scopes)))


def test_a_build_of_a_known_repository_is_filed(world: World, client: TestClient) -> None:
    answer = post(client, BITBUCKET, by_key(world), 201)
    said = answer.json()
    assert said["status"] == "created"
    assert answer.headers["location"] == f"/api/v1/builds/{said['build']['id']}"
    assert said["build"]["release"] == {"id": str(world.acme.release.id), "name": "2.5"}
    assert said["build"]["finished_at"] == "2026-03-12T09:41:26.482913Z"
    assert [step["rule"] for step in said["placement"]["steps"]][-1] == "active_release"


def test_a_build_that_fits_no_project_waits(world: World, client: TestClient) -> None:
    answer = post(client, BITBUCKET, by_key(world, body=commit_status(repository=WAREHOUSE)), 202)
    said = answer.json()
    assert said["status"] == "queued"
    assert answer.headers["location"] == f"/api/v1/queue/{said['queue_entry']['id']}"
    assert said["queue_entry"]["reason"]["code"] == "no_project_match"
    assert said["queue_entry"]["status"] == "pending"
    assert said["queue_entry"]["build_status"] == "successful"


def test_every_reason_to_wait_is_named(world: World, client: TestClient) -> None:
    acme = world.acme.caller
    for name in ("Shop Web", "Shop-web 2"):
        projects.create(world.store, world.ids, acme, name)
    idle = projects.create(world.store, world.ids, acme, "Idle", ["https://bitbucket.org/acme/idle"])
    projects.create(world.store, world.ids, acme, "Reports")
    reasons = {
        "acme/shop": "ambiguous_project",
        "acme/reports-api": "name_match_unconfirmed",
        "acme/idle": "no_active_release",
    }
    for repository, code in reasons.items():
        said = post(client, BITBUCKET, by_key(world, body=commit_status(repository=repository)), 202).json()
        assert said["queue_entry"]["reason"]["code"] == code
        filled_in = said["queue_entry"].get("project", {}).get("id")
        assert (filled_in == str(idle.project.id)) == (repository == "acme/idle")


def test_a_second_event_of_the_same_pipeline_is_a_duplicate(world: World, client: TestClient) -> None:
    first = post(client, BITBUCKET, by_key(world), 201).json()
    again = post(client, BITBUCKET, by_key(world), 200).json()
    span = by_key(world, body=pipeline_span(), event="pipeline:span_created")
    assert again["status"] == "duplicate"
    assert again["build"]["id"] == first["build"]["id"]
    assert post(client, BITBUCKET, span, 200).json()["build"]["id"] == first["build"]["id"]
    waiting = by_key(world, body=commit_status(repository=WAREHOUSE))
    entry = post(client, BITBUCKET, waiting, 202).json()["queue_entry"]["id"]
    repeated = by_key(world, body=commit_status(repository=WAREHOUSE))
    assert post(client, BITBUCKET, repeated, 200).json()["queue_entry"]["id"] == entry


def test_a_redelivery_gets_the_first_answers_delivery_id(world: World, client: TestClient) -> None:
    arguments = by_key(world, delivery_id="{6d4f1d5e-6f1b-4f7a-9a58-3b2a1c0d9e8f}")
    first = post(client, BITBUCKET, arguments, 201).json()
    again = post(client, BITBUCKET, arguments, 200).json()
    assert (again["status"], again["delivery_id"]) == ("duplicate", first["delivery_id"])


@pytest.mark.parametrize(
    ("body", "event", "code"),
    [
        ({"push": {}}, "repo:push", "event_not_supported"),
        (commit_status(state="INPROGRESS"), "repo:commit_status_created", "build_not_finished"),
        (commit_status(state="FAILED"), "repo:commit_status_updated", "build_not_successful"),
        ({"commit_status": {}}, "repo:commit_status_updated", "facts_missing"),
        ({"test": True}, "diagnostics:ping", "ping"),
    ],
)
def test_what_leaves_nothing_to_file_is_ignored_with_the_reason(
    world: World, client: TestClient, body: dict[str, Any], event: str, code: str
) -> None:
    said = post(client, BITBUCKET, by_key(world, body=body, event=event), 200).json()
    assert (said["status"], said["reason"]["code"]) == ("ignored", code)
    assert said["reason"]["detail"]


@pytest.mark.parametrize(("content", "status"), [(b"{", 400), (b"[]", 422), (b"\xff", 400), (b'"build"', 422)])
def test_only_bodies_that_are_no_object_are_refused(
    world: World, client: TestClient, content: bytes, status: int
) -> None:
    answer = post(client, BITBUCKET, {**by_key(world), "content": content}, status)
    assert answer.headers["ratelimit"] == '"key";r=59;t=60', "what is malformed spends the limit too"


def test_headers_that_could_be_secrets_are_not_kept(world: World, client: TestClient) -> None:
    said = post(client, BITBUCKET, by_key(world), 201).json()
    organization = world.acme.organization.id
    kept = world.store.read(lambda tx: tx.deliveries.get(organization, UUID(said["delivery_id"])))
    assert kept.headers.keys() <= KEPT_HEADERS
    assert kept.event == "repo:commit_status_updated"
    assert kept.source == "bitbucket"


# --- callers that may not read ----------------------------------------------------------------------------------------


def test_without_builds_read_answers_carry_what_was_sent_and_nothing_that_is_stored(
    world: World, client: TestClient
) -> None:
    blind = (Scope.BUILDS_CREATE,)
    post(client, BITBUCKET, by_key(world, body=commit_status(author="Somebody Else")), 201)
    said = post(client, BITBUCKET, by_key(world, *blind, body=commit_status(author="Mira Holm")), 200).json()
    assert said["build"]["author"] == "Mira Holm"
    assert said["build"]["project"] == {"id": str(world.acme.project.id)}
    assert said["build"].keys().isdisjoint({"filed", "verified", "created_at", "withdrawn"})
    filed = post(client, BITBUCKET, by_key(world, *blind, body=commit_status(number=7)), 201).json()
    assert filed["placement"] == {"outcome": "created"}
    assert filed["build"]["release"] == {"id": str(world.acme.release.id)}


def test_without_builds_read_a_waiting_build_names_no_candidates_and_no_steps(world: World, client: TestClient) -> None:
    for name in ("Shop Web", "Shop-web 2"):
        projects.create(world.store, world.ids, world.acme.caller, name)
    arguments = by_key(world, Scope.BUILDS_CREATE, body=commit_status(repository="acme/shop"))
    answer = post(client, BITBUCKET, arguments, 202)
    entry = answer.json()["queue_entry"]
    assert entry["reason"] == {"code": "ambiguous_project"}
    assert entry["repo_url"] == "https://bitbucket.org/acme/shop"
    assert answer.json()["placement"] == {"outcome": "queued"}
    assert "Shop" not in answer.text


def test_without_builds_read_the_reason_of_a_placement_is_a_code_alone(world: World, client: TestClient) -> None:
    arguments = by_key(world, Scope.BUILDS_CREATE, body=commit_status(state="FAILED"))
    answer = post(client, BITBUCKET, arguments, 200)
    assert answer.json()["reason"] == {"code": "build_not_successful"}
    assert "Pay API" not in answer.text


# --- the organization's id --------------------------------------------------------------------------------------------


def test_an_organization_id_files_unverified_builds_where_it_was_switched_on(world: World, client: TestClient) -> None:
    headers = {"X-Pt-Org-Id": str(world.acme.organization.id)}
    post(client, BITBUCKET, with_headers(delivery(commit_status()), headers), 401)
    world.allow_org_id()
    answer = post(client, BITBUCKET, with_headers(delivery(commit_status()), headers), 201)
    assert answer.headers["ratelimit-policy"] == '"organization";q=60;w=60'
    build = answer.json()["build"]
    assert "placement" not in build
    stored = world.store.read(lambda tx: tx.builds.get(world.acme.organization.id, UUID(build["id"])))
    assert stored.verified is False


# --- hooks ------------------------------------------------------------------------------------------------------------


def test_a_signed_delivery_is_filed(world: World, client: TestClient) -> None:
    hook, secret = world.hook()
    answer = post(client, f"{BITBUCKET}/{hook.id}", signed(delivery(commit_status()), secret), 201)
    assert answer.headers["ratelimit-policy"] == '"hook";q=600;w=60'
    assert answer.json()["placement"] == {"outcome": "created"}, "a hook may not read"


def test_whoever_cannot_sign_gets_the_same_answer_for_every_hook(world: World, client: TestClient) -> None:
    hook, secret = world.hook()
    revoked, old_secret = world.hook()
    hooks.revoke(world.store, world.acme.caller, revoked.id)
    other, other_secret = world.hook(provider=Provider.GITHUB)
    body = delivery(commit_status())
    attempts = [
        (hook.id, body),
        (hook.id, signed(body, "another secret")),
        (hook.id, with_headers(body, {"X-Hub-Signature": "sha256=short"})),
        (hook.id, with_headers(body, {"X-Hub-Signature-256": signed(body, secret)["headers"]["X-Hub-Signature"]})),
        (revoked.id, signed(body, old_secret)),
        (other.id, signed(body, other_secret)),
        (some_id(), signed(body, secret)),
        (some_id(), body),
        ("no-id", signed(body, secret)),
        (some_id(), signed(body, "there is no such hook")),
    ]
    answers = {repr(masked(post(client, f"{BITBUCKET}/{one}", arguments, 401))) for one, arguments in attempts}
    assert len(answers) == 1
    assert world.submitted() == 0, "none of them came as far as the store"
    assert world.store.read(lambda tx: tx.builds.page(world.acme.organization.id, BuildFilter(), 9, None)) == []
    assert world.store.read(lambda tx: tx.entries.page(world.acme.organization.id, EntryFilter(), 9, None)) == []


def test_an_unsigned_ping_is_answered_alike_whether_the_hook_exists_or_not(world: World, client: TestClient) -> None:
    hook, secret = world.hook()
    ping = delivery({"test": True}, "diagnostics:ping")
    answers = [post(client, f"{BITBUCKET}/{one}", ping, 200) for one in (hook.id, some_id(), "no-id")]
    assert len({repr(masked(answer)) for answer in answers}) == 1
    assert answers[0].json()["status"] == "ignored"
    assert answers[0].json()["reason"]["code"] == "ping"
    assert world.submitted() == 0
    post(client, f"{BITBUCKET}/{hook.id}", signed(ping, "another secret"), 401)
    post(client, f"{BITBUCKET}/{hook.id}", signed(ping, secret), 200)
    assert world.submitted() == 1


def test_a_revoked_hook_is_refused_although_its_secret_is_still_at_hand(world: World, client: TestClient) -> None:
    hook, secret = world.hook()
    post(client, f"{BITBUCKET}/{hook.id}", signed(delivery(commit_status()), secret), 201)
    hooks.revoke(world.store, world.acme.caller, hook.id)
    post(client, f"{BITBUCKET}/{hook.id}", signed(delivery(commit_status(number=7)), secret), 401)


def test_a_rotated_secret_signs_at_once_and_the_old_one_for_a_day(world: World, client: TestClient) -> None:
    hook, old = world.hook()
    address = f"{BITBUCKET}/{hook.id}"
    post(client, address, signed(delivery(commit_status()), old), 201)
    _, new = hooks.rotate(world.store, world.ids, world.box, world.acme.caller, hook.id)
    world.now.seconds += 1
    post(client, address, signed(delivery(commit_status(number=7)), new), 201)
    post(client, address, signed(delivery(commit_status(number=8)), old), 201)


def test_a_signature_holds_for_the_very_bytes_that_were_signed(world: World, client: TestClient) -> None:
    hook, secret = world.hook()
    arguments = signed(delivery(commit_status()), secret)
    changed = {**arguments, "content": arguments["content"].replace(b"482", b"483")}
    post(client, f"{BITBUCKET}/{hook.id}", changed, 401)


def test_only_providers_with_a_parser_are_there(world: World, client: TestClient) -> None:
    headers = bearer(world.key())
    for address in ("/api/webhooks/nobody", f"/api/webhooks/nobody/{some_id()}"):
        post(client, address, with_headers(delivery(commit_status()), headers), 404)


def test_hooks_are_offered_for_the_providers_whose_deliveries_are_taken_and_no_others(api: Api) -> None:
    assert set(PARSERS) == set(Provider)
    for provider in Provider:
        made = api("POST", "/api/v1/hooks", {"provider": provider.value}, status=201).json()
        assert made["address"] == f"http://testserver/api/webhooks/{provider.value}/{made['id']}"
    refused = api("POST", "/api/v1/hooks", {"provider": "nobody"}, status=422).json()
    assert [(fault["pointer"], fault["code"]) for fault in refused["errors"]] == [("/provider", "not_a_choice")]


def test_a_server_that_offers_what_it_cannot_read_does_not_start(world: World) -> None:
    with pytest.raises(ValueError, match="nobody can read"):
        routes(evolve(world.parts, parsers={}))


def test_a_release_that_is_closed_takes_nothing_more(world: World, client: TestClient) -> None:
    releases.change(world.store, world.acme.caller, world.acme.release.id, state=ReleaseState.CLOSED)
    said = post(client, BITBUCKET, by_key(world), 202).json()
    assert said["queue_entry"]["reason"]["code"] == "no_active_release"
    assert "suggested_release" not in said["queue_entry"]
