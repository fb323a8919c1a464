"""Requests under a key of their sender: the first answer is repeated, whatever became of things meanwhile."""

from __future__ import annotations

import pytest
from attrs import evolve

from lathe.application import keys, triage
from lathe.application.intake import Incoming, Once, Presented, Reading, Received, Refused
from lathe.domain.api_key import Scope
from lathe.domain.build_report import BuildFacts, BuildReport, BuildStatus
from lathe.domain.delivery import DeliveryStatus
from lathe.domain.errors import Invalid, LatheError, Malformed, RateLimited
from lathe.domain.project import Project
from lathe.domain.release import Release
from lathe.domain.steps import ReasonCode
from tests.unit.application.world import World, report

UNKNOWN = "https://bitbucket.org/acme/unheard-of"
NIGHTLY = BuildReport(facts=BuildFacts(source="api", name="Nightly"))
"""A build that nothing identifies."""


def written(received: Received, reading: Reading) -> bytes:
    """Write down an answer, with something in it that is no other answer's."""
    assert isinstance(reading.content, BuildReport)
    return f"{received.status.value} {received.delivery_id} {reading.content.facts.name}".encode()


def under(
    world: World,
    key: str,
    content: BuildReport | LatheError = NIGHTLY,
    *,
    body: bytes = b"{}",
    by: Presented | None = None,
) -> Incoming:
    """Return a request under a key."""
    return evolve(world.incoming(content, source="api", body=body, by=by), once=Once(key, written))


def answered(world: World, *requests: Incoming) -> list[Received]:
    """Return the answers to requests that come in one batch; none is refused."""
    answers = []
    for answer in world.send_all(requests):
        assert isinstance(answer, Received), answer
        answers.append(answer)
    return answers


@pytest.mark.parametrize("together", [True, False])
def test_a_build_that_nothing_identifies_is_made_once_for_each_key(world: World, *, together: bool) -> None:
    requests = [under(world, key) for key in ("a", "a", "b", "a")]
    batches = [requests] if together else [[one] for one in requests]
    first, again, other, once_more = [answer for batch in batches for answer in answered(world, *batch)]

    assert first.entry
    assert (again.written, once_more.written) == (first.written, first.written)
    assert other.written != first.written
    assert len(world.entries()) == 2


def test_a_repetition_is_told_by_its_status_and_delivery_and_stores_nothing(world: World) -> None:
    (first,) = answered(world, under(world, "a"))
    before = world.read(lambda tx: tx.deliveries.newest(world.organization.id, 9))
    (again,) = answered(world, under(world, "a"))

    assert (again.status, again.delivery_id) == (DeliveryStatus.DUPLICATE, first.delivery_id)
    assert (again.build, again.entry, again.reason, again.placement) == (None, None, None, None)
    assert world.read(lambda tx: tx.deliveries.newest(world.organization.id, 9)) == before


def test_what_became_of_the_build_meanwhile_changes_no_answer(world: World, pay: Project, pay_25: Release) -> None:
    (first,) = answered(world, under(world, "a", report(1)))
    assert first.build
    triage.requeue(world.store, world.ids, world.ann, first.build.build.id)
    world.later(hours=23, minutes=59, seconds=59)
    (again,) = answered(world, under(world, "a", report(1)))

    assert again.written == first.written
    assert b"created" in (again.written or b"")


def test_the_same_build_under_another_key_is_a_duplicate_and_stays_one(world: World, pay_25: Release) -> None:
    (first,) = answered(world, under(world, "a", report(1)))
    (other,) = answered(world, under(world, "b", report(1)))
    (other_again,) = answered(world, under(world, "b", report(1)))

    assert (first.status, other.status) == (DeliveryStatus.CREATED, DeliveryStatus.DUPLICATE)
    assert other.build
    assert (other.written or b"").startswith(b"duplicate ")
    assert other_again.written == other.written


def test_after_24_hours_the_key_is_free_for_any_body(world: World) -> None:
    (first,) = answered(world, under(world, "a"))
    world.later(hours=24)
    (next_day, again) = answered(world, under(world, "a", body=b"{ }"), under(world, "a", body=b"{ }"))

    assert next_day.written != first.written
    assert again.written == next_day.written
    assert len(world.entries()) == 2


def test_another_body_under_the_same_key_is_refused_and_shows_among_the_deliveries(world: World) -> None:
    (first,) = answered(world, under(world, "a"))
    (refused,) = world.send_all([under(world, "a", report(1), body=b'{"other": 1}')])

    assert isinstance(refused, Refused)
    assert isinstance(refused.error, Invalid)
    assert refused.error.reason == "idempotency_key_reused"
    newest = world.read(lambda tx: tx.deliveries.newest(world.organization.id, 1))[0]
    assert (newest.status, newest.reason and newest.reason.code) == (DeliveryStatus.INVALID, ReasonCode.UNREADABLE)
    assert answered(world, under(world, "a"))[0].written == first.written


def test_a_token_in_a_url_makes_no_other_body_and_is_not_written_down(world: World) -> None:
    def sent(token: str) -> Incoming:
        url = f"https://ci:{token}@ci.acme.test/1"
        content = evolve(NIGHTLY, facts=evolve(NIGHTLY.facts, name=url))
        return under(world, "a", content, body=f'{{"name": "{url}"}}'.encode())

    first, again = answered(world, sent("one"), sent("two"))
    assert again.written == first.written
    assert (first.written or b"").endswith(b" https://ci.acme.test/1")


@pytest.mark.parametrize("fault", [Malformed("not JSON"), Invalid("name is required")])
def test_a_body_that_is_refused_leaves_the_key_to_the_mended_one(world: World, fault: LatheError) -> None:
    (refused,) = world.send_all([under(world, "a", fault, body=b"{")])
    (mended,) = answered(world, under(world, "a"))

    assert isinstance(refused, Refused)
    assert refused.error is fault
    assert mended.entry


def test_a_repetition_spends_the_limit_and_a_refusal_for_it_is_not_repeated(world: World) -> None:
    _, text = keys.create(world.store, world.ids, world.ann, "limited", list(Scope), rate_limit=2)
    requests = [under(world, "a", by=world.by_key(text)) for _ in range(3)]
    first, second, third = world.send_all(requests)
    assert isinstance(first, Received)
    assert isinstance(second, Received)
    assert isinstance(third, Refused)
    assert isinstance(third.error, RateLimited)

    world.later(seconds=61)
    (again,) = answered(world, requests[0])
    assert again.written == second.written == first.written


def test_the_same_key_of_another_credential_is_another_key(world: World) -> None:
    _, second_key = keys.create(world.store, world.ids, world.ann, "second", list(Scope), rate_limit=None)
    first, second = answered(world, under(world, "a"), under(world, "a", by=world.by_key(second_key)))

    assert first.written != second.written
    assert len(world.entries()) == 2


def test_a_report_that_was_ignored_is_ignored_again(world: World) -> None:
    failed = report(1, status=BuildStatus.FAILED, repository=UNKNOWN)
    (first,) = answered(world, under(world, "a", failed))
    (again,) = answered(world, under(world, "a", failed))

    assert first.status is DeliveryStatus.IGNORED
    assert again.written == first.written
