"""Receiving: what becomes of each delivery, one by one."""

from __future__ import annotations

from uuid import uuid4

import pytest
from attrs import evolve

from lathe.application.desk import Desk
from lathe.application.intake import Known
from lathe.domain.api_key import key_hash
from lathe.domain.build import Filed
from lathe.domain.build_report import BuildStatus
from lathe.domain.delivery import CredentialKind, DeliveryStatus
from lathe.domain.errors import Invalid, Malformed
from lathe.domain.project import Files, Project
from lathe.domain.rate_limit import Window
from lathe.domain.release import Release, ReleaseState
from lathe.domain.steps import Reason, ReasonCode
from tests.unit.application.world import NOON, PAY, World, report


def test_a_build_of_a_known_project_is_filed_with_its_placement_and_delivery(
    world: World, pay: Project, pay_25: Release
) -> None:
    body = b'{"clone": "https://user:token@bitbucket.org/acme/pay-api.git"}'
    answer = world.received(report(482), delivery_id="d-1", body=body)

    assert (answer.status, answer.reason, answer.entry) == (DeliveryStatus.CREATED, None, None)
    assert answer.build is not None
    assert answer.placement is not None
    assert (answer.build.project, answer.build.release) == (pay, pay_25)
    assert [step.result for step in answer.placement.steps] == ["not_known", "matched", "matched"]
    build = world.build(answer.build.build.id)
    assert build == answer.build.build
    assert (build.filed, build.verified, build.facts.build_number) == (Filed.AUTOMATICALLY, True, "482")
    delivery = world.delivery(answer.delivery_id)
    assert (delivery.status, delivery.build_id, delivery.placement) == (answer.status, build.id, answer.placement)
    assert delivery.body == b'{"clone": "https://bitbucket.org/acme/pay-api.git"}'
    assert delivery.headers == {"x-event-key": "repo:commit_status_updated"}
    assert (delivery.credential, delivery.credential_id) == (CredentialKind.KEY, world.key.id)


def test_no_token_in_a_url_is_kept_wherever_somebody_repeats_it(world: World, pay_25: Release) -> None:
    leaky = "see https://ann:t0ken@bitbucket.org/acme"
    facts = evolve(report().facts, name=leaky, author=leaky, build_number=leaky, run_id=leaky, branch=None, tag=leaky)
    answers = [world.received(evolve(report(), facts=facts)) for _ in range(2)]
    assert [answer.status.value for answer in answers] == ["created", "duplicate"]
    assert "t0ken" not in repr(world.builds())


def test_each_reason_to_wait_has_its_entry(world: World, pay: Project) -> None:
    world.project("Mobile app")
    world.project("Mobile backend")
    reasons = {
        "https://bitbucket.org/acme/ledger": ReasonCode.NO_PROJECT_MATCH,
        "https://bitbucket.org/acme/mobile": ReasonCode.AMBIGUOUS_PROJECT,
        "https://bitbucket.org/acme/pay-tools": ReasonCode.NAME_MATCH_UNCONFIRMED,
        PAY: ReasonCode.NO_ACTIVE_RELEASE,
    }
    for number, (repository, code) in enumerate(reasons.items()):
        answer = world.received(report(number, repository=repository))
        assert answer.status is DeliveryStatus.QUEUED
        assert answer.entry is not None
        assert answer.entry.entry.reason.code is code
        assert world.entry(answer.entry.entry.id) == answer.entry.entry
    assert [entry.project_id for entry in world.entries()] == [pay.id, pay.id, None, None]
    assert world.builds() == []


def test_an_entry_suggests_the_release_that_would_be_chosen(world: World, pay: Project, pay_25: Release) -> None:
    answer = world.received(report(repository="https://bitbucket.org/acme/pay-tools"))
    assert answer.entry is not None
    assert (answer.entry.project, answer.entry.suggested_release) == (pay, pay_25)


