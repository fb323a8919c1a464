"""``lathe hook``: signed webhook addresses, whose secrets are shown once."""

from __future__ import annotations

from typing import Any

import click

from lathe.application import hooks, organizations
from lathe.application.caller import command_caller
from lathe.domain.hook import Hook, Provider
from lathe.entrypoints.cli.output import json_option, show, show_table
from lathe.entrypoints.cli.parameters import (
    any_org_option,
    chosen_organizations,
    find_named,
    opened,
    org_option,
    public_address,
)
from lathe.entrypoints.compose import PROVIDERS, Workbench

_COLUMNS = ("id", "provider", "state", "last_delivery_at", "requests", "refused", "created_at", "created_by")


@click.group("hook")
def command() -> None:
    """Create, list, rotate and revoke webhook addresses."""


@command.command("create")
@click.argument("provider", type=click.Choice([provider.value for provider in PROVIDERS]))
@org_option
@json_option
def create(provider: str, org: str, as_json: bool) -> None:
    """Create a webhook address and print it with its secret, which is shown this once.

    \b
    Example:
      lathe hook create bitbucket --org acme
    """
    with opened() as at:
        caller = command_caller(organizations.find(at.store, org).id)
        hook, secret = hooks.create(at.store, at.ids, at.box, caller, Provider(provider))
        _show(at, hook, f"Created a hook for {provider}. Its secret is shown only now:", secret, as_json=as_json)


@command.command("list")
@any_org_option
@json_option
def list_(org: str | None, as_json: bool) -> None:
    """List hooks, newest first, with the revoked ones.

    \b
    Example:
      lathe hook list --org acme
    """
    with opened() as at:
        rows = [_row(hook) for hook in _all(at, org)]
    show_table(rows, _COLUMNS, as_json=as_json, empty="No hook yet")


@command.command("rotate")
@click.argument("hook")
@any_org_option
@json_option
def rotate(hook: str, org: str | None, as_json: bool) -> None:
    """Give a hook a new secret and print it; HOOK is its id. The old secret stays good for 24 hours.

    \b
    Example:
      lathe hook rotate 01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e
    """
    with opened() as at:
        found = _find(at, hook, org)
        rotated, secret = hooks.rotate(at.store, at.ids, at.box, command_caller(found.organization_id), found.id)
        said = "The new secret is shown only now; the old one stays good for 24 hours:"
        _show(at, rotated, said, secret, as_json=as_json)


@command.command("revoke")
@click.argument("hook")
@any_org_option
@json_option
def revoke(hook: str, org: str | None, as_json: bool) -> None:
    """Revoke a hook; HOOK is its id. Nothing sent to its address is taken any more.

    \b
    Example:
      lathe hook revoke 01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e
    """
    with opened() as at:
        found = _find(at, hook, org)
        revoked = hooks.revoke(at.store, command_caller(found.organization_id), found.id)
    show(_row(revoked), [f"Revoked hook {revoked.id}"], as_json=as_json)


def _show(at: Workbench, hook: Hook, said: str, secret: str, *, as_json: bool) -> None:
    address = f"{public_address(at)}/api/webhooks/{hook.provider.value}/{hook.id}"
    data = {**_row(hook), "address": address, "secret": secret}
    show(data, [said, f"  address  {address}", f"  secret   {secret}"], as_json=as_json)


def _find(at: Workbench, name: str, org: str | None) -> Hook:
    return find_named("hook", name, _all(at, org), lambda hook: (str(hook.id),))


def _all(at: Workbench, org: str | None) -> list[Hook]:
    return [hook for one in chosen_organizations(at.store, org) for hook in hooks.listed(at.store, one.id)]


def _row(hook: Hook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "organization_id": hook.organization_id,
        "provider": hook.provider,
        "state": "live" if hook.live() else "revoked",
        "requests": hook.requests,
        "refused": hook.refused,
        "last_delivery_at": hook.last_delivery_at,
        "previous_secret_until": hook.previous_until,
        "created_at": hook.created_at,
        "created_by": hook.created_by,
        "revoked_at": hook.revoked_at,
    }
