"""``lathe demo``: a sample organization at work, in a temporary folder."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Final, NoReturn

import click
from click.core import ParameterSource

from lathe.adapters.clock import SystemClock
from lathe.entrypoints import server
from lathe.entrypoints.background import serving
from lathe.entrypoints.compose import compose, prepare
from lathe.entrypoints.logs import configure_logs
from lathe.entrypoints.sample import SampleDelivery, make_sample, sample_deliveries
from lathe.entrypoints.sample_client import Answer, SampleClient
from lathe.entrypoints.settings import LogFormat, read_settings

HOST: Final = "127.0.0.1"
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command("demo")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="On 127.0.0.1.")
@click.option("--once", is_flag=True, help="Check that everything went as it should, and stop.")
@click.pass_context
def command(ctx: click.Context, port: int, once: bool) -> None:
    """Show Lathe at work, with sample builds.

    Serves a fresh sample organization, sends it builds as Bitbucket would, and prints a link that is logged in.

    Nothing is kept: the database lies in a temporary folder. LATHE_DATABASE_URL and the like have no effect here.

    \b
    Example:
      lathe demo --port 8080
    """
    configure_logs(LogFormat.CONSOLE, logging.WARNING)
    listener = _listen(port, chosen=ctx.get_parameter_source("port") is not ParameterSource.DEFAULT)
    with _until_stopped(), tempfile.TemporaryDirectory(prefix="lathe-demo-") as folder, listener:
        wrong = _run(listener, Path(folder), once=once)
        if wrong:
            raise click.ClickException("; ".join(wrong))


def _run(listener: socket.socket, folder: Path, *, once: bool) -> list[str]:
    """Serve, send and show, until stopped or ``once``; return what was not as it should be."""
    address = server.address_of(listener)
    settings = read_settings({"LATHE_DATABASE_URL": f"sqlite:///{folder / 'lathe.db'}", "LATHE_BASE_URL": address})
    prepare(settings)
    parts = compose(settings)
    sample = make_sample(parts.store, parts.ids, parts.box)
    link = f"{address}/login/{sample.login_token}"
    with serving(parts, listener):
        client = SampleClient(address, sample)
        client.wait_until_ready()
        deliveries = sample_deliveries(SystemClock().now())
        click.echo(f"Sending {len(deliveries)} deliveries to {address}, as Bitbucket would:\n")
        answers = [_send(client, delivery) for delivery in deliveries]
        click.echo(f"\nThe Releases page, logged in:\n\n  {link}\n")
        if not once:
            click.echo("Press Ctrl-C to stop; nothing is kept.")
            Event().wait()
        wrong = [fault for sent, got in zip(deliveries, answers, strict=True) for fault in got.faults(sent)]
        wrong += client.faults_of_page(link, answers)
        if not wrong:
            click.echo("Every answer was as expected, and the link opens the Releases page with these builds.")
    return wrong


def _send(client: SampleClient, delivery: SampleDelivery) -> Answer:
    """Send one delivery and print a line about it."""
    answer = client.send(delivery)
    by = "hook" if delivery.signed else "key"
    click.echo(
        f"  {by:4}  {delivery.event.removeprefix('repo:'):21}  {delivery.repository:20}  {delivery.branch:11}"
        f"  {answer.status} {answer.body.get('status', ''):9}  {answer.said}"
    )
    return answer


def _listen(port: int, *, chosen: bool) -> socket.socket:
    """Return a listening socket: the port that was chosen and no other, or else a free one if the usual is taken."""
    try:
        return server.listen(HOST, port)
    except OSError as fault:
        if chosen or fault.errno != errno.EADDRINUSE:
            raise click.ClickException(server.why_not(fault, HOST, port)) from None
    click.echo(f"Port {port} is taken by another program; using a free one.")
    return server.listen(HOST, 0)


@contextmanager
def _until_stopped() -> Iterator[None]:
    """Let Ctrl-C and its like end the block, once: whoever presses twice must not interrupt the clearing up."""

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, leave) for number in _ENDING}
    try:
        yield
    except KeyboardInterrupt:
        click.echo("\nStopped; nothing was kept.")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
