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
from lathe.adapters.sql.rows import Rows, locked
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
        for row in rows.given(_KEYS, {"wanted": listed({"hash": one.hex()} for one in hashes)}):
            found.keys[row[0].hash] = row[0], unpack(row[1])
    if hook_ids := {one.hook_id for one in presented if one.hook_id is not None}:
        for row in rows.given(_HOOKS, {"wanted": listed({"id": one} for one in hook_ids)}):
            found.hooks[row[0].id] = row[0], unpack(row[1])
    if bare := {one.organization_id for one in presented if one.organization_id is not None}:
        _keep_organizations(found, rows.given(_LOCKED_ORGANIZATIONS, {"wanted": listed({"id": one} for one in bare)}))
    owners = {key.organization_id for key, _ in found.keys.values()}
    owners |= {hook.organization_id for hook, _ in found.hooks.values()}
    if others := owners - found.organizations.keys():
        _keep_organizations(found, rows.given(_ORGANIZATIONS, {"wanted": listed({"id": one} for one in others)}))
    return found


def _keep_organizations(found: Credentials, rows: Sequence[Any]) -> None:
    for row in rows:
        found.organizations[row[0].id] = row[0], unpack(row[1])


def _with_window(wanted: Any, table: Any, column: str, of: Callable[[Any], Any]) -> Prepared:
    """Return the query for keys or hooks with their windows, beginning with what is wanted: see `SESSION` on plans."""
    own = and_(usage.c.organization_id == table.c.organization_id, usage.c.id == table.c.id)
    joined = wanted.join(table, table.c[column] == wanted.c[column]).join(usage, own)
    query = select(*table.c, usage.c.window).select_from(joined).order_by(table.c.id)
    return Prepared(locked(query, table, usage), of, varying=1)


_hashes: Final = given("wanted", {"hash": Digest()})
_KEYS: Final = _with_window(_hashes, api_keys, "hash", key_without_use)

_ids: Final = given("wanted", {"id": Id})
_HOOKS: Final = _with_window(_ids, hooks, "id", hook_without_use)

# Read beside a credential they are not locked: nothing is spent from their windows unless the bare id is presented too.
_organizations = (
    select(*organizations.c, usage.c.window)
    .select_from(
        _ids.join(organizations, organizations.c.id == _ids.c.id).join(
            usage, and_(usage.c.organization_id == organizations.c.id, usage.c.id == organizations.c.id)
        )
    )
    .order_by(organizations.c.id)
)
_ORGANIZATIONS: Final = Prepared(_organizations, organization_of, varying=1)
_LOCKED_ORGANIZATIONS: Final = Prepared(locked(_organizations, organizations, usage), organization_of, varying=1)
