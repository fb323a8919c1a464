"""Replay: a stored delivery under the rules of today, beside what became of it then; and filing it, once, on demand.

It takes the way of everything that comes in, `receive`, with two differences: a credential that nobody holds lets it
in, and nothing is written unless that is asked for and a build or a queue entry comes of it.

A body that somebody pasted takes the same way, and is never filed: nothing proves who sent it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar, cast
from uuid import UUID

from attrs import define, evolve, frozen

from lathe.application import auditing, offer
from lathe.application.caller import Caller
from lathe.application.deliveries import Readers, read_again
from lathe.application.intake import (
    BuildView,
    Changes,
    EntryView,
    Incoming,
    Known,
    Presented,
    Reading,
    Received,
    Refused,
    Wanted,
)
from lathe.application.ports import Ids, Store, Transaction
from lathe.application.previewing import preview_in
from lathe.application.receive import receive
from lathe.application.today import placed_today
from lathe.application.views import build_view, entry_view
from lathe.domain.api_key import ApiKey, Scope
from lathe.domain.audit import Action
from lathe.domain.build import Build
from lathe.domain.build_report import BuildFacts, BuildReport
from lathe.domain.delivery import REPLAY_OF, CredentialKind, Delivery, DeliveryStatus
from lathe.domain.errors import Fault, Invalid, LatheError
from lathe.domain.placement import Placement
from lathe.domain.project import Project
from lathe.domain.queue_entry import EntryStatus, QueueEntry
from lathe.domain.rate_limit import Window
from lathe.domain.release import Release
from lathe.domain.steps import Reason, ReasonCode

T = TypeVar("T")

_NOBODYS: Final = b"replay"
"""Stands for the hash of the key that lets replays in. It is no hash, so no request ever presents it."""


@frozen
class Now:
    """What becomes of a delivery by today's rules.

    ``build`` or ``entry`` is the one that is known by it (``duplicate``), or was just made. ``project`` and ``release``
    are where it would be filed; ``files`` tells whether filing would do anything.
    """

    status: DeliveryStatus
    reason: Reason | None = None
    placement: Placement | None = None
    build: BuildView | None = None
    entry: EntryView | None = None
    project: Project | None = None
    release: Release | None = None
    files: bool = False

    @property
    def subject(self) -> Build | QueueEntry | None:
        """The build, or else the entry."""
        return self.build.build if self.build else self.entry.entry if self.entry else None


@frozen
class Replay:
    """A delivery (of a replay: the one that was replayed), what becomes of it now, and whether that was just done."""

    delivery: Delivery
    now: Now
    filed: bool
    at: datetime


@frozen
class Pasted:
    """What a pasted body says (``facts`` without userinfo, None where it carries no build), and what becomes of it now.

    ``now`` is as of a delivery that came with a good credential; ``files`` in it tells what sending it would do.
    """

    facts: BuildFacts | None
    now: Now
    at: datetime


def try_again(store: Store, ids: Ids, readers: Readers, caller: Caller, delivery_id: UUID) -> Replay:
    """Return what would become of a delivery now. Stores nothing. Raises NotFound."""
    return store.write(lambda tx: _replayed(tx, ids, readers, caller, delivery_id, file=False))


def file(store: Store, ids: Ids, readers: Readers, caller: Caller, delivery_id: UUID) -> Replay:
    """File what a delivery speaks of, by the rules of today, or let it wait in the queue where they say so.

    Nothing is ever filed twice: where the build is known, or nothing comes of the delivery, nothing is done. A build
    that waits in the queue is filed from there. Raises NotFound.
    """
    found = try_again(store, ids, readers, caller, delivery_id)
    if found.now.entry is None:
        return store.write(lambda tx: _replayed(tx, ids, readers, caller, delivery_id, file=True))
    waiting = [found.now.entry.entry.id] if found.now.files else []
    done = offer.file_offered(store, ids, caller, waiting)
    return evolve(try_again(store, ids, readers, caller, delivery_id), filed=bool(done.filed))


def try_body(
    store: Store, ids: Ids, readers: Readers, caller: Caller, *, source: str, headers: dict[str, str], body: bytes
) -> Pasted:
    """Return what would become of a body that ``source``, one of the readers, sent with these headers. Stores nothing.

    Raises Invalid, pointing at ``/body``, where it cannot be read.
    """
    reading = evolve(readers[source].read(headers, body), delivery_id=None)
    content = reading.content
    if isinstance(content, LatheError):
        raise Invalid(content.detail, (Fault("/body", content.reason, content.detail),))
    incoming = Incoming(Presented(CredentialKind.KEY, key_hash=_NOBODYS), source, reading, body, headers)
    facts = content.facts.without_userinfo() if isinstance(content, BuildReport) else None

    def work(tx: Transaction) -> Pasted:
        return Pasted(facts, _became(_Sets(tx, caller), ids, incoming), tx.now())

    return store.write(work)


def _replayed(tx: Transaction, ids: Ids, readers: Readers, caller: Caller, delivery_id: UUID, *, file: bool) -> Replay:
    delivery = tx.deliveries.get(caller.organization_id, delivery_id)
    if delivery.replay_of:
        delivery = tx.deliveries.get(caller.organization_id, delivery.replay_of)
    reading = read_again(readers, delivery)
    if delivery.build_id or delivery.entry_id:
        now = _known(tx, reading, delivery.build_id, delivery.entry_id, caller.organization_id)
        return Replay(delivery, now, filed=False, at=tx.now())
    sets = _Sets(tx, caller, delivery.id, file=file)
    now = _became(sets, ids, _incoming(delivery, reading))
    if sets.filed and now.subject:
        build = now.build
        where = f"filed under {build.release.name} of {build.project.name}" if build else "it waits in the Build Queue"
        auditing.note(tx, caller, Action.REPLAYED, now.subject, where)
    return Replay(delivery, now, sets.filed, tx.now())


def _became(sets: _Sets, ids: Ids, incoming: Incoming) -> Now:
    """Take in what is tried, and return what becomes of it."""
    (answer,) = receive(cast("Store", _Inside(sets)), ids, [incoming])
    if isinstance(answer, Refused):
        return Now(DeliveryStatus.INVALID, Reason(ReasonCode.UNREADABLE, answer.error.detail))
    if answer.status is DeliveryStatus.DUPLICATE:
        build_id = answer.build.build.id if answer.build else None
        entry_id = answer.entry.entry.id if answer.entry else None
        return _known(sets.tx, incoming.reading, build_id, entry_id, sets.caller.organization_id)
    return _new(answer, filed=sets.filed)


def _incoming(delivery: Delivery, reading: Reading) -> Incoming:
    """Return the delivery as it would come in, by an id of its own: of one delivery, one replay is ever taken."""
    reading = evolve(reading, delivery_id=f"replay {delivery.id}")
    presented = Presented(CredentialKind.KEY, key_hash=_NOBODYS)
    if delivery.credential is CredentialKind.ORGANIZATION:  # nobody vouched for it then, and nobody does now
        presented = Presented(CredentialKind.ORGANIZATION, organization_id=delivery.organization_id)
    return Incoming(presented, delivery.source, reading, delivery.body, delivery.headers)


def _new(answer: Received, *, filed: bool) -> Now:
    """Return what becomes of a delivery whose build is not known."""
    build, entry = answer.build, answer.entry
    project = build.project if build else entry.project if entry else None
    return Now(
        answer.status,
        answer.reason or (entry.entry.reason if entry else None),
        answer.placement,
        build if filed else None,
        entry if filed else None,
        project,
        build.release if build else None,
        files=not filed and answer.reason is None,
    )


def _known(
    tx: Transaction, reading: Reading, build_id: UUID | None, entry_id: UUID | None, organization_id: UUID
) -> Now:
    """Return what becomes of a delivery whose build is filed or queued: nothing new, but it may be filed from there."""
    build = tx.builds.get(organization_id, build_id) if build_id else None
    entry_id = entry_id or (build.entry_id if build else None)
    entry = tx.entries.get(organization_id, entry_id) if entry_id else None
    if entry and entry.status is EntryStatus.ASSIGNED and entry.build_id:
        build = tx.builds.get(organization_id, entry.build_id)
    placement = _by_the_rules(tx, organization_id, reading)
    if entry is None or (build and not build.withdrawn):
        return Now(DeliveryStatus.DUPLICATE, None, placement, build=build_view(tx, build) if build else None)
    view = entry_view(tx, entry)
    if entry.status is EntryStatus.PENDING:
        for one in placed_today(tx, organization_id, [entry]):
            return Now(DeliveryStatus.DUPLICATE, None, one.placement, None, view, one.project, one.release, files=True)
    return Now(DeliveryStatus.DUPLICATE, None, placement, entry=view)


def _by_the_rules(tx: Transaction, organization_id: UUID, reading: Reading) -> Placement | None:
    """Return where the rules would put a build if it were not known, None where they cannot be asked."""
    if not isinstance(reading.content, BuildReport):
        return None
    try:
        return preview_in(tx, organization_id, reading.content)
    except Invalid:
        return None


@define
class _Sets:
    """Implements `IntakeSets` on those of a transaction: lets a replay in, and writes only what files something.

    ``replay_of`` is the delivery that is replayed, None for a body that was pasted: that is never filed.
    """

    tx: Transaction
    caller: Caller
    replay_of: UUID | None = None
    file: bool = False
    filed: bool = False

    def load(self, wanted: Sequence[Wanted]) -> Known:
        """Return what is known, with credentials that let the replay in whatever became of its own."""
        of = self.caller.organization_id
        presented = Presented(CredentialKind.ORGANIZATION, organization_id=of)
        known = self.tx.intake.load([evolve(one, presented=presented) for one in wanted])
        organization, _ = known.organizations[of]
        return evolve(
            known,
            keys={_NOBODYS: (_nobodys_key(of, known.now), Window())},
            organizations={of: (evolve(organization, allow_org_id=True), Window())},
        )

    def save(self, changes: Changes) -> None:
        """Write what comes of the replay, except that a credential was used: there was none."""
        if not self.file or not (changes.new_builds or changes.new_entries):
            return
        changes.keys, changes.organizations = [], []
        changes.new_deliveries = [self._replay(one) for one in changes.new_deliveries]
        self.tx.intake.save(changes)
        self.filed = True

    def _replay(self, delivery: Delivery) -> Delivery:
        """Return a delivery as one that somebody replayed."""
        by = self.caller.actor.id or self.caller.organization_id
        headers = {**delivery.headers, REPLAY_OF: str(self.replay_of)}
        return evolve(delivery, credential=CredentialKind.REPLAY, credential_id=by, headers=headers)


@frozen
class _Inside:
    """A store as `receive` needs it, inside a transaction: its work is run there, and sees the sets alone."""

    intake: _Sets

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in the transaction that is open."""
        return work(cast("Transaction", self))


def _nobodys_key(organization_id: UUID, now: datetime) -> ApiKey:
    """Return a key that is stored nowhere. It may create builds, without a limit."""
    return ApiKey(
        organization_id,
        organization_id,
        "replay",
        _NOBODYS,
        "",
        frozenset({Scope.BUILDS_CREATE}),
        None,
        None,
        now,
        "replay",
    )
