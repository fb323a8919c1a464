"""Hooks: signed webhook addresses, whose secrets are shown once, rotated with overlap, revoked."""

from __future__ import annotations

from uuid import UUID

from lathe.application.auditing import note
from lathe.application.caller import Caller
from lathe.application.ports import Ids, SecretBox, Store, Transaction
from lathe.domain.audit import Action
from lathe.domain.hook import Hook, Provider

SECRET_BYTES = 32


def create(store: Store, ids: Ids, box: SecretBox, caller: Caller, provider: Provider) -> tuple[Hook, str]:
    """Make a hook and return it with its secret, which is kept encrypted and not shown again."""
    hook_id, secret = ids.new(), ids.entropy(SECRET_BYTES).hex()
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
    secret = ids.entropy(SECRET_BYTES).hex()
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


def signing_secrets(store: Store, box: SecretBox, hook_id: UUID, provider: Provider) -> tuple[bytes, ...]:
    """Return the live secrets of a live hook, newest first; none if there is no such hook for the provider."""

    def work(tx: Transaction) -> tuple[bytes, ...]:
        hook = tx.hooks.find(hook_id)
        if hook is None or hook.provider is not provider or not hook.live():
            return ()
        context = _context(hook.organization_id, hook.id)
        return tuple(box.open(sealed, context) for sealed in hook.live_secrets(tx.now()))

    return store.read(work)


def _context(organization_id: UUID, hook_id: UUID) -> bytes:
    return b"hook" + organization_id.bytes + hook_id.bytes
