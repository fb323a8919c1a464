"""``lathe migrate``: the schema up to date."""

from __future__ import annotations

import os

import click

from lathe.entrypoints.cli.output import json_option, show
from lathe.entrypoints.compose import database_name, load_settings, prepare


@click.command("migrate")
@json_option
def command(as_json: bool) -> None:
    """Bring the database up to date.

    Makes it if it is not there. `lathe serve` does this by itself.

    \b
    Example:
      LATHE_DATABASE_URL=sqlite:////var/lib/lathe/lathe.db lathe migrate
    """
    settings = load_settings(os.environ)
    prepare(settings)
    name = database_name(settings)
    show({"database": name, "current": True}, [f"The database {name} is up to date"], as_json=as_json)
