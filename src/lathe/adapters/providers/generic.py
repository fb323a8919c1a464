"""Any other CI: bodies of our own form, as ``POST /api/v1/builds`` takes them, sent to a webhook address.

What such a body may hold is defined in one place, where the API takes it: its parser is handed in. What differs is how
much is refused. Some CI systems switch a webhook off after a few refusals, so that an object with anything wrong in it
is taken, and ignored with what is wrong.

``Idempotency-Key`` names the delivery: whoever sends it again sends the same.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve, frozen

from lathe.adapters.providers.reading import kept, one_line
from lathe.application.intake import Reading
from lathe.application.ports import ReportParser
from lathe.domain.errors import Fault, Invalid
from lathe.domain.steps import Reason, ReasonCode

_SHOWN: Final = 5


@frozen
class GenericParser:
    """Reads bodies of our own form with ``own``, the parser of the API."""

    own: ReportParser

    def read(self, headers: dict[str, str], body: bytes) -> Reading:
        """Return what the body says. Never raises."""
        reading = evolve(self.own.read(headers, body), delivery_id=kept(headers.get("idempotency-key", "").strip()))
        fault = reading.content
        if not isinstance(fault, Invalid) or any(one.pointer == "" for one in fault.faults):
            return reading
        return evolve(reading, content=Reason(ReasonCode.FACTS_MISSING, _in_words(fault.faults)))


def _in_words(faults: tuple[Fault, ...]) -> str:
    told = [f"“{one_line(one.pointer[1:], 64)}” {one.detail}" for one in faults[:_SHOWN]]
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return "The build could not be read: " + "; ".join(told) + more
