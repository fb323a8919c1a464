"""Project, a product under test: it owns repository links and releases."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.repository import Repository
from lathe.domain.text import checked_name


class Files(Enum):
    """Which finished builds a project files: the successful ones, or every finished one."""

    SUCCESSFUL = "successful"
    FINISHED = "finished"


@frozen
class Project:
    """A product under test. ``slug`` is unique in the organization and stays when the name changes."""

    organization_id: UUID
    id: UUID
    name: str
    slug: str
    created_at: datetime
    files: Files = Files.SUCCESSFUL

    def renamed(self, name: str) -> Project:
        """Return it under another name. Raises Invalid."""
        return evolve(self, name=checked_name(name))

    def filing(self, files: Files) -> Project:
        """Return it with another choice of results that count."""
        return evolve(self, files=files)


@frozen
class LinkedProject:
    """A project together with the repositories linked to it: what matching looks at."""

    project: Project
    repositories: tuple[Repository, ...] = ()
