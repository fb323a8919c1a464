"""The reason codes that are answered: those of the domain, by where a caller meets them."""

from __future__ import annotations

from enum import Enum

from lathe.domain.steps import ReasonCode


class QueueReasonCode(Enum):
    """Why a build waits in the Build Queue."""

    NO_PROJECT_MATCH = ReasonCode.NO_PROJECT_MATCH.value
    AMBIGUOUS_PROJECT = ReasonCode.AMBIGUOUS_PROJECT.value
    NAME_MATCH_UNCONFIRMED = ReasonCode.NAME_MATCH_UNCONFIRMED.value
    NO_ACTIVE_RELEASE = ReasonCode.NO_ACTIVE_RELEASE.value
    SENT_BACK = ReasonCode.SENT_BACK.value


class DeliveryReasonCode(Enum):
    """Why a delivery did not become a filed build: any of all these."""

    NO_PROJECT_MATCH = ReasonCode.NO_PROJECT_MATCH.value
    AMBIGUOUS_PROJECT = ReasonCode.AMBIGUOUS_PROJECT.value
    NAME_MATCH_UNCONFIRMED = ReasonCode.NAME_MATCH_UNCONFIRMED.value
    NO_ACTIVE_RELEASE = ReasonCode.NO_ACTIVE_RELEASE.value
    EVENT_NOT_SUPPORTED = ReasonCode.EVENT_NOT_SUPPORTED.value
    BUILD_NOT_FINISHED = ReasonCode.BUILD_NOT_FINISHED.value
    BUILD_NOT_SUCCESSFUL = ReasonCode.BUILD_NOT_SUCCESSFUL.value
    FACTS_MISSING = ReasonCode.FACTS_MISSING.value
    PING = ReasonCode.PING.value
    UNREADABLE = ReasonCode.UNREADABLE.value


class IgnoredReasonCode(Enum):
    """Why a delivery leaves nothing to file."""

    EVENT_NOT_SUPPORTED = ReasonCode.EVENT_NOT_SUPPORTED.value
    BUILD_NOT_FINISHED = ReasonCode.BUILD_NOT_FINISHED.value
    BUILD_NOT_SUCCESSFUL = ReasonCode.BUILD_NOT_SUCCESSFUL.value
    FACTS_MISSING = ReasonCode.FACTS_MISSING.value
    PING = ReasonCode.PING.value
