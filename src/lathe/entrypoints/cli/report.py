"""``lathe report``: the reporter for inside a pipeline, which also runs without the rest of this program."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from lathe.entrypoints.cli.output import json_option, note
from lathe_report.command import FLAGS, MAX_TIME, SECONDS, Streams, Wish, run
from lathe_report.report import FIELDS, Failure, Misuse
from lathe_report.sending import real_waits

F = TypeVar("F", bound=Callable[..., Any])


def _options(command: F) -> F:
    """Add the options that the reporter has wherever it runs."""
    for name, about in reversed(FLAGS.items()):
        command = click.option("--" + name.replace("_", "-"), is_flag=True, help=about)(command)
    for name, about in reversed(FIELDS.items()):
        command = click.option("--" + name.replace("_", "-"), help=about)(command)
    return command


@click.command("report")
@_options
@click.option("--max-time", default=SECONDS, show_default=True, type=click.FloatRange(min=0), help=MAX_TIME)
@json_option
def command(*, dry_run: bool, allow_failure: bool, max_time: float, as_json: bool, **fields: str | None) -> None:
    """Report the build of this CI job to a server.

    Knows Bitbucket Pipelines, GitHub Actions, GitLab CI, Jenkins, CircleCI and Azure Pipelines by their variables.
    LATHE_URL and LATHE_API_KEY in the environment name the server and a key that may create builds.

    \b
    Example:
      LATHE_URL=https://lathe.example.com LATHE_API_KEY=… lathe report --allow-failure
    """
    given = {name: value for name, value in fields.items() if value is not None}
    wish = Wish(given, dry_run, allow_failure, as_json, max_time)
    try:
        run(wish, os.environ, Streams(click.echo, note), real_waits())
    except Misuse as misuse:
        raise click.UsageError(str(misuse)) from None
    except Failure as failure:
        raise click.ClickException(str(failure)) from None
