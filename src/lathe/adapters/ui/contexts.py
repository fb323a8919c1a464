"""What each template is filled with: one frozen class per template, named in it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from attrs import frozen

from lathe.adapters.ui.forms import NOTHING_TRIED, Tried
from lathe.application.intake import BuildView, EntryView
from lathe.application.projects import ProjectView
from lathe.application.queries import ActiveRelease
from lathe.domain.api_key import ApiKey
from lathe.domain.delivery import Delivery
from lathe.domain.hook import Hook
from lathe.domain.organization import Organization, Role
from lathe.domain.project import Project
from lathe.domain.release import Release


@frozen
class Notice:
    """A line at the top of a page. ``tone`` is ``good`` or ``bad``; ``undo`` is the entry it offers to undo."""

    text: str
    tone: str = "good"
    undo: UUID | None = None


@frozen
class Inside:
    """What the frame shows of a person within an organization. ``base`` is the organization's address."""

    organization: str
    base: str
    person: str
    email: str
    role: Role
    others: tuple[tuple[str, str], ...] = ()

    @property
    def may_triage(self) -> bool:
        """Whether the person may change projects, releases and the queue."""
        return self.role.may(Role.TESTER)

    @property
    def may_administer(self) -> bool:
        """Whether the person may change the organization, its keys and webhooks."""
        return self.role.may(Role.ADMIN)


@frozen
class Frame:
    """What stands around every page. ``section`` is the part of the main navigation that is open."""

    title: str
    section: str = ""
    notice: Notice | None = None
    csrf: str = ""
    inside: Inside | None = None


@frozen(kw_only=True)
class Context:
    """What every template knows."""

    template: ClassVar[str]
    frame: Frame
    tried: Tried = NOTHING_TRIED

    @property
    def base(self) -> str:
        """The organization's address."""
        return self.frame.inside.base if self.frame.inside else ""

    @property
    def may_triage(self) -> bool:
        """Whether forms for projects, releases and the queue are shown."""
        return bool(self.frame.inside and self.frame.inside.may_triage)

    @property
    def may_administer(self) -> bool:
        """Whether forms for the organization, keys and webhooks are shown."""
        return bool(self.frame.inside and self.frame.inside.may_administer)


# --- getting in -------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class LoginPage(Context):
    """Log in. ``next`` is where it goes on."""

    template = "login.html"
    next: str = ""


@frozen(kw_only=True)
class SetupPage(Context):
    """Make the first organization and its admin."""

    template = "setup.html"


@frozen(kw_only=True)
class PasswordPage(Context):
    """Set the password of an account."""

    template = "password.html"
    email: str


@frozen(kw_only=True)
class JoinPage(Context):
    """Join an organization with the account that is logged in."""

    template = "join.html"
    organization: str
    email: str
    own: bool


@frozen(kw_only=True)
class MessagePage(Context):
    """An error, or something else that takes a page of its own. ``request_id`` is what support would ask for."""

    template = "message.html"
    heading: str
    text: str
    status: int | None = None
    request_id: str | None = None
    link: tuple[str, str] | None = None


# --- the product ------------------------------------------------------------------------------------------------------


@frozen
class QueueRow:
    """A waiting build; ``releases`` are the active ones of its project, the suggested one first."""

    view: EntryView
    releases: tuple[Release, ...]
    touched: bool = False


@frozen(kw_only=True)
class ReleasesPage(Context):
    """The home page. ``rows`` begin behind the place ``after``; ``older`` is the query of the address they go on at.

    ``planned`` and ``closed`` are folded, and without the oldest where there are ``more_inactive``.
    """

    template = "releases.html"
    rows: list[QueueRow]
    after: str
    older: str | None
    pending: int
    oldest: datetime | None
    decided: list[EntryView]
    active: list[ActiveRelease]
    planned: list[tuple[Release, Project]]
    closed: list[tuple[Release, Project]]
    more_inactive: bool
    projects: list[Project]
    last_build: BuildView | None
    now: datetime


@frozen(kw_only=True)
class EntryPage(Context):
    """One queue entry. ``releases`` are grouped by project, those of its own project first."""

    template = "entry.html"
    row: QueueRow
    releases: list[tuple[Project, list[Release]]]
    projects: list[Project]
    deliveries: list[Delivery]
    now: datetime


@frozen(kw_only=True)
class BuildPage(Context):
    """One build."""

    template = "build.html"
    view: BuildView
    releases: list[tuple[Project, list[Release]]]
    deliveries: list[Delivery]
    now: datetime


@frozen(kw_only=True)
class ReleasePage(Context):
    """One release and its builds, filtered."""

    template = "release.html"
    release: Release
    project: Project
    builds: list[BuildView]
    count: int
    branch: str
    source: str
    q: str
    older: str | None
    deep: bool
    now: datetime

    @property
    def filtered(self) -> bool:
        """Whether something is left out."""
        return bool(self.branch or self.source or self.q)


@frozen(kw_only=True)
class ProjectsPage(Context):
    """All projects."""

    template = "projects.html"
    projects: list[ProjectView]
    older: str | None
    deep: bool
    now: datetime


@frozen(kw_only=True)
class ProjectPage(Context):
    """One project."""

    template = "project.html"
    view: ProjectView
    releases: list[Release]
    now: datetime


# --- settings ---------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class OrganizationPage(Context):
    """What an admin decides about the organization."""

    template = "organization.html"
    organization: Organization
    address: str


@frozen(kw_only=True)
class KeysPage(Context):
    """API keys. ``made`` and ``text`` are the key that was just created, shown once."""

    template = "keys.html"
    keys: list[ApiKey]
    now: datetime
    address: str
    made: ApiKey | None = None
    text: str | None = None


@frozen(kw_only=True)
class HooksPage(Context):
    """Webhooks and how to set one up. ``made`` and ``secret`` are the one that was just created or rotated."""

    template = "webhooks.html"
    hooks: list[Hook]
    now: datetime
    address: str
    reachable: bool
    made: Hook | None = None
    secret: str | None = None
    rotated: bool = False
