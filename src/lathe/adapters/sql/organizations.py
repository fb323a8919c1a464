"""Organizations, by SQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from lathe.adapters.sql.rows import Rows, Values, locked
from lathe.adapters.sql.schema import organizations, usage
from lathe.domain.errors import NotFound
from lathe.domain.organization import Organization


def organization_of(row: Any) -> Organization:
    """Return the organization that a row holds."""
    return Organization(
        row.id, row.name, row.slug, row.created_at, row.allow_org_id, row.confirm_name_matches, row.rate_limit
    )


def fresh_usage(organization_id: UUID, credential_id: UUID) -> Values:
    """Return the row of a credential that was never used."""
    return {"organization_id": organization_id, "id": credential_id, "window": b"", "requests": 0, "refused": 0}


class SqlOrganizations:
    """Implements `Organizations`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, organization: Organization) -> None:
        taken = ("slug_taken", "another organization has this address")
        with self._rows.conflicts(uq_organizations_slug=taken):
            self._rows.add(organizations, _values(organization))
        self._rows.add(usage, fresh_usage(organization.id, organization.id))

    def get(self, organization_id: UUID, *, lock: bool = False) -> Organization:
        query = select(organizations).where(organizations.c.id == organization_id)
        return organization_of(self._rows.one(locked(query, lock=lock), "organization"))

    def find_by_slug(self, slug: str) -> Organization | None:
        row = self._rows.find(select(organizations).where(organizations.c.slug == slug))
        return organization_of(row) if row else None

    def save(self, organization: Organization) -> None:
        change = organizations.update().where(organizations.c.id == organization.id).values(_values(organization))
        if self._rows.connection.execute(change).rowcount == 0:
            raise NotFound("there is no such organization")

    def all(self) -> list[Organization]:
        return [organization_of(row) for row in self._rows.all(select(organizations).order_by(organizations.c.slug))]


def _values(organization: Organization) -> Values:
    return {
        "id": organization.id,
        "name": organization.name,
        "slug": organization.slug,
        "created_at": organization.created_at,
        "allow_org_id": organization.allow_org_id,
        "confirm_name_matches": organization.confirm_name_matches,
        "rate_limit": organization.rate_limit,
    }
