"""Hook secrets at hand for a few seconds, so that checking a signature costs no look at the database.

A copy can only ever refuse or let through to the transaction, which checks again that the hook lives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from attrs import frozen
from starlette.concurrency import run_in_threadpool

from lathe.application.hooks import signing_secrets
from lathe.application.ports import SecretBox, Store
from lathe.domain.hook import Provider, signed_by

SIGNATURE_HEADERS: Final[Mapping[Provider, str]] = {Provider.BITBUCKET: "x-hub-signature"}
"""Where a provider puts the HMAC of the body."""

PROVIDERS: Final = tuple(SIGNATURE_HEADERS)
"""Whose deliveries are taken, and for whom hooks can be made. Each has a parser, else nothing is served at all."""

LONGEST: Final = 5.0
"""Seconds that a copy of a hook's secrets is used."""

FRESH: Final = 1.0
"""Seconds after which a copy is not enough to call a signature wrong: the secret may just have been rotated."""

REMEMBERED: Final = 4096

# Signs nothing: it only makes an unknown hook take as long as a known one.
_DUMMY: Final = (b"there is no such hook",)


@frozen
class _Copy:
    secrets: tuple[bytes, ...]
    read_at: float


@frozen
class Verdict:
    """What a check found: whether the hook is ``known`` and live, and whether it ``signed`` the body."""

    known: bool
    signed: bool


class Signatures:
    """Checks the signatures of deliveries. Belongs to one event loop."""

    def __init__(self, store: Store, box: SecretBox, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._box = box
        self._monotonic = monotonic
        self._copies: dict[tuple[Provider, UUID], _Copy] = {}

    async def known(self, provider: Provider, hook_id: UUID) -> bool:
        """Whether there is a live hook of that id for the provider."""
        return bool(await self._secrets(provider, hook_id, LONGEST))

    async def check(self, provider: Provider, hook_id: UUID, body: bytes, signature: str) -> Verdict:
        """Check a body's signature. Takes as long for a hook that does not exist."""
        verdict = _verdict(await self._secrets(provider, hook_id, LONGEST), body, signature)
        if verdict.signed:
            return verdict
        # Whoever rotates a hook can use the new secret at once, also beside other processes that hold the old one.
        return _verdict(await self._secrets(provider, hook_id, FRESH), body, signature)

    async def _secrets(self, provider: Provider, hook_id: UUID, oldest: float) -> Sequence[bytes]:
        now, key = self._monotonic(), (provider, hook_id)
        copy = self._copies.get(key)
        if copy is None or now - copy.read_at >= oldest:
            secrets = await run_in_threadpool(signing_secrets, self._store, self._box, hook_id, provider)
            copy = _Copy(secrets, now)
            self._copies.pop(key, None)
            if len(self._copies) >= REMEMBERED:
                del self._copies[next(iter(self._copies))]
            self._copies[key] = copy
        return copy.secrets


def _verdict(secrets: Sequence[bytes], body: bytes, signature: str) -> Verdict:
    signed = signed_by(secrets or _DUMMY, body, signature)
    return Verdict(bool(secrets), signed and bool(secrets))
