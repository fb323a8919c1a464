"""``lathe key``: API keys, shown once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import click

from lathe.application import keys, organizations
from lathe.application.caller import command_caller
from lathe.domain.api_key import DEFAULT_RATE_LIMIT, ApiKey, Scope
from lathe.entrypoints.cli.output import json_option, show, show_table
from lathe.entrypoints.cli.parameters import (
    Expiry,
    RateLimit,
    any_org_option,
    chosen_organizations,
    find_named,
    instant,
    limit_of,
    opened,
    org_option,
)
from lathe.entrypoints.compose import Workbench

_COLUMNS = ("id", "prefix", "name", "scopes", "rate_limit", "expires_at", "last_used_at", "requests", "state")


@click.group("key")
def command() -> None:
    """Create, list, change and revoke API keys."""


@command.command("create")
@click.argument("name")
@org_option
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    default=[Scope.BUILDS_CREATE.value],
    show_default=True,
    help="What it may do; repeatable.",
)
@click.option("--expires", type=Expiry(), help="When it ends: 90d, 12h, 2w, or a date. Never without this.")
@click.option(
    "--rate-limit", type=RateLimit(), default=DEFAULT_RATE_LIMIT, show_default=True, help="Requests in any minute."
)
@json_option
def create(
    *,
    name: str,
    org: str,
    scopes: tuple[str, ...],
    expires: timedelta | datetime | None,
    rate_limit: int | str,
    as_json: bool,
) -> None:
    """Create a key and print it. It is shown this once and kept nowhere.

    \b
    Example:
      lathe key create "Bitbucket pipelines" --org acme --expires 90d
    """
    with opened() as at:
        caller = command_caller(organizations.find(at.store, org).id)
        key, text = keys.create(
            at.store,
            at.ids,
            caller,
            name,
            [Scope(scope) for scope in scopes],
            expires_at=instant(at, expires),
            rate_limit=limit_of(rate_limit),
        )
        data = _row(at, key)
    show({**data, "key": text}, [f"Created key {key.name}. It is shown only now:", text], as_json=as_json)


@command.command("list")
@any_org_option
@json_option
def list_(org: str | None, as_json: bool) -> None:
    """List keys, newest first, with the revoked and expired ones.

    \b
    Example:
      lathe key list --org acme
    """
    with opened() as at:
        rows = [_row(at, key) for key in _all(at, org)]
    show_table(rows, _COLUMNS, as_json=as_json, empty="No key yet")


@command.command("update")
@click.argument("key")
@any_org_option
@click.option("--name", help="A new name.")
@click.option("--rate-limit", type=RateLimit(), help="A new limit: requests in any minute.")
@json_option
def update(key: str, org: str | None, name: str | None, rate_limit: int | str | None, as_json: bool) -> None:
    """Rename a key or change its limit; KEY is its id or its first 12 characters.

    \b
    Example:
      lathe key update pt_live_aB3x --rate-limit 600
    """
    if name is None and rate_limit is None:
        raise click.UsageError("nothing to change: give --name or --rate-limit")
    with opened() as at:
        found = _find(at, key, org)
        limited = keys.UNCHANGED if rate_limit is None else limit_of(rate_limit)
        caller = command_caller(found.organization_id)
        changed = keys.change(at.store, caller, found.id, name=name, rate_limit=limited)
        data = _row(at, changed)
    limit = "no limit" if changed.rate_limit is None else f"{changed.rate_limit} requests in any minute"
    show(data, [f"Key {changed.shown}… is called {changed.name} now, with {limit}"], as_json=as_json)


@command.command("revoke")
@click.argument("key")
@any_org_option
@json_option
def revoke(key: str, org: str | None, as_json: bool) -> None:
    """Revoke a key; KEY is its id or its first 12 characters. No request with it is admitted any more.

    \b
    Example:
      lathe key revoke pt_live_aB3x --org acme
    """
    with opened() as at:
        found = _find(at, key, org)
        revoked = keys.revoke(at.store, command_caller(found.organization_id), found.id)
        data = _row(at, revoked)
    show(data, [f"Revoked key {revoked.shown}… ({revoked.name})"], as_json=as_json)


def _find(at: Workbench, name: str, org: str | None) -> ApiKey:
    return find_named("key", name, _all(at, org), lambda key: (str(key.id), key.shown))


def _all(at: Workbench, org: str | None) -> list[ApiKey]:
    return [key for one in chosen_organizations(at.store, org) for key in keys.listed(at.store, one.id)]


def _row(at: Workbench, key: ApiKey) -> dict[str, Any]:
    now = at.store.read(lambda tx: tx.now())
    state = "revoked" if key.revoked_at else "live" if key.usable(now) else "expired"
    return {
        "id": key.id,
        "organization_id": key.organization_id,
        "name": key.name,
        "prefix": key.shown,
        "scopes": sorted(scope.value for scope in key.scopes),
        "rate_limit": key.rate_limit,
        "expires_at": key.expires_at,
        "state": state,
        "requests": key.requests,
        "refused": key.refused,
        "last_used_at": key.last_used_at,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "revoked_at": key.revoked_at,
    }
