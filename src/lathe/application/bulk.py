"""One decision about several queue entries at once. Each is decided for itself: a conflict stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

from attrs import frozen

from lathe.application import triage
from lathe.application.caller import Caller
from lathe.application.ports import Ids, Store
from lathe.application.standing import Own, Seen
from lathe.domain.errors import Conflict, NotFound
from lathe.domain.queue_entry import RejectReason


@frozen
class Refusal:
    """An entry that was not decided, and the sentence that says why."""

    name: str
    why: str


@frozen
class Report:
    """What became of several entries: which were decided as was asked, by their ids, and which were not."""

    decided: tuple[UUID, ...]
    refused: tuple[Refusal, ...] = ()

    @property
    def done(self) -> int:
        """How many were decided as was asked."""
        return len(self.decided)


def assign(store: Store, ids: Ids, caller: Caller, entry_ids: Collection[UUID], release_id: UUID) -> Report:
    """File the entries under an active release. Raises Invalid (no such release)."""
    return _each(store, caller, entry_ids, lambda one: triage.assign(store, ids, caller, one, release_id))


def select_project(
    store: Store, caller: Caller, entry_ids: Collection[UUID], project_id: UUID, seen: Mapping[UUID, Seen]
) -> Report:
    """Choose the project of the entries; ``seen`` is what was seen of each. Raises Invalid (no such project)."""
    return _each(
        store, caller, entry_ids, lambda one: triage.select_project(store, caller, one, project_id, seen=seen.get(one))
    )


def reject(
    store: Store, caller: Caller, entry_ids: Collection[UUID], reason: RejectReason, note: str | None = None
) -> Report:
    """Reject the entries for one reason. Raises Invalid (the note)."""
    return _each(store, caller, entry_ids, lambda one: triage.reject(store, caller, one, reason, note))


def undo(store: Store, caller: Caller, entry_ids: Collection[UUID], own: Own) -> Report:
    """Take one's own decision about several entries back; what was decided about one since stays."""
    return _each(store, caller, entry_ids, lambda one: triage.undo(store, caller, one, own=own))


def _each(store: Store, caller: Caller, entry_ids: Collection[UUID], decide: Callable[[UUID], object]) -> Report:
    decided, refused = [], []
    for entry_id in entry_ids:
        try:
            decide(entry_id)
            decided.append(entry_id)
        except NotFound:
            refused.append(Refusal("A build", "is not in this queue"))
        except Conflict as conflict:
            name = store.read(lambda tx, one=entry_id: tx.entries.get(caller.organization_id, one)).facts.name  # type: ignore[misc]
            refused.append(Refusal(name, conflict.detail))
    return Report(tuple(decided), tuple(refused))
