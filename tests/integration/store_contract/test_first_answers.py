"""First answers: found by name within the organization of the credential, and removed when their time is over."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from lathe.application.intake import Changes, Presented, Wanted
from lathe.application.ports import Store
from lathe.domain.delivery import CredentialKind
from lathe.domain.first_answer import REPEATED_FOR, FirstAnswer
from tests import samples
from tests.integration.store_contract.helpers import is_refused
from tests.integration.store_contract.world import World

MOMENT = timedelta(microseconds=1)
OVER = samples.NOW - REPEATED_FOR


def keep(store: Store, *answers: FirstAnswer) -> None:
    store.write(lambda tx: tx.intake.save(Changes(samples.NOW, first_answers=[*answers])))


def found(store: Store, world: World, *answers: FirstAnswer) -> list[FirstAnswer]:
    """Return what the organization's key finds under the names of these."""
    presented = Presented(CredentialKind.KEY, key_hash=world.key.hash)
    wanted = [Wanted(presented, "api", first_answer=one.name) for one in answers]
    known = store.write(lambda tx: tx.intake.load(wanted))
    return sorted(known.first_answers, key=lambda one: one.name)


def test_first_answers_are_found_by_name(store: Store, world: World) -> None:
    answers = sorted((samples.first_answer(world.id) for _ in range(3)), key=lambda one: one.name)
    keep(store, *answers)
    assert found(store, world, *answers[:2], samples.first_answer(world.id)) == answers[:2]
    assert found(store, world, answers[2], answers[2]) == [answers[2]]


def test_who_wishes_for_none_finds_none(store: Store, world: World) -> None:
    keep(store, samples.first_answer(world.id))
    presented = Presented(CredentialKind.KEY, key_hash=world.key.hash)
    assert list(store.write(lambda tx: tx.intake.load([Wanted(presented, "api")])).first_answers) == []


def test_the_same_name_in_another_organization_is_another_answer(store: Store, world: World, other: World) -> None:
    theirs = samples.first_answer(other.id)
    keep(store, theirs)
    assert found(store, world, theirs) == []
    ours = samples.first_answer(world.id, name=theirs.name)
    keep(store, ours)
    assert found(store, world, theirs) == [ours]
    assert found(store, other, ours) == [theirs]


def test_an_answer_whose_time_is_over_is_replaced_and_one_that_stands_is_not(store: Store, world: World) -> None:
    over = samples.first_answer(world.id, at=OVER)
    stands = samples.first_answer(world.id, at=OVER + MOMENT)
    keep(store, over)
    keep(store, stands)
    after = evolve(over, at=samples.NOW, written=b"another one")
    keep(store, after)
    assert found(store, world, over, stands) == sorted((after, stands), key=lambda one: one.name)
    assert is_refused(lambda: keep(store, evolve(stands, at=samples.NOW)))
    assert found(store, world, stands) == [stands]


def test_many_answers_whose_time_is_over_go_when_others_are_kept(store: Store, world: World, other: World) -> None:
    over = [samples.first_answer(world.id, at=OVER - n * MOMENT) for n in range(100)]
    stands, elsewhere = samples.first_answer(world.id, at=OVER + MOMENT), samples.first_answer(other.id, at=OVER)
    keep(store, stands, elsewhere)
    keep(store, *over)
    fresh = samples.first_answer(world.id)
    keep(store, fresh)
    assert found(store, world, *over, stands, fresh) == sorted((stands, fresh), key=lambda one: one.name)
    assert found(store, other, elsewhere) == [elsewhere]


def test_names_of_several_organizations_are_replaced_in_one_set(store: Store, world: World, other: World) -> None:
    over = [samples.first_answer(here.id, at=OVER) for here in (world, other)]
    keep(store, *over)
    fresh = [evolve(one, at=samples.NOW) for one in over]
    keep(store, *fresh)
    assert found(store, world, over[0]) == fresh[:1]
    assert found(store, other, over[1]) == fresh[1:]
