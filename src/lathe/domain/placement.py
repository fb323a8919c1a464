"""Placement: the recorded decision where a build goes, with every rule that was tried and what it found."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.build_report import BuildFacts, BuildStatus
from lathe.domain.matching import BY_NAME, NOT_KNOWN, Ambiguous, Match, Matched, Unmatched
from lathe.domain.project import Files, Project
from lathe.domain.release import Choice, Release, choose_release
from lathe.domain.steps import Candidate, Reason, ReasonCode, Step

PROJECT_GIVEN: Final = "project_given"
RELEASE_GIVEN: Final = "release_given"
PROJECT_SELECTED: Final = "project_selected"


class Outcome(Enum):
    """What becomes of a report: a build, a queue entry, or nothing to file."""

    CREATED = "created"
    QUEUED = "queued"
    IGNORED = "ignored"


@frozen
class Placement:
    """Where a build goes and why. ``reason`` is None exactly when it is filed; ``steps`` are in the order tried.

    ``project_id`` is the project found or filled in; ``release_id`` is set exactly when it is filed.
    """

    outcome: Outcome
    steps: tuple[Step, ...]
    reason: Reason | None = None
    project_id: UUID | None = None
    release_id: UUID | None = None
    candidates: tuple[Candidate, ...] = ()

    def noting(self, step: Step) -> Placement:
        """Return it with a step that came before all others."""
        return evolve(self, steps=(step, *self.steps))


def given_project(project: Project, release: Release | None = None) -> Matched:
    """Return the match of a report that names its project or release itself: no matching is needed."""
    if release is None:
        step = Step(PROJECT_GIVEN, "matched", f"The report names project {project.name}", ())
    else:
        step = Step(RELEASE_GIVEN, "matched", f"The report names release {release.name} of {project.name}", ())
    return Matched(project, step.rule, (step,))


def selected_project(project: Project) -> Matched:
    """Return the match of a waiting build whose project a person selected: the rules are not asked about that again."""
    step = Step(PROJECT_SELECTED, "matched", f"A person selected {project.name} while it waited", ())
    return Matched(project, PROJECT_SELECTED, (step,))


def place(
    facts: BuildFacts,
    match: Match,
    releases: Iterable[Release],
    *,
    confirm_name_matches: bool = False,
) -> Placement:
    """Decide where a finished build goes.

    ``releases`` are those of the matched project (any state; only the one that a report names itself, where it does).
    ``confirm_name_matches`` is the organization's demand that a person confirms every name match.
    """
    if isinstance(match, Matched):
        return _place_in_project(facts, match, releases, confirm_name_matches=confirm_name_matches)
    if facts.status is not BuildStatus.SUCCESSFUL:
        return _ignored(facts, match.steps, "and it belongs to no known project")
    if isinstance(match, Ambiguous):
        return Placement(
            Outcome.QUEUED,
            match.steps,
            Reason(ReasonCode.AMBIGUOUS_PROJECT, match.steps[-1].detail),
            candidates=match.candidates,
        )
    return Placement(Outcome.QUEUED, match.steps, Reason(ReasonCode.NO_PROJECT_MATCH, _unmatched(facts, match)))


def _place_in_project(
    facts: BuildFacts, match: Matched, releases: Iterable[Release], *, confirm_name_matches: bool
) -> Placement:
    project = match.project
    if facts.status is not BuildStatus.SUCCESSFUL and project.files is Files.SUCCESSFUL:
        return _ignored(facts, match.steps, f"and {project.name} files successful builds only")
    weak = match.weak
    if weak is None and confirm_name_matches and match.rule == BY_NAME:
        weak = "this organization wants every match by name confirmed"
    if weak:
        detail = f"Only the repository's name points to {project.name}: {weak}"
        reason = Reason(ReasonCode.NAME_MATCH_UNCONFIRMED, detail)
        return Placement(Outcome.QUEUED, match.steps, reason, project.id, candidates=match.steps[-1].candidates)
    releases = list(releases)
    given = match.rule == RELEASE_GIVEN
    choice = choose_given(releases) if given else choose_release(releases, facts.branch, facts.tag)
    if choice is None:
        why = "The release that the report names is not active" if given else _no_release(facts, project, releases)
        reason = Reason(ReasonCode.NO_ACTIVE_RELEASE, why)
        step = Step("active_release", "nothing", reason.detail)
        return Placement(Outcome.QUEUED, (*match.steps, step), reason, project.id)
    step = Step("active_release", "matched", _chosen(facts, choice))
    return Placement(Outcome.CREATED, (*match.steps, step), None, project.id, choice.release.id)


def filed_by_hand(placement: Placement, how: str, release: Release) -> Placement:
    """Return the placement of a build that a person filed: what the rules said stays, the decision comes last."""
    step = Step("by_hand", "matched", f"{how} to {release.name}")
    return Placement(Outcome.CREATED, (*placement.steps, step), None, release.project_id, release.id)


def filed_by_offer(placement: Placement, who: str) -> Placement:
    """Return the placement, made by the rules of that day, of a waiting build that a person let be filed by them."""
    step = Step("by_hand", "matched", f"It had waited; {who} had it filed by the rules as they were then")
    return evolve(placement, steps=(*placement.steps, step))


def choose_given(releases: Iterable[Release]) -> Choice | None:
    """Choose the one release that a report names, whatever its patterns; None if it is not active."""
    return next((Choice(r, "given", (r,)) for r in releases if r.active), None)


def not_finished(facts: BuildFacts) -> Placement:
    """Return the placement of a run that has not ended: nothing to file yet."""
    reason = Reason(ReasonCode.BUILD_NOT_FINISHED, f"{facts.name} has not finished yet")
    return Placement(Outcome.IGNORED, (Step("build_status", "nothing", reason.detail),), reason)


def overtaken(facts: BuildFacts, known: BuildStatus) -> Placement:
    """Return the placement of a report that a newer or better one of the same unfiled build has overtaken."""
    code = ReasonCode.BUILD_NOT_SUCCESSFUL if known.finished else ReasonCode.BUILD_NOT_FINISHED
    said = known.value.replace("_", " ")
    reason = Reason(code, f"A newer or verified report of {facts.name} says that it is {said}")
    return Placement(Outcome.IGNORED, (Step("build_status", "overtaken", reason.detail),), reason)


def _ignored(facts: BuildFacts, steps: tuple[Step, ...], why: str) -> Placement:
    reason = Reason(ReasonCode.BUILD_NOT_SUCCESSFUL, f"{facts.name} {facts.status.value}, {why}")
    return Placement(Outcome.IGNORED, (*steps, Step("build_status", "nothing", reason.detail)), reason)


def _unmatched(facts: BuildFacts, match: Unmatched) -> str:
    if facts.repo_url:
        return f"Repository {facts.repo_url.full_name} matches no project"
    if all(step.result == NOT_KNOWN for step in match.steps):
        return "The report names no repository"
    return "The report names a repository that is not known"


def _no_release(facts: BuildFacts, project: Project, releases: list[Release]) -> str:
    if not any(release.active for release in releases):
        return f"{project.name} has no active release"
    return f"{project.name} has no active release for {facts.ref or 'a build without branch or tag'}"


def _chosen(facts: BuildFacts, choice: Choice) -> str:
    name = choice.release.name
    if choice.rule == "given":
        return f"Release {name} is active"
    why = (
        f"a branch pattern of release {name} fits {facts.ref}"
        if choice.rule == "branch_pattern"
        else f"release {name} takes every branch that no other release claims"
    )
    if len(choice.equal) > 1:
        others = ", ".join(release.name for release in choice.equal[1:])
        why += f"; so do {others}, but {name} was activated last"
    return why[0].upper() + why[1:]
