"""API keys: made and shown once, listed, changed, revoked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

from lathe.application.caller import Caller
from lathe.application.ports import Ids, Store, Transaction
from lathe.domain.api_key import DEFAULT_RATE_LIMIT, ENTROPY_BYTES, ApiKey, Scope, key_text, new_key


class Unchanged(Enum):
    """Stands for what is not to be changed, where None means something."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


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


def change(
    store: Store,
    caller: Caller,
    key_id: UUID,
    *,
    name: str | None = None,
    rate_limit: int | Unchanged | None = UNCHANGED,
) -> ApiKey:
    """Change what is given, all of it or nothing. A limit holds for the next request.

    It is in requests a minute; None is unlimited. Raises NotFound, Invalid.
    """

    def changed(key: ApiKey, _: datetime) -> ApiKey:
        if name is not None:
            key = key.renamed(name)
        return key if rate_limit is UNCHANGED else key.with_limit(rate_limit)

    return _saved(store, caller, key_id, changed)


def revoke(store: Store, caller: Caller, key_id: UUID) -> ApiKey:
    """Revoke a key. When this returns, no request with it is admitted anywhere. Raises NotFound."""
    return _saved(store, caller, key_id, lambda key, now: key.revoked(now))


def _saved(store: Store, caller: Caller, key_id: UUID, changed: Callable[[ApiKey, datetime], ApiKey]) -> ApiKey:
    def work(tx: Transaction) -> ApiKey:
        key = changed(tx.keys.get(caller.organization_id, key_id, lock=True), tx.now())
        tx.keys.save(key)
        return key

    return store.write(work)
