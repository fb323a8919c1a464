"""Project, a product under test: it owns repository links and releases."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from functools import cached_property
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.repository import Repository
from lathe.domain.text import checked_name, words


class Files(Enum):
    """Which finished builds a project files: the successful ones, or every finished one."""

    SUCCESSFUL = "successful"
    FINISHED = "finished"


@frozen
class Project:
    """A product under test. ``slug`` is unique in the organization and stays when the name changes.

    ``archived_at`` is set while it is archived: lists leave it out, and none of its releases can be active.
    """

    organization_id: UUID
    id: UUID
    name: str
    slug: str
    created_at: datetime
    files: Files = Files.SUCCESSFUL
    archived_at: datetime | None = None

    @property
    def archived(self) -> bool:
        """Whether nothing is tested here any more."""
        return self.archived_at is not None

    def renamed(self, name: str) -> Project:
        """Return it under another name. Raises Invalid."""
        return evolve(self, name=checked_name(name))

    def filing(self, files: Files) -> Project:
        """Return it with another choice of results that count."""
        return evolve(self, files=files)

    def archiving(self, now: datetime, *, archived: bool) -> Project:
        """Return it archived or not; one that was archived before keeps that time."""
        return evolve(self, archived_at=(self.archived_at or now) if archived else None)


@frozen
class LinkedProject:
    """A project together with the repositories linked to it: what matching looks at."""

    project: Project
    repositories: tuple[Repository, ...] = ()

    @cached_property
    def names(self) -> frozenset[tuple[str, ...]]:
        """The word sequences that it is known by: its name and slug, and the names of its repositories.

        Kept, since one project is compared with many repositories.
        """
        labels = (self.project.name, self.project.slug, *(r.url.slug for r in self.repositories if r.url))
        return frozenset(words(label) for label in labels)
