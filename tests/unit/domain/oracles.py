"""Answers worked out from the words of the product alone, slowly and in another way than the code."""

from __future__ import annotations

import re

from lathe.domain.release import Release, ReleaseState


def wins_over(one: str, other: str) -> bool:
    """An exact name most of all, then more literal characters."""
    if ("*" in one) != ("*" in other):
        return "*" not in one
    return len(one.replace("*", "")) > len(other.replace("*", ""))


def expected_release(releases: list[Release], branch: str | None, tag: str | None) -> Release | None:
    """Choose as the product page says it, one sentence after the other, by comparing each with each."""
    active = [r for r in releases if r.state is ReleaseState.ACTIVE]

    def matching(r: Release) -> list[str]:
        found = []
        for pattern in r.branch_patterns:
            text = re.escape(pattern.text).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
            if (branch and re.fullmatch(text, branch)) or (tag and re.fullmatch(text, tag)):
                found.append(pattern.text)
        return found

    def beaten(r: Release) -> bool:
        rivals = [pattern for other in active for pattern in matching(other)]
        return all(any(wins_over(rival, own) for rival in rivals) for own in matching(r))

    left = [r for r in active if matching(r) and not beaten(r)] or [r for r in active if not r.branch_patterns]
    for one in left:
        others = [r for r in left if r is not one]
        since = one.activated_at or one.created_at
        if all((since, one.id) > (r.activated_at or r.created_at, r.id) for r in others):
            return one
    return None
