"""``lathe serve``: migrates, then serves."""

from __future__ import annotations

import os
import socket

import click
import structlog

from lathe.application import login
from lathe.domain.errors import Conflict
from lathe.entrypoints import server
from lathe.entrypoints.compose import database_name, load_settings, prepare, workbench
from lathe.entrypoints.logs import configure_logs
from lathe.entrypoints.settings import Settings, is_loopback

_log = structlog.get_logger("lathe.serve")


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes; PostgreSQL only.")
def command(host: str, port: int, workers: int) -> None:
    """Serve pages and API.

    The database is made if it is not there, and migrated first.

    While nobody is set up, every start prints a link to set up the first organization and its admin.

    \b
    Examples:
      lathe serve
      LATHE_DATABASE_URL=postgresql://lathe@db/lathe LATHE_SECRET_KEY_FILE=/etc/lathe.key lathe serve --workers 4
    """
    settings = load_settings(os.environ)
    if workers > 1 and settings.database_file is not None:
        raise click.UsageError(
            "SQLite is written by one process at a time, so one process serves it: "
            "leave out --workers, or choose PostgreSQL with LATHE_DATABASE_URL=postgresql://…"
        )
    configure_logs(settings.log_format)
    prepare(settings)
    listener = _listen(host, port)
    # Not before: what keeps the server from starting is said in one line.
    for warning in settings.warnings:
        _log.warning(warning)
    if settings.base_url is None and not is_loopback(host):
        _log.warning("LATHE_BASE_URL is not set: links lead to this machine only, and cookies are not tied to https")
    address = settings.base_url or server.address_of(listener)
    _print_setup_link(settings, address)
    _log.info("serving", address=server.address_of(listener), database=database_name(settings), workers=workers)
    server.run(listener, workers=workers)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return server.listen(host, port)
    except OSError as fault:
        raise click.ClickException(server.why_not(fault, host, port)) from None


def _print_setup_link(settings: Settings, address: str) -> None:
    """Print the way in for the first person. Beside the log, where secrets have no place."""
    with workbench(settings) as at:
        if not login.needs_setup(at.store):
            return
        try:
            token = login.setup_link(at.store, at.ids)
        except Conflict:  # somebody finished setting up just now
            return
    click.echo(f"Nobody is set up yet. Open this link to begin; it works once, for 24 hours:\n{address}/setup/{token}")
