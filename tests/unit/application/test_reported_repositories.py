"""Receiving: which repository a report speaks of, and what it teaches about it."""

from __future__ import annotations

import pytest
from attrs import evolve

from lathe.application import receive, triage
from lathe.application.intake import Changes, Received
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.project import Project
from lathe.domain.release import Release
from lathe.domain.repository import LinkKind
from lathe.domain.steps import ReasonCode
from tests import samples
from tests.unit.application.world import MINUTE, NOON, UUID_OF_PAY, World, report


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
    [(repository, _)] = world.read(
        lambda tx: tx.repositories.of_projects(world.organization.id, [pay_25.project_id])[pay_25.project_id]
    )
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
    [(repository, link)] = world.read(
        lambda tx: tx.repositories.of_projects(world.organization.id, [ledger.id])[ledger.id]
    )
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
    [(repository, link)] = world.read(lambda tx: tx.repositories.of_projects(world.organization.id, [pay.id])[pay.id])
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
