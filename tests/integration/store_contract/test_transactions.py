"""All or nothing, and reads that stand still."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Thread

import pytest
from attrs import evolve

from lathe.application.intake import Changes, Usage
from lathe.application.lists import BuildFilter
from lathe.application.ports import Store, Transaction
from lathe.domain.errors import Conflict, LatheError
from lathe.domain.rate_limit import Window
from tests import samples
from tests.integration.store_contract.helpers import (
    add,
    adding,
    is_absent,
    is_refused,
    keep,
    keep_changed,
    save,
    saving,
    stored,
)
from tests.integration.store_contract.world import World


def fresh_rows(world: World) -> list[object]:
    """Return new rows of every kind, to be stored in this order."""
    project, repository = samples.project(world.id), samples.repository(world.id)
    user, organization = samples.user(), samples.organization()
    return [
        organization,
        user,
        samples.member(organization.id, user.id),
        samples.session(user.id),
        samples.link(world.id, user.id),
        project,
        repository,
        samples.repository_link(world.id, repository.id, project.id),
        samples.release(world.id, project.id),
        world.new_build(),
        samples.entry(world.id),
        samples.identity(world.id),
        samples.delivery(world.id, world.key.id),
        samples.key(world.id),
        samples.hook(world.id),
    ]


def changed_rows(world: World) -> list[object]:
    """Return the organization's rows, each different from what is stored."""
    return [
        evolve(world.organization, name="changed"),
        evolve(world.user, name="changed"),
        evolve(world.project, name=samples.unique("changed")),
        evolve(world.release, name=samples.unique("changed")),
        evolve(world.build, withdrawn=True),
        evolve(world.entry, facts=samples.bare_facts(name="changed")),
        evolve(world.identity, commit_sha="changed"),
        evolve(world.key, name="changed"),
        evolve(world.hook, secret=b"changed"),
    ]


def is_there(store: Store, row: object) -> bool:
    found: list[object] = []
    absent = is_absent(store, lambda _: found.append(stored(store, row)))
    return not absent and found != [None]


class Failure(BaseException):
    """Raised on purpose; not even an Exception, as an interruption is none."""


@pytest.mark.parametrize("failure", [ValueError, Conflict, Failure])
def test_an_exception_rolls_back_every_table(
    store: Store, world: World, failure: Callable[[str], BaseException]
) -> None:
    fresh, changed = fresh_rows(world), changed_rows(world)
    before = [stored(store, row) for row in changed]

    def work(tx: Transaction) -> None:
        add(tx, *fresh)
        save(tx, *changed)
        tx.repositories.unlink(world.id, world.repository.id)
        tx.keys.spend(world.key, samples.window(1), samples.NOW)
        tx.hooks.count_refused({world.hook.id: 3})
        raise failure("on purpose")

    with pytest.raises((ValueError, LatheError, Failure), match="on purpose"):
        store.write(work)
    assert [row for row in fresh if is_there(store, row)] == []
    assert [stored(store, row) for row in changed] == before
    assert stored(store, world.repository_link) == world.repository_link
    admitted = store.write(lambda tx: tx.keys.admit(world.key.hash))
    assert admitted == (world.key, Window())


def test_what_is_written_is_there_for_every_kind_of_row(store: Store, world: World) -> None:
    fresh, changed = fresh_rows(world), changed_rows(world)
    keep(store, *fresh)
    keep_changed(store, *changed)
    assert [row for row in fresh if not is_there(store, row)] == []
    assert [stored(store, row) for row in changed] == changed


def test_a_transaction_sees_what_it_wrote_itself(store: Store, world: World) -> None:
    project = samples.project(world.id)

    def work(tx: Transaction) -> tuple[object, object]:
        tx.projects.add(project)
        added = tx.projects.get(world.id, project.id)
        tx.projects.save(evolve(project, name="Renamed within"))
        return added, tx.projects.find_by_slug(world.id, project.slug)

    assert store.write(work) == (project, evolve(project, name="Renamed within"))


def test_writing_while_reading_is_an_error(store: Store, world: World) -> None:
    accepted = [row for row in fresh_rows(world) if not is_refused(partial(store.read, adding(row)))]
    assert accepted == []
    changed = changed_rows(world)
    before = [stored(store, row) for row in changed]
    assert [row for row in changed if not is_refused(partial(store.read, saving(row)))] == []
    assert [stored(store, row) for row in changed] == before


def test_a_batch_cannot_be_written_while_reading(store: Store, world: World) -> None:
    changes = Changes(samples.NOW, keys=[Usage(world.id, world.key.id, samples.window(1), 1)])
    assert is_refused(lambda: store.read(lambda tx: tx.intake.save(changes)))
    assert stored(store, world.key) == world.key


def test_a_read_stays_on_one_state_while_others_write(store: Store, world: World) -> None:
    added = world.new_build()

    def write() -> None:
        keep(store, added)
        keep_changed(store, evolve(world.build, withdrawn=True))

    def look(tx: Transaction) -> tuple[object, object]:
        return tx.builds.get(world.id, world.build.id), tx.builds.page(world.id, BuildFilter(), 9, None)

    def look_twice(tx: Transaction) -> list[tuple[object, object]]:
        first = look(tx)
        writer = Thread(target=write)
        writer.start()
        writer.join(timeout=30)  # neither waits for the other
        assert not writer.is_alive()
        return [first, look(tx)]

    assert store.read(look_twice) == [(world.build, [world.build])] * 2
    assert store.read(look) == (evolve(world.build, withdrawn=True), [added])


def test_what_is_not_committed_is_seen_by_nobody_else(store: Store, world: World) -> None:
    seen: list[object] = [stored(store, world.build)]

    def work(tx: Transaction) -> None:
        tx.builds.save(evolve(world.build, withdrawn=True))
        reader = Thread(target=lambda: seen.append(stored(store, world.build)))
        reader.start()
        reader.join(timeout=30)

    store.write(work)
    assert seen == [world.build] * 2


def test_a_store_goes_on_after_failures(store: Store, world: World) -> None:
    def fail(_: Transaction) -> None:
        raise ValueError("on purpose")

    for run in (store.write, store.read):
        for _ in range(30):
            with pytest.raises(ValueError, match="on purpose"):
                run(fail)
    project = samples.project(world.id)
    keep(store, project)
    assert stored(store, project) == project


def test_a_write_inside_a_write_is_an_error_and_waits_for_nobody(store: Store, world: World) -> None:
    project = samples.project(world.id)

    def work(tx: Transaction) -> None:
        tx.projects.add(project)
        keep(store, samples.project(world.id))

    with pytest.raises(RuntimeError):
        store.write(work)
    assert not is_there(store, project)
    keep(store, project)


def test_a_transaction_that_has_ended_takes_nothing_more(store: Store, world: World) -> None:
    project = samples.project(world.id)
    ended = store.write(lambda tx: tx)
    assert is_refused(lambda: ended.projects.add(project))
    assert not is_there(store, project)
