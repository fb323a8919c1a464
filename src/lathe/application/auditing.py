"""Writes the audit log, in the transaction of the change itself."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Any, Final

from lathe.application.caller import Caller
from lathe.application.ports import Transaction
from lathe.domain.api_key import ApiKey
from lathe.domain.audit import Action, AuditEvent, Subject, SubjectKind, event_id
from lathe.domain.build import Build
from lathe.domain.hook import Hook
from lathe.domain.organization import Actor, Organization, User
from lathe.domain.project import Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.release import Release

_STEP: Final = timedelta(microseconds=1)

Audited = QueueEntry | Build | Project | Release | ApiKey | Hook | Organization | User


def note(tx: Transaction, caller: Caller, action: Action, what: Audited, detail: str = "") -> None:
    """Write down that the caller did this to that. ``detail`` says more in plain words; no secret may be in it.

    The log never goes back: what stands in it later happened later, by a microsecond at least, even where the clock
    stands still or was set back.
    """
    subject, newest, now = subject_of(what), tx.audit.newest(caller.organization_id), tx.now()
    at = max(now, newest + _STEP) if newest else now
    id_ = event_id(at, subject.id)
    tx.audit.add(AuditEvent(caller.organization_id, id_, at, caller.actor, action, subject, detail))


def note_for_person(tx: Transaction, user: User, action: Action, detail: str = "") -> None:
    """Write down what a person did to the own account, in every organization that the person belongs to."""
    actor = Actor("user", user.id, user.name)
    for organization, _ in tx.users.memberships(user.id):
        note(tx, Caller(organization.id, actor), action, user, detail)


def note_changes(tx: Transaction, caller: Caller, what: Audited, **changes: tuple[Any, Any]) -> None:
    """Write down what was changed, from what to what, by the name of each; nothing if nothing was."""
    told = [
        f"{name.replace('_', ' ')}: {_said(before)} → {_said(after)}"
        for name, (before, after) in changes.items()
        if before != after
    ]
    if told:
        note(tx, caller, Action.CHANGED, what, "; ".join(told))


def subject_of(what: Audited) -> Subject:
    """Return how the audit log names a thing."""
    match what:
        case QueueEntry():
            return Subject(SubjectKind.ENTRY, what.id, what.facts.name)
        case Build():
            return Subject(SubjectKind.BUILD, what.id, what.facts.name)
        case Project():
            return Subject(SubjectKind.PROJECT, what.id, what.name)
        case Release():
            return Subject(SubjectKind.RELEASE, what.id, what.name)
        case ApiKey():
            return Subject(SubjectKind.KEY, what.id, what.name)
        case Hook():
            return Subject(SubjectKind.HOOK, what.id, what.provider.value)
        case Organization():
            return Subject(SubjectKind.ORGANIZATION, what.id, what.name)
    return Subject(SubjectKind.MEMBER, what.id, what.email)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Enum):
        return str(value.value).replace("_", " ")
    return "none" if value is None or value == "" else str(value)
