"""API keys and hooks in memory, each with a window that is kept apart."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from attrs import evolve

from lathe.adapters.memory.tables import CredentialWindow, Tables, newest_first
from lathe.domain.api_key import ApiKey
from lathe.domain.hook import Hook
from lathe.domain.rate_limit import Window


class MemoryKeys:
    """Implements `Keys`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rows = tables.keys

    def add(self, key: ApiKey) -> None:
        self._rows.add(key)

    def get(self, organization_id: UUID, key_id: UUID, *, lock: bool = False) -> ApiKey:  # noqa: ARG002
        return self._rows.get(organization_id, key_id)

    def save(self, key: ApiKey) -> None:
        kept = self._rows.get(key.organization_id, key.id)
        used = kept.last_used_at
        self._rows.save(evolve(key, last_used_at=used, requests=kept.requests, refused=kept.refused))

    def all(self, organization_id: UUID) -> list[ApiKey]:
        return newest_first(self._rows.scan(organization_id))

    def admit(self, key_hash: bytes) -> tuple[ApiKey, Window] | None:
        key = self._rows.one("hash", key_hash)
        return (key, self._tables.window(key.organization_id, key.id)) if key else None

    def spend(self, key: ApiKey, window: Window, now: datetime) -> None:
        kept = self._rows.get(key.organization_id, key.id)
        self._rows.save(evolve(kept, requests=kept.requests + 1, last_used_at=now))
        self._tables.windows.put(CredentialWindow(key.organization_id, key.id, window))

    def count_refused(self, refused: dict[UUID, int]) -> None:
        for key_id, count in refused.items():
            for key in self._rows.by("id", key_id):
                self._rows.save(evolve(key, refused=key.refused + count))


class MemoryHooks:
    """Implements `Hooks`."""

    def __init__(self, tables: Tables) -> None:
        self._rows = tables.hooks

    def add(self, hook: Hook) -> None:
        self._rows.add(hook)

    def get(self, organization_id: UUID, hook_id: UUID, *, lock: bool = False) -> Hook:  # noqa: ARG002
        return self._rows.get(organization_id, hook_id)

    def find(self, hook_id: UUID) -> Hook | None:
        return self._rows.one("id", hook_id)

    def save(self, hook: Hook) -> None:
        kept = self._rows.get(hook.organization_id, hook.id)
        used = kept.last_delivery_at
        self._rows.save(evolve(hook, last_delivery_at=used, requests=kept.requests, refused=kept.refused))

    def all(self, organization_id: UUID) -> list[Hook]:
        return newest_first(self._rows.scan(organization_id))

    def count_refused(self, refused: dict[UUID, int]) -> None:
        for hook_id, count in refused.items():
            for hook in self._rows.by("id", hook_id):
                self._rows.save(evolve(hook, refused=hook.refused + count))
