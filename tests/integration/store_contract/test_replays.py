"""Replays on every store: looking changes nothing, and of many who file one delivery at once, one does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from attrs import evolve

from lathe.adapters.ids import RandomIds
from lathe.application import replay
from lathe.application.caller import Caller
from lathe.application.intake import Reading
from lathe.application.lists import BuildFilter
from lathe.application.ports import Store
from lathe.application.replay import Replay
from lathe.domain.build_report import BuildReport
from lathe.domain.delivery import CredentialKind, Delivery, DeliveryStatus
from lathe.domain.organization import Actor
from tests import samples
from tests.integration.store_contract.helpers import keep
from tests.integration.store_contract.world import World

MANY = 6


class Says:
    """Implements `ReportParser`: says the same of everything."""

    def __init__(self, report: BuildReport) -> None:
        self.report = report

    def read(self, headers: dict[str, str], body: bytes) -> Reading:
        return Reading(None, None, self.report)


@pytest.fixture
def ignored(store: Store, world: World) -> Delivery:
    """A delivery that led nowhere when it came."""
    delivery = samples.delivery(world.id, world.key.id, status=DeliveryStatus.IGNORED, placement=None)
    keep(store, delivery)
    return delivery


def run(store: Store, world: World, delivery: Delivery, report: BuildReport, *, file: bool) -> Replay:
    caller = Caller(world.id, Actor("user", world.user.id, "Ann"))
    done = replay.file if file else replay.try_again
    return done(store, RandomIds(), {"bitbucket": Says(report)}, caller, delivery.id)


def report_of(world: World, **facts: object) -> BuildReport:
    """Return a report of a build of the linked repository."""
    return samples.bare_report(facts=samples.facts(repo_url=world.repository.url, **facts))


def test_looking_changes_nothing_and_filing_stores_the_build_and_the_replay(
    store: Store, world: World, ignored: Delivery
) -> None:
    report = report_of(world)
    looked = run(store, world, ignored, report, file=False)
    assert looked.now.status is DeliveryStatus.CREATED
    assert store.read(lambda tx: tx.deliveries.newest(world.id, 1))[0].id == ignored.id
    done = run(store, world, ignored, report, file=True)
    assert done.filed
    assert done.now.build is not None
    build = done.now.build.build
    assert store.read(lambda tx: tx.builds.get(world.id, build.id)) == build
    (made,) = store.read(lambda tx: tx.deliveries.of_subject(world.id, build_id=build.id))
    assert (made.credential, made.replay_of) == (CredentialKind.REPLAY, ignored.id)
    assert store.read(lambda tx: tx.keys.get(world.id, world.key.id)).requests == world.key.requests


@pytest.mark.parametrize("known_by", ["its number", "nothing but the replay"])
def test_of_many_who_file_one_delivery_at_once_one_does(
    store: Store, world: World, ignored: Delivery, known_by: str
) -> None:
    report = report_of(world)
    if known_by == "nothing but the replay":
        nameless = evolve(report.facts, build_number=None, run_id=None, commit_sha=None, url=None)
        report = evolve(report, facts=nameless)
    before = store.read(lambda tx: tx.builds.page(world.id, BuildFilter(), 10, None))
    with ThreadPoolExecutor(MANY) as threads:
        done = list(threads.map(lambda _: run(store, world, ignored, report, file=True), range(MANY)))
    after = store.read(lambda tx: tx.builds.page(world.id, BuildFilter(), 10, None))
    assert [one.filed for one in done].count(True) == 1
    assert len(after) == len(before) + 1
    assert {one.now.build.build.id for one in done if one.now.build} == {one.id for one in after} - {
        one.id for one in before
    }
