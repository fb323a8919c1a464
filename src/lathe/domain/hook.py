"""Hooks: signed webhook addresses, and how a signature over a body is checked."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from attrs import evolve, field, frozen

from lathe.domain.errors import Conflict

HOOK_RATE_LIMIT = 600
"""Requests in any 60 seconds for each hook."""

OVERLAP = timedelta(hours=24)
"""How long the old secret lives on after a rotation, unless somebody chooses otherwise."""

_HUB_SIGNATURE = re.compile(r"sha256=[0-9A-Fa-f]{64}")


class Provider(Enum):
    """Who sends to a hook."""

    BITBUCKET = "bitbucket"
    GITHUB = "github"
    GITLAB = "gitlab"
    GENERIC = "generic"


def hub_signature(secret: bytes, body: bytes) -> str:
    """HMAC-SHA256 of the raw body, as in Bitbucket's ``X-Hub-Signature`` and GitHub's ``X-Hub-Signature-256``."""
    return "sha256=" + hmac.digest(secret, body, "sha256").hex()


def signed_by(secrets: Sequence[bytes], body: bytes, presented: str | None) -> bool:
    """Whether one of the secrets signed the body. Never raises.

    Every secret is compared, in constant time, so that the time taken tells nothing. An empty secret signs nothing:
    anybody could have made that signature.
    """
    if presented is None or not _HUB_SIGNATURE.fullmatch(presented):
        return False
    signature = presented.lower()
    verdicts = [hmac.compare_digest(hub_signature(secret, body), signature) and secret != b"" for secret in secrets]
    return any(verdicts)


@frozen
class Hook:
    """A webhook address of one organization for one provider. Secrets are ciphertext here, opaque to the domain."""

    organization_id: UUID
    id: UUID
    provider: Provider
    secret: bytes = field(repr=False)
    created_at: datetime
    created_by: str
    previous_secret: bytes | None = field(default=None, repr=False)
    previous_until: datetime | None = None
    """When the previous secret stops to count; at that instant it is over."""
    revoked_at: datetime | None = None
    last_delivery_at: datetime | None = None
    requests: int = 0
    refused: int = 0

    def live(self) -> bool:
        """Whether deliveries are taken at all."""
        return self.revoked_at is None

    def revoked(self, now: datetime) -> Hook:
        """The hook as revoked now; one that was revoked before keeps that time."""
        return evolve(self, revoked_at=now) if self.live() else self

    def rotated(self, secret: bytes, now: datetime, overlap: timedelta = OVERLAP) -> Hook:
        """Give it a new secret; the present one counts until ``now + overlap``, an older one no longer.

        Raises Conflict if the hook is revoked.
        """
        if not self.live():
            raise Conflict("The hook is revoked; create a new one instead.")
        return evolve(self, secret=secret, previous_secret=self.secret, previous_until=now + overlap)

    def live_secrets(self, now: datetime) -> tuple[bytes, ...]:
        """The secrets that may sign at this instant, newest first; none once revoked."""
        if not self.live():
            return ()
        if self.previous_secret is None or self.previous_until is None or self.previous_until <= now:
            return (self.secret,)
        return (self.secret, self.previous_secret)
