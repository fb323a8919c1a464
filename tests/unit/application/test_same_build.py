"""Receiving: all reports of one build find it, in whatever order and however often they come."""

from __future__ import annotations

from lathe.application import triage
from lathe.domain.build_report import BuildStatus
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.project import Project
from lathe.domain.queue_entry import EntryStatus, RejectReason
from lathe.domain.release import Release
from lathe.domain.steps import ReasonCode
from tests.unit.application.world import MINUTE, NOON, World, report


def test_a_redelivery_returns_the_first_build_and_stores_nothing(world: World, pay_25: Release) -> None:
    first = world.received(report(1), delivery_id="d-1")
    again = world.received(report(2), delivery_id="d-1")
    assert (again.status, again.delivery_id) == (DeliveryStatus.DUPLICATE, first.delivery_id)
    assert again.build == first.build
    assert len(world.builds()) == 1


def test_a_redelivery_of_an_ignored_or_queued_one_repeats_its_facts(world: World) -> None:
    ignored = world.received(report(1, status=BuildStatus.IN_PROGRESS), delivery_id="d-1")
    queued = world.received(report(2), delivery_id="d-2")
    assert world.received(report(1), delivery_id="d-1").reason == ignored.reason
    again = world.received(report(2), delivery_id="d-2")
    assert (again.status, again.entry) == (DeliveryStatus.DUPLICATE, queued.entry)


def test_the_same_delivery_id_of_another_source_is_another_delivery(world: World, pay_25: Release) -> None:
    world.received(report(1), delivery_id="d-1")
    assert world.received(report(2), delivery_id="d-1", source="api").status is DeliveryStatus.CREATED


def test_all_reports_of_one_run_are_one_build_and_newer_facts_are_kept(world: World, pay_25: Release) -> None:
    world.received(report(7, status=BuildStatus.IN_PROGRESS, at=NOON))
    filed = world.received(report(7, at=NOON + MINUTE))
    assert filed.build is not None
    later = world.received(report(7, status=BuildStatus.FAILED, at=NOON + 2 * MINUTE, url="https://ci.test/7"))
    older = world.received(report(7, status=BuildStatus.STOPPED, at=NOON - MINUTE, url="https://ci.test/old"))
    assert [later.status, older.status] == [DeliveryStatus.DUPLICATE] * 2
    [build] = world.builds()
    assert (build.id, build.release_id) == (filed.build.build.id, pay_25.id)
    assert (build.facts.status, build.facts.url) == (BuildStatus.FAILED, "https://ci.test/7")
    assert build.facts.finished_at == NOON + 2 * MINUTE


def test_a_failed_run_is_filed_once_it_succeeds(world: World, pay_25: Release) -> None:
    assert world.received(report(7, status=BuildStatus.FAILED)).status is DeliveryStatus.IGNORED
    assert world.received(report(7, at=NOON + MINUTE)).status is DeliveryStatus.CREATED
    assert world.received(report(7, at=NOON + 2 * MINUTE)).status is DeliveryStatus.DUPLICATE


def test_an_overtaken_report_of_an_unfiled_build_changes_nothing(world: World, pay_25: Release) -> None:
    world.received(report(7, status=BuildStatus.FAILED, at=NOON + MINUTE))
    answer = world.received(report(7, at=NOON))
    assert answer.reason is not None
    assert (answer.status, answer.reason.code) == (DeliveryStatus.IGNORED, ReasonCode.BUILD_NOT_SUCCESSFUL)
    world.received(report(7, status=BuildStatus.IN_PROGRESS, at=NOON + 2 * MINUTE))
    answer = world.received(report(7, at=NOON))
    assert answer.reason is not None
    assert answer.reason.code is ReasonCode.BUILD_NOT_FINISHED


def test_a_run_that_started_again_keeps_its_last_finished_status(world: World, pay_25: Release) -> None:
    world.received(report(7))
    world.received(report(7, status=BuildStatus.IN_PROGRESS, at=NOON + MINUTE))
    [build] = world.builds()
    assert build.facts.status is BuildStatus.SUCCESSFUL


def test_a_contradicting_commit_is_a_new_build_noted_in_its_placement(world: World, pay_25: Release) -> None:
    world.received(report(7, commit_sha="a" * 40))
    same = world.received(report(7, commit_sha="A" * 12))
    other = world.received(report(7, commit_sha="b" * 40))
    assert (same.status, other.status) == (DeliveryStatus.DUPLICATE, DeliveryStatus.CREATED)
    assert other.placement is not None
    assert (other.placement.steps[0].rule, other.placement.steps[0].result) == ("same_build", "contradicted")
    assert world.received(report(7, commit_sha="b" * 40)).build == other.build
    assert world.received(report(7, commit_sha="c" * 40)).status is DeliveryStatus.CREATED


def test_a_build_without_identity_is_protected_by_its_delivery_id_alone(world: World, pay_25: Release) -> None:
    bare = report(commit_sha=None, build_number=None)
    answers = [world.received(bare, delivery_id=d) for d in ("d-1", "d-1", "d-2")]
    assert [a.status.value for a in answers] == ["created", "duplicate", "created"]


def test_more_reports_of_a_decided_entry_find_what_became_of_it(world: World, pay: Project) -> None:
    rejected, assigned = (world.received(report(n)) for n in (1, 2))
    assert rejected.entry
    assert assigned.entry
    triage.reject(world.store, world.ann, rejected.entry.entry.id, RejectReason.BROKEN)
    release = world.release(pay, "2.5")
    build = triage.assign(world.store, world.ids, world.ann, assigned.entry.entry.id, release.id).build
    later = world.received(report(1, at=NOON + MINUTE))
    assert later.entry is not None
    assert later.entry.entry.status is EntryStatus.REJECTED
    later = world.received(report(2, at=NOON + MINUTE, url="https://ci.test/2"))
    assert later.build is not None
    assert (later.build.build.id, later.build.build.facts.url) == (build.id, "https://ci.test/2")
    triage.undo(world.store, world.ann, assigned.entry.entry.id)
    later = world.received(report(2, at=NOON + 2 * MINUTE), delivery_id="d-9")
    assert later.entry is not None
    assert later.entry.entry.status is EntryStatus.PENDING
    again = world.received(report(2), delivery_id="d-9")
    assert again.entry == later.entry


def test_a_redelivery_finds_the_entry_of_a_build_that_was_sent_back(world: World, pay_25: Release) -> None:
    bare = report(commit_sha=None, build_number=None)
    filed = world.received(bare, delivery_id="d-1")
    assert filed.build is not None
    entry = triage.requeue(world.store, world.ids, world.ann, filed.build.build.id)
    again = world.received(bare, delivery_id="d-1")
    assert again.entry is not None
    assert again.entry.entry.id == entry.entry.id
