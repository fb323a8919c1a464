"""A CI system as the pages know it: steps in words, and what reports a build from inside a pipeline."""

from __future__ import annotations

import re
from typing import Final

from attrs import field, frozen
from markupsafe import Markup, escape

from lathe.domain.hook import Provider

FETCH: Final = 'curl -fsSL --max-redirs 0 --retry 5 --retry-connrefused "$LATHE_URL/report.py"'
"""Fetches the reporter, which knows what each CI tells its jobs. The page that a redirection comes with is no program:
without the second option, curl hands it on."""

_MARKS: Final = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")


def items(text: str) -> tuple[str, ...]:
    """Return the items of a list whose lines begin with a hyphen, or with two blanks where one goes on."""
    return tuple(" ".join(item.split()) for item in re.split(r"^- ", text, flags=re.MULTILINE) if item.strip())


def marked(text: str) -> Markup:
    """Return an item as HTML: `backticks` mark what is typed or shown literally, **stars** what is pressed."""
    parts, end = [], 0
    for found in _MARKS.finditer(text):
        tag, inner = ("code", found[1]) if found[1] else ("b", found[2])
        parts += [escape(text[end : found.start()]), Markup("<{0}>{1}</{0}>").format(tag, inner)]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


@frozen
class Native:
    """A webhook that the provider sends itself: who sends it, and how it is set up there.

    ``lead`` is what to know before anything is made. ``second``: the other way is the usual one, and shown first.
    """

    provider: Provider
    steps: tuple[str, ...] = field(converter=items)
    notes: tuple[str, ...] = field(default="", converter=items)
    lead: str = ""
    second: bool = False


@frozen(kw_only=True)
class Ci:
    """A CI system and how its builds are reported.

    ``frame`` is the file that a step is added to, or the script; ``@FETCH@`` and ``@ADDRESS@`` stand in it for what
    gets the reporter, and for the server's address.
    """

    slug: str
    name: str
    source: str
    summary: str
    file: str
    steps: tuple[str, ...] = field(converter=items)
    frame: str
    notes: tuple[str, ...] = field(default="", converter=items)
    native: Native | None = None

    @property
    def fetches(self) -> bool:
        """Whether the reporter is fetched from this server, and run."""
        return "@FETCH@" in self.frame

    def snippet(self, address: str) -> str:
        """Return what is copied into the CI's own file."""
        return self.frame.replace("@FETCH@", FETCH).replace("@ADDRESS@", address)
