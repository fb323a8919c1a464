"""What the templates of builds, projects and connecting are filled with."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import frozen

from lathe.adapters.ui.ci import Ci
from lathe.adapters.ui.contexts import Context
from lathe.application.connecting import Arrivals, FirstSteps
from lathe.application.intake import BuildView
from lathe.application.previewing import Preview
from lathe.application.project_pages import ProjectRow
from lathe.application.projects import ProjectView
from lathe.application.today import PlacedToday
from lathe.domain.api_key import ApiKey
from lathe.domain.audit import Action, AuditEvent
from lathe.domain.build import Build, Filed
from lathe.domain.delivery import Delivery
from lathe.domain.hook import Hook
from lathe.domain.project import Project
from lathe.domain.release import Release

FILES: Final = frozenset({Action.ASSIGNED, Action.MOVED, Action.REPLAYED})
"""What people do to a build that puts it where it is."""


@frozen(kw_only=True)
class BuildPage(Context):
    """One build. ``releases`` are where it can be moved, those of the ``asked`` project first; ``projects`` are those
    whose releases can be asked for, where not all are listed. ``credentials`` are the names of API keys by id,
    ``history`` what people did, the last first."""

    template = "build.html"
    view: BuildView
    releases: list[tuple[Project, list[Release]]]
    projects: list[Project]
    asked: Project
    deliveries: list[Delivery]
    credentials: dict[UUID, str]
    history: list[AuditEvent]
    now: datetime

    @property
    def filed_at(self) -> datetime:
        """When it came to where it is: a person may have filed it there long after it was known."""
        build = self.view.build
        by_hand = (event.created_at for event in self.history if event.action in FILES)
        return next(by_hand, build.created_at) if build.filed is Filed.BY_HAND else build.created_at


@frozen(kw_only=True)
class ProjectsPage(Context):
    """All projects in use, or those whose names begin with ``q``; those that are archived are folded."""

    template = "projects.html"
    projects: list[ProjectRow]
    archived: list[Project]
    q: str
    older: str | None
    deep: bool
    now: datetime


@frozen
class Asked:
    """A repository and branch that somebody asks about, as typed. ``fault`` says why the repository is none."""

    repo_url: str = ""
    branch: str = ""
    fault: str | None = None


@frozen(kw_only=True)
class ProjectPage(Context):
    """One project. ``waiting`` is how many of its builds wait in the queue (counted as `words.counted` says it).

    ``asked`` is what somebody asks about: where a build of that repository and branch would go is the ``preview``.
    """

    template = "project.html"
    view: ProjectView
    releases: list[Release]
    newest: Build | None
    waiting: int
    asked: Asked
    preview: Preview | None
    first_steps: FirstSteps
    offer: list[PlacedToday]
    now: datetime


# --- connecting a CI --------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class ConnectPage(Context):
    """The CI systems that can be connected."""

    template = "connect.html"
    cis: tuple[Ci, ...]
    first_steps: FirstSteps
    now: datetime


@frozen(kw_only=True)
class ConnectCiPage(Context):
    """How one CI system is connected, and what has arrived since somebody began with that (``since``).

    ``hook`` and ``secret``, or ``key_text``, were just made and are shown this once.
    """

    template = "connect_ci.html"
    ci: Ci
    address: str
    reachable: bool
    since: datetime
    arrivals: Arrivals
    asked: Asked
    preview: Preview | None
    hook: Hook | None = None
    secret: str | None = None
    key: ApiKey | None = None
    key_text: str | None = None
    now: datetime
