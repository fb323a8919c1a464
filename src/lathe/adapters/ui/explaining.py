"""A placement in plain words: which of its steps decided, and what each of them decided."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from lathe.domain.audit import Action
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.placement import RELEASE_GIVEN, Outcome, Placement
from lathe.domain.steps import Step

ANSWERS: Final = {
    DeliveryStatus.CREATED: "201 created",
    DeliveryStatus.QUEUED: "202 queued",
    DeliveryStatus.DUPLICATE: "200 duplicate",
    DeliveryStatus.IGNORED: "200 ignored",
    DeliveryStatus.INVALID: "not taken",
}
"""What a delivery was answered."""

OUTCOMES: Final = {
    DeliveryStatus.CREATED: ("filed", "good", "201"),
    DeliveryStatus.QUEUED: ("queued", "warn", "202"),
    DeliveryStatus.DUPLICATE: ("known", "soft", "200"),
    DeliveryStatus.IGNORED: ("ignored", "soft", "200"),
    DeliveryStatus.INVALID: ("not taken", "bad", ""),
}
"""What became of a delivery, in a word; its tone; and the status that was answered, where there is but one."""

DONE_TO_IT: Final = {
    Action.ASSIGNED: "filed it",
    Action.PROJECT_SELECTED: "chose its project:",
    Action.REJECTED: "rejected it:",
    Action.UNDONE: "took a decision back:",
    Action.MOVED: "moved it",
    Action.SENT_BACK: "sent it back to the queue",
    Action.REPLAYED: "replayed a delivery of it:",
}
"""What people do to a build or its queue entry, as its own history says it; the detail of the event follows."""

_BY_HAND: Final = "by_hand"
_RELEASE: Final = "active_release"


@frozen
class Explained:
    """A step, and what it decided, None if nothing."""

    step: Step
    decided: str | None


def explained(placement: Placement) -> list[Explained]:
    """Return the steps in the order tried, the decisive ones named: what a person did counts before all rules."""
    steps = placement.steps
    if any(step.rule == _BY_HAND for step in steps):
        # Nothing comes after what the last person did.
        return [Explained(step, "this counts" if step is steps[-1] else None) for step in steps]
    return [Explained(step, _decided(step, placement, last=step is steps[-1])) for step in steps]


def _decided(step: Step, placement: Placement, *, last: bool) -> str | None:
    """Say what a rule decided where no person did."""
    if step.result == "matched":
        if step.rule == _RELEASE:
            return "chose the release"
        return "named the release" if step.rule == RELEASE_GIVEN else "found the project"
    if not last:
        return None
    return "nothing to file" if placement.outcome is Outcome.IGNORED else "why it waits"


def filed_by_rules(placement: Placement) -> bool:
    """Tell whether the rules filed the build at first, whatever people did to it later."""
    return any(step.rule == _RELEASE and step.result == "matched" for step in placement.steps)
