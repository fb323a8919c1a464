"""Receiving: who is let in, and how often."""

from __future__ import annotations

from uuid import uuid4

import pytest

from lathe.application import keys, receive
from lathe.application.intake import Presented, Received, Refused
from lathe.domain.api_key import Scope
from lathe.domain.delivery import CredentialKind, DeliveryStatus
from lathe.domain.errors import Forbidden, Malformed, RateLimited, Unauthenticated
from lathe.domain.release import Release
from lathe.domain.steps import Reason, ReasonCode
from tests.unit.application.world import MINUTE, NOON, World, report


def test_credentials_that_do_not_hold_are_all_refused_alike(world: World) -> None:
    revoked, text = keys.create(world.store, world.ids, world.ann, "old", list(Scope))
    keys.revoke(world.store, world.ann, revoked.id)
    _, expired_text = keys.create(world.store, world.ids, world.ann, "short", list(Scope), expires_at=NOON + MINUTE)
    world.clock.set(NOON + MINUTE)
    hook, _ = world.hook()
    bad = [
        Presented(CredentialKind.KEY, key_hash=b"unknown"),
        Presented(CredentialKind.KEY),
        world.by_key(text),
        world.by_key(expired_text),
        Presented(CredentialKind.HOOK, hook_id=uuid4()),
        Presented(CredentialKind.HOOK),
        world.by_id(uuid4()),
        Presented(CredentialKind.ORGANIZATION),
    ]
    for presented in bad:
        refused = world.refused(report(), by=presented)
        assert isinstance(refused.error, Unauthenticated)
        assert refused.admission is None
    assert isinstance(world.refused(report(), by=world.by_hook(hook), source="github").error, Unauthenticated)


def test_a_key_without_the_scope_is_refused_and_spends_nothing(world: World) -> None:
    reader, text = keys.create(world.store, world.ids, world.ann, "reader", [Scope.BUILDS_READ])
    refused = world.refused(report(), by=world.by_key(text))
    assert isinstance(refused.error, Forbidden)
    assert refused.error.scope == "builds:create"
    assert world.read(lambda tx: tx.keys.get(world.organization.id, reader.id)).requests == 0


def test_what_is_refused_for_other_reasons_spends_the_limit_too(world: World, pay_25: Release) -> None:
    key, text = keys.create(world.store, world.ids, world.ann, "slow", list(Scope), rate_limit=3)
    by = world.by_key(text)
    batch = [world.incoming(content, by=by) for content in (Malformed("no"), report(1), report(1), report(2))]
    answers = world.send_all(batch)
    kinds = [a.status if isinstance(a, Received) else type(a.error) for a in answers]
    assert kinds == [Malformed, DeliveryStatus.CREATED, DeliveryStatus.DUPLICATE, RateLimited]
    limited = answers[-1]
    assert isinstance(limited, Refused)
    assert isinstance(limited.error, RateLimited)
    assert limited.error.retry_after == 60
    assert world.read(lambda tx: tx.keys.get(world.organization.id, key.id)).requests == 3
    world.later(seconds=60)
    assert world.received(report(2), by=by).status is DeliveryStatus.CREATED


def test_hooks_and_organization_ids_have_limits_of_their_own(world: World, pay_25: Release) -> None:
    world.change(allow_org_id=True)
    hook, _ = world.hook()
    for by, limit in ((world.by_hook(hook), 600), (world.by_id(), 60)):
        ping = Reason(ReasonCode.PING, "a ping")
        answers = world.send_all([world.incoming(ping, by=by) for _ in range(limit + 1)])
        assert [isinstance(a, Received) for a in answers] == [True] * limit + [False]


def test_a_batch_with_one_that_cannot_be_decided_stores_nothing_and_names_it(world: World, pay_25: Release) -> None:
    good, bad = world.incoming(report(1)), world.incoming(report(2))
    object.__setattr__(bad, "headers", None)
    with pytest.raises(receive.ItemFailed) as failed:
        world.send_all([good, bad])
    assert failed.value.index == 1
    assert world.builds() == []
