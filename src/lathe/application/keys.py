"""API keys: made and shown once, listed, changed, revoked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from uuid import UUID

from lathe.application.caller import Caller
from lathe.application.ports import Ids, Store, Transaction
from lathe.domain.api_key import DEFAULT_RATE_LIMIT, ENTROPY_BYTES, ApiKey, Scope, key_text, new_key


def create(
    store: Store,
    ids: Ids,
    caller: Caller,
    name: str,
    scopes: Collection[Scope],
    *,
    expires_at: datetime | None = None,
    rate_limit: int | None = DEFAULT_RATE_LIMIT,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its text, which is kept nowhere and cannot be shown again. Raises Invalid."""
    text = key_text(ids.entropy(ENTROPY_BYTES))

    def work(tx: Transaction) -> ApiKey:
        key = new_key(
            organization_id=caller.organization_id,
            key_id=ids.new(),
            text=text,
            name=name,
            scopes=scopes,
            now=tx.now(),
            created_by=caller.actor.name,
            rate_limit=rate_limit,
            expires_at=expires_at,
        )
        tx.keys.add(key)
        return key

    return store.write(work), text


def listed(store: Store, organization_id: UUID) -> list[ApiKey]:
    """Return all keys, newest first, revoked and expired ones included."""
    return store.read(lambda tx: tx.keys.all(organization_id))


def rename(store: Store, caller: Caller, key_id: UUID, name: str) -> ApiKey:
    """Give a key another name. Raises NotFound, Invalid."""
    return _change(store, caller, key_id, lambda key, _: key.renamed(name))


def limit(store: Store, caller: Caller, key_id: UUID, rate_limit: int | None) -> ApiKey:
    """Give a key another limit in requests a minute (None: unlimited); it holds for the next request.

    Raises NotFound, Invalid.
    """
    return _change(store, caller, key_id, lambda key, _: key.with_limit(rate_limit))


def revoke(store: Store, caller: Caller, key_id: UUID) -> ApiKey:
    """Revoke a key. When this returns, no request with it is admitted anywhere. Raises NotFound."""
    return _change(store, caller, key_id, lambda key, now: key.revoked(now))


def _change(store: Store, caller: Caller, key_id: UUID, changed: Callable[[ApiKey, datetime], ApiKey]) -> ApiKey:
    def work(tx: Transaction) -> ApiKey:
        key = changed(tx.keys.get(caller.organization_id, key_id, lock=True), tx.now())
        tx.keys.save(key)
        return key

    return store.write(work)
