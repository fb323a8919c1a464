"""The pieces of an explained decision: each rule that was tried, what it found, and the reason it ended with."""

from __future__ import annotations

from enum import Enum
from uuid import UUID

from attrs import frozen


class ReasonCode(Enum):
    """Why a build waits in the Build Queue, or why a delivery leaves nothing to file."""

    NO_PROJECT_MATCH = "no_project_match"
    AMBIGUOUS_PROJECT = "ambiguous_project"
    NAME_MATCH_UNCONFIRMED = "name_match_unconfirmed"
    NO_ACTIVE_RELEASE = "no_active_release"
    SENT_BACK = "sent_back"

    EVENT_NOT_SUPPORTED = "event_not_supported"
    BUILD_NOT_FINISHED = "build_not_finished"
    BUILD_NOT_SUCCESSFUL = "build_not_successful"
    FACTS_MISSING = "facts_missing"
    PING = "ping"
    UNREADABLE = "unreadable"


@frozen
class Reason:
    """A stable code, and one sentence in words a tester uses."""

    code: ReasonCode
    detail: str


@frozen
class Candidate:
    """A project that could be meant, and the rule that found it."""

    id: UUID
    name: str
    rule: str


@frozen
class Step:
    """One rule that was tried: its name, a one-word result, a sentence, and what it found, best first."""

    rule: str
    result: str
    detail: str
    candidates: tuple[Candidate, ...] = ()
