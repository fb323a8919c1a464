"""The audit log: what is written comes back, in order, and filtered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve

from lathe.application import organizations
from lathe.application.caller import command_caller
from lathe.application.lists import AuditFilter, Place
from lathe.application.ports import Store
from lathe.domain.audit import Action, AuditEvent, SubjectKind
from lathe.domain.errors import Invalid
from tests import samples
from tests.integration.store_contract.helpers import keep, walk
from tests.integration.store_contract.world import World
from tests.samples import NOW

ROWS = 23


def read(store: Store, world: World, wanted: AuditFilter = AuditFilter()) -> list[AuditEvent]:  # noqa: B008 - frozen
    return store.read(lambda tx: tx.audit.page(world.id, wanted, 100, None))


@pytest.mark.parametrize("sample", [samples.audit_event, samples.bare_audit_event])
def test_an_event_comes_back(store: Store, world: World, sample: Callable[..., AuditEvent]) -> None:
    event = sample(world.id)
    keep(store, event)
    assert read(store, world) == [event]


def test_every_action_and_kind_of_subject_comes_back(store: Store, world: World) -> None:
    events = [samples.audit_event(world.id, action=action) for action in Action]
    events += [
        evolve(event, id=samples.new_id(), subject=evolve(event.subject, kind=kind))
        for kind, event in zip(SubjectKind, events, strict=False)
    ]
    keep(store, *events)
    assert {event.id: event for event in read(store, world)} == {event.id: event for event in events}


@pytest.mark.parametrize("size", [1, 4, ROWS, 100])
def test_a_walk_shows_each_once_newest_first(store: Store, world: World, size: int) -> None:
    times = [NOW + timedelta(microseconds=n * 7 % 5) for n in range(ROWS)]
    events = [samples.audit_event(world.id, created_at=time) for time in times]
    keep(store, *events)
    found = walk(
        lambda n, after: store.read(lambda tx: tx.audit.page(world.id, AuditFilter(), n, after)),
        size,
        lambda row: Place(row.created_at, row.id),
    )
    assert found == sorted(events, key=lambda row: (row.created_at, row.id), reverse=True)


def test_filters_leave_what_they_say(store: Store, world: World) -> None:
    person, day = samples.actor(), timedelta(days=1)
    by_person = samples.audit_event(world.id, actor=person, created_at=NOW - day)
    by_command = samples.bare_audit_event(world.id, created_at=NOW)
    of_key = samples.audit_event(
        world.id, subject=evolve(by_person.subject, kind=SubjectKind.KEY, id=world.key.id), created_at=NOW + day
    )
    keep(store, by_person, by_command, of_key)
    subjects = frozenset({by_person.subject.id, world.key.id})
    for wanted, found in (
        (AuditFilter(), [of_key, by_command, by_person]),
        (AuditFilter(subjects), [of_key, by_person]),
        (AuditFilter(frozenset({world.id})), []),
        (AuditFilter(kind=SubjectKind.KEY), [of_key]),
        (AuditFilter(actor_id=person.id), [by_person]),
        (AuditFilter(actor_kind="command"), [by_command]),
        (AuditFilter(since=NOW), [of_key, by_command]),
        (AuditFilter(until=NOW), [by_person]),
        (AuditFilter(since=NOW, until=NOW + day), [by_command]),
    ):
        assert read(store, world, wanted) == found, wanted


def test_the_time_of_the_last_one_is_known(store: Store, world: World) -> None:
    assert store.read(lambda tx: tx.audit.newest(world.id)) is None
    keep(store, *(samples.audit_event(world.id, created_at=time) for time in (NOW, NOW - timedelta(days=1))))
    assert store.read(lambda tx: tx.audit.newest(world.id)) == NOW


def test_what_is_undone_is_not_in_it(store: Store, world: World) -> None:
    with pytest.raises(Invalid):
        organizations.change(store, command_caller(world.id), name=" ")
    assert read(store, world) == []


def test_many_changes_of_one_thing_in_one_instant_are_all_in_it_in_order(store: Store, world: World) -> None:
    for number in range(5):
        organizations.change(store, command_caller(world.id), name=f"Acme {number}")
    told = [event.detail for event in read(store, world)]
    assert told == [*(f"name: Acme {number} → Acme {number + 1}" for number in (3, 2, 1, 0)), "name: Acme → Acme 0"]
