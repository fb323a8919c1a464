"""API keys: the text that a client holds, with its checksum, and what is kept of it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from string import ascii_lowercase, ascii_uppercase, digits
from uuid import UUID

from attrs import evolve, field, frozen

from lathe.domain.errors import Fault, Invalid
from lathe.domain.text import NAME_LIMIT, text_fault

KEY_PREFIX = "pt_live_"
ALPHABET = digits + ascii_uppercase + ascii_lowercase
RANDOM_CHARACTERS = 32
CHECKSUM_CHARACTERS = 6
KEY_LENGTH = len(KEY_PREFIX) + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS
SHOWN_CHARACTERS = 12
ENTROPY_BYTES = 32
"""Random bytes that `key_text` needs at least."""

DEFAULT_RATE_LIMIT = 60
"""Requests in any 60 seconds."""

HIGHEST_RATE_LIMIT = 100_000

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
"""What expires must do so before: no calendar counts further, and clocks in other zones need a day's room."""

_PAIRS = tuple(high + low for high in ALPHABET for low in ALPHABET)
_SHAPE = re.compile(rf"{KEY_PREFIX}[0-9A-Za-z]{{{RANDOM_CHARACTERS + CHECKSUM_CHARACTERS}}}")


class Scope(Enum):
    """What a key may do."""

    BUILDS_READ = "builds:read"
    BUILDS_CREATE = "builds:create"
    QUEUE_MANAGE = "queue:manage"
    PROJECTS_MANAGE = "projects:manage"
    HOOKS_MANAGE = "hooks:manage"


def key_text(entropy: bytes) -> str:
    """Make the text of a key from randomness: prefix, 32 random characters, 6 characters of checksum.

    The 32 characters are a number below 62**32, about 2**190.5. Reducing 256 random bits to it makes some keys more
    likely than others by a factor of at most 1 + 2**-65, so that more than 190 bits remain.

    Raises ValueError if there are fewer than `ENTROPY_BYTES` bytes.
    """
    if len(entropy) < ENTROPY_BYTES:
        raise ValueError(f"a key takes at least {ENTROPY_BYTES} random bytes")
    number = int.from_bytes(entropy, "big") % len(ALPHABET) ** RANDOM_CHARACTERS
    unchecked = KEY_PREFIX + _base62(number, RANDOM_CHARACTERS)
    return unchecked + _checksum(unchecked)


def well_formed(text: str) -> bool:
    """Whether a text can be a key at all. Says so without a look at any store; a mistyped key fails here."""
    if not _SHAPE.fullmatch(text):
        return False
    return _checksum(text[:-CHECKSUM_CHARACTERS]) == text[-CHECKSUM_CHARACTERS:]


def key_hash(text: str) -> bytes:
    """SHA-256 of the whole key: what is stored. It needs no salt, a key is random already."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def shown(text: str) -> str:
    """The first characters, by which people recognise a key: four random ones, far too few to guess the rest."""
    return text[:SHOWN_CHARACTERS]


@frozen
class ApiKey:
    """A credential of an organization. The key itself is not in here, only its hash."""

    organization_id: UUID
    id: UUID
    name: str
    hash: bytes = field(repr=False)
    shown: str
    scopes: frozenset[Scope]
    rate_limit: int | None
    """Requests in any 60 seconds; None is unlimited."""
    expires_at: datetime | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    requests: int = 0
    refused: int = 0

    def usable(self, now: datetime) -> bool:
        """Neither revoked nor expired; at the instant of its expiry it is expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def revoked(self, now: datetime) -> ApiKey:
        """The key as revoked now; one that was revoked before keeps that time."""
        return self if self.revoked_at is not None else evolve(self, revoked_at=now)

    def renamed(self, name: str) -> ApiKey:
        """Raises Invalid (``/name``) unless the name has 1 to 255 characters that can be kept."""
        name = name.strip()
        _refuse(_name_faults(name))
        return evolve(self, name=name)

    def with_limit(self, rate_limit: int | None) -> ApiKey:
        """Raises Invalid (``/rate_limit``) unless the limit is 1 to 100,000 or None, which is unlimited."""
        _refuse(_limit_faults(rate_limit))
        return evolve(self, rate_limit=rate_limit)


def new_key(
    *,
    organization_id: UUID,
    key_id: UUID,
    text: str,
    name: str,
    scopes: Iterable[Scope],
    now: datetime,
    created_by: str,
    rate_limit: int | None = DEFAULT_RATE_LIMIT,
    expires_at: datetime | None = None,
) -> ApiKey:
    """A fresh key with the given text (see `key_text`), of which it keeps the hash and the shown characters.

    Raises Invalid with every fault at once: ``/name``, ``/scopes``, ``/rate_limit``, ``/expires_at``.
    """
    name, scopes = name.strip(), frozenset(scopes)
    faults = _name_faults(name) + _limit_faults(rate_limit)
    if not scopes:
        faults.append(Fault("/scopes", "required", "must name at least one scope"))
    if expires_at is not None and expires_at <= now:
        faults.append(Fault("/expires_at", "not_in_future", "must lie in the future"))
    if expires_at is not None and expires_at >= END_OF_TIME:
        faults.append(Fault("/expires_at", "out_of_range", f"must lie before the year {END_OF_TIME.year}"))
    _refuse(faults)
    return ApiKey(
        organization_id=organization_id,
        id=key_id,
        name=name,
        hash=key_hash(text),
        shown=shown(text),
        scopes=scopes,
        rate_limit=rate_limit,
        expires_at=expires_at,
        created_at=now,
        created_by=created_by,
    )


def _base62(number: int, width: int) -> str:
    """Most significant digit first, with leading zeros. ``width`` is even: two digits are found at a time."""
    found = []
    for _ in range(width // 2):
        number, pair = divmod(number, len(_PAIRS))
        found.append(_PAIRS[pair])
    return "".join(reversed(found))


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode("ascii")), CHECKSUM_CHARACTERS)


def _name_faults(name: str) -> list[Fault]:
    fault = text_fault(name, "/name", NAME_LIMIT)
    return [fault] if fault else []


def _limit_faults(rate_limit: int | None) -> list[Fault]:
    if rate_limit is None or 1 <= rate_limit <= HIGHEST_RATE_LIMIT:
        return []
    return [
        Fault("/rate_limit", "out_of_range", f"must be 1 to {HIGHEST_RATE_LIMIT:,} requests a minute, or unlimited")
    ]


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Invalid("; ".join(f"{fault.pointer[1:]} {fault.detail}" for fault in faults), tuple(faults))
