"""Delivery: one HTTP request from a CI system, stored with what became of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from attrs import field, frozen

from lathe.domain.placement import Placement
from lathe.domain.steps import Reason

# What is kept of a request's headers: what tells deliveries apart and nothing that could be a secret.
KEPT_HEADERS: Final = frozenset(
    {
        "content-type",
        "user-agent",
        "x-event-key",
        "x-event-time",
        "x-hook-uuid",
        "x-request-uuid",
        "x-attempt-number",
        "x-github-event",
        "x-github-delivery",
        "x-github-hook-id",
        "x-gitlab-event",
        "x-gitlab-event-uuid",
        "x-gitlab-instance",
        "x-gitlab-webhook-uuid",
        "x-request-id",
        "idempotency-key",
        "webhook-id",
        "webhook-timestamp",
    }
)

API: Final = "api"
"""The source of deliveries to our own address."""

REPLAY_OF: Final = "lathe-replay-of"
"""What stands among the headers of a replay: the id of the delivery that was replayed. No sender's header is kept
under this name."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class CredentialKind(Enum):
    """What a caller authenticated with. A ``replay`` was handed in by a person or a key, from what was stored."""

    KEY = "key"
    HOOK = "hook"
    ORGANIZATION = "organization"
    REPLAY = "replay"


class DeliveryStatus(Enum):
    """What became of a delivery; the words of the contract's answers. ``invalid`` could not be read at all."""

    CREATED = "created"
    QUEUED = "queued"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    INVALID = "invalid"


@frozen
class Delivery:
    """A stored request. ``provider_delivery_id`` is the sender's id of it, unique within organization and source (for
    a sender who proved nothing, marked as unverified).

    ``source`` is the provider whose address it was sent to (``api`` for our own). ``body`` is as it was sent, with
    userinfo in URLs blanked.
    """

    organization_id: UUID
    id: UUID
    source: str
    credential: CredentialKind
    credential_id: UUID
    received_at: datetime
    body: bytes
    status: DeliveryStatus
    headers: dict[str, str] = field(factory=dict)
    event: str | None = None
    provider_delivery_id: str | None = None
    reason: Reason | None = None
    build_id: UUID | None = None
    entry_id: UUID | None = None
    placement: Placement | None = None

    @property
    def replay_of(self) -> UUID | None:
        """The delivery that this one is a replay of."""
        root = self.headers.get(REPLAY_OF)
        return UUID(root) if root and self.credential is CredentialKind.REPLAY else None


def lowest_id(at: datetime) -> UUID:
    """Return what no id (UUIDv7) is below that was made at that time or later, by the clock that it was made by."""
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=max(milliseconds, 0) << 80)


# What may stand before "@", as JSON spells it: anything but what ends an authority, escapes included.
_BEFORE_AT = rb"(?:(?:[^/\s\"\\@]|\\[^/u]|\\u(?!0040|002[fF])[0-9a-fA-F]{4})*(?:@|\\u0040))+"
_USERINFO = re.compile(rb"//" + _BEFORE_AT)
# The same where JSON escapes the slashes or the "@", which is rare and much slower to find.
_ESCAPED = re.compile(rb"\\(?:/|u002|u0040)")
_ESCAPED_USERINFO = re.compile(rb"((?:\\?/|\\u002[fF]){2})" + _BEFORE_AT)


def without_credentials(body: bytes) -> bytes:
    """Return the body with the userinfo of every URL in it blanked: CI systems put tokens there."""
    if _ESCAPED.search(body):
        return _ESCAPED_USERINFO.sub(rb"\1", body)
    return _USERINFO.sub(b"//", body) if _may_hold_userinfo(body) else body


def _may_hold_userinfo(body: bytes) -> bool:
    """Whether the last slash before any plain "@" is one of two: what stands between those and the "@" has none.

    Almost no body holds userinfo, and this is found out much faster than what exactly to blank.
    """
    before, at = 0, body.find(b"@")
    while at >= 0:
        # A slash before the "@" that came before was looked at with that.
        slash = body.rfind(b"/", before, at)
        if slash > 0 and body[slash - 1 : slash] == b"/":
            return True
        before, at = at, body.find(b"@", at + 1)
    return False
