"""The states, part by part, in the order in which they are reached: later ones may find what earlier ones did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from attrs import frozen

from tests.gallery import queue_states as queue
from tests.gallery import ways
from tests.gallery.visits import Visit
from tests.unit.ui.sample import ARABIC, LONG

Way: TypeAlias = Callable[[Visit], None]

LIGHT: Final = ("light", 1280)
DARK: Final = ("dark", 1280)
NARROW: Final = ("light", 360)
ALL: Final = (LIGHT, DARK, NARROW)


@frozen
class State:
    """One state of one page: how it is reached, by whom, and in which looks it is pictured."""

    name: str
    caption: str
    way: Way
    who: str | None = "admin"
    slug: str = "acme"
    looks: tuple[tuple[str, int], ...] = (LIGHT,)


def at(path: str) -> Way:
    """Open an address of the organization; ``{name}`` is the id of something in it."""
    return lambda visit: visit.open(ways.filled_in(visit, path))


@frozen
class Part:
    """States that belong together."""

    title: str
    states: tuple[State, ...]


GETTING_IN = Part(
    "Getting in",
    (
        State("setup", "The one-time link of the first start: organization and first admin", ways.setup, None),
        State("login", "Log in", lambda visit: visit.open_at("/login"), None),
        State("login-refused", "A wrong password; the address stays typed", ways.wrong_password, None),
        State("login-429", "Too many tries: wait, nobody is locked out", ways.too_many_tries, None),
        State("invited", "An invitation: choose a name and a password", ways.invited, None),
        State("join", "An invitation of somebody who has an account", ways.join, "admin", "atelier"),
        State("join-other", "The same link, opened by somebody else", ways.join, "viewer", "atelier"),
    ),
)

FIRST_STEPS = Part(
    "From nothing to the first build",
    (
        State("empty-releases", "A new organization: what to do next", at("/releases"), slug="atelier", looks=ALL),
        State("empty-releases-viewer", "The same for somebody who only reads", at("/releases"), "viewer", "atelier"),
        State("empty-projects", "No project yet", at("/projects"), slug="atelier"),
        State("project-wrong", "An address that names no repository: the field says so", ways.wrong, slug="atelier"),
        State("connect", "Connect a CI", at("/connect"), slug="atelier"),
        State("connect-bitbucket", "Bitbucket, step by step", at("/connect/bitbucket"), slug="atelier", looks=ALL),
        State("connect-made", "The webhook is made; its secret is shown once", ways.hook_on_the_spot, slug="atelier"),
        State("connect-github", "GitHub: which event to tick, and which not", at("/connect/github"), slug="atelier"),
        State("connect-other", "Any other CI: one request, or a webhook", at("/connect/other"), slug="atelier"),
        State("connect-viewer", "Whom to ask who may not make one", at("/connect/github"), "viewer", "atelier"),
        State("connect-arrived", "What has arrived since, and where it went", ways.arrived),
        State("connect-tested", "A test delivery shows its placement", ways.tested),
    ),
)

RELEASES = Part(
    "Releases and the Build Queue",
    (
        State("releases", "Home: what waits, and what is tested", at("/releases"), looks=ALL),
        State("releases-viewer", "Home for a viewer: everything to read, nothing to press", at("/releases"), "viewer"),
        State("queue-file", "More ways to file a build", queue.ways_to_file),
        State("queue-choose", "Two projects fit equally well: side by side, never guessed", queue.candidates),
        State("queue-assign", "No active release: make the first one on the spot", queue.first_release),
        State("queue-reject", "Reject, with a reason", queue.reject, looks=(LIGHT, NARROW)),
        State("queue-more", "What else can be done", queue.more),
        State("queue-several", "Several at once", queue.several),
        State("queue-offer", "What places cleanly now is offered, and shown", queue.offer),
        State("queue-filtered", "Filtered", at("/releases?q=Pipeline&project={Warehouse}")),
        State("queue-nothing", "Filtered to nothing", at("/releases?q=nothing-like-it")),
        State("queue-keys", "All keys, by ?", queue.keys),
    ),
)

TOGETHER = Part(
    "The Build Queue with others at work, and at size",
    (
        State("queue-live", "What comes in waits behind a button: nothing moves", queue.live),
        State("queue-decided", "Somebody else was faster, on the open page", queue.decided_by_others),
        State("queue-gone", "The server does not answer", queue.server_gone),
        State("queue-faster", "Two people at once: the second reads who decided", queue.somebody_was_faster),
        State("queue-undo", "Filed: Undo is at hand", queue.filed),
        State("queue-history", "Recently decided, each with its Undo", queue.history),
        State("queue-missed", "Several at once, one of them decided meanwhile", queue.missed),
        State("release-new", "A new release", queue.new_release),
        State("queue-500", "500 builds wait", at("/releases"), slug="mill"),
        State("queue-clear", "Nothing waits", at("/releases"), slug="quiet"),
    ),
)

ENTRY = Part(
    "A waiting build",
    (
        State("entry", "Why it waits, and all that can be done", at("/queue/{acme/billing 208}"), looks=ALL),
        State("entry-project", "Its project is known", at("/queue/{acme/mobile 940}")),
        State("entry-viewer", "For a viewer", at("/queue/{acme/billing 208}"), "viewer"),
        State("entry-assigned", "Assigned", at("/queue/{acme/web-shop-assets 81}")),
        State("entry-rejected", "Rejected", at("/queue/{acme/pay-sandbox 3}")),
        State("entry-long", "A name without blanks", at(f"/queue/{{{LONG} build}}"), slug="edges"),
        State("entry-rtl", "Written from right to left", at(f"/queue/{{{ARABIC} #3}}"), slug="edges"),
    ),
)

RELEASE = Part(
    "A release and its builds",
    (
        State("release", "A release: its builds per day, what feeds it", at("/releases/{Payments 2.5}"), looks=ALL),
        State("release-viewer", "For a viewer", at("/releases/{Payments 2.5}"), "viewer"),
        State("release-table", "The chart as a table, and what can be changed", ways.chart_table),
        State("release-close", "What closing means, before it is done", ways.closing),
        State("release-nothing", "Filtered to nothing", at("/releases/{Payments 2.5}?q=none&source=jenkins")),
        State("release-planned", "Planned", at("/releases/{Payments 2.6}")),
        State("release-closed", "Closed", at("/releases/{Payments 2.4}")),
        State("release-empty", "Waiting for its first build", at("/releases/{Billing Reports 1.8}")),
        State("release-failed", "Failed builds too, where a project files them", at("/releases/{Web Shop Spring}")),
        State("release-500", "500 builds", at("/releases/{Spindle 9}"), slug="mill"),
        State("release-long", "A name without blanks", at(f"/releases/{{{LONG} {LONG}}}"), slug="edges"),
        State("build", "A build: why it is here, and who did what", at("/builds/{acme/web-shop 117}"), looks=ALL),
        State("build-viewer", "For a viewer", at("/builds/{acme/pay-api 482}"), "viewer"),
        State("build-withdrawn", "Withdrawn", at("/builds/{build 401}"), slug="edges"),
        State("build-bare", "Of which little is known", at("/builds/{bare build}"), slug="edges"),
        State("build-long", "Names without blanks", at("/builds/{long build}"), slug="edges"),
    ),
)

PROJECTS = Part(
    "Projects",
    (
        State("projects", "All projects", at("/projects"), looks=ALL),
        State("projects-viewer", "For a viewer", at("/projects"), "viewer"),
        State("project", "A project", at("/projects/{Payments}"), looks=ALL),
        State("project-what-if", "What would happen to a build of this repository?", ways.what_if),
        State("project-viewer", "For a viewer", at("/projects/{Payments}"), "viewer"),
        State("project-archived", "Archived", at("/projects/{Fax Gateway}")),
        State("project-long", "A name without blanks", at(f"/projects/{{{LONG}}}"), slug="edges"),
        State("project-rtl", "Written from right to left", at(f"/projects/{{{ARABIC}}}"), slug="edges"),
        State("edges", "Home, where everything is hard to show", at("/releases"), slug="edges", looks=ALL),
    ),
)

DELIVERIES = Part(
    "Deliveries",
    (
        State("deliveries", "Every delivery, and what became of it", at("/deliveries"), looks=ALL),
        State("deliveries-filtered", "Filtered: what was ignored", at("/deliveries?status=ignored")),
        State("deliveries-nothing", "Filtered to nothing", at("/deliveries?q=nothing-like-it")),
        State("deliveries-empty", "Nothing has come yet", at("/deliveries"), slug="quiet"),
        State("delivery", "One of them, as it was sent", at("/deliveries/{delivery of acme/warehouse 66}"), looks=ALL),
        State("delivery-again", "With the rules of today", at("/deliveries/{delivery of acme/warehouse 66}/again")),
        State("delivery-viewer", "For a viewer", at("/deliveries/{delivery of acme/warehouse 66}"), "viewer"),
        State("try", "A body that somebody pastes can be tried", at("/deliveries/try")),
        State("try-filed", "It would be filed; what was read from it", ways.tried_body, "tester", looks=ALL),
        State("try-queued", "It would wait, and why", ways.tried_stranger, "tester"),
        State("try-ignored", "It carries no build, and why", ways.tried_ping, "tester"),
        State("try-wrong", "It cannot be read: the field says so", ways.tried_wrong, "tester"),
        State("try-long", "Names without blanks", ways.tried_long, "tester", "edges"),
    ),
)

SETTINGS = Part(
    "Settings and the own account",
    (
        State("organization", "Organization", at("/settings/organization")),
        State("organization-viewer", "For a viewer", at("/settings/organization"), "viewer"),
        State("keys", "API keys; one ends soon", at("/settings/keys"), looks=ALL),
        State("keys-viewer", "For a viewer", at("/settings/keys"), "viewer"),
        State("keys-empty", "No key yet", at("/settings/keys"), slug="atelier"),
        State("key-made", "A key is shown once", ways.key_made),
        State("key-wrong", "A key that could do nothing", ways.key_wrong),
        State("key-revoke", "Revoking takes a second step", ways.key_revoke),
        State("webhooks", "Webhooks", at("/settings/webhooks")),
        State("webhooks-empty", "No webhook yet", at("/settings/webhooks"), slug="quiet"),
        State("webhook-made", "A new secret, shown once; the old one overlaps", ways.hook_rotated),
        State("members", "Members", at("/settings/members"), looks=ALL),
        State("members-viewer", "For a viewer", at("/settings/members"), "viewer"),
        State("member-change", "Another role, or out", ways.member),
        State("member-invited", "An invitation link, shown once", ways.invite),
        State("member-offered", "A member is offered another role, by a link", ways.offer_role),
        State("audit", "Who did what", at("/settings/audit")),
        State("audit-nothing", "Filtered to nothing", at("/settings/audit?day=2020-01-01")),
        State("profile", "The own account", at("/profile")),
        State("me", "Who I am here", ways.me),
    ),
)

FAULTS = Part(
    "When something is wrong",
    (
        State("error-403", "A form that may not be sent", ways.forbidden, "viewer"),
        State("error-404", "Not there, or another organization's", at("/builds/{Payments}")),
        State("error-404-elsewhere", "Inside no organization", lambda visit: visit.open_at("/o/mill/releases")),
        State("error-404-outside", "An address that leads nowhere", lambda visit: visit.open_at("/nowhere"), None),
        State("error-404-link", "A link that was used", lambda visit: visit.open_at("/password/" + 64 * "0"), None),
        State("error-500", "A fault of ours: an id to tell, and nothing else", ways.fault),
        State("error-503", "The database is away", ways.away),
    ),
)

PARTS: Final = (GETTING_IN, FIRST_STEPS, RELEASES, TOGETHER, ENTRY, RELEASE, PROJECTS, DELIVERIES, SETTINGS, FAULTS)
