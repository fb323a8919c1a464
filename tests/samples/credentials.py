"""Samples of API keys, hooks and their windows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from attrs import evolve

from lathe.domain.api_key import ApiKey, Scope
from lathe.domain.hook import Hook, Provider
from lathe.domain.rate_limit import Window
from tests.samples.basics import LATER, NOW, digest, new_id


def key(organization_id: UUID, **changes: Any) -> ApiKey:
    """A new one, with every field that a new one can have."""
    return evolve(
        ApiKey(
            organization_id=organization_id,
            id=new_id(),
            name="CI of Pay API",
            hash=digest(),
            shown="pt_live_8Zk3",
            scopes=frozenset({Scope.BUILDS_READ, Scope.BUILDS_CREATE}),
            rate_limit=60,
            expires_at=LATER,
            created_at=NOW,
            created_by="Ada",
        ),
        **changes,
    )


def bare_key(organization_id: UUID, **changes: Any) -> ApiKey:
    return key(organization_id, **{"rate_limit": None, "expires_at": None, "scopes": frozenset(Scope)} | changes)


def hook(organization_id: UUID, **changes: Any) -> Hook:
    """One whose secret was rotated."""
    return evolve(
        Hook(
            organization_id=organization_id,
            id=new_id(),
            provider=Provider.BITBUCKET,
            secret=b"\x00sealed\xff",
            created_at=NOW,
            created_by="Ada",
            previous_secret=b"\x01sealed before\xfe",
            previous_until=LATER,
        ),
        **changes,
    )


def bare_hook(organization_id: UUID, **changes: Any) -> Hook:
    return hook(organization_id, **{"previous_secret": None, "previous_until": None} | changes)


def window(*instants: int) -> Window:
    return Window(instants, (1,) * len(instants))
