"""Hooks: signed webhook addresses, and how a signature over a body is checked."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from uuid import UUID

from attrs import evolve, field, frozen

from lathe.domain.errors import Conflict

HOOK_RATE_LIMIT = 600
"""Requests in any 60 seconds for each hook."""

OVERLAP = timedelta(hours=24)
"""How long the old secret lives on after a rotation, unless somebody chooses otherwise."""

SECRET_BYTES = 32
"""Random bytes in a secret; GitLab takes no signing token with more or fewer."""

TIMESTAMP_TOLERANCE = timedelta(minutes=5)
"""How far the time in a signature that holds one may be from now, either way."""

_SECRET_MARK = b"whsec_"
_HUB_SIGNATURE = re.compile(r"sha256=[0-9A-Fa-f]{64}")
_TIMESTAMP = re.compile(r"[0-9]{1,11}")
_SIGNATURES_LIMIT = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Provider(Enum):
    """Who sends to a hook."""

    BITBUCKET = "bitbucket"
    GITHUB = "github"
    GITLAB = "gitlab"
    GENERIC = "generic"


def secret_text(random: bytes) -> str:
    """Return the secret that is made of `SECRET_BYTES` random bytes.

    The form is the one of Standard Webhooks, so that it fits GitLab's signing token. It serves as well wherever any
    text does: as GitLab's secret token, and as the key of a plain HMAC, of which it is all the characters.
    """
    return (_SECRET_MARK + b64encode(random)).decode()


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


def is_token(secrets: Sequence[bytes], presented: str) -> bool:
    """Whether a token that was sent as it is, GitLab's ``X-Gitlab-Token``, is one of the secrets. Never raises.

    Every secret is compared, in constant time. An empty one is nobody's.
    """
    token = presented.encode("utf-8", "surrogatepass")
    verdicts = [hmac.compare_digest(secret, token) and secret != b"" for secret in secrets]
    return any(verdicts)


def standard_signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str | None:
    """Return the signature over id, time and raw body, by Standard Webhooks 1.0: GitLab's ``webhook-signature``.

    None if the secret does not have the form that this takes.
    """
    try:
        key = b64decode(secret.removeprefix(_SECRET_MARK), validate=True) if secret.startswith(_SECRET_MARK) else b""
    except ValueError:
        return None
    if not key:
        return None
    signed = f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass") + body
    return "v1," + b64encode(hmac.digest(key, signed, "sha256")).decode()


def signed_in_time(
    secrets: Sequence[bytes], message_id: str, timestamp: str, body: bytes, presented: str, *, now: datetime
) -> bool:
    """Whether one of the secrets signed id, time and body, and the time is within five minutes of ``now``.

    ``presented`` may hold several signatures, with blanks in between: whoever signs rotates secrets too. Never raises.
    Each is compared with each secret's, in constant time.
    """
    own = [standard_signature(secret, message_id, timestamp, body) for secret in secrets]
    verdicts = [
        hmac.compare_digest(signature.encode(), one.encode("utf-8", "surrogatepass"))
        for signature in own
        if signature is not None
        for one in presented.split(" ")[:_SIGNATURES_LIMIT]
    ]
    return any(verdicts) and _in_time(timestamp, now)


def _in_time(timestamp: str, now: datetime) -> bool:
    """Whether a time, in whole seconds since 1970 began, is close enough to ``now``."""
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(timedelta(seconds=int(timestamp)) - (now - _EPOCH)) <= TIMESTAMP_TOLERANCE


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
