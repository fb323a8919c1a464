"""Deliveries: listed, read, and replayed under today's rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from attrs import evolve

from lathe.adapters.http import delivery_answers as answers
from lathe.adapters.http import shapes
from lathe.adapters.http.answers import Named, Reference
from lathe.adapters.http.calls import Ask, Call, Reply
from lathe.adapters.http.reason_codes import DeliveryReasonCode
from lathe.adapters.http.requests import DeliveriesQuery, NoQuery, ReplayBody
from lathe.application import deliveries, replay
from lathe.application.deliveries import DeliveryPage, Search
from lathe.application.lists import DeliveryFilter
from lathe.application.replay import Now, Replay
from lathe.domain import steps
from lathe.domain.api_key import Scope
from lathe.domain.delivery import Delivery


def _deliveries(ask: Ask[None, DeliveriesQuery]) -> Reply:
    query, walk, parts = ask.query, ask.walk(), ask.parts
    wanted = DeliveryFilter(query.status, query.source, query.credential, query.since, query.until)
    search = Search(wanted, query.q or "", in_bodies=True)
    looked, names = deliveries.listed(
        parts.store, parts.readers, ask.organization_id, search, limit=walk.limit, after=walk.after
    )
    cursor = walk.cursor(looked.next)
    rows = [_told(row, names) for row in looked.rows]
    return Reply(answers.Deliveries(rows, cursor), headers=walk.link(cursor))


def _delivery(ask: Ask[None, NoQuery]) -> Reply:
    parts = ask.parts
    page = deliveries.delivery_page(parts.store, parts.readers, ask.organization_id, ask.ids["id"], body=True)
    return Reply(_in_full(page))


def _replay(ask: Ask[ReplayBody, NoQuery]) -> Reply:
    parts = ask.parts
    run = replay.file if ask.body.file else replay.try_again
    done = run(parts.store, parts.ids, parts.readers, ask.caller, ask.ids["id"])
    return Reply(shown(done) if ask.may_read else _receipt(done))


def _told(delivery: Delivery, names: Mapping[UUID, str]) -> answers.Delivery:
    """Return a delivery as the list has it."""
    name = names.get(delivery.credential_id)
    return answers.Delivery(
        id=delivery.id,
        received_at=delivery.received_at,
        source=delivery.source,
        event=delivery.event,
        sender_id=delivery.provider_delivery_id,
        credential=answers.DeliveryCredential(delivery.credential.value, delivery.credential_id, name),
        status=delivery.status.value,
        reason=_reason(delivery.reason),
        build_id=delivery.build_id,
        queue_entry_id=delivery.entry_id,
        replay_of=delivery.replay_of,
    )


def _in_full(page: DeliveryPage) -> answers.Delivery:
    delivery, facts = page.row.delivery, page.row.facts
    return evolve(
        _told(delivery, {delivery.credential_id: page.name} if page.name else {}),
        report=answers.ReportedBuild(**shapes.facts(facts), status=facts.status.value) if facts else None,
        placement=shapes.placed(delivery.placement) if delivery.placement else None,
        headers=[answers.Header(name, value) for name, value in sorted(delivery.headers.items())],
        body=delivery.body.decode("utf-8", "replace") if delivery.body else None,
    )


def shown(done: Replay) -> answers.Replay:
    """Return a replay as it is answered to whoever may read."""
    then, now = done.delivery, done.now
    return answers.Replay(
        then.id,
        answers.Then(
            status=then.status.value,
            reason=_reason(then.reason),
            placement=shapes.placed(then.placement) if then.placement else None,
            build_id=then.build_id,
            queue_entry_id=then.entry_id,
        ),
        answers.Now(
            status=now.status.value,
            reason=_reason(now.reason),
            placement=shapes.placed(now.placement) if now.placement else None,
            project=Named(now.project.id, now.project.name) if now.project else None,
            release=Named(now.release.id, now.release.name) if now.release else None,
            build=shapes.build(now.build) if now.build else None,
            queue_entry=shapes.entry(now.entry) if now.entry else None,
        ),
        done.filed,
    )


def _receipt(done: Replay) -> answers.ReplayReceipt:
    then, now = done.delivery, done.now
    return answers.ReplayReceipt(
        then.id,
        answers.VerdictReceipt(
            status=then.status.value,
            reason=_code(then.reason),
            build=Reference(then.build_id) if then.build_id else None,
            queue_entry=Reference(then.entry_id) if then.entry_id else None,
        ),
        _receipt_of_now(now),
        done.filed,
    )


def _receipt_of_now(now: Now) -> answers.VerdictReceipt:
    return answers.VerdictReceipt(
        status=now.status.value,
        reason=_code(now.reason),
        build=Reference(now.build.build.id) if now.build else None,
        queue_entry=Reference(now.entry.entry.id) if now.entry else None,
    )


def _reason(reason: steps.Reason | None) -> answers.DeliveryReason | None:
    return answers.DeliveryReason(DeliveryReasonCode(reason.code.value), reason.detail) if reason else None


def _code(reason: steps.Reason | None) -> answers.DeliveryReasonReceipt | None:
    return answers.DeliveryReasonReceipt(DeliveryReasonCode(reason.code.value)) if reason else None


CALLS: Final = (
    Call(
        name="list_deliveries",
        method="GET",
        path="/api/v1/deliveries",
        summary="List deliveries",
        scope=Scope.BUILDS_READ,
        query=DeliveriesQuery,
        answers={200: answers.Deliveries},
        run=_deliveries,
    ),
    Call(
        name="get_delivery",
        method="GET",
        path="/api/v1/deliveries/{id}",
        summary="Read a delivery with its headers, body and placement",
        scope=Scope.BUILDS_READ,
        answers={200: answers.Delivery},
        run=_delivery,
    ),
    Call(
        name="replay_delivery",
        method="POST",
        path="/api/v1/deliveries/{id}/replay",
        summary="See what becomes of a delivery by today's rules, and file it where that is asked for, never twice",
        scope=Scope.BUILDS_CREATE,
        body=ReplayBody,
        answers={200: answers.Replay | answers.ReplayReceipt},
        run=_replay,
    ),
)