def test_an_organization_can_demand_that_name_matches_are_confirmed(world: World) -> None:
    world.release(world.project("Ledger"), "7")
    first = world.received(report(1, repository="https://bitbucket.org/acme/ledger"))
    world.change(confirm_name_matches=True)
    second = world.received(report(2, repository="https://bitbucket.org/acme/ledger"))
    assert (first.status, second.status) == (DeliveryStatus.CREATED, DeliveryStatus.QUEUED)
    assert second.entry is not None
    assert second.entry.entry.reason.code is ReasonCode.NAME_MATCH_UNCONFIRMED


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (BuildStatus.IN_PROGRESS, ReasonCode.BUILD_NOT_FINISHED),
        (BuildStatus.FAILED, ReasonCode.BUILD_NOT_SUCCESSFUL),
        (BuildStatus.STOPPED, ReasonCode.BUILD_NOT_SUCCESSFUL),
    ],
)
def test_what_does_not_count_is_ignored_with_the_reason(
    world: World, pay_25: Release, status: BuildStatus, code: ReasonCode
) -> None:
    for repository in (PAY, "https://bitbucket.org/acme/ledger"):
        answer = world.received(report(repository=repository, status=status))
        assert answer.reason is not None
        assert (answer.status, answer.reason.code) == (DeliveryStatus.IGNORED, code)
        assert world.delivery(answer.delivery_id).reason == answer.reason
    assert (world.builds(), world.entries()) == ([], [])


def test_a_project_can_file_every_finished_build(world: World) -> None:
    world.release(world.project("Ledger", "https://bitbucket.org/acme/ledger", files=Files.FINISHED), "7")
    answer = world.received(report(repository="https://bitbucket.org/acme/ledger", status=BuildStatus.FAILED))
    assert answer.status is DeliveryStatus.CREATED


def test_what_carries_no_build_is_ignored_and_kept(world: World) -> None:
    ping = Reason(ReasonCode.PING, "a ping")
    answer = world.received(ping)
    assert (answer.status, answer.reason) == (DeliveryStatus.IGNORED, ping)
    assert world.delivery(answer.delivery_id).status is DeliveryStatus.IGNORED


def test_what_cannot_be_read_is_refused_and_kept_without_its_delivery_id(world: World, pay_25: Release) -> None:
    refused = world.refused(Malformed("not JSON"), delivery_id="d-1", body=b"{")
    assert isinstance(refused.error, Malformed)
    assert refused.admission is not None
    assert world.received(report(), delivery_id="d-1").status is DeliveryStatus.CREATED


def test_a_report_can_name_its_project_or_release_itself(world: World, pay: Project, pay_25: Release) -> None:
    world.later(seconds=1)
    other = world.release(pay, "2.6")
    by_project = world.received(evolve(report(1, repository=None), project_id=pay.id))
    by_release = world.received(evolve(report(2, repository=None), release_id=pay_25.id))
    by_both = world.received(evolve(report(3, repository=None), project_id=pay.id, release_id=pay_25.id))
    releases = [answer.build.release.id for answer in (by_project, by_release, by_both) if answer.build]
    assert releases == [other.id, pay_25.id, pay_25.id]


def test_a_named_release_that_is_not_active_queues(world: World, pay: Project) -> None:
    planned = world.release(pay, "3.0", state=ReleaseState.PLANNED)
    answer = world.received(evolve(report(), release_id=planned.id))
    assert answer.entry is not None
    assert answer.entry.entry.reason.code is ReasonCode.NO_ACTIVE_RELEASE


def test_a_named_project_or_release_that_is_not_there_is_invalid(world: World, pay: Project, pay_25: Release) -> None:
    ledger = world.project("Ledger")
    foreign = World("Globex", world.clock)
    for project_id, release_id, pointer, code in [
        (uuid4(), None, "/project_id", "not_found"),
        (foreign.project("Pay").id, None, "/project_id", "not_found"),
        (None, uuid4(), "/release_id", "not_found"),
        (ledger.id, pay_25.id, "/release_id", "wrong_project"),
    ]:
        error = world.refused(evolve(report(), project_id=project_id, release_id=release_id)).error
        assert isinstance(error, Invalid)
        assert [(fault.pointer, fault.code) for fault in error.faults] == [(pointer, code)]
    assert (world.builds(), world.entries()) == ([], [])


def test_why_a_delivery_could_not_be_read_is_kept_without_tokens(world: World) -> None:
    organizations = {world.organization.id: (world.organization, Window())}
    keys_known = {key_hash(world.key_text): (world.key, Window())}
    desk = Desk(Known(NOON, keys=keys_known, organizations=organizations), world.ids)
    desk.take(world.incoming(Malformed("what is https://ann:t0ken@bitbucket.org/acme")))
    [delivery] = desk.changes().new_deliveries
    assert delivery.reason == Reason(ReasonCode.UNREADABLE, "what is https://bitbucket.org/acme")
