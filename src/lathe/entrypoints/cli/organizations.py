"""``lathe org``: organizations."""

from __future__ import annotations

import click

from lathe.application import organizations
from lathe.domain.organization import Organization
from lathe.entrypoints.cli.output import Row, json_option, show, show_table
from lathe.entrypoints.cli.parameters import opened


@click.group("org")
def command() -> None:
    """Create and list organizations."""


@command.command("create")
@click.argument("name")
@click.option("--allow-org-id", is_flag=True, help="Let the organization's bare id authenticate webhooks.")
@json_option
def create(name: str, allow_org_id: bool, as_json: bool) -> None:
    """Create an organization and print its id.

    \b
    Example:
      lathe org create "Acme"
    """
    with opened() as at:
        made = organizations.create(at.store, at.ids, name, allow_org_id=allow_org_id)
    show(
        _row(made), [f"Created organization {made.name}", f"  id    {made.id}", f"  slug  {made.slug}"], as_json=as_json
    )


@command.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List all organizations.

    \b
    Example:
      lathe org list --json
    """
    with opened() as at:
        rows = [_row(organization) for organization in organizations.listed(at.store)]
    show_table(rows, ("id", "slug", "name", "allow_org_id", "created_at"), as_json=as_json, empty="No organization yet")


def _row(organization: Organization) -> Row:
    return {
        "id": organization.id,
        "slug": organization.slug,
        "name": organization.name,
        "allow_org_id": organization.allow_org_id,
        "created_at": organization.created_at,
    }
