"""The list of deliveries: found by what they say, with what they led to, and no more than may be seen."""

from __future__ import annotations

from uuid import UUID

import pytest
from attrs import evolve

from lathe.application import deliveries, triage
from lathe.application.deliveries import DeliveryList, Row, Search
from lathe.application.intake import Presented, Received
from lathe.application.lists import DeliveryFilter, Place
from lathe.domain.build_report import BuildStatus
from lathe.domain.delivery import CredentialKind, DeliveryStatus
from lathe.domain.errors import Malformed
from lathe.domain.steps import Reason, ReasonCode
from tests.unit.application.rereading import Content, Rereading
from tests.unit.application.world import PAY, World, report

EVERYTHING = Search()
NOT_READ = Reason(ReasonCode.EVENT_NOT_SUPPORTED, "Nobody reads repo:push")


@pytest.fixture
def again() -> Rereading:
    return Rereading()


def came(world: World, again: Rereading, says: Content, by: Presented | None = None) -> Received:
    return world.received(says, body=again.body_of(says), by=by)


def page(
    world: World,
    again: Rereading,
    search: Search = EVERYTHING,
    limit: int = 50,
    after: Place | None = None,
) -> DeliveryList:
    readers = {"bitbucket": again}
    return deliveries.delivery_list(world.store, readers, world.organization.id, search, limit=limit, after=after)


def ids(found: DeliveryList) -> list[UUID]:
    return [row.delivery.id for row in found.rows]


def test_each_comes_with_what_it_said_and_what_it_led_to(world: World, again: Rereading) -> None:
    world.release(world.project("Pay", PAY), "2.5")
    filed = came(world, again, report())
    queued = came(world, again, report(7, repository="https://bitbucket.org/acme/ledger"))
    ignored = came(world, again, NOT_READ)
    rows = page(world, again).rows
    assert filed.build is not None
    assert queued.entry is not None
    assert [row.delivery.id for row in rows] == [ignored.delivery_id, queued.delivery_id, filed.delivery_id]
    assert {row.delivery.body for row in rows} == {b""}
    assert rows[0] == Row(rows[0].delivery)
    assert (rows[1].entry and rows[1].entry.entry, rows[1].facts) == (
        queued.entry.entry,
        report(7, repository="https://bitbucket.org/acme/ledger").facts,
    )
    assert (rows[2].build, rows[2].facts) == (filed.build, report().facts)


def test_nothing_and_nothing_that_fits_are_told_apart(world: World, again: Rereading) -> None:
    rare = Search(DeliveryFilter(DeliveryStatus.INVALID))
    assert (page(world, again).any, page(world, again, rare).any) == (False, False)
    came(world, again, NOT_READ)
    found = page(world, again, rare)
    assert (found.rows, found.any) == ([], True)


def test_it_knows_the_names_of_credentials_and_what_was_refused(world: World, again: Rereading) -> None:
    hook, _ = world.hook()
    world.store.write(lambda tx: tx.keys.count_refused({world.key.id: 3}))
    world.store.write(lambda tx: tx.hooks.count_refused({hook.id: 4}))
    found = page(world, again).credentials
    assert (found.refused_by_keys, found.refused_by_hooks) == (3, 4)
    assert found.names == {world.key.id: "ci"}
    assert [one.id for one in found.hooks] == [hook.id]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("acme/ledger", "queued"),
        ("https://bitbucket.org/acme/ledger.git", "queued"),
        ("git@bitbucket.org:acme/ledger.git", "queued"),
        ("HOTFIX/TAX", "failed"),
        ("v2.5.1", "tagged"),
        ("no project", "queued"),
        ("repo:PUSH", "ignored"),
        ("ann arbor", "tagged"),
        ("homeless", "homeless"),
        ("nothing of the kind", ""),
    ],
)
def test_a_text_is_found_wherever_it_stands(world: World, again: Rereading, text: str, found: str) -> None:
    world.release(world.project("Pay", PAY), "2.5")
    made = {
        "queued": came(world, again, report(1, repository="https://bitbucket.org/acme/ledger")),
        "failed": came(world, again, report(2, branch="hotfix/tax", status=BuildStatus.FAILED)),
        "tagged": came(world, again, report(3, branch=None, tag="v2.5.1", author="Ann Arbor")),
        "homeless": came(world, again, report(4, repository=None, branch="homeless")),
        "ignored": came(world, again, NOT_READ),
    }
    assert ids(page(world, again, Search(text=text))) == ([made[found].delivery_id] if found else [])


