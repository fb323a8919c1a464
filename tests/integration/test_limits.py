"""Limits are exact and revocation is a barrier, over all processes and under load. What judges it catches a breach."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from lathe.domain.hook import hub_signature
from lathe.entrypoints.sample_bodies import event_headers
from tests.integration.contract.histories import Shot, admitted_after, most_in_a_window
from tests.integration.contract.load import Load, Request, direct_processes, spend_directly
from tests.integration.contract.places import DATABASES, Place, running_place

if TYPE_CHECKING:
    from tests.databases import PostgresServer

PING = json.dumps({"test": True}).encode()
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module", params=DATABASES)
def place(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with running_place(request.param, postgres_server, tmp_path_factory.mktemp("limits")) as place:
        place.command("org", "create", "Acme")
        yield place


@pytest.fixture(scope="module")
def direct() -> Iterator[Executor]:
    with direct_processes() as pool:
        yield pool


def new_key(place: Place, limit: str) -> Any:
    """Make a key that reads and creates builds."""
    scopes = ("--scope", "builds:read", "--scope", "builds:create")
    return place.command("key", "create", "Load", "--org", "acme", "--rate-limit", limit, *scopes)


def by_key(key: str) -> list[Request]:
    """Return requests by every way that spends a key's limit: reads, and deliveries in batches."""
    bearer = {"Authorization": f"Bearer {key}"}
    ping = {**event_headers("diagnostics:ping", ""), **bearer}
    del ping["X-Request-UUID"]
    return [
        Request("GET", "/api/v1/builds", bearer),
        Request("POST", "/api/webhooks/bitbucket", ping, PING),
        Request("POST", "/api/v1/builds", {**JSON, **bearer}, b"{"),
    ]


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [40, 700], ids=["exact stamps", "one-second buckets"])
def test_a_limit_is_never_exceeded_over_all_processes(place: Place, limit: int, direct: Executor) -> None:
    """By sixteen connections to all workers, and on PostgreSQL by further processes; while commands write the same
    row, and must not make the window forget anything."""
    key = new_key(place, str(limit))
    begin = time.monotonic() + 0.7
    directly = []
    if place.kind == "postgresql":
        span = (begin, begin + 2)
        directly = [direct.submit(spend_directly, place.database_url, key["key"], *span) for _ in range(2)]
    with Load(place.address, by_key(key["key"]), 16, begin).running() as load:
        load.wait_until(lambda history: len(history) > 0)
        for number in range(4):
            place.command("key", "update", key["id"], "--name", f"Load {number}")
        load.wait_until(lambda history: len(history) > limit + 200)
    by_processes = [shot for one in directly for shot in one.result()]
    history = [*load.history, *by_processes]

    assert most_in_a_window(history) <= limit
    assert sum(shot.admitted for shot in history) == limit, "and nobody was refused too early"
    assert place.kind == "sqlite" or limit < 700 or any(shot.admitted for shot in by_processes)
    (listed,) = [one for one in place.command("key", "list") if one["id"] == key["id"]]
    assert (listed["requests"], listed["name"]) == (limit, "Load 3")


def test_a_changed_limit_holds_within_a_second(place: Place) -> None:
    key = new_key(place, "1")
    with Load(place.address, by_key(key["key"]), 4).running() as load:
        load.wait_until(lambda history: any(shot.status == 429 for shot in history))
        place.command("key", "update", key["id"], "--rate-limit", "3")
        returned = time.monotonic()
        load.wait_until(lambda history: sum(shot.admitted for shot in history) == 3)

    # A refusal is remembered for a second; the rest is for a machine that has other things to do.
    assert all(shot.answered < returned + 1 + 2 for shot in load.history if shot.admitted)


def test_a_hook_takes_six_hundred_a_minute_and_then_refuses(place: Place) -> None:
    hook = place.command("hook", "create", "bitbucket", "--org", "acme")
    with Load(place.address, by_hook(hook), 8).running() as load:
        load.wait_until(lambda history: len(history) > 700)

    assert most_in_a_window(load.history) == 600
    assert {shot.status for shot in load.history} == {200, 429}


def test_the_judge_of_limits_sees_one_too_many() -> None:
    """A window that begins anew each minute admits twice its limit around the edge."""
    fixed = [
        Shot(at, at + 0.01, 200) for at in (*(59.0 + n / 100 for n in range(40)), *(60.0 + n / 100 for n in range(40)))
    ]
    rolling = [evolve(shot, status=429) if shot.sent >= 60 else shot for shot in fixed]
    one_more = [*rolling, Shot(118.9, 118.99, 200)]
    one_later = [*rolling, Shot(119.1, 119.2, 200)]

    assert most_in_a_window(fixed) == 80
    assert most_in_a_window(rolling) == 40
    assert most_in_a_window(one_more) == 41
    assert most_in_a_window(one_later) == 40


# --- revocation -------------------------------------------------------------------------------------------------------


def by_hook(hook: Any) -> list[Request]:
    """Return a signed delivery that is ignored each time anew."""
    headers = {**event_headers("diagnostics:ping", ""), "X-Hub-Signature": hub_signature(hook["secret"].encode(), PING)}
    del headers["X-Request-UUID"]
    return [Request("POST", f"/api/webhooks/bitbucket/{hook['id']}", headers, PING)]


def a_key(place: Place) -> tuple[Load, list[str]]:
    key = new_key(place, "unlimited")
    return Load(place.address, by_key(key["key"]), 8), ["key", "revoke", key["id"]]


def a_hook(place: Place) -> tuple[Load, list[str]]:
    hook = place.command("hook", "create", "bitbucket", "--org", "acme")
    # Slowly enough that its limit is not what refuses.
    return Load(place.address, by_hook(hook), 8, pause=0.07), ["hook", "revoke", hook["id"]]


@pytest.mark.parametrize("credential", [a_key, a_hook])
def test_once_a_revocation_was_answered_nothing_is_admitted(
    place: Place, credential: Callable[[Place], tuple[Load, list[str]]]
) -> None:
    load, revoke = credential(place)
    with load.running():
        load.wait_until(lambda history: len(history) > 50)
        place.program(*revoke)
        answered = time.monotonic()
        load.wait_until(lambda history: sum(shot.sent > answered for shot in history) > 50)

    assert admitted_after(load.history, answered) == []
    assert all(shot.admitted for shot in load.history[:50])
    assert {shot.status for shot in load.history if shot.sent > answered} == {401}


def test_the_judge_of_revocations_sees_one_that_slipped_through() -> None:
    clock = count()
    history = [Shot(at, at + 0.9, 200 if at < 10 else 401) for at in (float(next(clock)) for _ in range(20))]
    on_its_way = evolve(history[10], sent=9.95, status=200)
    slipped = evolve(history[15], status=200)

    assert admitted_after(history, 10.0) == []
    assert admitted_after([*history, on_its_way], 10.0) == []
    assert admitted_after([*history, slipped], 10.0) == [slipped]
