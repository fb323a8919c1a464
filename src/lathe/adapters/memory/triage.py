"""Builds, the Build Queue and identities in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from lathe.adapters.memory.tables import Tables, begins, last_looked_at, newest_first, page_of
from lathe.application.lists import BuildFilter, DayCount, EntryFilter, Place, Promising
from lathe.domain.build import Build
from lathe.domain.build_report import BuildFacts
from lathe.domain.identity import Identity
from lathe.domain.queue_entry import EntryStatus, QueueEntry
from lathe.domain.steps import ReasonCode


class MemoryBuilds:
    """Implements `Builds`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.builds

    def add(self, build: Build) -> None:
        self._rows.add(build)

    def get(self, organization_id: UUID, build_id: UUID, *, lock: bool = False) -> Build:  # noqa: ARG002
        return self._rows.get(organization_id, build_id)

    def save(self, build: Build) -> None:
        self._rows.save(build)

    def page(
        self, organization_id: UUID, wanted: BuildFilter, limit: int, after: Place | None, until: Place | None = None
    ) -> list[Build]:
        rows = (row for row in self._rows.scan(organization_id) if not row.withdrawn and _is_wanted(row, wanted))
        return page_of(rows, limit, after, until)

    def reach(self, organization_id: UUID, wanted: BuildFilter, after: Place | None, look_at: int) -> Place | None:
        if wanted.along is None:
            return None
        return last_looked_at(self.page(organization_id, wanted.along, look_at + 1, after), look_at)

    def newest_per_branch(
        self, organization_id: UUID, release_ids: Collection[UUID], limit: int, look_at: int
    ) -> dict[UUID, list[Build]]:
        found = {one: newest_first(self._of_release(organization_id, one))[:look_at] for one in release_ids}
        return {one: _first_per_branch(builds)[:limit] for one, builds in found.items() if builds}

    def newest_of_projects(self, organization_id: UUID, project_ids: Collection[UUID]) -> dict[UUID, Build]:
        found = {one: self.page(organization_id, BuildFilter(project_id=one), 1, None) for one in project_ids}
        return {one: newest[0] for one, newest in found.items() if newest}

    def counts(self, organization_id: UUID, release_ids: Collection[UUID], at_most: int) -> dict[UUID, int]:
        return {one: min(len(self._of_release(organization_id, one)), at_most) for one in release_ids}

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, Build]:
        found = (self._rows.find(organization_id, one) for one in ids)
        return {row.id: row for row in found if row}

    def per_day(self, organization_id: UUID, release_id: UUID, since: datetime, look_at: int) -> list[DayCount]:
        newest = newest_first(self._of_release(organization_id, release_id))[:look_at]
        days = Counter((row.created_at.date(), row.facts.source) for row in newest if row.created_at >= since)
        return [DayCount(day, source, count) for (day, source), count in sorted(days.items())]

    def _of_release(self, organization_id: UUID, release_id: UUID) -> list[Build]:
        rows = self._rows.scan(organization_id)
        return [row for row in rows if row.release_id == release_id and not row.withdrawn]


def _first_per_branch(builds: Iterable[Build]) -> list[Build]:
    first: dict[tuple[str | None, str | None], Build] = {}
    for build in builds:
        branch = build.facts.branch
        first.setdefault((branch, None if branch else build.facts.tag), build)
    return list(first.values())


def _is_wanted(row: Build, wanted: BuildFilter) -> bool:
    if wanted.release_id not in (None, row.release_id):
        return False
    return wanted.project_id in (None, row.project_id) and _facts_wanted(row.facts, wanted)


def _facts_wanted(facts: BuildFacts, wanted: BuildFilter | EntryFilter) -> bool:
    if wanted.branch not in (None, facts.branch) or wanted.source not in (None, facts.source):
        return False
    if wanted.commit is not None and not begins(facts.commit_sha, wanted.commit):
        return False
    searched = (facts.name, facts.build_number, facts.branch, facts.tag, facts.commit_sha)
    return wanted.q is None or any(begins(text, wanted.q) for text in searched)


class MemoryEntries:
    """Implements `Entries`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.entries
        self._links = tables.repository_links

    def add(self, entry: QueueEntry) -> None:
        self._rows.add(entry)

    def get(self, organization_id: UUID, entry_id: UUID, *, lock: bool = False) -> QueueEntry:  # noqa: ARG002
        return self._rows.get(organization_id, entry_id)

    def save(self, entry: QueueEntry) -> None:
        self._rows.save(entry)

    def page(
        self, organization_id: UUID, wanted: EntryFilter, limit: int, after: Place | None, until: Place | None = None
    ) -> list[QueueEntry]:
        rows = (
            row
            for row in self._rows.scan(organization_id)
            if wanted.status in (None, row.status)
            and wanted.project_id in (None, row.project_id)
            and _facts_wanted(row.facts, wanted)
        )
        return page_of(rows, limit, after, until)

    def reach(self, organization_id: UUID, wanted: EntryFilter, after: Place | None, look_at: int) -> Place | None:
        if wanted.along is None:
            return None
        return last_looked_at(self.page(organization_id, wanted.along, look_at + 1, after), look_at)

    def decided(self, organization_id: UUID, limit: int) -> list[QueueEntry]:
        found = [row for row in self._rows.scan(organization_id) if row.status is not EntryStatus.PENDING]
        return sorted(found, key=lambda row: (row.decided_at or row.created_at, row.id), reverse=True)[:limit]

    def oldest_pending(self, organization_id: UUID) -> datetime | None:
        return min((row.created_at for row in self._pending(organization_id)), default=None)

    def count_pending(self, organization_id: UUID, project_id: UUID, at_most: int) -> int:
        return min(sum(1 for row in self._pending(organization_id) if row.project_id == project_id), at_most)

    def pending_since(self, organization_id: UUID, limit: int) -> list[datetime]:
        return sorted((row.created_at for row in self._pending(organization_id)), reverse=True)[:limit]

    def some(self, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, QueueEntry]:
        found = (self._rows.find(organization_id, one) for one in ids)
        return {row.id: row for row in found if row}

    def promising(self, organization_id: UUID, look_at: int) -> list[Promising]:
        looked_at = newest_first(self._pending(organization_id))[:look_at]
        found = ((row, self._known_project(row)) for row in looked_at if row.reason.code is not ReasonCode.SENT_BACK)
        return [Promising(row.id, one, row.facts.branch, row.facts.tag) for row, one in found if one]

    def _known_project(self, row: QueueEntry) -> UUID | None:
        link = self._links.find(row.organization_id, row.repository_id) if row.repository_id else None
        if row.selected or (link is None and row.reason.code is ReasonCode.NO_ACTIVE_RELEASE):
            return row.project_id
        return link.project_id if link else None

    def _pending(self, organization_id: UUID) -> list[QueueEntry]:
        return [row for row in self._rows.scan(organization_id) if row.status is EntryStatus.PENDING]


class MemoryIdentities:
    """Implements `Identities`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.identities

    def get(self, organization_id: UUID, identity_id: UUID, *, lock: bool = False) -> Identity:  # noqa: ARG002
        return self._rows.get(organization_id, identity_id)

    def save(self, identity: Identity) -> None:
        self._rows.save(identity)
