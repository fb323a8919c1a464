"""A CI system as the pages know it: steps in words, and a script that reports a build from inside a pipeline."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Final

from attrs import field, frozen
from markupsafe import Markup, escape

from lathe.domain.hook import Provider

# What git allows in a branch's name includes quotation marks, so what comes from outside is escaped. A fact that is
# empty is left out: a pull request has no tag, and a blank name is refused. No here-document: CircleCI takes two angle
# brackets for its own.
_SCRIPT: Final = r"""field() { [ -z "$2" ] || printf ', "%s": "%s"' "$1" "$(printf %s "$2" | sed 's/[\\"]/\\&/g')"; }
{
  printf '{"source": "@SOURCE@"'
@FIELDS@
  echo '}'
} | curl -sS --fail --retry 3 --max-time 20 --data @- \
  -H "Authorization: Bearer $LATHE_API_KEY" -H "Content-Type: application/json" \
  @ADDRESS@/api/v1/builds || echo "Lathe did not take this build" """.rstrip()


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
    """A webhook that the provider sends itself: who sends it, and how it is set up there."""

    provider: Provider
    steps: tuple[str, ...] = field(converter=items)
    notes: tuple[str, ...] = field(default="", converter=items)


@frozen(kw_only=True)
class Ci:
    """A CI system and how its builds are reported.

    ``facts`` are the fields of a report, each as the shell writes its value; ``before`` are lines of shell that prepare
    them. ``frame`` is the file that the script stands in, on the line ``@SCRIPT@``.
    """

    slug: str
    name: str
    source: str
    summary: str
    file: str
    steps: tuple[str, ...] = field(converter=items)
    facts: Mapping[str, str]
    before: str = ""
    frame: str = "@SCRIPT@"
    notes: tuple[str, ...] = field(default="", converter=items)
    native: Native | None = None

    def script(self, address: str) -> str:
        """Return the shell that reports a build to the server at ``address``."""
        fields = "\n".join(f'  field {name} "{value}"' for name, value in self.facts.items())
        told = _SCRIPT.replace("@SOURCE@", self.source).replace("@FIELDS@", fields).replace("@ADDRESS@", address)
        return self.before + told

    def snippet(self, address: str) -> str:
        """Return what is copied into the CI's own file."""
        lead = next(line for line in self.frame.splitlines() if "@SCRIPT@" in line).partition("@")[0]
        script = self.script(address)
        if "'''" in self.frame:
            script = script.replace("\\", "\\\\")  # Groovy reads one of two
        return self.frame.replace(f"{lead}@SCRIPT@", textwrap.indent(script, lead))
