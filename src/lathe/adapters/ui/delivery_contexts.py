"""What the templates of deliveries are filled with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from lathe.adapters.ui.contexts import Context
from lathe.application.deliveries import Credentials, DeliveryPage, Row
from lathe.application.replay import Pasted, Replay
from lathe.domain.delivery import Delivery


@frozen(kw_only=True)
class DeliveriesPage(Context):
    """Every delivery, filtered by ``status``, ``source``, ``credential``, ``day`` and a text ``q``, each as asked.

    ``any`` tells whether anything was ever received; ``sources`` are those to filter by. ``reached`` is how far back it
    was looked where there is more behind that.
    """

    template = "deliveries.html"
    rows: list[Row]
    any: bool
    credentials: Credentials
    sources: tuple[str, ...]
    status: str
    source: str
    credential: str
    day: str
    q: str
    older: str | None
    reached: datetime | None
    deep: bool
    now: datetime

    @property
    def filtered(self) -> bool:
        """Whether something is left out."""
        return bool(self.status or self.source or self.credential or self.day or self.q)


@frozen(kw_only=True)
class OneDeliveryPage(Context):
    """One delivery. ``body`` is laid out to be read, None for those who may not see it; ``size`` is its bytes.

    ``again`` is what becomes of it by today's rules, once that was asked.
    """

    template = "delivery.html"
    shown: DeliveryPage
    body: str | None
    size: int
    again: Replay | None
    now: datetime

    @property
    def delivery(self) -> Delivery:
        """The delivery itself."""
        return self.shown.row.delivery

    @property
    def same_rules(self) -> bool:
        """Whether today's rules find, step by step, what was found then."""
        then, now = (self.again.delivery.placement, self.again.now.placement) if self.again else (None, None)
        return (then.steps if then else ()) == (now.steps if now else ())

    @property
    def unchanged(self) -> bool:
        """Whether all would be as it was then."""
        then, now = (self.again.delivery, self.again.now) if self.again else (None, None)
        same = then and now and (then.status, then.reason) == (now.status, now.reason)
        return bool(same and self.same_rules)


@frozen
class PasteFrom:
    """What sends a body: what it is called, the ``header`` that names the event (empty: none does), and the
    ``events`` that carry builds."""

    name: str
    header: str = ""
    events: tuple[str, ...] = ()


@frozen(kw_only=True)
class TryPage(Context):
    """A form for a body that somebody pastes, and what would become of that. ``providers`` are those that send bodies.

    ``command`` sends such a body to ``address``.
    """

    template = "try.html"
    providers: Mapping[str, PasteFrom]
    pasted: Pasted | None
    address: str
    command: str
    now: datetime

    @property
    def headers(self) -> str:
        """The headers that name events, in words."""
        *some, last = [one.header for one in self.providers.values() if one.header]
        return f"{', '.join(some)} or {last}"

    @property
    def events(self) -> list[str]:
        """The events that carry builds, of all providers."""
        return [event for one in self.providers.values() for event in one.events]
