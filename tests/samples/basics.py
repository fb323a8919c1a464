"""Times, ids and words that all samples are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from lathe.adapters.ids import RandomIds
from lathe.domain.repo_url import RepoUrl

NOW = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=3, microseconds=1)
LATER = NOW + timedelta(days=2, microseconds=7)

_ids = RandomIds()
new_id = _ids.new


def unique(word: str) -> str:
    """Return a word that no other test uses."""
    return f"{word}-{new_id().hex[-20:]}"


def digest() -> bytes:
    """Return a fresh SHA-256, as tokens and keys are kept."""
    return sha256(_ids.entropy(32)).digest()


def repo_url(path: str = "acme/pay-api", host: str = "bitbucket.org") -> RepoUrl:
    return RepoUrl(host, tuple(path.split("/")))
