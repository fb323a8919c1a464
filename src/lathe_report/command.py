"""The program: what it is asked, what it sends, and what it says."""

from __future__ import annotations

import json
import re
from math import inf
from typing import Any, Callable, Mapping, NamedTuple
from urllib.parse import urlsplit
from urllib.request import Request

from lathe_report import __version__
from lathe_report.ci import Environ
from lathe_report.report import Failure, Misuse, Report, as_json, made, no_command, one_line
from lathe_report.sending import Answer, Waits, delivered

PATH = "/api/v1/builds"
SECONDS = 150.0
"""How long it tries, in all, unless somebody chooses otherwise: twice the window of a rate limit, and some."""

OUTCOMES = ("created", "queued", "duplicate", "ignored")
"""What the server can make of a build. Another word is another server's: many answer anything with some status."""

_KEY = re.compile("pt_live_[0-9A-Za-z]{32,64}")

ABOUT = """Report the build of this CI job to Lathe.

Knows Bitbucket Pipelines, GitHub Actions, GitLab CI, Jenkins, CircleCI and Azure Pipelines by their variables.
LATHE_URL and LATHE_API_KEY in the environment name the server and a key that may create builds."""

FLAGS = {
    "dry_run": "Print what would be sent, and send nothing.",
    "allow_failure": "End with status 0 whatever becomes of it, so that the pipeline goes on.",
}
"""What is chosen by an option without a value."""

MAX_TIME = "How many seconds to try, in all."


class Wish(NamedTuple):
    """What the program is asked: fields in place of what the CI tells, and how to go about it."""

    fields: Mapping[str, str]
    dry_run: bool = False
    allow_failure: bool = False
    as_json: bool = False
    max_time: float = SECONDS


class Streams(NamedTuple):
    """Where a line of the result goes, and one about what happens meanwhile."""

    out: Callable[[str], None]
    err: Callable[[str], None]


def run(wish: Wish, environ: Environ, streams: Streams, waits: Waits) -> None:
    """Report the build. Raises Failure, unless that is allowed."""
    key = environ.get("LATHE_API_KEY", "").strip()

    def hidden(line: str) -> str:
        return no_command(line.replace(key, "…") if len(key) > 7 else line)

    quiet = Streams(lambda line: streams.out(hidden(line)), lambda line: streams.err(hidden(line)))
    try:
        _run(wish, environ, key, quiet, waits)
    except Failure as failure:
        if not wish.allow_failure:
            raise type(failure)(hidden(str(failure))) from None
        quiet.err(f"Not reported, and the pipeline goes on: {failure}")


def _run(wish: Wish, environ: Environ, key: str, streams: Streams, waits: Waits) -> None:
    if not 0 <= wish.max_time < inf:  # what is no number is not within any bounds
        raise Misuse("--max-time takes a number of seconds")
    report = made(environ, wish.fields, repr(waits.chance()))
    if wish.dry_run:
        streams.err(f"{report.summary}\nThis would be sent; nothing was:")
        streams.out(report.text)
        return
    request = _request(report, server_address(environ), _checked_key(key))
    streams.err(report.summary)
    answer = delivered(request, wish.max_time, waits, streams.err)
    outcome = told(answer)
    streams.out(as_json(outcome) if wish.as_json else in_words(outcome))


def _request(report: Report, server: str, key: str) -> Request:
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Idempotency-Key": report.key,
        "User-Agent": f"lathe-report/{__version__}",
    }
    return Request(server + PATH, report.body, headers, method="POST")  # noqa: S310 - server_address() lets http(s) through only


def server_address(environ: Environ) -> str:
    """Return the address that is reported to. Raises Misuse; a password in it is not repeated."""
    url = environ.get("LATHE_URL", "").strip().rstrip("/")
    if not url:
        raise Misuse("LATHE_URL is not set: it is the address of the server, such as https://lathe.example.com")
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise Misuse("LATHE_URL is no address: it looks like https://lathe.example.com") from None
    if parts.scheme not in ("http", "https") or not named:
        raise Misuse("LATHE_URL must begin with https:// or http://, and a host: https://lathe.example.com")
    if "@" in parts.netloc or parts.query or parts.fragment or url != one_line(url) or " " in url:
        raise Misuse("LATHE_URL is the server's address alone, without user, password, blanks, ? or #")
    return url


def _checked_key(key: str) -> str:
    """Return the key. Raises Misuse if it cannot be one; it is not repeated, since it may be another secret."""
    if not key:
        raise Misuse("LATHE_API_KEY is not set: make it a secret variable of the CI (forks see none)")
    if not _KEY.fullmatch(key):
        raise Misuse("LATHE_API_KEY holds no API key: those begin with pt_live_")
    return key


def told(answer: Answer) -> dict[str, Any]:
    """Return what the server made of a build. Raises Failure if it did not take it."""
    try:
        said = json.loads(answer.body.decode())
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict) and answer.status in (200, 201, 202) and said.get("status") in OUTCOMES:
        return said
    if answer.status in range(300, 400):
        raise Failure(f"LATHE_URL leads elsewhere{_target(answer)}: set it to where the server is")
    if not isinstance(said, dict) or not said.get("code"):
        raise Failure(f"{answer.status} is no answer of Lathe: is LATHE_URL the address of the server?")
    raise Failure(_refusal(answer.status, said))


def _target(answer: Answer) -> str:
    """Return where a redirection leads, without what could be a secret in it."""
    try:
        target = urlsplit(answer.headers.get("location", ""))
    except ValueError:
        return ""
    return " to " + one_line(f"{target.scheme}://{target.hostname}") if target.hostname else ""


def _refusal(status: int, problem: Mapping[str, Any]) -> str:
    if status == 401:
        return "the server does not know this LATHE_API_KEY: it may be revoked, expired, or of another server"
    if status == 403:
        return "this LATHE_API_KEY may not report builds: it lacks the scope builds:create"
    errors = problem.get("errors")
    faults = [f"{_at(one, 'pointer')} {_at(one, 'detail')}" for one in (errors if isinstance(errors, list) else ())]
    return one_line(f"the server refused the report ({status}): " + ("; ".join(faults) or str(problem.get("detail"))))


def in_words(outcome: Mapping[str, Any]) -> str:
    """Say in one line what became of the report. Without the right to read, a key is told no names."""
    status, build_id = outcome["status"], _at(outcome, "build", "id")
    reason = _at(outcome, "queue_entry", "reason") or outcome.get("reason")
    why = ": ".join(str(_at(reason, name)) for name in ("code", "detail") if _at(reason, name))
    if status == "created":
        names = [_at(outcome, "build", kind, "name") for kind in ("project", "release")]
        said = f"Filed under {names[0]} {names[1]}" if all(names) else f"Filed as build {build_id}"
    elif status == "queued":
        said = f"Waits in the Build Queue, {why}"
    elif status == "duplicate":
        said = f"Known already as build {build_id}" if build_id else "Known already, it waits in the Build Queue"
    else:
        said = f"Nothing to file, {why}"
    return one_line(said)


def _at(node: Any, *path: str) -> Any:
    """Return what lies at a path, None if nothing does: whose answer it really is, nobody knows."""
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return node
