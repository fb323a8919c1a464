"""``lathe user``: people, and the one-time links that let them in."""

from __future__ import annotations

import click

from lathe.application import login, members, organizations
from lathe.application.caller import command_caller
from lathe.domain.organization import Role
from lathe.domain.session import LinkPurpose
from lathe.entrypoints.cli.output import json_option, show
from lathe.entrypoints.cli.parameters import opened, org_option, public_address

_ONCE = "It works once, for 24 hours."


@click.group("user")
def command() -> None:
    """Invite people, and let them set a new password."""


@command.command("create")
@click.argument("email")
@org_option
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What the person may do.")
@json_option
def create(email: str, org: str, role: str, as_json: bool) -> None:
    """Invite a person and print the one-time link to hand over.

    A new account's link sets its password. The link for an account that exists lets its owner join, and never sets a
    password.

    \b
    Example:
      lathe user create mira@example.com --org acme --role tester
    """
    with opened() as at:
        organization = organizations.find(at.store, org)
        invited = members.invite(at.store, at.ids, command_caller(organization.id), email, Role(role))
        user, purpose = invited.user, invited.purpose
        link = f"{public_address(at)}/{purpose.value}/{invited.token}"
    what = "set a password" if purpose is LinkPurpose.PASSWORD else f"join {organization.name} after logging in"
    data = {
        "id": user.id,
        "email": user.email,
        "organization_id": organization.id,
        "role": role,
        "purpose": purpose,
        "link": link,
    }
    show(data, [f"{user.email} opens this link to {what}. {_ONCE}", link], as_json=as_json)


@command.command("reset")
@click.argument("email")
@json_option
def reset(email: str, as_json: bool) -> None:
    """Print a one-time link that sets the password of an account.

    \b
    Example:
      lathe user reset mira@example.com
    """
    with opened() as at:
        token = login.reset_link(at.store, at.ids, email)
        link = f"{public_address(at)}/{LinkPurpose.PASSWORD.value}/{token}"
    show(
        {"email": email.strip().lower(), "purpose": LinkPurpose.PASSWORD, "link": link},
        [f"{email} opens this link to set a new password. {_ONCE}", link],
        as_json=as_json,
    )
