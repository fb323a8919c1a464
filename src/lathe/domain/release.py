"""Release, what testers test towards; its states, and which release a build belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.branch_pattern import BranchPattern, Specificity
from lathe.domain.errors import Conflict
from lathe.domain.text import checked_name


class ReleaseState(Enum):
    """``planned`` → ``active`` → ``closed``; a closed release can be reopened, which makes it active again."""

    PLANNED = "planned"
    ACTIVE = "active"
    CLOSED = "closed"


_ALLOWED = {
    ReleaseState.PLANNED: {ReleaseState.ACTIVE, ReleaseState.CLOSED},
    ReleaseState.ACTIVE: {ReleaseState.CLOSED},
    ReleaseState.CLOSED: {ReleaseState.ACTIVE},
}


@frozen
class Release:
    """A release of a project. Only an active one takes builds; ``activated_at`` is the last time it became active."""

    organization_id: UUID
    id: UUID
    project_id: UUID
    name: str
    state: ReleaseState
    branch_patterns: tuple[BranchPattern, ...]
    created_at: datetime
    activated_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether builds may be filed under it."""
        return self.state is ReleaseState.ACTIVE

    def renamed(self, name: str) -> Release:
        """Return it under another name. Raises Invalid."""
        return evolve(self, name=checked_name(name))

    def with_patterns(self, patterns: tuple[BranchPattern, ...]) -> Release:
        """Return it fed by other branches; builds already filed stay."""
        return evolve(self, branch_patterns=patterns)

    def moved_to(self, state: ReleaseState, now: datetime) -> Release:
        """Return it in another state; the same state changes nothing.

        Raises Conflict where there is no way from one to the other.
        """
        if state is self.state:
            return self
        if state not in _ALLOWED[self.state]:
            raise Conflict(
                f"release {self.name} is {self.state.value} and cannot become {state.value}", code="release_state"
            )
        if state is ReleaseState.ACTIVE:
            return evolve(self, state=state, activated_at=now, closed_at=None)
        return evolve(self, state=state, closed_at=now)

    def closeness(self, branch: str | None, tag: str | None) -> Specificity | None:
        """Return how closely its patterns fit the branch or tag, None if none of them does."""
        refs = [ref for ref in (branch, tag) if ref]
        fits = (p.specificity for p in self.branch_patterns if any(p.matches(ref) for ref in refs))
        return max(fits, default=None)


@frozen
class Choice:
    """A chosen release and the rule that chose it: ``branch_pattern`` or ``no_pattern``.

    ``equal`` are all that were as good, the chosen one first: the most recently activated.
    """

    release: Release
    rule: str
    equal: tuple[Release, ...]


def choose_release(releases: Iterable[Release], branch: str | None, tag: str | None) -> Choice | None:
    """Choose among the active ones of ``releases``, all of one project, or None if no active one takes the branch.

    The most specific matching pattern wins; without a match the releases without patterns are candidates; of several
    left the most recently activated.
    """
    active = [release for release in releases if release.active]
    closeness = [(fit, release) for release in active if (fit := release.closeness(branch, tag)) is not None]
    if closeness:
        best = max(fit for fit, _ in closeness)
        equal = [release for fit, release in closeness if fit == best]
        rule = "branch_pattern"
    else:
        equal = [release for release in active if not release.branch_patterns]
        rule = "no_pattern"
    if not equal:
        return None
    equal.sort(key=lambda release: (release.activated_at or release.created_at, release.id), reverse=True)
    return Choice(equal[0], rule, tuple(equal))
