"""Receiving: what becomes of each delivery, one by one."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from attrs import evolve

from lathe.application import keys, receive, triage
from lathe.application.intake import Changes, Presented, Received, Refused
from lathe.domain.api_key import Scope
from lathe.domain.build import Filed
from lathe.domain.build_report import BuildStatus
from lathe.domain.delivery import CredentialKind, DeliveryStatus
from lathe.domain.errors import Forbidden, Invalid, Malformed, RateLimited, Unauthenticated
from lathe.domain.project import Files, Project
from lathe.domain.queue_entry import EntryStatus, RejectReason
from lathe.domain.release import Release, ReleaseState
from lathe.domain.repository import LinkKind
from lathe.domain.steps import Reason, ReasonCode
from tests import samples
from tests.unit.application.world import NOON, World, report

PAY = "https://bitbucket.org/acme/pay-api"
UUID_OF_PAY = "bitbucket:11111111-1111-4111-8111-111111111111"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def pay(world: World) -> Project:
    return world.project("Pay", PAY)


@pytest.fixture
def pay_25(world: World, pay: Project) -> Release:
    return world.release(pay, "2.5")


# --- outcomes ---


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


# --- the same build ---


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


# --- repositories ---


def test_a_span_is_matched_by_the_uuid_that_a_status_taught(world: World, pay_25: Release) -> None:
    status = world.received(report(7, uuid=UUID_OF_PAY))
    span = report(7, repository=None, uuid=UUID_OF_PAY, commit_sha=None, at=NOON + MINUTE)
    again = world.received(span)
    assert again.build
    assert status.build
    assert again.build.build.id == status.build.build.id
    fresh = world.received(evolve(span, facts=evolve(span.facts, build_number="8")))
    assert fresh.status is DeliveryStatus.CREATED
    assert fresh.build is not None
    assert fresh.build.build.facts.repo_url == report().facts.repo_url


def test_a_status_after_its_span_joins_the_two_repositories(world: World, pay_25: Release) -> None:
    span = world.received(report(7, repository=None, uuid=UUID_OF_PAY, commit_sha=None))
    assert span.entry is not None
    status = world.received(report(7, uuid=UUID_OF_PAY, at=NOON + MINUTE))
    assert status.status is DeliveryStatus.DUPLICATE
    assert status.entry is not None
    assert status.entry.entry.id == span.entry.entry.id
    assert status.entry.entry.facts.commit_sha == report(7).facts.commit_sha
    [(repository, _)] = world.read(lambda tx: tx.repositories.of_project(world.organization.id, pay_25.project_id))
    assert (repository.uuid, repository.url) == (UUID_OF_PAY, report().facts.repo_url)
    assert world.entry(span.entry.entry.id).repository_id == repository.id
    assert world.received(report(8, repository=None, uuid=UUID_OF_PAY)).status is DeliveryStatus.CREATED


def test_what_was_learned_of_a_span_alone_moves_with_its_repository_when_they_are_joined(world: World) -> None:
    ledger = world.project("Ledger")
    release = world.release(ledger, "7")
    spans = [world.received(report(n, repository=None, uuid=UUID_OF_PAY, commit_sha=None)).entry for n in (1, 2)]
    for span in spans:
        assert span is not None
        triage.assign(world.store, world.ids, world.ann, span.entry.id, release.id, remember_repository=True)
    filed = world.received(report(3, repository=None, uuid=UUID_OF_PAY, commit_sha=None))
    assert filed.build is not None
    world.received(report(9))
    answers = world.send_all(
        [world.incoming(report(n, uuid=UUID_OF_PAY, at=NOON + MINUTE)) for n in (3, 1)] + [world.incoming(report(4))]
    )
    builds = [answer.build for answer in answers if isinstance(answer, Received)]
    assert all(build and build.project == ledger for build in builds)
    assert builds[0]
    assert builds[0].build.id == filed.build.build.id
    [(repository, link)] = world.read(lambda tx: tx.repositories.of_project(world.organization.id, ledger.id))
    assert (repository.url, repository.uuid) == (report().facts.repo_url, UUID_OF_PAY)
    assert spans[0] is not None
    assert link.entry_id == spans[0].entry.id
    assert {build.repository_id for build in world.builds()} == {repository.id}


def test_two_rows_of_one_repository_in_one_project_become_one(world: World, pay: Project, pay_25: Release) -> None:
    span = world.received(report(1, repository=None, uuid=UUID_OF_PAY, commit_sha=None)).entry
    other = world.received(report(1, repository="https://bitbucket.org/acme/other")).entry
    assert span is not None
    assert other is not None
    triage.assign(world.store, world.ids, world.ann, span.entry.id, pay_25.id, remember_repository=True)
    world.received(report(5))
    world.send_all(
        [
            world.incoming(report(5, at=NOON + MINUTE)),
            world.incoming(report(1, repository="https://bitbucket.org/acme/other", at=NOON + MINUTE)),
            world.incoming(report(1, uuid=UUID_OF_PAY, at=NOON + MINUTE)),
        ]
    )
    [(repository, link)] = world.read(lambda tx: tx.repositories.of_project(world.organization.id, pay.id))
    assert (repository.uuid, link.kind) == (UUID_OF_PAY, LinkKind.DECLARED)
    assert world.entry(other.entry.id).repository_id != repository.id


def test_a_filed_delivery_without_build_and_entry_is_a_fault_of_the_program(world: World) -> None:
    lost = samples.bare_delivery(
        world.organization.id,
        world.key.id,
        status=DeliveryStatus.CREATED,
        provider_delivery_id="d-1",
        source="bitbucket",
    )
    world.store.write(lambda tx: tx.intake.save(Changes(now=NOON, new_deliveries=[lost])))
    with pytest.raises(receive.ItemFailed):
        world.send(report(), delivery_id="d-1")


# --- unverified reports ---


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


# --- credentials ---


def test_credentials_that_do_not_hold_are_all_refused_alike(world: World) -> None:
    revoked, text = keys.create(world.store, world.ids, world.ann, "old", list(Scope))
    keys.revoke(world.store, world.ann, revoked.id)
    _, expired_text = keys.create(world.store, world.ids, world.ann, "short", list(Scope), expires_at=NOON + MINUTE)
    world.clock.set(NOON + MINUTE)
    hook, _ = world.hook()
    bad = [
        Presented(CredentialKind.KEY, key_hash=b"unknown"),
        Presented(CredentialKind.KEY),
        world.by_key(text),
        world.by_key(expired_text),
        Presented(CredentialKind.HOOK, hook_id=uuid4()),
        Presented(CredentialKind.HOOK),
        world.by_id(uuid4()),
        Presented(CredentialKind.ORGANIZATION),
    ]
    for presented in bad:
        refused = world.refused(report(), by=presented)
        assert isinstance(refused.error, Unauthenticated)
        assert refused.admission is None
    assert isinstance(world.refused(report(), by=world.by_hook(hook), source="github").error, Unauthenticated)


def test_a_key_without_the_scope_is_refused_and_spends_nothing(world: World) -> None:
    reader, text = keys.create(world.store, world.ids, world.ann, "reader", [Scope.BUILDS_READ])
    refused = world.refused(report(), by=world.by_key(text))
    assert isinstance(refused.error, Forbidden)
    assert refused.error.scope == "builds:create"
    assert world.read(lambda tx: tx.keys.get(world.organization.id, reader.id)).requests == 0


def test_what_is_refused_for_other_reasons_spends_the_limit_too(world: World, pay_25: Release) -> None:
    key, text = keys.create(world.store, world.ids, world.ann, "slow", list(Scope), rate_limit=3)
    by = world.by_key(text)
    batch = [world.incoming(content, by=by) for content in (Malformed("no"), report(1), report(1), report(2))]
    answers = world.send_all(batch)
    kinds = [a.status if isinstance(a, Received) else type(a.error) for a in answers]
    assert kinds == [Malformed, DeliveryStatus.CREATED, DeliveryStatus.DUPLICATE, RateLimited]
    limited = answers[-1]
    assert isinstance(limited, Refused)
    assert isinstance(limited.error, RateLimited)
    assert limited.error.retry_after == 60
    assert world.read(lambda tx: tx.keys.get(world.organization.id, key.id)).requests == 3
    world.later(seconds=60)
    assert world.received(report(2), by=by).status is DeliveryStatus.CREATED


def test_hooks_and_organization_ids_have_limits_of_their_own(world: World, pay_25: Release) -> None:
    world.change(allow_org_id=True)
    hook, _ = world.hook()
    for by, limit in ((world.by_hook(hook), 600), (world.by_id(), 60)):
        ping = Reason(ReasonCode.PING, "a ping")
        answers = world.send_all([world.incoming(ping, by=by) for _ in range(limit + 1)])
        assert [isinstance(a, Received) for a in answers] == [True] * limit + [False]


def test_a_batch_with_one_that_cannot_be_decided_stores_nothing_and_names_it(world: World, pay_25: Release) -> None:
    good, bad = world.incoming(report(1)), world.incoming(report(2))
    object.__setattr__(bad, "headers", None)
    with pytest.raises(receive.ItemFailed) as failed:
        world.send_all([good, bad])
    assert failed.value.index == 1
    assert world.builds() == []


def test_a_span_is_matched_by_the_name_of_the_repository_that_its_uuid_stands_for(world: World) -> None:
    world.project("Mobile app")
    world.project("Mobile backend")
    world.received(report(1, repository="https://bitbucket.org/acme/mobile", uuid=UUID_OF_PAY))
    span = world.received(report(2, repository=None, uuid=UUID_OF_PAY))
    assert span.entry is not None
    assert span.entry.entry.reason.code is ReasonCode.AMBIGUOUS_PROJECT


def test_what_one_delivery_of_a_batch_teaches_the_next_one_knows(world: World, pay_25: Release) -> None:
    world.received(report(2))
    batch = [
        world.incoming(report(1, uuid=UUID_OF_PAY)),
        world.incoming(report(2, repository="https://bitbucket.org/acme/renamed", uuid=UUID_OF_PAY, at=NOON + MINUTE)),
    ]
    assert [a.status for a in world.send_all(batch) if isinstance(a, Received)] == [
        DeliveryStatus.CREATED,
        DeliveryStatus.DUPLICATE,
    ]
