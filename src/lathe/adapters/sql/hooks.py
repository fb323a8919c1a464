"""Hooks, by SQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from attrs import evolve

from lathe.adapters.sql.keys import count_refused, with_usage
from lathe.adapters.sql.organizations import fresh_usage
from lathe.adapters.sql.rows import Rows, by_id, locked
from lathe.adapters.sql.schema import hooks, usage
from lathe.domain.hook import Hook, Provider


def hook_of(row: Any) -> Hook:
    """Return the hook that a row of the hook and its usage holds."""
    hook = hook_without_use(row)
    return evolve(hook, last_delivery_at=row.last_used_at, requests=row.requests, refused=row.refused)


def hook_without_use(row: Any) -> Hook:
    """Return the hook that a row holds, as if it had never been used."""
    return Hook(
        row.organization_id,
        row.id,
        Provider(row.provider),
        row.secret,
        row.created_at,
        row.created_by,
        row.previous_secret,
        row.previous_until,
        row.revoked_at,
    )


class SqlHooks:
    """Implements `Hooks`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, hook: Hook) -> None:
        self._rows.add(
            hooks,
            {
                "organization_id": hook.organization_id,
                "id": hook.id,
                "provider": hook.provider.value,
                "secret": hook.secret,
                "previous_secret": hook.previous_secret,
                "previous_until": hook.previous_until,
                "created_at": hook.created_at,
                "created_by": hook.created_by,
                "revoked_at": hook.revoked_at,
            },
        )
        self._rows.add(usage, fresh_usage(hook.organization_id, hook.id))

    def get(self, organization_id: UUID, hook_id: UUID, *, lock: bool = False) -> Hook:
        query = with_usage(hooks).where(by_id(hooks, organization_id, hook_id))
        return hook_of(self._rows.one(locked(query, hooks, usage, lock=lock), "hook"))

    def find(self, hook_id: UUID) -> Hook | None:
        row = self._rows.find(with_usage(hooks).where(hooks.c.id == hook_id))
        return hook_of(row) if row else None

    def save(self, hook: Hook) -> None:
        changeable = {
            "secret": hook.secret,
            "previous_secret": hook.previous_secret,
            "previous_until": hook.previous_until,
            "revoked_at": hook.revoked_at,
        }
        self._rows.replace_one(hooks, {"organization_id": hook.organization_id, "id": hook.id, **changeable}, "hook")

    def all(self, organization_id: UUID) -> list[Hook]:
        mine = with_usage(hooks).where(hooks.c.organization_id == organization_id)
        newest_first = hooks.c.created_at.desc(), hooks.c.id.desc()
        return [hook_of(row) for row in self._rows.all(mine.order_by(*newest_first))]

    def count_refused(self, refused: dict[UUID, int]) -> None:
        count_refused(self._rows, hooks, refused)
