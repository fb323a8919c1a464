"""The credentials of a batch, locked, each with its window and its organization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from attrs import define, field
from sqlalchemy import Select, and_, select

from lathe.adapters.sql.hooks import hook_of
from lathe.adapters.sql.keys import key_of, with_usage
from lathe.adapters.sql.organizations import organization_of
from lathe.adapters.sql.rows import Part, Rows, locked, prefixed
from lathe.adapters.sql.schema import api_keys, hooks, organizations, usage
from lathe.adapters.sql.types import Digest, Id, given, listed
from lathe.application.intake import Presented
from lathe.domain.api_key import ApiKey
from lathe.domain.hook import Hook
from lathe.domain.organization import Organization
from lathe.domain.rate_limit import Window, unpack


@define
class Credentials:
    """What was presented and is there."""

    keys: dict[bytes, tuple[ApiKey, Window]] = field(factory=dict)
    hooks: dict[UUID, tuple[Hook, Window]] = field(factory=dict)
    organizations: dict[UUID, tuple[Organization, Window]] = field(factory=dict)

    def organization_of(self, presented: Presented) -> UUID | None:
        """Return the organization that a credential belongs to, None if there is no such credential."""
        if presented.key_hash is not None:
            return self.keys[presented.key_hash][0].organization_id if presented.key_hash in self.keys else None
        if presented.hook_id is not None:
            return self.hooks[presented.hook_id][0].organization_id if presented.hook_id in self.hooks else None
        return presented.organization_id if presented.organization_id in self.organizations else None


def load_credentials(rows: Rows, presented: Sequence[Presented]) -> Credentials:
    """Lock keys, then hooks, then organizations whose id alone was presented, each in the order of their ids."""
    found = Credentials()
    if hashes := {one.key_hash for one in presented if one.key_hash is not None}:
        for row in rows.all(_KEYS, {"hashes": listed({"hash": one} for one in hashes)}):
            found.keys[row.hash] = key_of(row), unpack(row.window)
            found.organizations[row.organization_id] = _organization(row)
    if hook_ids := {one.hook_id for one in presented if one.hook_id is not None}:
        for row in rows.all(_HOOKS, {"wanted": listed({"id": one} for one in hook_ids)}):
            found.hooks[row.id] = hook_of(row), unpack(row.window)
            found.organizations[row.organization_id] = _organization(row)
    if bare := {one.organization_id for one in presented if one.organization_id is not None}:
        for row in rows.all(_ORGANIZATIONS, {"wanted": listed({"id": one} for one in bare)}):
            found.organizations[row.id] = organization_of(row), unpack(row.window)
    return found


def _organization(row: Any) -> tuple[Organization, Window]:
    # Read beside the credential, not locked: nothing is spent from this window unless the bare id is presented too.
    return organization_of(Part(row, "of_")), unpack(row.of_window)


def _with_organization(query: Select[Any], table: Any) -> Select[Any]:
    own = usage.alias("organization_usage")
    return (
        query.add_columns(*prefixed("of_", organizations), own.c.window.label("of_window"))
        .join(organizations, organizations.c.id == table.c.organization_id)
        .join(own, and_(own.c.organization_id == organizations.c.id, own.c.id == organizations.c.id))
    )


_hashes: Final = given("hashes", {"hash": Digest()})
_KEYS: Final = locked(
    _with_organization(with_usage(api_keys), api_keys)
    .join(_hashes, api_keys.c.hash == _hashes.c.hash)
    .order_by(api_keys.c.id),
    api_keys,
    usage,
)

_wanted: Final = given("wanted", {"id": Id})
_HOOKS: Final = locked(
    _with_organization(with_usage(hooks), hooks).join(_wanted, hooks.c.id == _wanted.c.id).order_by(hooks.c.id),
    hooks,
    usage,
)

_ORGANIZATIONS: Final = locked(
    select(*organizations.c, usage.c.window)
    .join(usage, and_(usage.c.organization_id == organizations.c.id, usage.c.id == organizations.c.id))
    .join(_wanted, organizations.c.id == _wanted.c.id)
    .order_by(organizations.c.id),
    organizations,
    usage,
)
