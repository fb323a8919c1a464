"""The body of a report: made of what the CI tells and what the caller adds, within the limits of the server."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Mapping, NamedTuple

from lathe_report.ci import Environ, attempt, found

FIELDS = {
    "name": "What testers read; the CI's own words without this.",
    "status": "How the build ended: successful, failed, stopped, or the CI's word for it.",
    "build_number": "Its number.",
    "run_id": "What identifies the run where the number does not.",
    "commit_sha": "The commit that was built.",
    "branch": "The branch that was built.",
    "tag": "The tag that was built.",
    "repo_url": "The repository, in any form that git takes.",
    "url": "The page of the build at the CI.",
    "author": "Who made the change.",
    "source": "The CI system, in one word of small letters.",
    "project_id": "The project; nothing is matched then.",
    "release_id": "The release; nothing is matched then.",
}
"""The fields of a report, and what each is."""

STATUSES = {
    "successful": ("successful", "success", "succeeded", "succeededwithissues", "passed"),
    "failed": ("failed", "failure", "fail", "unstable", "error", "timed_out"),
    "stopped": ("stopped", "canceled", "cancelled", "canceling", "aborted", "skipped", "not_built", "notbuilt"),
}
"""The results that the server knows, each with the words that CI systems have for it."""

_LONGEST = {"commit_sha": 64, "repo_url": 2048, "url": 2048}
_LONGEST_TEXT = 255
_CUT = ("name", "author")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_USERINFO = re.compile(r"(:(?:\\?/){2})[^\s/?#\"<>\\]*@")
_LINK = re.compile(r"https?://[^/?#\s\\][^\s\\]*", re.IGNORECASE)


class Failure(Exception):
    """Why nothing came of it, in one line."""


class Misuse(Failure):
    """What the program was given is wrong: nothing was tried."""


class Report(NamedTuple):
    """What is sent. ``key`` is the same whenever the same is said of the same try of a run.

    Where no CI tells of one, each run of the reporter is one: two nightly builds may differ in nothing that is said.
    """

    body: bytes
    key: str
    summary: str

    @property
    def text(self) -> str:
        """The body as people read it."""
        return as_json(json.loads(self.body.decode()))


def made(environ: Environ, given: Mapping[str, str], here: str = "") -> Report:
    """Return the report of this job; ``given`` fields replace what the CI tells. Raises Failure.

    ``here`` tells this run of the reporter from others, for where no CI tells one try from another.
    """
    ci = found(environ)
    told = {"source": ci.source, **ci.read(environ), "status": ci.status(environ)} if ci else {"source": "api"}
    given = {name: value for name, value in given.items() if value.strip()}
    facts = _cleaned({**told, **given})
    # Only one of them was built. Whoever names one need not silence the other.
    for one, other in (("branch", "tag"), ("tag", "branch")):
        if given.get(one) and not given.get(other):
            facts.pop(other, None)
    facts["status"] = _status(facts.get("status", "successful"))
    if not facts.get("name"):
        raise Misuse("this is no CI that is known: say what was built with --name, --repo-url and --branch")
    fields = {name: facts[name] for name in FIELDS if facts.get(name)}
    body = json.dumps(fields).encode()
    tried = attempt(ci, environ) if ci else here
    key = "report-" + hashlib.sha256(body + b"\n" + tried.encode("utf-8", "replace")).hexdigest()
    return Report(body, key, _summary(ci.name if ci else "Build", fields))


def without_userinfo(text: str) -> str:
    """Return a text without what stands before ``@`` in the addresses in it: CI systems put tokens there."""
    return _USERINFO.sub(r"\1", text)


def as_json(value: Any) -> str:
    """Return JSON as it is printed. No CI finds a command to itself in it, see `no_command`."""
    return json.dumps(value, indent=2, ensure_ascii=False).replace("##", "#\\u0023")


def no_command(text: str) -> str:
    """Return a text that no CI takes for a command to itself: some do wherever in a line ``##`` begins one."""
    return re.sub("#(?=#)", "# ", text)


def one_line(text: str) -> str:
    """Return a text that can be printed in one line of a log."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).strip()


def _cleaned(facts: Mapping[str, str]) -> dict[str, str]:
    """Return the facts that the server will keep.

    A name that is too long is cut. Half a branch is another branch, so anything else that is too long is left out.
    """
    kept = {}
    for name, value in facts.items():
        clean = without_userinfo(one_line(value))
        longest = _LONGEST.get(name, _LONGEST_TEXT)
        if len(clean) > longest:
            clean = clean[: longest - 1] + "…" if name in _CUT else ""
        if name == "run_id" and not clean and value:  # it need only be the same each time
            clean = hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
        if name == "url" and not _LINK.fullmatch(clean):
            clean = ""
        kept[name] = clean
    return kept


def _status(word: str) -> str:
    if word.isdigit():  # a step's exit status
        return "failed" if int(word) else "successful"
    for status, words in STATUSES.items():
        if (word.lower() or "successful") in words:
            return status
    raise Misuse(f"{word!r} is no result of a build: say successful, failed or stopped")


def _summary(ci: str, fields: Mapping[str, str]) -> str:
    where = fields.get("branch") or fields.get("tag")
    parts = [fields["name"], fields["status"], f"on {where}" if where else "", fields.get("repo_url", "")]
    return f"{ci}: " + ", ".join(part for part in parts if part)
