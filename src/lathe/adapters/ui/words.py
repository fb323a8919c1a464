"""Words and links that pages make out of what is stored: times, sources, rules, scopes, commits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from lathe.application.queries import COUNTED_TO
from lathe.domain.api_key import Scope
from lathe.domain.audit import Action, SubjectKind
from lathe.domain.build_report import BuildFacts
from lathe.domain.delivery import CredentialKind
from lathe.domain.organization import Role
from lathe.domain.queue_entry import RejectReason, age
from lathe.domain.repo_url import RepoUrl

SOURCES: Final = {
    "bitbucket": "Bitbucket",
    "github": "GitHub",
    "gitlab": "GitLab",
    "jenkins": "Jenkins",
    "azure": "Azure",
    "circleci": "CircleCI",
    "generic": "Other CI",
    "api": "API",
}

RULES: Final = {
    "repository_uuid": "Repository UUID",
    "repository_url": "Repository URL",
    "repository_name": "Repository name",
    "project_given": "Project named",
    "release_given": "Release named",
    "active_release": "Active release",
    "by_hand": "By hand",
    "build_status": "Result",
    "same_build": "Same build",
}

RESULTS: Final = {
    "matched": "found",
    "nothing": "nothing",
    "not_known": "not sent",
    "ambiguous": "several",
    "weak": "too weak",
}

GOOD_RESULTS: Final = frozenset({"matched"})
OPEN_RESULTS: Final = frozenset({"ambiguous", "weak", "contradicted"})

SCOPES: Final = {
    Scope.BUILDS_CREATE: "Report builds. All that a CI system needs.",
    Scope.BUILDS_READ: "Read builds, the queue, projects and releases, and see why each build is where it is.",
    Scope.QUEUE_MANAGE: "Assign, reject and undo in the Build Queue; move builds.",
    Scope.PROJECTS_MANAGE: "Create and change projects, their repositories and releases.",
    Scope.HOOKS_MANAGE: "Create, rotate and revoke webhooks.",
}

REJECT_REASONS: Final = {
    RejectReason.DUPLICATE: "Duplicate",
    RejectReason.WRONG_BRANCH: "Wrong branch",
    RejectReason.BROKEN: "Broken",
    RejectReason.OTHER: "Other (say why)",
}

CREDENTIALS: Final = {
    CredentialKind.KEY: "API key",
    CredentialKind.HOOK: "Webhook secret",
    CredentialKind.ORGANIZATION: "Organization id",
    CredentialKind.REPLAY: "Replayed by",
}

ROLES: Final = {
    Role.ADMIN: "Everything: members, keys, webhooks, and all below.",
    Role.TESTER: "Projects, releases and the Build Queue.",
    Role.VIEWER: "Reads, and changes nothing.",
}

ACTIONS: Final = {
    Action.CREATED: "created",
    Action.CHANGED: "changed",
    Action.REMOVED: "removed",
    Action.REVOKED: "revoked",
    Action.ROTATED: "made a new secret for",
    Action.ASSIGNED: "filed",
    Action.PROJECT_SELECTED: "chose the project of",
    Action.REJECTED: "rejected",
    Action.UNDONE: "took back a decision about",
    Action.MOVED: "moved",
    Action.SENT_BACK: "sent back",
    Action.REPLAYED: "replayed a delivery of",
    Action.REPOSITORY_ADDED: "added a repository to",
    Action.REPOSITORY_REMOVED: "removed a repository from",
    Action.INVITED: "invited",
    Action.UNINVITED: "took back the invitation of",
    Action.JOINED: "joined, as",
    Action.PASSWORD_SET: "set the password of",
    Action.PASSWORD_LINK_MADE: "made a link that sets the password of",
}

SUBJECTS: Final = {
    SubjectKind.ENTRY: ("build", "/queue/{id}"),
    SubjectKind.BUILD: ("build", "/builds/{id}"),
    SubjectKind.PROJECT: ("project", "/projects/{id}"),
    SubjectKind.RELEASE: ("release", "/releases/{id}"),
    SubjectKind.KEY: ("API key", "/settings/keys"),
    SubjectKind.HOOK: ("the webhook of", "/settings/webhooks"),
    SubjectKind.ORGANIZATION: ("organization", "/settings/organization"),
    SubjectKind.MEMBER: ("", "/settings/members"),
}
"""What the audit log calls each kind of thing, and where its page is."""

SUBJECT_KINDS: Final = {
    SubjectKind.ENTRY: "Build Queue",
    SubjectKind.BUILD: "Builds",
    SubjectKind.PROJECT: "Projects",
    SubjectKind.RELEASE: "Releases",
    SubjectKind.KEY: "API keys",
    SubjectKind.HOOK: "Webhooks",
    SubjectKind.MEMBER: "Members",
    SubjectKind.ORGANIZATION: "Organization",
}

_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)

_COMMIT_PAGES: Final = {"bitbucket.org": "/commits/", "github.com": "/commit/", "gitlab.com": "/-/commit/"}
_HEX = re.compile(r"[0-9a-fA-F]{7,64}")


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago something was: ``14 min ago``."""
    return age(now, then)


