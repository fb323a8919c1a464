"""The mark of what happened lately: another one after every change that pages show, the same one else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from lathe.application.activity import LOOKED_AT
from lathe.application.ports import Store, Transaction
from lathe.domain.audit import Action, AuditEvent, Subject, SubjectKind
from lathe.domain.build_report import BuildStatus
from lathe.domain.queue_entry import EntryStatus
from tests import samples
from tests.integration.store_contract.helpers import add, keep, save
from tests.integration.store_contract.world import World

Change = Callable[[Transaction, World], None]


def _noted(tx: Transaction, world: World) -> None:
    subject = Subject(SubjectKind.PROJECT, world.project.id, "Pay API")
    event = AuditEvent(world.id, samples.new_id(), samples.LATER, samples.actor(), Action.CHANGED, subject, "")
    tx.audit.add(event)


CHANGES: dict[str, Change] = {
    "a build is filed": lambda tx, world: add(tx, world.new_build()),
    "an old build is withdrawn": lambda tx, world: save(tx, evolve(world.build, withdrawn=True)),
    "a build is moved": lambda tx, world: save(tx, evolve(world.build, release_id=samples.new_id())),
    "a build has another result": lambda tx, world: save(
        tx, evolve(world.build, facts=evolve(world.build.facts, status=BuildStatus.FAILED))
    ),
    "an entry waits": lambda tx, world: add(tx, samples.entry(world.id)),
    "a project is chosen": lambda tx, world: save(tx, evolve(world.entry, project_id=samples.new_id())),
    "an entry is decided": lambda tx, world: save(
        tx, evolve(world.entry, status=EntryStatus.REJECTED, decided_at=samples.LATER)
    ),
    "a delivery that files nothing arrives": lambda tx, world: add(tx, samples.delivery(world.id, world.key.id)),
    "something is noted in the audit log": _noted,
}


def mark(store: Store, world: World) -> str:
    return store.read(lambda tx: tx.activity.mark(world.id))


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_makes_another_mark(store: Store, world: World, change: str) -> None:
    before = mark(store, world)
    store.write(lambda tx: CHANGES[change](tx, world))
    assert mark(store, world) != before


def test_nothing_and_what_happens_elsewhere_leave_the_mark(store: Store, world: World, other: World) -> None:
    before = mark(store, world)
    for change in CHANGES.values():
        store.write(lambda tx, change=change: change(tx, other))  # type: ignore[misc]
    assert mark(store, world) == before


def test_a_build_that_becomes_visible_late_makes_another_mark(store: Store, world: World) -> None:
    late = samples.NOW - timedelta(minutes=1)
    keep(store, *(world.new_build(created_at=samples.NOW) for _ in range(LOOKED_AT // 2)))
    before = mark(store, world)
    keep(store, world.new_build(created_at=late))
    assert mark(store, world) != before


def test_an_empty_organization_has_a_mark_too(store: Store) -> None:
    organization = samples.organization()
    keep(store, organization)
    assert store.read(lambda tx: tx.activity.mark(organization.id))
