"""API keys, by SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from attrs import evolve
from sqlalchemy import BigInteger, Select, and_, bindparam, select, update

from lathe.adapters.sql.organizations import fresh_usage
from lathe.adapters.sql.prepared import Prepared
from lathe.adapters.sql.rows import Rows, by_id, ids_given, locked
from lathe.adapters.sql.schema import api_keys, usage
from lathe.adapters.sql.types import Bytes, Id, given, listed
from lathe.application.intake import Usage
from lathe.domain.api_key import ApiKey, Scope
from lathe.domain.rate_limit import Window, pack, unpack

uses: Final = [c for c in usage.c if c.name not in ("organization_id", "id")]
"""The columns of a credential's usage that are not its address."""


def key_of(row: Any) -> ApiKey:
    """Return the key that a row of the key and its usage holds."""
    key = key_without_use(row)
    return evolve(key, last_used_at=row.last_used_at, requests=row.requests, refused=row.refused)


def key_without_use(row: Any) -> ApiKey:
    """Return the key that a row holds, as if it had never been used."""
    return ApiKey(
        row.organization_id,
        row.id,
        row.name,
        row.hash,
        row.shown,
        frozenset(Scope(scope) for scope in row.scopes),
        row.rate_limit,
        row.expires_at,
        row.created_at,
        row.created_by,
        row.revoked_at,
    )


def with_usage(table: Any) -> Select[Any]:
    """Return the query for keys or hooks with their usage."""
    return select(*table.c, *uses).join(
        usage, and_(usage.c.organization_id == table.c.organization_id, usage.c.id == table.c.id)
    )


def spend(rows: Rows, used: Iterable[Usage], now: datetime) -> None:
    """Keep the windows of credentials after a batch, and count what was admitted in it."""
    spent = listed(
        {
            "organization_id": one.organization_id,
            "id": one.id,
            "window": pack(one.window).hex(),
            "admitted": one.admitted,
        }
        for one in used
    )
    rows.change(_SPEND, {"spent": spent, "used_at": now})


_spent: Final = given("spent", {"organization_id": Id, "id": Id, "window": Bytes, "admitted": BigInteger()})
_SPEND: Final = Prepared(
    update(usage)
    .where(usage.c.organization_id == _spent.c.organization_id, usage.c.id == _spent.c.id)
    .values(
        window=_spent.c.window,
        requests=usage.c.requests + _spent.c.admitted,
        last_used_at=bindparam("used_at"),
    )
)

_this = and_(usage.c.organization_id == bindparam("of_organization"), usage.c.id == bindparam("of_id"))
_REFUSE: Final = update(usage).where(_this).values(refused=usage.c.refused + bindparam("count"))


def count_refused(rows: Rows, table: Any, refused: dict[UUID, int]) -> None:
    """Add refused requests by the id of a key or hook, in whatever organization."""
    if not refused:
        return
    ids = ids_given()
    # In the order in which receiving locks them, so that the two never wait for each other.
    query = select(table.c.organization_id, table.c.id).join(ids, table.c.id == ids.c.id).order_by(table.c.id)
    found = rows.all(query, {"ids": listed({"id": one} for one in refused)})
    for row in found:
        counted = {"of_organization": row.organization_id, "of_id": row.id, "count": refused[row.id]}
        rows.connection.execute(_REFUSE, counted)


class SqlKeys:
    """Implements `Keys`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, key: ApiKey) -> None:
        self._rows.add(
            api_keys,
            {
                "organization_id": key.organization_id,
                "id": key.id,
                "name": key.name,
                "hash": key.hash,
                "shown": key.shown,
                "scopes": sorted(scope.value for scope in key.scopes),
                "rate_limit": key.rate_limit,
                "expires_at": key.expires_at,
                "created_at": key.created_at,
                "created_by": key.created_by,
                "revoked_at": key.revoked_at,
            },
        )
        self._rows.add(usage, fresh_usage(key.organization_id, key.id))

    def get(self, organization_id: UUID, key_id: UUID, *, lock: bool = False) -> ApiKey:
        query = with_usage(api_keys).where(by_id(api_keys, organization_id, key_id))
        return key_of(self._rows.one(locked(query, api_keys, usage, lock=lock), "API key"))

    def save(self, key: ApiKey) -> None:
        changeable = {"name": key.name, "rate_limit": key.rate_limit, "revoked_at": key.revoked_at}
        self._rows.replace_one(
            api_keys, {"organization_id": key.organization_id, "id": key.id, **changeable}, "API key"
        )

    def all(self, organization_id: UUID) -> list[ApiKey]:
        mine = with_usage(api_keys).where(api_keys.c.organization_id == organization_id)
        newest_first = api_keys.c.created_at.desc(), api_keys.c.id.desc()
        return [key_of(row) for row in self._rows.all(mine.order_by(*newest_first))]

    def admit(self, key_hash: bytes) -> tuple[ApiKey, Window] | None:
        query = locked(with_usage(api_keys).where(api_keys.c.hash == key_hash), api_keys, usage)
        row = self._rows.find(query)
        return (key_of(row), unpack(row.window)) if row else None

    def spend(self, key: ApiKey, window: Window, now: datetime) -> None:
        spend(self._rows, [Usage(key.organization_id, key.id, window, admitted=1)], now)

    def count_refused(self, refused: dict[UUID, int]) -> None:
        count_refused(self._rows, api_keys, refused)
