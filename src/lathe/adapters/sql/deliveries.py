"""Stored deliveries, by SQL. Bodies are kept compressed."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import lz4.block  # type: ignore[import-untyped]
from sqlalchemy import ColumnElement, or_, select

from lathe.adapters.sql.rows import Rows, Values, by_id
from lathe.adapters.sql.schema import deliveries
from lathe.adapters.sql.values import placement_json, placement_of, reason_of, reason_values
from lathe.application.lists import DeliveryFilter, Looked, Place
from lathe.domain.delivery import CredentialKind, Delivery, DeliveryStatus

LONGEST_BODY: Final = 2 * 1024 * 1024
"""Bytes that a stored body may expand to; what is taken in is shorter."""

without_body: Final = [column for column in deliveries.c if column is not deliveries.c.body]
"""What of a delivery is read where its body is not needed."""


_FILTERED: Final = [deliveries.c[name] for name in ("id", "status", "source", "credential_id", "received_at")]


def packed(body: bytes) -> bytes:
    """Return a body as it is stored. Raises ValueError if it is longer than could be read back."""
    if len(body) > LONGEST_BODY:
        raise ValueError(f"a body of {len(body)} bytes is too long to be stored")
    compressed: bytes = lz4.block.compress(body)
    return compressed


def unpacked(stored: bytes) -> bytes:
    """Return the body that was stored. Raises ValueError if that cannot be one, however long it claims to be."""
    # The length comes first; nothing is allocated on its word alone.
    if int.from_bytes(stored[:4], "little") > LONGEST_BODY:
        raise ValueError("a stored body claims to be longer than any can be")
    try:
        body: bytes = lz4.block.decompress(stored)
    except (lz4.block.LZ4BlockError, ValueError) as error:
        raise ValueError("a stored body cannot be read") from error
    return body


def delivery_values(delivery: Delivery) -> Values:
    """Return the columns of a delivery."""
    return {
        "organization_id": delivery.organization_id,
        "id": delivery.id,
        "source": delivery.source,
        "credential": delivery.credential.value,
        "credential_id": delivery.credential_id,
        "received_at": delivery.received_at,
        "body": packed(delivery.body),
        "status": delivery.status.value,
        "headers": delivery.headers,
        "event": delivery.event,
        "provider_delivery_id": delivery.provider_delivery_id,
        **reason_values(delivery.reason),
        "build_id": delivery.build_id,
        "entry_id": delivery.entry_id,
        "placement": placement_json(delivery.placement) if delivery.placement else None,
    }


def delivery_of(row: Any, body: bytes = b"") -> Delivery:
    """Return the delivery that a row holds; ``body`` is its body where that is wanted."""
    return Delivery(
        row.organization_id,
        row.id,
        row.source,
        CredentialKind(row.credential),
        row.credential_id,
        row.received_at,
        body,
        DeliveryStatus(row.status),
        row.headers,
        row.event,
        row.provider_delivery_id,
        reason_of(row),
        row.build_id,
        row.entry_id,
        placement_of(row.placement) if row.placement else None,
    )


class SqlDeliveries:
    """Implements `Deliveries`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def get(self, organization_id: UUID, delivery_id: UUID) -> Delivery:
        query = select(deliveries).where(by_id(deliveries, organization_id, delivery_id))
        row = self._rows.one(query, "delivery")
        return delivery_of(row, unpacked(row.body))

    def of_subject(
        self, organization_id: UUID, *, build_id: UUID | None = None, entry_id: UUID | None = None, limit: int = 50
    ) -> list[Delivery]:
        subjects = []
        if build_id is not None:
            subjects.append(deliveries.c.build_id == build_id)
        if entry_id is not None:
            subjects.append(deliveries.c.entry_id == entry_id)
        if not subjects:
            return []
        query = (
            select(*without_body)
            .where(deliveries.c.organization_id == organization_id, or_(*subjects))
            .order_by(deliveries.c.received_at.desc(), deliveries.c.id.desc())
            .limit(limit)
        )
        return [delivery_of(row) for row in self._rows.all(query)]

    def look(
        self,
        organization_id: UUID,
        wanted: DeliveryFilter,
        limit: int,
        after: Place | None,
        look_at: int,
        *,
        bodies: bool = False,
    ) -> Looked:
        within = [deliveries.c.organization_id == organization_id, *_between(wanted, after)]
        # What is looked at is a query of its own with a limit: else an index that fits a filter could be read to its
        # end in search of what is rare. Bodies are read of what was found alone.
        enough = look_at if _conditions(deliveries.c, wanted) else min(look_at, limit + 1)
        looked_at = select(*_FILTERED).where(*within).order_by(deliveries.c.id.desc()).limit(enough).subquery()
        wanted_ids = select(looked_at.c.id).where(*_conditions(looked_at.c, wanted))
        wanted_ids = wanted_ids.order_by(looked_at.c.id.desc()).limit(limit + 1)
        columns = deliveries.c if bodies else without_body
        query = select(*columns).where(within[0], deliveries.c.id.in_(wanted_ids))
        rows = self._rows.all(query.order_by(deliveries.c.id.desc()))
        found = [delivery_of(row, unpacked(row.body) if bodies else b"") for row in rows[:limit]]
        if len(rows) > limit:
            return Looked(found, Place(found[-1].received_at, found[-1].id))
        return Looked(found, self._last_before_more(within, look_at))

    def _last_before_more(self, within: list[ColumnElement[bool]], look_at: int) -> Place | None:
        """Return the place of the last one that is looked at, None if no more come behind it."""
        newest = deliveries.c.id.desc()
        two = select(deliveries.c.id).where(*within).order_by(newest).offset(look_at - 1).limit(2)
        places = select(deliveries.c.id, deliveries.c.received_at).where(within[0], deliveries.c.id.in_(two))
        found = self._rows.all(places.order_by(newest))
        return Place(found[0].received_at, found[0].id) if len(found) == 2 else None

    def newest(self, organization_id: UUID, limit: int) -> list[Delivery]:
        # By id, which the primary key has in order: an index by time would cost every delivery a write.
        mine = select(*without_body).where(deliveries.c.organization_id == organization_id)
        return [delivery_of(row) for row in self._rows.all(mine.order_by(deliveries.c.id.desc()).limit(limit))]


def _between(wanted: DeliveryFilter, after: Place | None) -> list[ColumnElement[bool]]:
    """Return the bounds of the ids that are looked at."""
    bounds = [deliveries.c.id < one for one in (after and after.id, wanted.above) if one]
    return [*bounds, deliveries.c.id >= wanted.lowest] if wanted.lowest else bounds


def _conditions(row: Any, wanted: DeliveryFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.status:
        found.append(row.status == wanted.status.value)
    if wanted.source:
        found.append(row.source == wanted.source)
    if wanted.credential_id:
        found.append(row.credential_id == wanted.credential_id)
    if wanted.since:
        found.append(row.received_at >= wanted.since)
    if wanted.until:
        found.append(row.received_at < wanted.until)
    return found
