"""Jinja, set up strictly: everything is escaped, and a name that is not there is an error."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from importlib.resources import files
from typing import Any, Final

from attrs import frozen
from jinja2 import Environment, PackageLoader, StrictUndefined

from lathe.adapters.ui import contexts, words
from lathe.adapters.ui.ci import marked
from lathe.adapters.ui.explaining import ANSWERS, DONE_TO_IT, OUTCOMES, explained, filed_by_rules
from lathe.adapters.ui.natives import SENDERS
from lathe.domain.api_key import Scope
from lathe.domain.organization import Role, Theme
from lathe.domain.text import web_link

STATIC: Final = "/static"

LISTED_IN_ROWS: Final = 50
"""How many projects every row of the queue lists; of more, it leads to a page that lists them once."""


@frozen
class StaticFile:
    """A file that is served as it is. ``version`` changes with its content."""

    content: bytes
    media_type: str
    version: str


@cache
def static_files() -> dict[str, StaticFile]:
    """Return every static file by name, read once."""
    found = {}
    for path in sorted((files("lathe.adapters.ui") / "static").iterdir(), key=lambda one: one.name):
        content = path.read_bytes()
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        found[path.name] = StaticFile(content, media_type, hashlib.sha256(content).hexdigest()[:12])
    return found


def static(name: str) -> str:
    """Return the address of a static file. It changes with the content, so that browsers may keep it for ever."""
    return f"{STATIC}/{name}?v={static_files()[name].version}"


@cache
def environment() -> Environment:
    """Return the one Jinja environment."""
    made = Environment(
        loader=PackageLoader("lathe.adapters.ui", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        ago=words.ago,
        span=words.span,
        until=words.until,
        exact=words.exact,
        day=words.day,
        counted=words.counted,
        plural=words.plural,
        source=words.source_name,
        rule=words.rule_name,
        result=words.result_name,
        short=words.short_commit,
        web_link=web_link,
        fits=words.pattern_fits,
        marked=marked,
        explained=explained,
        filed_by_rules=filed_by_rules,
    )
    made.globals.update(
        static=static,
        commit_link=words.commit_link,
        project_name_for=words.project_name_for,
        SCOPES=words.SCOPES,
        SENDERS=SENDERS,
        ROLES=words.ROLES,
        ACTIONS=words.ACTIONS,
        SUBJECTS=words.SUBJECTS,
        SUBJECT_KINDS=words.SUBJECT_KINDS,
        Theme=Theme,
        LISTED_IN_ROWS=LISTED_IN_ROWS,
        LISTED_ONCE=contexts.LISTED_ONCE,
        REJECT_REASONS=words.REJECT_REASONS,
        CREDENTIALS=words.CREDENTIALS,
        GOOD_RESULTS=words.GOOD_RESULTS,
        OPEN_RESULTS=words.OPEN_RESULTS,
        ANSWERS=ANSWERS,
        OUTCOMES=OUTCOMES,
        DONE_TO_IT=DONE_TO_IT,
        Scope=Scope,
        Role=Role,
    )
    return made


def render(template: str, context: Any) -> str:
    """Return a template filled with its context, which it knows as ``page``."""
    return environment().get_template(template).render(page=context)
