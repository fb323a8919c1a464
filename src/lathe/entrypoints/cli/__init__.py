"""The command line: one module for each group of commands."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final, NoReturn

import click

from lathe.domain.errors import Invalid, LatheError
from lathe.entrypoints.logs import configure_logs
from lathe.entrypoints.settings import BadSettings, LogFormat

FAILED: Final = 1
WRONG_USAGE: Final = 2


class _Commands(click.Group):
    """Loads the module of a command when it is asked for: no command waits for what only others need."""

    modules: Final = {
        "serve": "serve",
        "demo": "demo",
        "migrate": "migrate",
        "org": "organizations",
        "user": "users",
        "project": "projects",
        "release": "releases",
        "key": "keys",
        "hook": "hooks",
        "report": "report",
        "send": "send",
        "replay": "replay",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in self.modules:
            return None
        module = importlib.import_module(f"lathe.entrypoints.cli.{self.modules[cmd_name]}")
        command: click.Command = module.command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("lathe-studio"), prog_name="lathe", message="%(prog)s %(version)s")
def commands() -> None:
    """Lathe Studio files every finished CI build under the release it belongs to.

    \b
    A first look:     lathe demo
    The real thing:   lathe serve
    \b
    Settings:         LATHE_DATABASE_URL, LATHE_BASE_URL, LATHE_SECRET_KEY_FILE,
                      LATHE_TRUSTED_PROXIES, LATHE_LOG_FORMAT in the environment
    Exit status:      0 done, 1 failed, 2 wrong usage or settings
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit status. What can be expected to go wrong is one line each."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a locale without the letters must not stop a command
    configure_logs(LogFormat.CONSOLE, logging.CRITICAL)  # commands speak for themselves; those that serve set their own
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has had enough. Python would complain once more while it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FAILED
    sys.exit(status)


def _run(arguments: Sequence[str] | None) -> int:
    # Not commands.main(): it answers Ctrl-C with an empty line.
    try:
        given = _readable(sys.argv[1:] if arguments is None else arguments)
        with commands.make_context("lathe", given) as context:
            commands.invoke(context)
    except click.exceptions.Exit as left:
        return left.exit_code
    except click.exceptions.NoArgsIsHelpError as fault:
        click.echo(fault.format_message(), err=True)
        return WRONG_USAGE
    except BrokenPipeError:
        raise
    except (click.ClickException, BadSettings, LatheError, OSError, KeyboardInterrupt) as fault:
        status, sentences = _explained(fault)
        for sentence in sentences:
            click.echo(f"lathe: {' '.join(sentence.split())}", err=True)
        return status
    return 0


def _readable(arguments: Sequence[str]) -> list[str]:
    """Return the arguments. Raises UsageError for one of bytes that are no text: Python hands those on as surrogates.

    No database keeps them, and no command takes them.
    """
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"the argument {argument!r} holds bytes that are no text in UTF-8") from None
    return list(arguments)


def _explained(fault: BaseException) -> tuple[int, tuple[str, ...]]:
    """Return the exit status for an expected fault, and what to say about it."""
    match fault:
        case click.UsageError():
            hint = f" (see {fault.ctx.command_path} --help)" if fault.ctx else ""
            return WRONG_USAGE, (fault.format_message() + hint,)
        case click.ClickException():
            return fault.exit_code, (fault.format_message(),)
        case BadSettings():
            return WRONG_USAGE, fault.faults
        case Invalid():
            return WRONG_USAGE, (fault.detail,)
        case LatheError():
            return FAILED, (fault.detail,)
        case OSError(filename=str() as file):
            return FAILED, (f"{file}: {fault.strerror}",)
        case KeyboardInterrupt():
            return FAILED, ("interrupted",)
        case _:
            return FAILED, (str(fault),)
