"""What waits, under the rules of today: where they would file it, had it arrived just now."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from attrs import evolve, frozen

from lathe.application.lists import Sought
from lathe.application.ports import Transaction
from lathe.domain.build_report import BuildReport
from lathe.domain.matching import Match, Matched, match
from lathe.domain.placement import PROJECT_GIVEN, RELEASE_GIVEN, Placement, given_project, place, selected_project
from lathe.domain.project import Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.release import Release
from lathe.domain.repo_url import RepoUrl
from lathe.domain.steps import ReasonCode
from lathe.domain.text import words


@frozen
class PlacedToday:
    """A waiting build, and where the rules of today file it."""

    entry: QueueEntry
    project: Project
    release: Release
    placement: Placement


def placed_today(tx: Transaction, organization_id: UUID, entries: Sequence[QueueEntry]) -> list[PlacedToday]:
    """Return those of the entries that the rules of today file without guessing, in a handful of statements.

    A project that a person selected stands. Left out is what the rules cannot be asked about: a build that a person
    sent back, and one that named its release itself.
    """
    if not entries:
        return []
    confirm = tx.organizations.get(organization_id).confirm_name_matches
    rules = _Rules(tx, organization_id, [one for one in entries if _can_be_asked_about(one)])
    matches = rules.matches()
    active = tx.releases.active_of_projects(organization_id, {matched.project.id for _, matched in matches})
    found = []
    for entry, matched in matches:
        theirs = {release.id: release for release in active.get(matched.project.id, ())}
        placement = place(entry.facts, matched, [*theirs.values()], confirm_name_matches=confirm)
        if placement.release_id:
            found.append(PlacedToday(entry, matched.project, theirs[placement.release_id], placement))
    return found


class _Rules:
    """The rules about projects, with all that they look at for a set of entries."""

    def __init__(self, tx: Transaction, organization_id: UUID, entries: Sequence[QueueEntry]) -> None:
        self._entries = entries
        self._repositories = tx.repositories.some(
            organization_id, {e.repository_id for e in entries if e.repository_id}
        )
        self._projects = tx.projects.some(organization_id, {e.project_id for e in entries if e.project_id})
        asked = {self._sought(entry) for entry in entries if not (entry.selected or _named_project(entry))}
        self._candidates = tx.projects.candidates_of(organization_id, asked)
        self._known: dict[tuple[str | None, RepoUrl | None], Match] = {}

    def matches(self) -> list[tuple[QueueEntry, Matched]]:
        """Return each entry that has one project, with it."""
        found = ((entry, self._match(entry)) for entry in self._entries)
        return [(entry, one) for entry, one in found if isinstance(one, Matched)]

    def _match(self, entry: QueueEntry) -> Match:
        project = self._projects.get(entry.project_id) if entry.project_id else None
        if project and entry.selected:
            return selected_project(project)
        if project and _named_project(entry):
            return given_project(project)
        sought = self._sought(entry)
        key = (sought.uuid, sought.url)
        if key not in self._known:  # many builds of few repositories wait, and comparing names takes its time
            facts = evolve(entry.facts, repo_url=sought.url)
            report = BuildReport(facts=facts, repository_uuid=sought.uuid)
            self._known[key] = match(report, self._candidates)
        return self._known[key]

    def _sought(self, entry: QueueEntry) -> Sought:
        repository = self._repositories.get(entry.repository_id) if entry.repository_id else None
        url = entry.facts.repo_url or (repository.url if repository else None)
        return Sought(repository.uuid if repository else None, url, words(url.slug) if url else ())


def _can_be_asked_about(entry: QueueEntry) -> bool:
    return entry.reason.code is not ReasonCode.SENT_BACK and not _tried(entry, RELEASE_GIVEN)


def _named_project(entry: QueueEntry) -> bool:
    return _tried(entry, PROJECT_GIVEN)


def _tried(entry: QueueEntry, rule: str) -> bool:
    return any(step.rule == rule for step in entry.placement.steps)
