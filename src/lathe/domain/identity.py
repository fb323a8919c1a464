"""The same build: what identifies it over all its reports, and the newest state kept for each identity."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.build_report import BuildReport, BuildStatus, longer

CLOCK_TOLERANCE: Final = timedelta(minutes=5)

# Where the number names the run, and where it repeats (per workflow, per job, per group) and only the run id does.
_NUMBERED_BY_BUILD = frozenset({"bitbucket"})
_NUMBERED_BY_RUN = frozenset({"github", "gitlab", "jenkins", "azure"})


@frozen
class IdentityKey:
    """What reports of one build have in common within an organization.

    ``scope`` is the repository; where a report names none, the project or release it was sent to, else the build's
    name, since a bare number says nothing. ``run_key`` names the run there.
    """

    source: str
    scope: str
    run_key: str


@frozen
class Identity:
    """The newest known state of one build, filed or not.

    ``ordinal`` tells apart builds of the same key whose commits contradict each other: 0 for the first. ``entry_id``
    and ``build_id`` say what became of it; both are None while nothing was filed or queued.
    """

    organization_id: UUID
    id: UUID
    key: IdentityKey
    ordinal: int
    status: BuildStatus
    updated_at: datetime
    verified: bool
    commit_sha: str | None = None
    branch: str | None = None
    tag: str | None = None
    build_id: UUID | None = None
    entry_id: UUID | None = None


def run_key(report: BuildReport) -> str | None:
    """Return what names the run among those of its source and repository; None if the report has no identity at all."""
    facts = report.facts
    named: str | None
    if report.status_key is not None:
        named = None
    elif facts.source in _NUMBERED_BY_BUILD:
        named = facts.build_number or facts.run_id
    elif facts.source in _NUMBERED_BY_RUN:
        named = facts.run_id
    else:
        named = facts.run_id or facts.build_number
    if named:
        return _short("run", named)
    if not (facts.commit_sha or facts.url):
        return None
    return _short("facts", facts.commit_sha or "", report.status_key or "", facts.url or "", facts.name)


def identity_key(report: BuildReport, repository_id: UUID | None) -> IdentityKey | None:
    """Return the identity of the reported build, None if it has none (only a delivery id can protect it then)."""
    run = run_key(report)
    if run is None:
        return None
    if repository_id:
        scope = repository_scope(repository_id)
    elif report.project_id:
        scope = f"project:{report.project_id}"
    elif report.release_id:
        scope = f"release:{report.release_id}"
    else:
        scope = _short("name", report.facts.name)
    return IdentityKey(report.facts.source, scope, run)


@lru_cache(4096)  # the same few repositories report over and over
def repository_scope(repository_id: UUID) -> str:
    """Return the scope of the identities that belong to a repository."""
    return f"repository:{repository_id}"


def event_time(updated_at: datetime | None, now: datetime) -> datetime:
    """Return when a report speaks of; more than five minutes in the future counts as now, and so does silence."""
    return now if updated_at is None or updated_at > now + CLOCK_TOLERANCE else updated_at


def same_commit(one: str | None, other: str | None) -> bool:
    """Tell whether two spellings of a commit can be one: either is unknown, or a prefix of the other (case aside)."""
    if not one or not other:
        return True
    one, other = one.lower(), other.lower()
    return one.startswith(other) or other.startswith(one)


def contradicts(known: Identity, report: BuildReport, *, verified: bool) -> bool:
    """Tell whether ``report`` cannot speak of the ``known`` build, although it carries its key.

    A commit that cannot be the same says so. And a verified report need not believe an unverified one: if that spoke of
    another branch or tag, whoever sent it must not decide where the verified build goes.
    """
    facts = report.facts
    if not same_commit(known.commit_sha, facts.commit_sha):
        return True
    return verified and not known.verified and (known.branch, known.tag) != (facts.branch, facts.tag)


def find_identity(known: Iterable[Identity], report: BuildReport, *, verified: bool) -> Identity | None:
    """Return the one of ``known``, all of the report's key, that it speaks of: the first that it does not contradict.

    A verified report prefers what verified reports told, or one that knows no commit could take over an unverified
    build beside the verified one. Then one that spells the commit is preferred to one that does not know it.
    """

    def preference(one: Identity) -> tuple[bool, bool, int]:
        return verified and not one.verified, not (one.commit_sha and report.facts.commit_sha), one.ordinal

    fits = (one for one in known if not contradicts(one, report, verified=verified))
    return min(fits, key=preference, default=None)


# At one instant the order is fixed, so that the state does not depend on which report arrived first.
_RANK = (BuildStatus.IN_PROGRESS, BuildStatus.STOPPED, BuildStatus.FAILED, BuildStatus.SUCCESSFUL)


def is_newer(known: Identity, status: BuildStatus, at: datetime) -> bool:
    """Tell whether a report of ``status`` at ``at`` is news: later than the known, or ranked higher at one instant."""
    return (at, _RANK.index(status)) > (known.updated_at, _RANK.index(known.status))


def is_older(known: Identity, status: BuildStatus, at: datetime) -> bool:
    """Tell whether a report of ``status`` at ``at`` is overtaken by what is known."""
    return (at, _RANK.index(status)) < (known.updated_at, _RANK.index(known.status))


def believed(known: Identity, *, verified: bool) -> bool:
    """Tell whether a report may change what is known: an unverified one never changes a verified build."""
    return verified or not known.verified


def takes_over(known: Identity, *, verified: bool) -> bool:
    """Tell whether a report is the first verified one of a build known from unverified ones: it replaces them all."""
    return verified and not known.verified


def observed(known: Identity, report: BuildReport, at: datetime, *, verified: bool) -> Identity:
    """Return ``known`` after ``report``, whose time is ``at``; unchanged if that is not to be believed.

    An older report changes no state, but may fill in a commit, branch or tag that was unknown.
    """
    facts = report.facts
    if not believed(known, verified=verified):
        return known
    if takes_over(known, verified=verified):
        return evolve(known, verified=True, status=facts.status, updated_at=at, commit_sha=facts.commit_sha)
    seen = evolve(
        known,
        commit_sha=longer(known.commit_sha, facts.commit_sha),
        branch=known.branch or (None if known.tag else facts.branch),
        tag=known.tag or (None if known.branch else facts.tag),
    )
    return evolve(seen, status=facts.status, updated_at=at) if is_newer(known, facts.status, at) else seen


def _short(kind: str, *parts: str) -> str:
    """Return the parts as one text of bounded length that differs wherever they do."""
    plain = f"{kind}:{parts[0]}"
    if len(parts) == 1 and len(plain) <= 64:
        return plain
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{kind}#{digest[:48]}"
