"""What parsers say when a request holds no build, in the same words for every provider."""

from __future__ import annotations

from collections.abc import Mapping

from lathe.adapters.providers.reading import one_line
from lathe.domain.steps import Reason, ReasonCode


def lacking(what: str, facts: Mapping[str, object]) -> Reason:
    """Say which of the facts, which are needed to tell a build, are not there."""
    names = " and ".join(name for name, fact in facts.items() if not fact)
    return Reason(ReasonCode.FACTS_MISSING, f"{what} lacks {names}")


def unknown(who: str, what: str, value: str) -> Reason:
    """Say that a provider calls the result of a build something that nobody knows."""
    detail = f"{who} calls the {what} of this build “{one_line(value, 64)}”, which Lathe does not know"
    return Reason(ReasonCode.BUILD_NOT_SUCCESSFUL, detail)
