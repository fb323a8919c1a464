"""Hooks: signed webhook addresses, whose secrets are shown once, rotated with overlap, revoked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from attrs import field, frozen

from lathe.application.auditing import note
from lathe.application.caller import Caller
from lathe.application.ports import Ids, SecretBox, Store, Transaction
from lathe.domain.audit import Action
from lathe.domain.hook import SECRET_BYTES, Hook, Provider, secret_text


@frozen
class Signers:
    """The secrets that may sign for a hook, newest first, none if there is no such live hook; and when that was so."""

    secrets: tuple[bytes, ...] = field(repr=False)
    at: datetime


def create(store: Store, ids: Ids, box: SecretBox, caller: Caller, provider: Provider) -> tuple[Hook, str]:
    """Make a hook and return it with its secret, which is kept encrypted and not shown again."""
    hook_id, secret = ids.new(), secret_text(ids.entropy(SECRET_BYTES))
    sealed = box.seal(secret.encode(), _context(caller.organization_id, hook_id))

    def work(tx: Transaction) -> Hook:
        hook = Hook(
            organization_id=caller.organization_id,
            id=hook_id,
            provider=provider,
            secret=sealed,
            created_at=tx.now(),
            created_by=caller.actor.name,
        )
        tx.hooks.add(hook)
        note(tx, caller, Action.CREATED, hook)
        return hook

    return store.write(work), secret


def listed(store: Store, organization_id: UUID) -> list[Hook]:
    """Return all hooks, newest first, revoked ones included."""
    return store.read(lambda tx: tx.hooks.all(organization_id))


def rotate(store: Store, ids: Ids, box: SecretBox, caller: Caller, hook_id: UUID) -> tuple[Hook, str]:
    """Give a hook a new secret and return it; the old one stays good for 24 hours.

    Raises NotFound, Conflict (revoked).
    """
    secret = secret_text(ids.entropy(SECRET_BYTES))
    sealed = box.seal(secret.encode(), _context(caller.organization_id, hook_id))

    def work(tx: Transaction) -> Hook:
        hook = tx.hooks.get(caller.organization_id, hook_id, lock=True).rotated(sealed, tx.now())
        tx.hooks.save(hook)
        note(tx, caller, Action.ROTATED, hook)
        return hook

    return store.write(work), secret


def revoke(store: Store, caller: Caller, hook_id: UUID) -> Hook:
    """Revoke a hook. When this returns, nothing sent to its address is taken any more. Raises NotFound."""

    def work(tx: Transaction) -> Hook:
        before = tx.hooks.get(caller.organization_id, hook_id, lock=True)
        hook = before.revoked(tx.now())
        tx.hooks.save(hook)
        if hook != before:
            note(tx, caller, Action.REVOKED, hook)
        return hook

    return store.write(work)


def signers(store: Store, box: SecretBox, hook_id: UUID, provider: Provider) -> Signers:
    """Return the live secrets of a live hook; none if there is no such hook for the provider."""

    def work(tx: Transaction) -> Signers:
        hook, now = tx.hooks.find(hook_id), tx.now()
        if hook is None or hook.provider is not provider:
            return Signers((), now)
        context = _context(hook.organization_id, hook.id)
        return Signers(tuple(box.open(sealed, context) for sealed in hook.live_secrets(now)), now)

    return store.read(work)


def _context(organization_id: UUID, hook_id: UUID) -> bytes:
    return b"hook" + organization_id.bytes + hook_id.bytes
