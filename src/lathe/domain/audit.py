"""The audit log: who changed what, and when. What reports of builds change by themselves is not in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from attrs import frozen

from lathe.domain.organization import Actor

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOW: Final = (1 << 62) - 1


class SubjectKind(Enum):
    """What kind of thing was changed."""

    ENTRY = "entry"
    BUILD = "build"
    PROJECT = "project"
    RELEASE = "release"
    KEY = "key"
    HOOK = "hook"
    ORGANIZATION = "organization"
    MEMBER = "member"


class Action(Enum):
    """What was done to it."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    REVOKED = "revoked"
    ROTATED = "rotated"
    # queue entries and builds
    ASSIGNED = "assigned"
    PROJECT_SELECTED = "project_selected"
    REJECTED = "rejected"
    UNDONE = "undone"
    MOVED = "moved"
    SENT_BACK = "sent_back"
    REPLAYED = "replayed"
    # projects
    REPOSITORY_ADDED = "repository_added"
    REPOSITORY_REMOVED = "repository_removed"
    # members
    INVITED = "invited"
    UNINVITED = "uninvited"
    JOINED = "joined"
    PASSWORD_SET = "password_set"
    PASSWORD_LINK_MADE = "password_link_made"


@frozen
class Subject:
    """The thing that was changed, with the name it had then."""

    kind: SubjectKind
    id: UUID
    name: str


@frozen
class AuditEvent:
    """One change by a person, a key or a command. ``detail`` says more in plain words, and holds no secret."""

    organization_id: UUID
    id: UUID
    created_at: datetime
    actor: Actor
    action: Action
    subject: Subject
    detail: str = ""


def event_id(at: datetime, subject_id: UUID) -> UUID:
    """Return the id of what was done to a subject at that microsecond.

    A UUIDv7 that holds the microsecond too (RFC 9562, 6.2, method 3), and what is random in the subject's own id. Two
    events share one only if they are about the same subject and of the same microsecond: those are racers, of which the
    later one must look again.
    """
    millisecond, rest = divmod(at - _EPOCH, timedelta(milliseconds=1))
    return UUID(int=millisecond << 80 | 0x7 << 76 | rest.microseconds << 64 | 0b10 << 62 | subject_id.int & _LOW)
