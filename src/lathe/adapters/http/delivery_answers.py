"""What the API answers about deliveries and replays; see `answers` on what is left out, and on receipts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from attrs import frozen

from lathe.adapters.http.answers import Build, BuildStatus, Named, Placement, QueueEntry, Reference
from lathe.adapters.http.reason_codes import DeliveryReasonCode
from lathe.adapters.web.optional import Sometimes

DeliveryStatus = Literal["created", "queued", "duplicate", "ignored", "invalid"]


@frozen
class DeliveryReason:
    """Why no build was filed: a stable code, and a sentence for people."""

    code: DeliveryReasonCode
    detail: str


@frozen
class DeliveryReasonReceipt:
    """The reason's code."""

    code: DeliveryReasonCode


@frozen
class DeliveryCredential:
    """What a delivery came with: a ``key``, a ``hook``, or the bare id of the ``organization``; of a ``replay``, the id
    is that of who asked for it."""

    kind: Literal["key", "hook", "organization", "replay"]
    id: UUID
    name: Sometimes[str] = None


@frozen
class Header:
    """A header of a stored request; those that could hold a secret are not kept."""

    name: str
    value: str


@frozen(kw_only=True)
class ReportedBuild:
    """What a body says of a build."""

    name: str
    build_number: str | None
    run_id: Sometimes[str] = None
    commit_sha: str | None
    branch: str | None
    tag: str | None
    repo_url: str | None
    source: str
    url: str | None
    status: BuildStatus
    author: str | None
    finished_at: datetime | None


@frozen(kw_only=True)
class Delivery:
    """A stored request, and what became of it (``invalid``: it could not be taken). ``source`` is whose address it came
    to, ``sender_id`` its sender's own id of it.

    Read alone it has headers, body, placement, and what today's parser reads in it; a body that is not kept any more is
    left out.
    """

    id: UUID
    received_at: datetime
    source: str
    event: str | None
    sender_id: str | None
    credential: DeliveryCredential
    status: DeliveryStatus
    reason: Sometimes[DeliveryReason] = None
    build_id: Sometimes[UUID] = None
    queue_entry_id: Sometimes[UUID] = None
    replay_of: Sometimes[UUID] = None
    report: Sometimes[ReportedBuild] = None
    placement: Sometimes[Placement] = None
    headers: Sometimes[list[Header]] = None
    body: Sometimes[str] = None


@frozen
class Deliveries:
    """Deliveries, newest first. A page may hold fewer than ``limit``, even none, and yet go on: each looks at a number
    of them in search of those that are wanted."""

    data: list[Delivery]
    next_cursor: str | None


@frozen(kw_only=True)
class Then:
    """What became of a delivery when it came."""

    status: DeliveryStatus
    reason: Sometimes[DeliveryReason] = None
    placement: Sometimes[Placement] = None
    build_id: Sometimes[UUID] = None
    queue_entry_id: Sometimes[UUID] = None


@frozen(kw_only=True)
class Now:
    """What becomes of it by today's rules. ``project`` and ``release`` are where it would go; ``build`` or
    ``queue_entry`` is the one that is known by it already, or was just made."""

    status: DeliveryStatus
    reason: Sometimes[DeliveryReason] = None
    placement: Sometimes[Placement] = None
    project: Sometimes[Named] = None
    release: Sometimes[Named] = None
    build: Sometimes[Build] = None
    queue_entry: Sometimes[QueueEntry] = None


@frozen
class Replay:
    """A delivery then and now; ``id`` is that of the delivery that came in, also where a replay of it was asked for.

    ``filed`` tells whether this request filed its build or put it into the queue.
    """

    id: UUID
    then: Then
    now: Now
    filed: bool


@frozen(kw_only=True)
class VerdictReceipt:
    """What became or becomes of a delivery, for callers that may not read."""

    status: DeliveryStatus
    reason: Sometimes[DeliveryReasonReceipt] = None
    build: Sometimes[Reference] = None
    queue_entry: Sometimes[Reference] = None


@frozen
class ReplayReceipt:
    """A delivery then and now, for callers that may not read."""

    id: UUID
    then: VerdictReceipt
    now: VerdictReceipt
    filed: bool
