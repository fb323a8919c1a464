"""Identities of builds, by SQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from lathe.adapters.sql.rows import Rows, Values, by_id, locked
from lathe.adapters.sql.schema import identities
from lathe.domain.build_report import BuildStatus
from lathe.domain.identity import Identity, IdentityKey


def identity_values(identity: Identity) -> Values:
    """Return the columns of an identity."""
    return {
        "organization_id": identity.organization_id,
        "id": identity.id,
        "source": identity.key.source,
        "scope": identity.key.scope,
        "run_key": identity.key.run_key,
        "ordinal": identity.ordinal,
        "status": identity.status.value,
        "updated_at": identity.updated_at,
        "verified": identity.verified,
        "commit_sha": identity.commit_sha,
        "branch": identity.branch,
        "tag": identity.tag,
        "build_id": identity.build_id,
        "entry_id": identity.entry_id,
    }


def identity_of(row: Any) -> Identity:
    """Return the identity that a row holds."""
    return Identity(
        row.organization_id,
        row.id,
        IdentityKey(row.source, row.scope, row.run_key),
        row.ordinal,
        BuildStatus(row.status),
        row.updated_at,
        row.verified,
        row.commit_sha,
        row.branch,
        row.tag,
        row.build_id,
        row.entry_id,
    )


class SqlIdentities:
    """Implements `Identities`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def get(self, organization_id: UUID, identity_id: UUID, *, lock: bool = False) -> Identity:
        query = select(identities).where(by_id(identities, organization_id, identity_id))
        return identity_of(self._rows.one(locked(query, lock=lock), "identity"))

    def save(self, identity: Identity) -> None:
        self._rows.replace_one(identities, identity_values(identity), "identity")
