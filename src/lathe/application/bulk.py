"""One decision about several queue entries at once. Each is decided for itself: a conflict stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

from attrs import frozen

from lathe.application import triage
from lathe.application.caller import Caller
from lathe.application.ports import Ids, Store
from lathe.domain.errors import Conflict, NotFound
from lathe.domain.queue_entry import RejectReason


@frozen
class Refusal:
    """An entry that was not decided, and the sentence that says why."""

    name: str
    why: str


@frozen
class Report:
    """What became of several entries: how many were decided as was asked, and which were not."""

    done: int
    refused: tuple[Refusal, ...] = ()


def assign(store: Store, ids: Ids, caller: Caller, entry_ids: Collection[UUID], release_id: UUID) -> Report:
    """File the entries under an active release. Raises Invalid (no such release)."""
    return _each(store, caller, entry_ids, lambda one: triage.assign(store, ids, caller, one, release_id))


def select_project(store: Store, caller: Caller, entry_ids: Collection[UUID], project_id: UUID) -> Report:
    """Choose the project of the entries. Raises Invalid (no such project)."""
    return _each(store, caller, entry_ids, lambda one: triage.select_project(store, caller, one, project_id))


def reject(
    store: Store, caller: Caller, entry_ids: Collection[UUID], reason: RejectReason, note: str | None = None
) -> Report:
    """Reject the entries for one reason. Raises Invalid (the note)."""
    return _each(store, caller, entry_ids, lambda one: triage.reject(store, caller, one, reason, note))


def _each(store: Store, caller: Caller, entry_ids: Collection[UUID], decide: Callable[[UUID], object]) -> Report:
    refused = []
    for entry_id in entry_ids:
        try:
            decide(entry_id)
        except NotFound:
            refused.append(Refusal("A build", "is not in this queue"))
        except Conflict as conflict:
            name = store.read(lambda tx, one=entry_id: tx.entries.get(caller.organization_id, one)).facts.name  # type: ignore[misc]
            refused.append(Refusal(name, conflict.detail))
    return Report(len(entry_ids) - len(refused), tuple(refused))
