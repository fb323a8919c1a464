"""Delivery: one HTTP request from a CI system, stored with what became of it."""

from __future__ import annotations

import re
from datetime import datetime
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
        "x-gitlab-event",
        "x-gitlab-event-uuid",
        "webhook-id",
        "webhook-timestamp",
    }
)


class CredentialKind(Enum):
    """What a caller authenticated with."""

    KEY = "key"
    HOOK = "hook"
    ORGANIZATION = "organization"


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


# What may stand before "@", as JSON spells it: anything but what ends an authority, escapes included.
_BEFORE_AT = rb"(?:(?:[^/\s\"\\@]|\\[^/u]|\\u(?!0040|002[fF])[0-9a-fA-F]{4})*(?:@|\\u0040))+"
_USERINFO = re.compile(rb"//" + _BEFORE_AT)
# The same where JSON escapes the slashes too, which is rare and much slower to find.
_ESCAPED_USERINFO = re.compile(rb"((?:\\?/|\\u002[fF]){2})" + _BEFORE_AT)


def without_credentials(body: bytes) -> bytes:
    """Return the body with the userinfo of every URL in it blanked: CI systems put tokens there."""
    if b"\\/" in body or b"\\u002" in body:
        return _ESCAPED_USERINFO.sub(rb"\1", body)
    return _USERINFO.sub(b"//", body) if _may_hold_userinfo(body) else body


def _may_hold_userinfo(body: bytes) -> bool:
    """Whether the last slash before any "@" is one of two: what stands between those and the "@" has none.

    Almost no body holds userinfo, and this is found out much faster than what exactly to blank.
    """
    at = body.find(b"@")
    while at >= 0:
        if body.endswith(b"//", 0, body.rfind(b"/", 0, at) + 1):
            return True
        at = body.find(b"@", at + 1)
    return b"\\u0040" in body
