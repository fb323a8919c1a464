"""How deliveries to a hook prove themselves, each provider in its own way; secrets are at hand for a few seconds.

A copy of a secret can only ever refuse or let through to the transaction, which checks again that the hook lives.

Sources: Bitbucket's and GitHub's pages on securing webhooks, GitLab's on webhooks, and Standard Webhooks 1.0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from attrs import field, frozen
from starlette.concurrency import run_in_threadpool

from lathe.application.hooks import Signers, signers
from lathe.application.ports import SecretBox, Store
from lathe.domain.hook import Provider, is_token, signed_by, signed_in_time

LONGEST: Final = 5.0
"""Seconds that a copy of a hook's secrets is used."""

FRESH: Final = 1.0
"""Seconds after which a copy is not enough to call a signature wrong: the secret may just have been rotated."""

REMEMBERED: Final = 4096

# Signs nothing: it only makes an unknown hook take as long as a known one.
_DUMMY: Final = (b"whsec_dGhlcmUgaXMgbm8gc3VjaCBob29rLCBhbmQgbmV2ZXI=",)


@frozen
class HubSignature:
    """An HMAC-SHA256 of the body, as ``sha256=`` and hex digits."""

    value: str = field(repr=False)

    def holds(self, secrets: Sequence[bytes], body: bytes, now: datetime) -> bool:  # noqa: ARG002 - knows no time
        """Whether one of the secrets signed this body."""
        return signed_by(secrets, body, self.value)


@frozen
class PlainToken:
    """The secret itself. It proves who sent a body, not that nobody changed it on the way: that is left to TLS."""

    value: str = field(repr=False)

    def holds(self, secrets: Sequence[bytes], body: bytes, now: datetime) -> bool:  # noqa: ARG002 - signs neither
        """Whether it is one of the secrets."""
        return is_token(secrets, self.value)


@frozen
class StandardSignature:
    """A signature over an id, a time and the body, by Standard Webhooks."""

    value: str = field(repr=False)
    message_id: str
    timestamp: str

    def holds(self, secrets: Sequence[bytes], body: bytes, now: datetime) -> bool:
        """Whether one of the secrets signed all of it, not more than five minutes from ``now``."""
        return signed_in_time(secrets, self.message_id, self.timestamp, body, self.value, now=now)


Proof: TypeAlias = HubSignature | PlainToken | StandardSignature


def _hub(name: str) -> Callable[[Mapping[str, str]], Proof | None]:
    def shown(headers: Mapping[str, str]) -> Proof | None:
        value = headers.get(name)
        return None if value is None else HubSignature(value)

    return shown


def _gitlab(headers: Mapping[str, str]) -> Proof | None:
    """The signature counts where there is one, and alone: the token beside it could be read off any older delivery."""
    signature = headers.get("webhook-signature")
    if signature is not None:
        return StandardSignature(signature, headers.get("webhook-id", ""), headers.get("webhook-timestamp", ""))
    token = headers.get("x-gitlab-token")
    return None if token is None else PlainToken(token)


@frozen
class Scheme:
    """How a provider's deliveries prove themselves: the ``headers`` that show it, each with what it holds.

    ``ping`` is the header and value of a connection test that may come unsigned, where the provider has one.
    """

    headers: Mapping[str, str]
    shown: Callable[[Mapping[str, str]], Proof | None]
    ping: tuple[str, str] | None = None


_HMAC: Final = "`sha256=` and the HMAC-SHA256 of the body in hex digits; the key is the hook's secret as it is shown"
_HUB: Final = {"X-Hub-Signature": _HMAC}
_HUB_256: Final = {"X-Hub-Signature-256": _HMAC}
_GITLAB: Final = {
    "webhook-signature": "By Standard Webhooks, with `webhook-id` and `webhook-timestamp`; good for five minutes",
    "X-Gitlab-Token": "The hook's secret itself; beside a signature it does not count",
}

SCHEMES: Final[Mapping[Provider, Scheme]] = {
    Provider.BITBUCKET: Scheme(_HUB, _hub("x-hub-signature"), ("x-event-key", "diagnostics:ping")),
    Provider.GITHUB: Scheme(_HUB_256, _hub("x-hub-signature-256"), ("x-github-event", "ping")),
    Provider.GITLAB: Scheme(_GITLAB, _gitlab),
    Provider.GENERIC: Scheme(_HUB_256, _hub("x-hub-signature-256")),
}

PROVIDERS: Final = tuple(SCHEMES)
"""Whose deliveries are taken, and for whom hooks can be made. Each has a parser, else nothing is served at all."""


def proof_of(provider: Provider, headers: Mapping[str, str]) -> Proof | None:
    """Return what a delivery shows to prove itself, None if it shows nothing."""
    return SCHEMES[provider].shown(headers)


def is_ping(provider: Provider, headers: Mapping[str, str]) -> bool:
    """Whether a delivery calls itself a connection test, which some providers do not sign."""
    ping = SCHEMES[provider].ping
    return ping is not None and headers.get(ping[0]) == ping[1]


@frozen
class _Copy:
    signers: Signers
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
        return bool((await self._copy(provider, hook_id, LONGEST)).signers.secrets)

    async def check(self, provider: Provider, hook_id: UUID, body: bytes, proof: Proof) -> Verdict:
        """Check what a delivery shows for its body. Takes as long for a hook that does not exist."""
        verdict = self._verdict(await self._copy(provider, hook_id, LONGEST), body, proof)
        if verdict.signed:
            return verdict
        # Whoever rotates a hook can use the new secret at once, also beside other processes that hold the old one.
        return self._verdict(await self._copy(provider, hook_id, FRESH), body, proof)

    async def _copy(self, provider: Provider, hook_id: UUID, oldest: float) -> _Copy:
        now, key = self._monotonic(), (provider, hook_id)
        copy = self._copies.get(key)
        if copy is None or now - copy.read_at >= oldest:
            found = await run_in_threadpool(signers, self._store, self._box, hook_id, provider)
            copy = _Copy(found, now)
            self._copies.pop(key, None)
            if len(self._copies) >= REMEMBERED:
                del self._copies[next(iter(self._copies))]
            self._copies[key] = copy
        return copy

    def _verdict(self, copy: _Copy, body: bytes, proof: Proof) -> Verdict:
        # The time of the store, as it is now: what it was when the copy was read, and how long that is ago.
        now = copy.signers.at + timedelta(seconds=self._monotonic() - copy.read_at)
        secrets = copy.signers.secrets
        signed = proof.holds(secrets or _DUMMY, body, now)
        return Verdict(bool(secrets), signed and bool(secrets))
