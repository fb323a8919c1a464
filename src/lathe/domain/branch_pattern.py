"""Branch patterns of releases, such as ``release/2.*``: what they match, and which of two is more specific."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from lathe.domain.errors import Fault, Invalid
from lathe.domain.text import text_fault

_TOKEN = re.compile(r"\*\*+|\*|[^*]")
PATTERN_LIMIT: Final = 255
PATTERNS_LIMIT: Final = 50


@frozen(order=True)
class Specificity:
    """How closely a pattern fits: an exact name before any wildcard, then the number of literal characters."""

    exact: bool
    literals: int


@frozen
class BranchPattern:
    """``*`` stands for any characters but ``/``, ``**`` for any at all; everything else is itself, case included."""

    text: str

    @classmethod
    def parse(cls, text: str, pointer: str = "/branch_patterns") -> BranchPattern:
        """Return the pattern that ``text`` spells. Raises Invalid if it is blank, too long or has blanks in it."""
        fault = text_fault(text, pointer, PATTERN_LIMIT)
        if fault is None and re.search(r"\s", text):
            fault = Fault(pointer, "has_blanks", "holds blanks, which no branch or tag has")
        if fault:
            raise Invalid(f"branch pattern {fault.detail}", (fault,))
        return cls(text)

    @property
    def specificity(self) -> Specificity:
        """What to compare two matching patterns by; the larger one is more specific."""
        literals = sum(token[0] != "*" for token in _TOKEN.findall(self.text))
        return Specificity("*" not in self.text, literals)

    def matches(self, name: str) -> bool:
        """Tell whether the whole of ``name`` fits.

        Walks the name once with the set of pattern places reached so far, so that no pattern, however starred, takes
        more than pattern length times name length. The set is the bits of one number: people write the patterns, and
        every build that comes is compared with all of them.
        """
        tokens = _TOKEN.findall(self.text)
        literals: dict[str, int] = {}
        stars = across = 0
        for place, token in enumerate(tokens):
            if token[0] != "*":
                literals[token] = literals.get(token, 0) | 1 << place
            else:
                stars |= 1 << place
                across |= (len(token) > 1) << place
        places = _skip_stars(1, stars)
        for character in name:
            onwards = (places & literals.get(character, 0)) << 1
            places = _skip_stars(onwards | places & (across if character == "/" else stars), stars)
            if not places:
                return False
        return bool(places >> len(tokens))


def _skip_stars(places: int, stars: int) -> int:
    """Add the places behind stars, since a star may stand for nothing. No two stars stand side by side."""
    return places | (places & stars) << 1


def parse_patterns(texts: tuple[str, ...] | list[str]) -> tuple[BranchPattern, ...]:
    """Return the patterns in order, repetitions dropped. Raises Invalid, pointing at the one that is wrong."""
    if len(texts) > PATTERNS_LIMIT:
        fault = Fault("/branch_patterns", "too_many", f"a release has at most {PATTERNS_LIMIT} patterns")
        raise Invalid(fault.detail, (fault,))
    parsed = (BranchPattern.parse(text, f"/branch_patterns/{index}") for index, text in enumerate(texts))
    return tuple(dict.fromkeys(parsed))
