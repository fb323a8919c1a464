"""What each template is filled with: one frozen class per template, named in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar, Final
from uuid import UUID

from attrs import Factory, frozen

from lathe.adapters.ui.charts import AgeChart, BuildChart
from lathe.adapters.ui.forms import NOTHING_TRIED, Tried
from lathe.application.bulk import Refusal
from lathe.application.choices import Choices
from lathe.application.connecting import FirstSteps
from lathe.application.home import ActiveRelease
from lathe.application.intake import BuildView, EntryView
from lathe.application.members import Invitation, Invited
from lathe.application.standing import Own
from lathe.application.today import PlacedToday
from lathe.domain.api_key import ApiKey
from lathe.domain.audit import AuditEvent
from lathe.domain.delivery import Delivery
from lathe.domain.hook import Hook
from lathe.domain.organization import Member, Organization, Preferences, Role, User
from lathe.domain.project import Project
from lathe.domain.release import Release
from lathe.domain.session import Session
from lathe.domain.steps import Candidate

WARNED_BEFORE: Final = timedelta(days=14)
"""How long before its end a key is warned of."""

LISTED_ONCE: Final = 200
"""Up to how many projects the head of the Releases page offers, for a filter and a new release."""


@frozen
class UndoSeveral:
    """What was decided about several entries at once, and can be undone at once: by then, with that outcome."""

    entries: tuple[UUID, ...]
    own: Own


@frozen
class Notice:
    """A line at the top of a page. ``tone`` is ``good`` or ``bad``; ``undo`` is the entry it offers to undo,
    ``undo_several`` what was decided about several at once."""

    text: str
    tone: str = "good"
    undo: UUID | None = None
    undo_several: UndoSeveral | None = None


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
    """What stands around every page. ``section`` is the part of the main navigation that is open.

    ``mark`` is where the feed of changes goes on for this page. ``preferences`` are the person's. ``homes`` are the
    names and addresses of the person's organizations, where the page is in none of them.
    """

    title: str
    section: str = ""
    notice: Notice | None = None
    csrf: str = ""
    inside: Inside | None = None
    mark: str = ""
    preferences: Preferences = Factory(Preferences)
    homes: tuple[tuple[str, str], ...] = ()


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
    """Log in. ``next`` is where it goes on; ``empty``: nobody is set up yet who could."""

    template = "login.html"
    next: str = ""
    empty: bool = False


@frozen(kw_only=True)
class SetupPage(Context):
    """Make the first organization and its admin."""

    template = "setup.html"


@frozen(kw_only=True)
class PasswordPage(Context):
    """Set the password of an account; ``organization`` is what it was invited to, where it is new."""

    template = "password.html"
    email: str
    organization: str | None = None


@frozen(kw_only=True)
class JoinPage(Context):
    """Join an organization with the account that is logged in, or have another ``role`` there than ``before``."""

    template = "join.html"
    organization: str
    email: str
    own: bool
    role: Role | None
    before: Role | None


@frozen(kw_only=True)
class MessagePage(Context):
    """An error, or something else that takes a page of its own.

    ``request_id`` is what support would ask for; ``again`` is the address to try once more, where that may help.
    """

    template = "message.html"
    heading: str
    text: str
    status: int | None = None
    request_id: str | None = None
    link: tuple[str, str] | None = None
    again: str | None = None


# --- the product ------------------------------------------------------------------------------------------------------


@frozen
class Option:
    """A project that an ambiguous build could belong to, and the release that it would go to there, if any takes it."""

    project: Candidate
    release: Release | None


@frozen
class QueueRow:
    """A waiting build; ``releases`` are the active ones of its project, the suggested one first.

    ``touched``: it was decided about just before; ``opened``: its project was chosen just before, the choice of a
    release comes next.
    """

    view: EntryView
    releases: tuple[Release, ...]
    options: tuple[Option, ...] = ()
    touched: bool = False
    opened: bool = False

    @property
    def version(self) -> str:
        """A short text that is another one where the row shows or offers something else. Ages go on by themselves."""
        entry, project, facts = self.view.entry, self.view.project, self.view.entry.facts
        suggested = self.view.suggested_release
        shown = (
            (facts.name, facts.build_number, facts.source, facts.author, facts.repo_url),
            (facts.branch, facts.tag, facts.commit_sha),
            (entry.verified, entry.reason, entry.selected, entry.candidates),
            (project and (project.id, project.name, project.archived), suggested and suggested.id),
            [(one.id, one.name) for one in self.releases],
            [(one.project.id, one.release and (one.release.id, one.release.name)) for one in self.options],
            self.view.can_remember,
        )
        return sha256(repr(shown).encode()).hexdigest()[:12]


@frozen(kw_only=True)
class Glance(Context):
    """What an open Releases page compares itself with: no page, but the parts of one that tell what changed."""

    template = "glance.html"
    rows: list[QueueRow]
    pending: int
    active: list[ActiveRelease]
    active_count: int
    now: datetime


@frozen(kw_only=True)
class ReleasesPage(Context):
    """The home page: the Build Queue, and every release.

    ``rows`` begin behind the place ``after``; ``older`` is the query of the address they go on at, ``here`` that of
    this part of the list. ``kept`` says why those of the ``decided`` cannot be undone that cannot, by id. ``choices``
    are the releases that several can be filed under. ``missed`` are those of several builds that could not be decided
    about just before. ``first_steps`` are shown as long as there is nothing. ``active`` are the releases in which
    something happened last, of ``active_count``. ``planned`` and ``closed`` are folded, without the oldest where there
    are ``more_inactive``.
    """

    template = "releases.html"
    rows: list[QueueRow]
    after: str
    older: str | None
    here: str
    q: str
    project: Project | None
    pending: int
    oldest: datetime | None
    ages: AgeChart | None
    decided: list[EntryView]
    kept: dict[UUID, str]
    offer: list[PlacedToday]
    projects: list[Project]
    choices: Choices
    last_build: BuildView | None
    first_steps: FirstSteps | None = None
    missed: tuple[Refusal, ...] = ()
    active: list[ActiveRelease]
    active_count: int
    planned: list[tuple[Release, Project]]
    closed: list[tuple[Release, Project]]
    more_inactive: bool
    now: datetime

    @property
    def filters(self) -> list[Project]:
        """The projects to filter by: where there are very many, those of the rows that are shown."""
        if len(self.projects) <= LISTED_ONCE:
            return self.projects
        shown = {row.view.project for row in self.rows} | {self.project}
        return [one for one in self.projects if one in shown]

    @property
    def filtered(self) -> bool:
        """Whether waiting builds are left out."""
        return bool(self.q or self.project)


@frozen(kw_only=True)
class EntryPage(Context):
    """One queue entry. ``kept`` says why its decision cannot be undone, where so. ``releases`` are grouped by project,
    those of its own project first, not ``complete`` where there are very many; ``credentials`` are the names of
    what its deliveries came by."""

    template = "entry.html"
    row: QueueRow
    kept: str | None
    releases: list[tuple[Project, list[Release]]]
    complete: bool
    projects: list[Project]
    deliveries: list[Delivery]
    credentials: dict[UUID, str]
    now: datetime


@frozen(kw_only=True)
class ReleasePage(Context):
    """One release and its builds, filtered. ``siblings`` are the other active releases of its project."""

    template = "release.html"
    release: Release
    project: Project
    siblings: list[Release]
    builds: list[BuildView]
    count: int
    chart: BuildChart | None
    offer: list[PlacedToday]
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

    @property
    def sources(self) -> list[str]:
        """The CI systems that reported its builds lately, to filter by; the one that is filtered by is one of them."""
        known = [one.source for one in self.chart.sources] if self.chart else []
        return known if not self.source or self.source in known else [*known, self.source]


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

    @property
    def ending(self) -> list[ApiKey]:
        """The live keys that end within two weeks, the next one first."""
        soon = [(key.expires_at, key) for key in self.keys if key.expires_at and key.usable(self.now)]
        near = [pair for pair in soon if pair[0] - self.now < WARNED_BEFORE]
        return [key for _, key in sorted(near, key=lambda pair: pair[0])]


@frozen(kw_only=True)
class HooksPage(Context):
    """Webhooks. ``made`` and ``secret`` are the one that was just created or rotated."""

    template = "webhooks.html"
    hooks: list[Hook]
    now: datetime
    address: str
    made: Hook | None = None
    secret: str | None = None
    rotated: bool = False


@frozen(kw_only=True)
class MembersPage(Context):
    """Who is in the organization. ``invited`` and ``link`` are the invitation that was just made, shown once.

    ``assumed``: nobody configured the address that the link leads to.
    """

    template = "members.html"
    members: list[tuple[User, Member]]
    invitations: list[Invitation]
    own: UUID
    now: datetime
    invited: Invited | None = None
    link: str | None = None
    assumed: bool = False


@frozen(kw_only=True)
class AuditPage(Context):
    """Who did what, filtered by ``who`` (a member's id or a kind of actor), kind of thing, and day.

    ``apart`` tells whom and what from others of the same name, by their ids. ``people`` are the members.
    """

    template = "audit.html"
    events: list[AuditEvent]
    apart: dict[UUID, str]
    people: list[User]
    who: str
    kind: str
    day: str
    older: str | None
    deep: bool
    now: datetime

    @property
    def filtered(self) -> bool:
        """Whether something is left out."""
        return bool(self.who or self.kind or self.day)


@frozen(kw_only=True)
class ProfilePage(Context):
    """The own account. ``current`` is the handle of the session that shows the page."""

    template = "profile.html"
    user: User
    sessions: list[Session]
    current: str
    now: datetime
