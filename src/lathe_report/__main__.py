"""The command line of the reporter alone."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Callable, Sequence, TextIO

from lathe_report import __version__
from lathe_report.command import ABOUT, FLAGS, MAX_TIME, SECONDS, Streams, Wish, run
from lathe_report.report import FIELDS, Failure, Misuse
from lathe_report.sending import real_waits

EXAMPLE = """example:
  LATHE_URL=https://lathe.example.com LATHE_API_KEY=… lathe-report --allow-failure"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Report the build of this job; return the status to end with."""
    given = vars(_parser().parse_args(arguments))
    fields = {name: value for name, value in given.items() if name in FIELDS and value is not None}
    wish = Wish(fields, given["dry_run"], given["allow_failure"], given["json"], given["max_time"])
    streams = _streams()
    try:
        run(wish, os.environ, streams, real_waits())
    except Failure as failure:
        streams.err(f"lathe-report: {failure}")
        return 2 if isinstance(failure, Misuse) else 1
    except KeyboardInterrupt:
        streams.err("lathe-report: interrupted")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lathe-report",
        description=ABOUT,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    for name, about in FIELDS.items():
        parser.add_argument("--" + name.replace("_", "-"), help=about)
    for name, about in FLAGS.items():
        parser.add_argument("--" + name.replace("_", "-"), action="store_true", help=about)
    parser.add_argument("--max-time", type=float, default=SECONDS, metavar="SECONDS", help=MAX_TIME)
    parser.add_argument("--json", action="store_true", help="Print JSON.")
    return parser


def _streams() -> Streams:
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")  # a locale without the letters must not fail a pipeline
    return Streams(_writer(sys.stdout), _writer(sys.stderr))


def _writer(stream: TextIO) -> Callable[[str], None]:
    def write(line: str) -> None:
        stream.write(line + "\n")
        stream.flush()

    return write


if __name__ == "__main__":
    sys.exit(main())
