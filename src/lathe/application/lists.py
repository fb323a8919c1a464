"""What lists can be asked for: filters, and places to go on from."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from attrs import frozen

from lathe.domain.queue_entry import EntryStatus


@frozen
class Place:
    """A place in a list that runs from the newest to the oldest: behind the row of that time and id."""

    created_at: datetime
    id: UUID


@frozen
class ProjectFilter:
    """``q`` is the beginning of the name, case aside."""

    q: str | None = None


@frozen
class BuildFilter:
    """What builds are wanted.

    ``branch`` and ``source`` are exact, ``commit`` is a prefix (case aside), ``q`` the beginning of the name, number,
    branch, tag or commit (case aside).
    """

    project_id: UUID | None = None
    release_id: UUID | None = None
    branch: str | None = None
    commit: str | None = None
    source: str | None = None
    q: str | None = None


@frozen
class EntryFilter:
    """As for builds; ``status`` None means any."""

    status: EntryStatus | None = EntryStatus.PENDING
    project_id: UUID | None = None
    branch: str | None = None
    commit: str | None = None
    source: str | None = None
    q: str | None = None
