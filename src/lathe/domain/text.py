"""Text that people and machines send: what may be kept of it, and how names are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Final

from lathe.domain.errors import Fault, Invalid

NAME_LIMIT: Final = 255
URL_LIMIT: Final = 2048

# Lone surrogates cannot be encoded, NUL breaks PostgreSQL; the other controls have no business in a name.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# Browsers read a backslash as a slash, others do not: where such a link leads depends on who follows it.
_WEB_LINK = re.compile(r"https?://(?![/?#])[^\s\\]+", re.IGNORECASE)
_FORBIDDEN_IN_PROSE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def text_fault(value: str, pointer: str, limit: int, *, empty: bool = False, prose: bool = False) -> Fault | None:
    """Return why ``value`` cannot be kept (blank, too long in characters, unprintable), or None.

    ``empty`` allows the empty text, ``prose`` allows line breaks and tabs.
    """
    if not empty and not value.strip():
        return Fault(pointer, "blank", "must not be blank")
    if len(value) > limit:
        return Fault(pointer, "too_long", f"has {len(value)} characters; at most {limit} are kept")
    # What is printable holds none of these: that is told much sooner.
    if not value.isprintable() and (_FORBIDDEN_IN_PROSE if prose else _FORBIDDEN).search(value):
        return Fault(pointer, "unprintable", "holds control characters or half a character pair")
    return None


def checked_name(value: str, pointer: str = "/name", limit: int = NAME_LIMIT) -> str:
    """Return ``value`` without blanks around it.

    Raises Invalid, pointing at ``pointer``.
    """
    if fault := text_fault(value, pointer, limit):
        raise Invalid(f"{pointer[1:]} {fault.detail}", (fault,))
    return value.strip()


def web_link(value: str | None) -> str | None:
    """Return ``value`` if it is an http or https address that may be rendered as a link, else None."""
    if value is None or text_fault(value, "", URL_LIMIT):
        return None
    return value if _WEB_LINK.fullmatch(value) else None


@lru_cache(maxsize=4096)  # the names of a few hundred projects are compared with every repository that is not linked
def words(text: str) -> tuple[str, ...]:
    """Return the lower-case word sequence that names are compared by: ``Pay API`` is ``pay-api``.

    Words are runs of letters and digits in any script, after compatibility normalization; marks belong to their letter,
    or names in Hindi and Thai would lose their vowels and equal others. Case changes inside a word do not split it:
    Bitbucket calls the repository ``testrepo`` by the display name ``testRepo``.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    runs = ("".join(run) for kept, run in groupby(folded, _in_word) if kept)
    return tuple(run for run in runs if any(c.isalnum() for c in run))


def slugged(name: str, fallback: str) -> str:
    """Return the address form of a name: its words joined by hyphens, at most 63 characters; ``fallback`` if none."""
    return "-".join(words(name))[:63].strip("-") or fallback


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")
