"""The credentials of a batch, locked, each with its window and its organization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from attrs import define, field
from sqlalchemy import and_, select

from lathe.adapters.sql.hooks import hook_without_use
from lathe.adapters.sql.keys import key_without_use
from lathe.adapters.sql.organizations import organization_of
from lathe.adapters.sql.prepared import Prepared
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
        for (key, organization), *windows in rows.given(_KEYS, {"wanted": listed({"hash": h.hex()} for h in hashes)}):
            found.keys[key.hash] = key, unpack(windows[0])
            found.organizations[organization.id] = organization, unpack(windows[1])
    if hook_ids := {one.hook_id for one in presented if one.hook_id is not None}:
        for (hook, organization), *windows in rows.given(_HOOKS, {"wanted": listed({"id": one} for one in hook_ids)}):
            found.hooks[hook.id] = hook, unpack(windows[0])
            found.organizations[organization.id] = organization, unpack(windows[1])
    if bare := {one.organization_id for one in presented if one.organization_id is not None}:
        for organization, window in rows.given(_ORGANIZATIONS, {"wanted": listed({"id": one} for one in bare)}):
            found.organizations[organization.id] = organization, unpack(window)
    return found


def _with_owner(of: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda row: (of(row), organization_of(Part(row, "owner_")))


def _with_window(wanted: Any, table: Any, column: str, of: Callable[[Any], Any]) -> Prepared:
    """Return the query for keys or hooks with their organizations and the windows of both.

    It begins with what is wanted: see `SESSION` on plans. The organization is not locked: nothing is spent from its
    window unless its bare id is presented too.
    """
    own = and_(usage.c.organization_id == table.c.organization_id, usage.c.id == table.c.id)
    joined = (
        wanted.join(table, table.c[column] == wanted.c[column])
        .join(usage, own)
        .join(organizations, organizations.c.id == table.c.organization_id)
        .join(_owners, and_(_owners.c.organization_id == organizations.c.id, _owners.c.id == organizations.c.id))
    )
    windows = [usage.c.window, _owners.c.window.label("owner_window")]
    columns = [*table.c, *prefixed("owner_", organizations), *windows]
    query = select(*columns).select_from(joined).order_by(table.c.id)
    return Prepared(locked(query, table, usage), _with_owner(of), varying=2)


_owners: Final = usage.alias("owners")

_hashes: Final = given("wanted", {"hash": Digest()})
_KEYS: Final = _with_window(_hashes, api_keys, "hash", key_without_use)

_ids: Final = given("wanted", {"id": Id})
_HOOKS: Final = _with_window(_ids, hooks, "id", hook_without_use)

_ORGANIZATIONS: Final = Prepared(
    locked(
        select(*organizations.c, usage.c.window)
        .select_from(
            _ids.join(organizations, organizations.c.id == _ids.c.id).join(
                usage, and_(usage.c.organization_id == organizations.c.id, usage.c.id == organizations.c.id)
            )
        )
        .order_by(organizations.c.id),
        organizations,
        usage,
    ),
    organization_of,
    varying=1,
)
