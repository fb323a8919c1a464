"""The offer to file what waits and now places cleanly: which entries those are, and filing them.

What people change (a repository link, an active release, a selected project) may answer what a build waited for. The
rules that place new builds are asked again; nothing is filed that they would not file today without guessing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from attrs import frozen

from lathe.application.caller import Caller
from lathe.application.lists import EntryFilter
from lathe.application.ports import Ids, Store, Transaction
from lathe.application.today import PlacedToday, placed_today
from lathe.application.triage import file_entry, locked_entry
from lathe.domain.placement import filed_by_offer
from lathe.domain.queue_entry import EntryStatus
from lathe.domain.release import choose_release

LOOKED_AT: Final = 200
"""How many of the newest waiting entries are looked at."""

OFFERED: Final = 100
"""How many are offered at once; the rest is offered when these are filed."""


@frozen
class Filed:
    """Which were filed, and how many were not: somebody decided them meanwhile, or they do not place any more."""

    entries: tuple[UUID, ...]
    passed_over: int

    @property
    def filed(self) -> int:
        """How many were filed."""
        return len(self.entries)


def offered(tx: Transaction, organization_id: UUID) -> list[PlacedToday]:
    """Return the newest waiting entries that would be filed now, of those whose project is known without its name.

    It costs next to nothing while there are no such entries, however many wait: it is asked whenever the queue is
    shown.
    """
    found = tx.entries.promising(organization_id, LOOKED_AT)
    active = tx.releases.active_of_projects(organization_id, {one.project_id for one in found})
    promising = [one.entry_id for one in found if choose_release(active.get(one.project_id, ()), one.branch, one.tag)][
        :OFFERED
    ]
    entries = tx.entries.some(organization_id, promising)
    return placed_today(tx, organization_id, [entries[one] for one in promising])


def offered_to(store: Store, organization_id: UUID, project_id: UUID) -> list[PlacedToday]:
    """Return the newest waiting entries that would be filed now under a project, those of a fitting name included.

    For the moment after something about the project was changed: every entry that is looked at is placed anew.
    """

    def work(tx: Transaction) -> list[PlacedToday]:
        if not tx.releases.active_of_projects(organization_id, [project_id]):
            return []
        waiting = tx.entries.page(organization_id, EntryFilter(EntryStatus.PENDING), LOOKED_AT, None)
        found = placed_today(tx, organization_id, waiting)
        return [one for one in found if one.project.id == project_id][:OFFERED]

    return store.read(work)


def file_offered(store: Store, ids: Ids, caller: Caller, entry_ids: Collection[UUID]) -> Filed:
    """File those of the entries that place cleanly now, each in a transaction of its own.

    What somebody else decided meanwhile stays decided so, and what does not place any more goes on waiting.
    """
    projects = store.read(lambda tx: _placing(tx, caller.organization_id, entry_ids))
    filed = tuple(
        one
        for one, project_id in projects.items()
        if store.write(lambda tx, one=one, project_id=project_id: _file(tx, ids, caller, one, project_id))  # type: ignore[misc]
    )
    return Filed(filed, len(entry_ids) - len(filed))


def _placing(tx: Transaction, organization_id: UUID, entry_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the project of each of the entries that place cleanly, in their order.

    Asked once for all of them: each that is filed takes the time of everybody who writes.
    """
    known = tx.entries.some(organization_id, entry_ids)
    waiting = [known[one] for one in entry_ids if one in known and known[one].status is EntryStatus.PENDING]
    placed = placed_today(tx, organization_id, waiting)
    return {one.entry.id: one.project.id for one in placed}


def _file(tx: Transaction, ids: Ids, caller: Caller, entry_id: UUID, project_id: UUID) -> bool:
    entry = locked_entry(tx, caller, entry_id)
    if entry.status is not EntryStatus.PENDING:
        return False
    organization_id = caller.organization_id
    found = [one for one in placed_today(tx, organization_id, [entry]) if one.project.id == project_id]
    release = tx.releases.get(organization_id, found[0].release.id, lock=True) if found else None
    # Between looking and locking somebody may have closed it.
    if release is None or not release.active:
        return False
    placement = filed_by_offer(found[0].placement, caller.actor.name)
    file_entry(tx, ids, caller, entry, release, placement=placement)
    return True
