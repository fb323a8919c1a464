"""API keys: made and shown once, listed, changed, revoked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

from lathe.application.auditing import note, note_changes
from lathe.application.caller import Caller
from lathe.application.ports import Ids, Store, Transaction
from lathe.domain.api_key import DEFAULT_RATE_LIMIT, ENTROPY_BYTES, ApiKey, Scope, key_text, new_key
from lathe.domain.audit import Action


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
        ends = f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "without an end"
        note(tx, caller, Action.CREATED, key, f"{', '.join(sorted(one.value for one in key.scopes))}; {ends}")
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

    def work(tx: Transaction) -> ApiKey:
        before = key = tx.keys.get(caller.organization_id, key_id, lock=True)
        if name is not None:
            key = key.renamed(name)
        if rate_limit is not UNCHANGED:
            key = key.with_limit(rate_limit)
        tx.keys.save(key)
        limits = (before.rate_limit, key.rate_limit)
        note_changes(tx, caller, key, name=(before.name, key.name), requests_a_minute=limits)
        return key

    return store.write(work)


def revoke(store: Store, caller: Caller, key_id: UUID) -> ApiKey:
    """Revoke a key. When this returns, no request with it is admitted anywhere. Raises NotFound."""

    def work(tx: Transaction) -> ApiKey:
        before = tx.keys.get(caller.organization_id, key_id, lock=True)
        key = before.revoked(tx.now())
        tx.keys.save(key)
        if key != before:
            note(tx, caller, Action.REVOKED, key)
        return key

    return store.write(work)
