"""Hooks of every provider: how each proves who sent, what is counted, and what nobody learns."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio
import pytest

from lathe.application import hooks
from lathe.domain.hook import Provider
from tests.bodies import a_build, build_status, pipeline, proven, sent, workflow_run
from tests.unit.http.world import Api, bearer, masked, post, some_id

if TYPE_CHECKING:
    from httpx2 import Response
    from starlette.testclient import TestClient

    from tests.bodies import Sent
    from tests.unit.http.world import World

SCHEMES = [
    (Provider.BITBUCKET, ""),
    (Provider.GITHUB, ""),
    (Provider.GITLAB, "token"),
    (Provider.GITLAB, "signing token"),
    (Provider.GENERIC, ""),
]


class Sender:
    """Sends what a provider sends, to a hook of its own."""

    def __init__(self, world: World, client: TestClient, provider: Provider, scheme: str = "") -> None:
        self.world, self.client, self.provider, self.scheme = world, client, provider, scheme
        self.hook, self.secret = world.hook(provider=provider)

    @property
    def seconds(self) -> int:
        """The time by the store."""
        return int(self.world.clock.now().timestamp())

    def proof(self, request: Sent, secret: str | None = None, timestamp: int | None = None) -> dict[str, str]:
        at = self.seconds if timestamp is None else timestamp
        return proven(request, self.secret if secret is None else secret, self.scheme, timestamp=at)

    def send(self, request: Sent, status: int, proof: dict[str, str] | None = None, hook: object = None) -> Response:
        headers = {**request.headers, **(self.proof(request) if proof is None else proof)}
        path = f"/api/webhooks/{self.provider.value}/{self.hook.id if hook is None else hook}"
        return post(self.client, path, {"content": request.body, "headers": headers}, status)

    def build(self, number: int = 61) -> Sent:
        return a_build(self.provider, number, str(some_id()))

    def refused(self) -> int:
        """Return how many requests to the hook were counted as refused."""
        anyio.run(self.world.refusals.close)
        organization = self.world.acme.organization.id
        return self.world.store.read(lambda tx: tx.hooks.get(organization, self.hook.id)).refused


@pytest.fixture(params=SCHEMES, ids=lambda scheme: " ".join((scheme[0].value, scheme[1])).strip())
def sender(request: pytest.FixtureRequest, world: World, client: TestClient) -> Sender:
    return Sender(world, client, *request.param)


def test_what_proves_itself_is_filed_and_shown_with_the_hook(sender: Sender, api: Api) -> None:
    said = sender.send(sender.build(), 201).json()
    assert said["status"] == "created"
    (hook,) = api("GET", "/api/v1/hooks").json()["data"]
    assert (hook["provider"], hook["requests"]) == (sender.provider.value, 1)
    assert hook["last_delivery_at"] is not None


def test_what_proves_nothing_is_refused_alike_counted_and_kept_from_the_store(sender: Sender) -> None:
    request = sender.build()
    other, other_secret = sender.world.hook(provider=sender.provider)
    revoked, old = sender.world.hook(provider=sender.provider)
    hooks.revoke(sender.world.store, sender.world.acme.caller, revoked.id)
    stranger, strange = sender.world.hook(
        provider=Provider.GITHUB if sender.provider is not Provider.GITHUB else Provider.GITLAB
    )
    wrong: list[tuple[dict[str, str], object]] = [
        ({}, None),
        (sender.proof(request, ""), None),
        (sender.proof(request, other_secret), None),
        (dict.fromkeys(sender.proof(request), "?"), None),
        (sender.proof(request, old), revoked.id),
        (sender.proof(request, strange), stranger.id),
        (sender.proof(request), other.id),
        (sender.proof(request), some_id()),
        ({}, some_id()),
        (sender.proof(request), "no-id"),
    ]
    answers = {repr(masked(sender.send(request, 401, proof, hook))) for proof, hook in wrong}
    assert len(answers) == 1
    assert sender.world.submitted() == 0
    assert sender.refused() == 4


def test_both_secrets_count_while_a_secret_is_changed_over(sender: Sender) -> None:
    old = sender.secret
    sender.send(sender.build(62), 201)
    _, sender.secret = hooks.rotate(
        sender.world.store, sender.world.ids, sender.world.box, sender.world.acme.caller, sender.hook.id
    )
    sender.world.now.seconds += 1
    sender.send(sender.build(63), 201)
    request = sender.build(64)
    sender.send(request, 201, sender.proof(request, old))
    sender.world.clock.advance(timedelta(hours=24))
    sender.world.now.seconds += 24 * 3600
    request = sender.build(65)
    sender.send(request, 401, sender.proof(request, old))
    sender.send(sender.build(66), 201)


def test_a_redelivery_is_the_first_one_again(sender: Sender) -> None:
    request = sender.build()
    first, again = sender.send(request, 201).json(), sender.send(request, 200).json()
    assert (again["status"], again["delivery_id"]) == ("duplicate", first["delivery_id"])


def test_no_header_that_shows_a_secret_is_stored(sender: Sender) -> None:
    said = sender.send(sender.build(), 201).json()
    organization = sender.world.acme.organization.id
    stored = sender.world.store.read(lambda tx: tx.deliveries.get(organization, UUID(said["delivery_id"])))
    assert sender.secret not in repr(stored)
    assert not {"x-gitlab-token", "webhook-signature", "x-hub-signature", "x-hub-signature-256"} & set(stored.headers)
    assert stored.source == sender.provider.value


def test_no_token_in_an_address_that_a_header_repeats_is_stored(world: World, client: TestClient) -> None:
    sender = Sender(world, client, Provider.GITLAB)
    address = "https://ada:hunter2@gitlab.com/acme"
    headers = {"X-Gitlab-Instance": address, "X-Gitlab-Event": address, "webhook-id": address, "User-Agent": address}
    proof = {"X-Gitlab-Token": sender.secret} | headers
    said = sender.send(sender.build(), 200, proof).json()
    stored = world.store.read(lambda tx: tx.deliveries.get(world.acme.organization.id, UUID(said["delivery_id"])))
    assert "hunter2" not in repr(stored)
    assert stored.headers["x-gitlab-instance"] == stored.event == "https://gitlab.com/acme"


def test_of_an_id_that_is_sent_twice_the_signed_one_names_the_delivery(world: World, client: TestClient) -> None:
    sender = Sender(world, client, Provider.GITLAB, "signing token")
    request = sender.build()
    first = sender.send(request, 201).json()
    headers = [*request.headers.items(), *sender.proof(request).items(), ("webhook-id", "another")]
    path = f"/api/webhooks/gitlab/{sender.hook.id}"
    again = client.post(path, content=request.body, headers=[*headers, ("Idempotency-Key", "another")]).json()
    assert (again["status"], again["delivery_id"]) == ("duplicate", first["delivery_id"])


@pytest.mark.parametrize("provider", Provider)
def test_the_address_without_a_hook_takes_a_key_or_where_allowed_an_organizations_id(
    world: World, client: TestClient, provider: Provider
) -> None:
    path = f"/api/webhooks/{provider.value}"
    for number, by in enumerate((bearer(world.key()), world.allow_org_id()), 70):
        request = a_build(provider, number, str(some_id()))
        said = post(client, path, {"content": request.body, "headers": {**request.headers, **by}}, 201).json()
        assert said["status"] == "created"
    request = a_build(provider, 72, str(some_id()))
    post(client, path, {"content": request.body, "headers": request.headers}, 401)


@pytest.mark.parametrize(("provider", "event"), [(Provider.BITBUCKET, "diagnostics:ping"), (Provider.GITHUB, "ping")])
def test_an_unsigned_ping_is_answered_and_tells_nothing(
    world: World, client: TestClient, provider: Provider, event: str
) -> None:
    sender = Sender(world, client, provider)
    ping = sent(provider, {"test": True}, str(some_id()), event)
    answers = [sender.send(ping, 200, {}, hook) for hook in (None, some_id(), "no-id")]
    assert len({repr(masked(answer)) for answer in answers}) == 1
    assert answers[0].json()["reason"]["code"] == "ping"
    assert world.submitted() == 0
    sender.send(ping, 401, sender.proof(ping, "another"))
    sender.send(ping, 200)
    assert world.submitted() == 1


@pytest.mark.parametrize("provider", [Provider.GITLAB, Provider.GENERIC])
def test_who_has_no_pings_cannot_ping_unsigned(world: World, client: TestClient, provider: Provider) -> None:
    sender = Sender(world, client, provider)
    for event in ({"X-GitHub-Event": "ping"}, {"X-Event-Key": "diagnostics:ping"}):
        sender.send(sender.build(), 401, event)


# --- GitLab's two schemes ---------------------------------------------------------------------------------------------


def test_a_signing_token_counts_for_five_minutes_by_the_clock_of_the_store(world: World, client: TestClient) -> None:
    sender = Sender(world, client, Provider.GITLAB)
    for number, (late, status) in enumerate(((-301, 401), (-299, 201), (300, 201), (302, 401)), 90):
        request = sender.build(number)
        sender.send(request, status, sender.proof(request, timestamp=sender.seconds + late))


def test_time_passes_for_a_secret_that_is_at_hand(world: World, client: TestClient) -> None:
    sender = Sender(world, client, Provider.GITLAB)
    sender.send(sender.build(94), 201)
    request = sender.build(95)
    old = sender.proof(request, timestamp=sender.seconds - 298)
    world.now.seconds += 3
    world.clock.advance(timedelta(seconds=3))
    sender.send(request, 401, old)


def test_a_bad_signature_never_falls_back_to_a_good_token(world: World, client: TestClient) -> None:
    sender = Sender(world, client, Provider.GITLAB)
    request = sender.build()
    token = {"X-Gitlab-Token": sender.secret}
    sender.send(request, 401, {**token, "webhook-signature": "v1,AAAA"})
    sender.send(request, 401, {**sender.proof(request), **token, "webhook-id": "another"})
    sender.send(request, 201, {**sender.proof(request), **token})


# --- one build, or two ------------------------------------------------------------------------------------------------


def received(sender: Sender, body: dict[str, Any], status: int) -> dict[str, Any]:
    said: dict[str, Any] = sender.send(sent(sender.provider, body, str(some_id())), status).json()
    return said


def test_all_that_github_tells_of_a_run_is_one_build_in_any_order(world: World, client: TestClient) -> None:
    github = Sender(world, client, Provider.GITHUB)
    failed = workflow_run(conclusion="failure", updated_at="2026-04-07T08:16:20Z")
    begun = workflow_run(status="in_progress", conclusion=None, updated_at="2026-04-07T08:12:40Z")
    assert received(github, failed, 200)["reason"]["code"] == "build_not_successful"
    assert received(github, begun, 200)["status"] == "ignored"
    build = received(github, workflow_run(updated_at="2026-04-07T09:36:41Z"), 201)["build"]["id"]
    for late in (begun, failed, workflow_run(updated_at="2026-04-07T09:36:41Z")):
        assert received(github, late, 200)["build"]["id"] == build
    stored = world.store.read(lambda tx: tx.builds.get(world.acme.organization.id, UUID(build)))
    assert stored.facts.status.value == "successful"


def test_two_workflows_of_one_commit_and_number_are_two_builds(world: World, client: TestClient) -> None:
    github = Sender(world, client, Provider.GITHUB)
    builds = {received(github, workflow_run(run=run, number=12), 201)["build"]["id"] for run in (70001, 70002)}
    assert len(builds) == 2


def test_all_that_gitlab_tells_of_a_pipeline_is_one_build_in_any_order(world: World, client: TestClient) -> None:
    gitlab = Sender(world, client, Provider.GITLAB, "token")
    failed = pipeline(status="failed", finished_at="2026-04-07 08:16:20 UTC")
    running = pipeline(status="running", finished_at=None)
    assert received(gitlab, failed, 200)["reason"]["code"] == "build_not_successful"
    assert received(gitlab, running, 200)["status"] == "ignored"
    build = received(gitlab, pipeline(), 201)["build"]["id"]
    for late in (running, failed, pipeline()):
        assert received(gitlab, late, 200)["build"]["id"] == build
    stored = world.store.read(lambda tx: tx.builds.get(world.acme.organization.id, UUID(build)))
    assert stored.facts.status.value == "successful"


def test_a_build_status_of_data_center_is_filed_and_known_again(world: World, client: TestClient) -> None:
    bitbucket = Sender(world, client, Provider.BITBUCKET)
    build = received(bitbucket, build_status(), 201)["build"]
    assert build["branch"] == "release/2.5"
    assert received(bitbucket, build_status(), 200)["build"]["id"] == build["id"]


def test_a_repository_that_moved_is_known_by_the_id_that_its_host_gave_it(world: World, client: TestClient) -> None:
    github = Sender(world, client, Provider.GITHUB)
    before, after = workflow_run(), workflow_run(run=70002, repository="acme/payments")
    for body in (before, after):
        body["repository"]["id"] = 5150
        assert received(github, body, 201)["build"]["project"]["id"] == str(world.acme.project.id)


# --- our own form -----------------------------------------------------------------------------------------------------


def test_a_typo_in_our_own_form_is_told_and_not_refused(world: World, client: TestClient) -> None:
    answer = received(Sender(world, client, Provider.GENERIC), {"name": "Build", "brnach": "main"}, 200)
    assert (answer["status"], answer["reason"]["code"]) == ("ignored", "facts_missing")
    assert "“brnach”" in answer["reason"]["detail"]


def test_who_names_a_project_of_another_organization_in_our_own_form_learns_nothing(
    world: World, client: TestClient
) -> None:
    rival = world.tenant("Rival", "https://bitbucket.org/rival/pay-api")
    generic = Sender(world, client, Provider.GENERIC)
    answers = [
        received(generic, {"name": "Build", "project_id": str(one)}, 422) for one in (rival.project.id, some_id())
    ]
    assert len({json.dumps(answer["errors"]) for answer in answers}) == 1