def span(then: datetime, now: datetime) -> str:
    """Return how long something lasts already: ``14 min``, ``a moment``."""
    text = age(now, then)
    return "a moment" if text == "just now" else text.removesuffix(" ago")


def until(then: datetime, now: datetime) -> str:
    """Return how far away something is: ``in 3 days``."""
    hours = (then - now) / timedelta(hours=1)
    if hours >= 48:
        return f"in {round(hours / 24)} days"
    if hours >= 2:
        return f"in {round(hours)} h"
    return "within 2 h" if hours > 0 else "now"


def exact(time: datetime) -> str:
    """Return a time to the second: ``14 March 2026, 09:26:53 UTC``."""
    return f"{time.astimezone(UTC):%-d %B %Y, %H:%M:%S} UTC"


def day(time: datetime, now: datetime) -> str:
    """Return a day as people say it: ``today``, ``yesterday``, ``Tuesday``, ``3 Nov``, ``3 Nov 2024``."""
    date, today = time.astimezone(UTC).date(), now.astimezone(UTC).date()
    days = (today - date).days
    if days in (0, 1):
        return ("today", "yesterday")[days]
    if 1 < days < 7:
        return f"{date:%A}"
    return f"{date:%-d %b}" if date.year == today.year else f"{date:%-d %b %Y}"


def counted(number: int) -> str:
    """Return a count; from where it was not counted further, ``1,000+``."""
    return f"{number:,}" if number < COUNTED_TO else f"{COUNTED_TO:,}+"


def plural(number: int, word: str, words: str | None = None) -> str:
    """Return ``1 build``, ``2 builds``, ``1,000+ builds``, ``no builds``."""
    if number == 0:
        return f"no {words or word + 's'}"
    return f"{counted(number)} {word if number == 1 else words or word + 's'}"


def source_name(source: str) -> str:
    """Return what people call a CI system."""
    return SOURCES.get(source, source)


def rule_name(rule: str) -> str:
    """Return the name of a placement rule."""
    return RULES.get(rule) or rule.replace("_", " ").capitalize()


def result_name(result: str) -> str:
    """Return the result of a rule in one or two words."""
    return RESULTS.get(result) or result.replace("_", " ")


def short_commit(commit: str) -> str:
    """Return a commit as people write it: seven digits of a hash, anything else up to twelve characters."""
    return commit[:7] if _HEX.fullmatch(commit) else commit[:12]


def commit_link(facts: BuildFacts) -> str | None:
    """Return the page of a build's commit, None where nobody knows that there is one.

    Only a hash, in a repository of a service whose addresses are known, gives a link.
    """
    url, commit = facts.repo_url, facts.commit_sha
    if url is None or not commit or not _HEX.fullmatch(commit) or url.host not in _COMMIT_PAGES:
        return None
    return f"{url.https}{_COMMIT_PAGES[url.host]}{commit.lower()}"


def project_name_for(url: RepoUrl | None) -> str:
    """Return what a project for a repository could be called: ``acme/pay-api`` is ``Pay api``."""
    if url is None:
        return ""
    return re.sub(r"[-_.\s]+", " ", url.slug).strip().capitalize()


def browser_name(user_agent: str | None) -> str | None:
    """Return what people call the browser behind a User-Agent header: ``Firefox on Linux``; None if nobody knows.

    One of a few words, never a part of the header: who logs in decides what stands there.
    """
    sent = user_agent or ""
    browser = next((name for sign, name in _BROWSERS if sign in sent), None)
    system = next((name for sign, name in _SYSTEMS if sign in sent), None)
    return f"{browser or 'A browser'} on {system}" if system else browser


def pattern_fits(text: str) -> str:
    """Say in plain words what a branch pattern fits, with an example."""
    if "*" not in text:
        return "this very name only"
    example = re.sub(r"\*", "2", re.sub(r"\*\*+", "a/b", text))
    reach = "stars, slashes included" if "**" in text else "star, up to the next slash"
    return f"anything in place of the {reach}, such as {example}"
