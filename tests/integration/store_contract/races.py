"""Races of two: what each racer does in a round, how two threads or processes run it, and who judges them.

A round has two halves, as every decision has: `look` at what is stored, and `act` on it.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID

from attrs import field, frozen

from lathe.adapters.ids import RandomIds
from lathe.application.admission import microseconds
from lathe.application.desk import Desk
from lathe.application.intake import Changes, Incoming, Presented, Reading, Received, Usage, Wanted
from lathe.application.ports import Store, Transaction
from lathe.domain.delivery import CredentialKind, DeliveryStatus
from lathe.domain.errors import Conflict
from lathe.domain.identity import IdentityKey, run_key
from lathe.domain.queue_entry import Assignment
from lathe.domain.rate_limit import admit
from lathe.domain.repository import Repository
from tests import samples
from tests.stores import open_store

ROUNDS: Final = 200
RACERS: Final = 2
PATIENCE_SECONDS: Final = 30.0
THINKING_SECONDS: Final = 0.0005
NOBODY: Final = UUID(int=0)


class Way(Enum):
    """How a round is run: as it must be, or in a way that the judges must notice."""

    SAFE = auto()
    WITHOUT_LOCK = auto()
    """In one transaction that asks for no lock."""
    IN_TWO_TRANSACTIONS = auto()
    """Looking in one, acting in another: whatever was looked at may have changed."""


@frozen
class Outcome:
    """How a round ended for one racer: ``won``, ``lost`` or ``failed``, and the row or error it ended with."""

    what: str
    about: object = None


Outcomes: TypeAlias = Sequence[Sequence[Outcome]]
"""Of each racer, in the order of the rounds."""


class Race(Protocol):
    """What two racers do at the same time, `ROUNDS` times."""

    def look(self, tx: Transaction, number: int, racer: int, *, lock: bool) -> Any:
        """Return what the decision depends on."""
        ...

    def act(self, tx: Transaction, number: int, racer: int, seen: Any) -> Outcome:
        """Decide, write, and say how it ended. A Conflict is a loss."""
        ...


@frozen
class Assigning:
    """Two people assign the same queue entry."""

    organization_id: UUID
    project_id: UUID
    release_id: UUID
    entry_ids: tuple[UUID, ...]

    def look(self, tx: Transaction, number: int, racer: int, *, lock: bool) -> Any:
        return tx.entries.get(self.organization_id, self.entry_ids[number], lock=lock)

    def act(self, tx: Transaction, number: int, racer: int, seen: Any) -> Outcome:
        build = samples.build(self.organization_id, self.project_id, self.release_id, entry_id=seen.id)
        assignment = Assignment(build.id, self.release_id, "2.4")
        assigned = seen.assigned(assignment, self.project_id, samples.actor(name=f"racer {racer}"), tx.now())
        tx.builds.add(build)
        tx.entries.save(assigned)
        return Outcome("won", build.id)


@frozen
class Identifying:
    """Two deliveries, by two keys, speak of the same build for the first time."""

    organization_id: UUID
    key_hashes: tuple[bytes, ...]
    scope: str = field(factory=lambda: samples.unique("name:pay-api"))

    def _key(self, number: int) -> IdentityKey:
        return IdentityKey("bitbucket", self.scope, f"run:{number}")

    def look(self, tx: Transaction, number: int, racer: int, *, lock: bool) -> Any:
        key = self._key(number)
        presented = Presented(CredentialKind.KEY, key_hash=self.key_hashes[racer])
        wanted = Wanted(presented, "bitbucket", source=key.source, run_key=key.run_key, scope=key.scope)
        return [one for one in tx.intake.load([wanted]).identities if one.key == key]

    def act(self, tx: Transaction, number: int, racer: int, seen: Any) -> Outcome:
        if seen:
            return Outcome("lost", seen[0].id)
        identity = samples.identity(self.organization_id, key=self._key(number))
        tx.intake.save(Changes(tx.now(), new_identities=[identity]))
        return Outcome("won", identity.id)


@frozen
class Answering:
    """Two requests, by two credentials, that are to be answered once, under one name."""

    organization_id: UUID
    key_hashes: tuple[bytes, ...]
    names: tuple[bytes, ...] = field(factory=lambda: tuple(samples.first_answer(NOBODY).name for _ in range(ROUNDS)))

    def look(self, tx: Transaction, number: int, racer: int, *, lock: bool) -> Any:
        presented = Presented(CredentialKind.KEY, key_hash=self.key_hashes[racer])
        return tx.intake.load([Wanted(presented, "api", first_answer=self.names[number])]).first_answers

    def act(self, tx: Transaction, number: int, racer: int, seen: Any) -> Outcome:
        if seen:
            return Outcome("lost", seen[0].delivery_id)
        answer = samples.first_answer(self.organization_id, name=self.names[number])
        tx.intake.save(Changes(samples.NOW, first_answers=[answer]))
        return Outcome("won", answer.delivery_id)


@frozen
class Joining:
    """Two deliveries, by two keys, of one run: a span that knows the repository's UUID, a status with its URL as well.

    Both names are known, of two repositories that the status shows to be one.
    """

    organization_id: UUID
    key_hashes: tuple[bytes, ...]
    repositories: tuple[tuple[Repository, Repository], ...]
    """By round: known by its UUID, and known by its URL."""

    def look(self, tx: Transaction, number: int, racer: int, *, lock: bool) -> Any:
        by_uuid, by_url = self.repositories[number]
        facts = samples.bare_facts(source="bitbucket", build_number="1", repo_url=by_url.url if racer else None)
        report = samples.bare_report(facts=facts, repository_uuid=by_uuid.uuid)
        presented = Presented(CredentialKind.KEY, key_hash=self.key_hashes[racer])
        incoming = Incoming(presented, "bitbucket", Reading("event", None, report), b"")
        wanted = Wanted(
            presented, "bitbucket", source="bitbucket", run_key=run_key(report), url=facts.repo_url, uuid=by_uuid.uuid
        )
        return incoming, tx.intake.load([wanted])

    def act(self, tx: Transaction, number: int, racer: int, seen: Any) -> Outcome:
        incoming, known = seen
        desk = Desk(known, RandomIds())
        answer = desk.take(incoming)
        tx.intake.save(desk.changes())
        if not isinstance(answer, Received) or answer.entry is None:
            return Outcome("failed", answer)
        return Outcome("won" if answer.status is DeliveryStatus.QUEUED else "lost", answer.entry.entry.id)


@frozen
class Spending:
    """Two requests with one key; through either door, a single request's or a batch's."""

    organization_id: UUID
    key_id: UUID
    key_hash: bytes
    limit: int

    def look(self, tx: Transaction, number: int, racer: int, *, lock: bool) -> Any:
        if number % 2:
            return tx.keys.admit(self.key_hash)
        presented = Presented(CredentialKind.KEY, key_hash=self.key_hash)
        return tx.intake.load([Wanted(presented, "bitbucket")]).keys[self.key_hash]

    def act(self, tx: Transaction, number: int, racer: int, seen: Any) -> Outcome:
        key, window = seen
        now = tx.now()
        decision = admit(window, microseconds(now), self.limit)
        if not decision.admitted:
            return Outcome("lost")
        if number % 2:
            tx.keys.spend(key, decision.window, now)
        else:
            usage = Usage(self.organization_id, self.key_id, decision.window, 1)
            tx.intake.save(Changes(now, keys=[usage]))
        return Outcome("won")


# --- running ----------------------------------------------------------------------------------------------------------


def run(race: Race, store: Store, racer: int, way: Way, start: Callable[[], object]) -> list[Outcome]:
    """Run all rounds of one racer; ``start`` waits until both are ready."""
    outcomes = []
    for number in range(ROUNDS):
        start()
        try:
            outcomes.append(_round(race, store, number, racer, way))
        except Conflict as conflict:
            outcomes.append(Outcome("lost", conflict.reason))
        except Exception as error:  # noqa: BLE001 - a failure is judged as one
            outcomes.append(Outcome("failed", repr(error)))
    return outcomes


def _round(race: Race, store: Store, number: int, racer: int, way: Way) -> Outcome:
    if way is Way.IN_TWO_TRANSACTIONS:
        seen = store.write(lambda tx: race.look(tx, number, racer, lock=True))
        time.sleep(THINKING_SECONDS)
        return store.write(lambda tx: race.act(tx, number, racer, seen))

    def work(tx: Transaction) -> Outcome:
        seen = race.look(tx, number, racer, lock=way is Way.SAFE)
        time.sleep(THINKING_SECONDS)
        return race.act(tx, number, racer, seen)

    return store.write(work)


class Track(Protocol):
    """Where two racers run against each other."""

    def __call__(self, race: Race, way: Way) -> Outcomes:
        """Return what became of each racer."""
        ...


def on_threads(store: Store) -> Track:
    """Return a track of two threads that share a store."""

    def track(race: Race, way: Way) -> Outcomes:
        barrier = threading.Barrier(RACERS, timeout=PATIENCE_SECONDS)
        with ThreadPoolExecutor(RACERS) as pool:
            running = [pool.submit(run, race, store, racer, way, barrier.wait) for racer in range(RACERS)]
            return [one.result() for one in running]

    return track


@contextmanager
def two_processes() -> Iterator[Executor]:
    """Keep two processes that share nothing with this one but what they are told."""
    spawning = multiprocessing.get_context("spawn")
    barrier = spawning.Barrier(RACERS, timeout=PATIENCE_SECONDS)
    with ProcessPoolExecutor(RACERS, mp_context=spawning, initializer=_meet_at, initargs=(barrier,)) as pool:
        yield pool


def on_processes(pool: Executor, kind: str, url: str) -> Track:
    """Return a track of two processes, each with a store of its own on the same database, which has its own clock."""

    def track(race: Race, way: Way) -> Outcomes:
        running = [pool.submit(_run_in_process, race, kind, url, racer, way) for racer in range(RACERS)]
        return [one.result() for one in running]

    return track


_meeting_point: list[Any] = []


def _meet_at(barrier: Any) -> None:
    _meeting_point[:] = [barrier]


def _run_in_process(race: Race, kind: str, url: str, racer: int, way: Way) -> list[Outcome]:
    store = open_store(kind, None, lambda: url)
    try:
        return run(race, store, racer, way, _meeting_point[0].wait)
    finally:
        store.close()


# --- judging ----------------------------------------------------------------------------------------------------------


def rounds_without_one_winner(outcomes: Outcomes) -> list[str]:
    """Return the rounds in which not exactly one racer won and the other one lost."""
    pairs = enumerate(zip(*outcomes, strict=True))
    return [f"{number}: {pair}" for number, pair in pairs if sorted(one.what for one in pair) != ["lost", "won"]]


def rounds_without_one_row(outcomes: Outcomes) -> list[str]:
    """Return the rounds after which the racers do not speak of one and the same row, made by one of them."""
    pairs = enumerate(zip(*outcomes, strict=True))
    two = [f"{number}: {pair}" for number, pair in pairs if len({one.about for one in pair}) != 1]
    return rounds_without_one_winner(outcomes) + two


def beyond_the_limit(outcomes: Outcomes, limit: int, counted: int) -> list[str]:
    """Return what is wrong with the number of admitted requests, of which the store counted some."""
    every = [one for racer in outcomes for one in racer]
    admitted = sum(one.what == "won" for one in every)
    faults = [f"failed: {one.about}" for one in every if one.what == "failed"]
    if admitted != limit:
        faults.append(f"{admitted} were admitted, {limit} were allowed and wanted")
    if counted != admitted:
        faults.append(f"{admitted} were admitted, {counted} were counted")
    return faults
