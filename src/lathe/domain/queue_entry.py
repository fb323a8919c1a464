"""QueueEntry: a build that could not be filed without guessing, and what people may do with it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.build_report import BuildFacts
from lathe.domain.errors import Conflict, Fault, Invalid
from lathe.domain.organization import Actor
from lathe.domain.placement import Placement
from lathe.domain.steps import Candidate, Reason, ReasonCode
from lathe.domain.text import text_fault

NOTE_LIMIT: Final = 2000


class EntryStatus(Enum):
    """``pending`` until somebody decides; ``assigned``: a build exists; ``rejected``: none, with a reason."""

    PENDING = "pending"
    ASSIGNED = "assigned"
    REJECTED = "rejected"


class RejectReason(Enum):
    """Why a build is not wanted."""

    DUPLICATE = "duplicate"
    WRONG_BRANCH = "wrong_branch"
    BROKEN = "broken"
    OTHER = "other"


@frozen
class Rejection:
    """The reason given, and a note in the person's own words (required with ``other``)."""

    reason: RejectReason
    note: str | None = None

    @classmethod
    def checked(cls, reason: RejectReason, note: str | None) -> Rejection:
        """Return the rejection. Raises Invalid if the note cannot be kept, or is missing where it is all there is."""
        note = (note or "").strip() or None
        if note is None and reason is RejectReason.OTHER:
            raise Invalid("say why", (Fault("/note", "blank", "is needed when the reason is other"),))
        if note and (fault := text_fault(note, "/note", NOTE_LIMIT, prose=True)):
            raise Invalid(f"note {fault.detail}", (fault,))
        return cls(reason, note)

    def said(self) -> str:
        """Return the reason in words, with the note."""
        reason = self.reason.value.replace("_", " ")
        return f"{reason}: {self.note}" if self.note else reason


@frozen
class Assignment:
    """Where an entry was filed: the build, and the release at that moment (a build may be moved later).

    ``project_before`` is the project that was filled in before, for undo.
    """

    build_id: UUID
    release_id: UUID
    release_name: str
    learned_link: bool = False
    project_before: UUID | None = None


@frozen
class QueueEntry:
    """A waiting build, with the placement that made it wait.

    ``project_id`` is filled in by the placement or selected by a person; ``placed_project_id`` is what the placement
    said, so that a selection can be undone. ``build_id`` survives undo: assigning again revives the same build.
    ``decided_by`` assigned or rejected it; selecting a project decides nothing yet.
    """

    organization_id: UUID
    id: UUID
    facts: BuildFacts
    verified: bool
    reason: Reason
    placement: Placement
    created_at: datetime
    status: EntryStatus = EntryStatus.PENDING
    candidates: tuple[Candidate, ...] = ()
    project_id: UUID | None = None
    placed_project_id: UUID | None = None
    repository_id: UUID | None = None
    identity_id: UUID | None = None
    build_id: UUID | None = None
    assignment: Assignment | None = None
    rejection: Rejection | None = None
    decided_by: Actor | None = None
    decided_at: datetime | None = None

    @property
    def selected(self) -> bool:
        """Whether a person chose the project."""
        return self.project_id != self.placed_project_id

    def assigned(self, assignment: Assignment, project_id: UUID, by: Actor, now: datetime) -> QueueEntry:
        """Return it filed. Raises Conflict unless it is pending."""
        self._must_be_pending(now)
        return evolve(
            self,
            status=EntryStatus.ASSIGNED,
            project_id=project_id,
            build_id=assignment.build_id,
            assignment=evolve(assignment, project_before=self.project_id),
            decided_by=by,
            decided_at=now,
        )

    def repeats_assignment(self, release_id: UUID, by: Actor) -> bool:
        """Tell whether assigning it to ``release_id`` is what ``by`` did already."""
        done = self.assignment is not None and self.assignment.release_id == release_id
        return self.status is EntryStatus.ASSIGNED and done and self._decided_by(by)

    def project_selected(self, project_id: UUID, now: datetime) -> QueueEntry:
        """Return it with a project chosen by a person; it stays pending. Raises Conflict unless it is pending."""
        self._must_be_pending(now)
        return evolve(self, project_id=project_id)

    def rejected(self, rejection: Rejection, by: Actor, now: datetime) -> QueueEntry:
        """Return it rejected; one's own identical rejection changes nothing. Raises Conflict unless it is pending."""
        if self.status is EntryStatus.REJECTED and self.rejection == rejection and self._decided_by(by):
            return self
        self._must_be_pending(now)
        return evolve(self, status=EntryStatus.REJECTED, rejection=rejection, decided_by=by, decided_at=now)

    def undone(self) -> QueueEntry:
        """Return it as before its last decision: pending again, or without the selected project.

        Raises Conflict if nothing was decided. Withdrawing the build and revoking a learned link is the caller's part.
        """
        if self.status is not EntryStatus.PENDING:
            return self._pending()
        if not self.selected:
            raise Conflict("nothing was decided here that could be undone", code="nothing_to_undo")
        return evolve(self, project_id=self.placed_project_id)

    def sent_back(self, reason: Reason) -> QueueEntry:
        """Return it pending again because its build was sent back to the queue."""
        return evolve(self._pending(), reason=reason)

    def _pending(self) -> QueueEntry:
        return evolve(
            self,
            status=EntryStatus.PENDING,
            project_id=self.assignment.project_before if self.assignment else self.project_id,
            assignment=None,
            rejection=None,
            decided_by=None,
            decided_at=None,
        )

    def _decided_by(self, by: Actor) -> bool:
        return self.decided_by is not None and (self.decided_by.kind, self.decided_by.id) == (by.kind, by.id)

    def decision(self, now: datetime) -> str | None:
        """Return who decided what, and how long ago; None while it is pending."""
        if self.status is EntryStatus.PENDING:
            return None
        who = self.decided_by.name if self.decided_by else "somebody"
        done = f"assigned this to {self.assignment.release_name}" if self.assignment else "rejected this"
        return f"{who} {done} {age(now, self.decided_at or self.created_at)}"

    def _must_be_pending(self, now: datetime) -> None:
        if decision := self.decision(now):
            raise Conflict(decision, code="already_assigned" if self.assignment else "already_rejected")


def age(now: datetime, then: datetime) -> str:
    """Return how long ago ``then`` was, as people say it: ``just now``, ``5 min ago``, ``3 h ago``, ``2 days ago``."""
    seconds = (now - then).total_seconds()
    for unit, size in (("day", 86400), ("h", 3600), ("min", 60)):
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return "just now"


def sent_back_reason(by: Actor, release_name: str) -> Reason:
    """Return why a build that was filed under a release waits again."""
    return Reason(ReasonCode.SENT_BACK, f"{by.name} sent this back from {release_name}")
