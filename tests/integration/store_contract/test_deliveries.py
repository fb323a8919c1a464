"""The list of deliveries: by their ids, filtered, and never at the cost of more than it says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from lathe.application.lists import CLOCKS_APART, DeliveryFilter, Looked, Place
from lathe.application.ports import Store
from lathe.domain.delivery import CredentialKind, Delivery, DeliveryStatus, lowest_id
from tests import samples
from tests.integration.store_contract.helpers import keep
from tests.integration.store_contract.world import World
from tests.samples import NOW

ROWS = 23
ANY = DeliveryFilter()


def at(world: World, time: datetime, **changes: Any) -> Delivery:
    """Return a delivery that was received and named at a time."""
    named = UUID(int=lowest_id(time).int | samples.new_id().int & (1 << 76) - 1)
    return evolve(samples.delivery(world.id, world.key.id, id=named, received_at=time), **changes)


def look(
    store: Store,
    world: World,
    wanted: DeliveryFilter = ANY,
    limit: int = 100,
    after: Place | None = None,
    *,
    look_at: int = 1000,
) -> Looked:
    return store.read(lambda tx: tx.deliveries.look(world.id, wanted, limit, after, look_at))


def place_of(row: Delivery) -> Place:
    return Place(row.received_at, row.id)


def without_body(rows: list[Delivery]) -> list[Delivery]:
    return [evolve(row, body=b"") for row in rows]


@pytest.mark.parametrize("size", [1, 4, ROWS, 100])
@pytest.mark.parametrize("look_at", [1, 3, ROWS, 1000])
def test_a_walk_shows_each_once_the_newest_id_first(store: Store, world: World, size: int, look_at: int) -> None:
    made = [at(world, NOW - timedelta(minutes=n)) for n in range(ROWS)]
    keep(store, *made)
    walked, after = [], None
    while True:
        looked = look(store, world, ANY, size, after, look_at=look_at)
        assert len(looked.rows) <= min(size, look_at)
        walked += looked.rows
        after = looked.next
        if after is None:
            break
        assert after == place_of(walked[-1])
    assert walked == without_body(sorted([*made, world.delivery], key=lambda row: row.id, reverse=True))


def test_it_looks_no_further_than_it_is_told_however_few_are_wanted(store: Store, world: World) -> None:
    made = [at(world, NOW - timedelta(minutes=n), status=DeliveryStatus.IGNORED) for n in range(ROWS)]
    rare = at(world, NOW - timedelta(minutes=ROWS), status=DeliveryStatus.INVALID)
    keep(store, *made, rare)
    wanted, first = DeliveryFilter(DeliveryStatus.INVALID), place_of(world.delivery)
    assert look(store, world, wanted, 5, first, look_at=ROWS) == Looked([], place_of(made[-1]))
    assert look(store, world, wanted, 5, first, look_at=ROWS + 1) == Looked(without_body([rare]), None)
    assert look(store, world, wanted, 5, place_of(made[-1]), look_at=1) == Looked(without_body([rare]), None)
    assert look(store, world, wanted, 5, place_of(rare)) == Looked([], None)


def test_filters_leave_what_they_say(store: Store, world: World) -> None:
    day = timedelta(days=1)
    github = at(world, NOW - day, source="github", status=DeliveryStatus.IGNORED)
    hook = at(world, NOW, credential=CredentialKind.HOOK, credential_id=world.hook.id, status=DeliveryStatus.CREATED)
    last = at(world, NOW + day, status=DeliveryStatus.CREATED)
    keep(store, github, hook, last)
    everything = [world.delivery, last, hook, github]
    for wanted, found in (
        (ANY, everything),
        (DeliveryFilter(source="github"), [github]),
        (DeliveryFilter(DeliveryStatus.CREATED), [last, hook]),
        (DeliveryFilter(credential_id=world.hook.id), [hook]),
        (DeliveryFilter(credential_id=world.key.id, source="bitbucket"), [world.delivery, last]),
        (DeliveryFilter(until=NOW), [github]),
        (DeliveryFilter(since=NOW - day, until=NOW + day), [hook, github]),
        (DeliveryFilter(since=NOW + day), [last]),
        (DeliveryFilter(DeliveryStatus.CREATED, since=NOW + day), [last]),
    ):
        assert look(store, world, wanted).rows == without_body(found), wanted


def test_what_is_outside_the_time_that_is_wanted_is_not_looked_at(store: Store, world: World) -> None:
    day, apart = timedelta(days=1), CLOCKS_APART + timedelta(milliseconds=1)
    later = [at(world, NOW + day + apart) for _ in range(5)]
    earlier = [at(world, NOW - apart) for _ in range(5)]
    wanted = at(world, NOW)
    keep(store, *later, wanted, *earlier)
    assert look(store, world, DeliveryFilter(since=NOW, until=NOW + day), look_at=1) == Looked(
        [evolve(wanted, body=b"")], None
    )


def test_bodies_come_along_where_they_are_asked_for(store: Store, world: World) -> None:
    looked = store.read(lambda tx: tx.deliveries.look(world.id, ANY, 5, None, 5, bodies=True))
    assert looked == Looked([world.delivery], None)
