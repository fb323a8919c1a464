"""What became of a delivery, as it is answered; and the rows of the route table that take deliveries."""

from __future__ import annotations

from typing import Final

from lathe.adapters.http import answers, shapes
from lathe.adapters.http.calls import Call
from lathe.adapters.http.requests import BuildBody
from lathe.adapters.web.written import dumped
from lathe.application.intake import EntryView, Reading, Received
from lathe.domain.api_key import Scope
from lathe.domain.build_report import BuildFacts, BuildReport
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.placement import Placement
from lathe.domain.steps import Reason


def answered(received: Received, reading: Reading) -> tuple[int, str | None, object]:
    """Return status, location and body of the answer to an admitted delivery.

    Who may not read gets back the facts of this very request, never those that are stored.
    """
    sent = reading.content.facts if isinstance(reading.content, BuildReport) else None
    if received.reason:
        return 200, None, _ignored(received, reading, received.reason)
    if received.entry:
        return _waiting(received, received.entry, sent)
    if received.build:
        may_read, view = received.admission.may_read, received.build
        build = shapes.build(view) if may_read else shapes.build_receipt(view, sent)
        if received.status is DeliveryStatus.DUPLICATE or received.placement is None:
            return 200, None, answers.DuplicateBuild(delivery_id=received.delivery_id, build=build)
        placement = _placement(received.placement, may_read=may_read)
        created = answers.Created(delivery_id=received.delivery_id, build=build, placement=placement)
        return 201, shapes.build_address(view.build.id), created
    raise AssertionError("what is neither ignored nor filed waits")


def written(received: Received, reading: Reading) -> bytes:
    """Return the answer to an admitted delivery as it is kept, to be repeated: all that `answered` says."""
    status, location, outcome = answered(received, reading)
    return f"{status} {location or ''}\n".encode() + dumped(outcome)


def read_again(kept: bytes) -> tuple[int, str | None, bytes]:
    """Return status, location and body of an answer that was `written`."""
    head, _, body = kept.partition(b"\n")
    status, _, location = head.decode().partition(" ")
    return int(status), location or None, body


def _waiting(received: Received, view: EntryView, sent: BuildFacts | None) -> tuple[int, str | None, object]:
    may_read = received.admission.may_read
    entry = shapes.entry(view) if may_read else shapes.entry_receipt(view, sent)
    if received.status is DeliveryStatus.DUPLICATE or received.placement is None:
        return 200, None, answers.DuplicateEntry(delivery_id=received.delivery_id, queue_entry=entry)
    placement = _placement(received.placement, may_read=may_read)
    queued = answers.Queued(delivery_id=received.delivery_id, queue_entry=entry, placement=placement)
    return 202, shapes.entry_address(view.entry.id), queued


def _ignored(received: Received, reading: Reading, reason: Reason) -> answers.Ignored:
    shown = shapes.reason(reason, may_read=received.admission.may_read, about_what_was_sent=reason == reading.content)
    return answers.Ignored(delivery_id=received.delivery_id, reason=shown)


def _placement(placement: Placement, *, may_read: bool) -> answers.Placement | answers.PlacementReceipt:
    return shapes.placed(placement) if may_read else answers.PlacementReceipt(placement.outcome.value)


_ANSWERS: Final = {
    201: answers.Created,
    202: answers.Queued,
    200: answers.DuplicateBuild | answers.DuplicateEntry | answers.Ignored,
}

CALLS: Final = (
    Call(
        name="webhook",
        method="POST",
        path="/api/webhooks/{provider}",
        summary="Take what a provider sends, with an API key or an organization's id",
        scope=Scope.BUILDS_CREATE,
        answers=_ANSWERS,
        tag="webhooks",
    ),
    Call(
        name="signed_webhook",
        method="POST",
        path="/api/webhooks/{provider}/{hook_id}",
        summary="Take what a provider sends and signs with the hook's secret",
        scope=Scope.BUILDS_CREATE,
        answers=_ANSWERS,
        tag="webhooks",
    ),
    Call(
        name="create_build",
        method="POST",
        path="/api/v1/builds",
        summary="Report a finished build",
        scope=Scope.BUILDS_CREATE,
        body=BuildBody,
        answers=_ANSWERS,
        once=True,
    ),
)
