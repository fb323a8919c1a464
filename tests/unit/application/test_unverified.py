"""Receiving: reports whose sender proved nothing, beside those of senders who did."""

from __future__ import annotations

from lathe.domain.build_report import BuildStatus
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.errors import Unauthenticated
from lathe.domain.release import Release
from lathe.domain.steps import Reason, ReasonCode
from tests.unit.application.world import MINUTE, NOON, UUID_OF_PAY, World, report


def test_the_organization_id_alone_is_refused_until_it_is_allowed(world: World, pay_25: Release) -> None:
    assert isinstance(world.refused(report(), by=world.by_id()).error, Unauthenticated)
    world.change(allow_org_id=True)
    answer = world.received(report(), by=world.by_id())
    assert answer.build is not None
    assert answer.build.build.verified is False


def test_an_unverified_report_never_changes_a_verified_build(world: World, pay_25: Release) -> None:
    world.change(allow_org_id=True)
    world.received(report(7))
    forged = report(7, status=BuildStatus.FAILED, at=NOON + MINUTE, url="https://evil.test")
    assert world.received(forged, by=world.by_id()).status is DeliveryStatus.DUPLICATE
    [build] = world.builds()
    assert (build.facts.status, build.facts.url) == (BuildStatus.SUCCESSFUL, None)


def test_an_unverified_success_does_not_file_what_a_verified_report_called_failed(
    world: World, pay_25: Release
) -> None:
    world.change(allow_org_id=True)
    world.received(report(7, status=BuildStatus.FAILED))
    answer = world.received(report(7, at=NOON + MINUTE), by=world.by_id())
    assert answer.status is DeliveryStatus.IGNORED


def test_a_verified_report_takes_an_unverified_build_over(world: World, pay_25: Release) -> None:
    world.change(allow_org_id=True)
    first = world.received(report(7, at=NOON + MINUTE, url="https://evil.test"), by=world.by_id())
    second = world.received(report(7, url="https://ci.test/7"))
    assert (second.status, len(world.builds())) == (DeliveryStatus.DUPLICATE, 1)
    assert first.build
    assert second.build
    assert second.build.build.id == first.build.build.id
    assert (second.build.build.verified, second.build.build.facts.url) == (True, "https://ci.test/7")


def test_an_unverified_report_of_another_branch_does_not_decide_where_the_verified_build_goes(
    world: World, pay_25: Release
) -> None:
    world.change(allow_org_id=True)
    squatter = world.received(report(7, branch="elsewhere", commit_sha=None), by=world.by_id())
    real = world.received(report(7))
    assert (squatter.status, real.status) == (DeliveryStatus.CREATED, DeliveryStatus.CREATED)
    assert real.placement is not None
    assert real.placement.steps[0].result == "contradicted"


def test_an_unverified_run_that_started_again_stays_finished_when_taken_over(world: World, pay_25: Release) -> None:
    world.change(allow_org_id=True)
    world.received(report(7), by=world.by_id())
    world.received(report(7, status=BuildStatus.IN_PROGRESS))
    [build] = world.builds()
    assert (build.verified, build.facts.status) == (True, BuildStatus.SUCCESSFUL)


def test_an_unverified_caller_cannot_use_up_the_delivery_id_of_a_verified_one(world: World, pay_25: Release) -> None:
    world.change(allow_org_id=True)
    ping = Reason(ReasonCode.PING, "a ping")
    first = world.received(ping, by=world.by_id(), delivery_id="d-1")
    assert world.received(report(), delivery_id="d-1").status is DeliveryStatus.CREATED
    assert world.received(ping, by=world.by_id(), delivery_id="d-1").delivery_id == first.delivery_id


def test_an_unverified_report_teaches_no_uuid(world: World, pay_25: Release) -> None:
    world.change(allow_org_id=True)
    world.received(report(1, uuid=UUID_OF_PAY), by=world.by_id())
    answer = world.received(report(2, repository=None, uuid=UUID_OF_PAY))
    assert answer.status is DeliveryStatus.QUEUED
    unknown = world.received(report(3, repository=None, uuid="bitbucket:unknown"), by=world.by_id())
    assert unknown.status is DeliveryStatus.QUEUED
