"""Build: one finished CI build, filed under a release."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.build_report import BuildFacts
from lathe.domain.placement import Placement


class Filed(Enum):
    """Who filed a build: the rules, or a person."""

    AUTOMATICALLY = "automatically"
    BY_HAND = "by_hand"


@frozen
class Build:
    """One finished CI build, filed under a release. A withdrawn one keeps its address, lists leave it out.

    ``entry_id`` is the queue entry it came from, or was sent back to.
    """

    organization_id: UUID
    id: UUID
    project_id: UUID
    release_id: UUID
    facts: BuildFacts
    filed: Filed
    verified: bool
    placement: Placement
    created_at: datetime
    repository_id: UUID | None = None
    identity_id: UUID | None = None
    entry_id: UUID | None = None
    withdrawn: bool = False

    def filed_under(self, project_id: UUID, release_id: UUID) -> Build:
        """Return it filed by hand under a release; revives a withdrawn one."""
        return evolve(self, project_id=project_id, release_id=release_id, filed=Filed.BY_HAND, withdrawn=False)
