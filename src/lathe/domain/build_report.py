"""What a CI system says of a build: its facts, and the report that carries them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.repo_url import RepoUrl, without_userinfo


class BuildStatus(Enum):
    """The state of a CI run. Only a finished one can be filed."""

    IN_PROGRESS = "in_progress"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def finished(self) -> bool:
        """Whether the run has ended."""
        return self is not BuildStatus.IN_PROGRESS


@frozen(kw_only=True)
class BuildFacts:
    """What is known of a build whoever filed it. Texts are as the CI system wrote them, within contract limits.

    ``source`` is the CI system; ``run_id`` identifies the run where ``build_number`` does not.
    """

    source: str
    name: str
    status: BuildStatus = BuildStatus.SUCCESSFUL
    build_number: str | None = None
    run_id: str | None = None
    commit_sha: str | None = None
    branch: str | None = None
    tag: str | None = None
    repo_url: RepoUrl | None = None
    url: str | None = None
    author: str | None = None
    finished_at: datetime | None = None

    def without_userinfo(self) -> BuildFacts:
        """Return them without the userinfo of URLs that somebody put into a name: CI systems put tokens there."""
        texts = {name: getattr(self, name) for name in _FREE_TEXTS}
        changed: dict[str, Any] = {name: without_userinfo(text) for name, text in texts.items() if text and "@" in text}
        return evolve(self, **changed) if changed else self

    @property
    def ref(self) -> str | None:
        """The branch, else the tag."""
        return self.branch or self.tag


_FREE_TEXTS: Final = ("name", "author", "branch", "tag", "build_number", "run_id")


@frozen(kw_only=True)
class BuildReport:
    """One build report, of any state, read from one delivery.

    ``updated_at`` orders the reports of one build (None: when it was received). ``status_key`` is the key of a commit
    status that another CI posted: with commit, url and name it tells builds apart whose number is not the source's own.
    With ``project_id`` or ``release_id`` no matching is needed.
    """

    facts: BuildFacts
    repository_uuid: str | None = None
    status_key: str | None = None
    updated_at: datetime | None = None
    project_id: UUID | None = None
    release_id: UUID | None = None


def with_newer_facts(facts: BuildFacts, report: BuildFacts) -> BuildFacts:
    """Return ``facts`` with what a newer report of the same build may change: status, end and link.

    What placed the build (name, branch, repository) stays as it was, and a run that started again keeps its last
    finished status until it ends.
    """
    return evolve(
        with_missing_facts(facts, report),
        status=report.status if report.status.finished else facts.status,
        finished_at=report.finished_at or facts.finished_at,
        url=report.url or facts.url,
    )


def with_missing_facts(facts: BuildFacts, report: BuildFacts) -> BuildFacts:
    """Return ``facts`` with what was unknown and never changes in the life of a build, whichever report came first."""
    return evolve(
        facts,
        author=facts.author or report.author,
        commit_sha=longer(facts.commit_sha, report.commit_sha),
        build_number=facts.build_number or report.build_number,
        run_id=facts.run_id or report.run_id,
        branch=facts.branch or (None if facts.tag else report.branch),
        tag=facts.tag or (None if facts.branch else report.tag),
        repo_url=facts.repo_url or report.repo_url,
    )


def longer(one: str | None, other: str | None) -> str | None:
    """Return the fuller of two spellings of one commit."""
    return max((c for c in (one, other) if c), key=len, default=None)