def test_bodies_are_searched_only_for_those_who_may_see_them(world: World) -> None:
    body = b'{"full_name": "Acme\\/Ledger"}'
    sent = world.received(NOT_READ, body=body)
    reading = Rereading({body: NOT_READ})
    assert ids(page(world, reading, Search(text="acme/ledger"))) == []
    assert ids(page(world, reading, Search(text="acme/ledger", in_bodies=True))) == [sent.delivery_id]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_walk_through_what_holds_a_text_shows_each_once(world: World, again: Rereading, limit: int) -> None:
    wanted = []
    for number in range(250):
        sent = came(world, again, NOT_READ if number % 40 else report(number, branch="needle"))
        if number % 40 == 0:
            wanted.append(sent.delivery_id)
    walked: list[UUID] = []
    after = None
    while True:
        found = page(world, again, Search(text="needle"), limit, after)
        walked += ids(found)
        after = found.next
        if after is None:
            break
    assert walked == wanted[::-1]


def test_a_search_ends_where_enough_was_read_and_can_go_on_there(
    world: World, again: Rereading, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        came(world, again, report(number, branch="needle" if number == 0 else "main"))
    monkeypatch.setattr(deliveries, "_CHUNK", 2)
    monkeypatch.setattr(deliveries, "_BODIES", 1)
    first = page(world, again, Search(text="needle"))
    assert first.rows == []
    assert first.next is not None
    second = page(world, again, Search(text="needle"), after=first.next)
    third = page(world, again, Search(text="needle"), after=second.next)
    assert (second.rows, len(third.rows), third.next) == ([], 1, None)
    monkeypatch.setattr(deliveries, "_BODIES", 1 << 20)
    monkeypatch.setattr(deliveries, "_CHUNKS", 1)
    assert page(world, again, Search(text="needle")) == first


def test_the_bare_list_has_names_for_what_has_some(world: World, again: Rereading) -> None:
    hook, _ = world.hook()
    came(world, again, NOT_READ, by=world.by_hook(hook))
    org, readers = world.organization.id, {"bitbucket": again}
    looked, names = deliveries.listed(world.store, readers, org, Search(), limit=1, after=None)
    assert (looked.rows[0].credential, looked.rows[0].body, names) == (CredentialKind.HOOK, b"", {})
    came(world, again, NOT_READ)
    looked, names = deliveries.listed(world.store, readers, org, Search(), limit=1, after=None)
    assert looked.next is not None
    assert names[world.key.id] == "ci"


def test_one_delivery_is_shown_with_its_body_where_that_may_be_seen(world: World, again: Rereading) -> None:
    sent = came(world, again, report())
    org, readers = world.organization.id, {"bitbucket": again}
    with_body = deliveries.delivery_page(world.store, readers, org, sent.delivery_id, body=True)
    without = deliveries.delivery_page(world.store, readers, org, sent.delivery_id, body=False)
    assert with_body.row.delivery == world.delivery(sent.delivery_id)
    assert without.row == evolve(with_body.row, delivery=evolve(with_body.row.delivery, body=b""))
    assert (without.name, without.row.facts) == ("ci", report().facts)


def test_what_cannot_be_read_again_says_why(world: World, again: Rereading) -> None:
    kept = world.delivery(came(world, again, report()).delivery_id)
    for delivery, said in (
        (evolve(kept, body=b""), "Its body is not kept"),
        (evolve(kept, source="old-ci"), "Nothing reads deliveries of old-ci any more"),
    ):
        content = deliveries.read_again({"bitbucket": again}, delivery).content
        assert isinstance(content, Malformed)
        assert content.detail == said
        assert deliveries.facts_of({"bitbucket": again}, delivery) is None


def test_a_build_that_was_sent_back_is_shown_as_what_it_is_now(world: World, again: Rereading) -> None:
    world.release(world.project("Pay", PAY), "2.5")
    sent = came(world, again, report())
    assert sent.build is not None
    triage.requeue(world.store, world.ids, world.ann, sent.build.build.id)
    (row,) = page(world, again).rows
    assert row.build is not None
    assert row.build.build.withdrawn
