"""Slow, endless and broken-off bodies, sent message by message to the application itself."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest

from lathe.adapters.web.body import LARGE_AT_ONCE, BodyLimits
from lathe.application.intake import Incoming
from tests.unit.http.world import World

Receive = Callable[[], Awaitable[dict[str, Any]]]
MEBIBYTE = 1024 * 1024


class Sender:
    """Hands out body messages on demand and counts the bytes that were taken."""

    def __init__(self, chunk: bytes, *, pause: float = 0, chunks: int = 10**9) -> None:
        self._chunk = chunk
        self._pause = pause
        self._left = chunks
        self.taken = 0

    async def __call__(self) -> dict[str, Any]:
        await asyncio.sleep(self._pause)
        self._left -= 1
        if self._left < 0:
            return {"type": "http.disconnect"}
        self.taken += len(self._chunk)
        return {"type": "http.request", "body": self._chunk, "more_body": True}


async def ask(world: World, path: str, receive: Receive, headers: dict[str, str]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
    }
    await world.app(scope, receive, send)
    return sent


def answer_of(sent: list[dict[str, Any]]) -> tuple[int, dict[str, str], Any]:
    headers = {name.decode(): text.decode() for name, text in sent[0]["headers"]}
    return sent[0]["status"], headers, orjson.loads(sent[1]["body"])


def chunked(world: World) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {world.key()}",
        "Content-Type": "application/json",
        "Transfer-Encoding": "chunked",
    }


def test_an_endless_body_is_cut_off_at_the_limit() -> None:
    world = World()
    for path in ("/api/webhooks/bitbucket", "/api/v1/builds", "/api/v1/projects"):
        sender = Sender(b"x" * 65536)
        status, headers, problem = answer_of(asyncio.run(ask(world, path, sender, chunked(world))))
        assert (status, problem["code"], headers["connection"]) == (413, "body_too_large", "close")
        assert sender.taken == MEBIBYTE + 65536, "not one chunk more than shows that it is too large"


def test_a_slow_body_is_given_up_at_the_deadline() -> None:
    world = World(BodyLimits(seconds=0.05))
    for path in ("/api/webhooks/bitbucket", "/api/v1/builds", "/api/v1/projects"):
        sender = Sender(b" ", pause=0.01)
        status, headers, problem = answer_of(asyncio.run(ask(world, path, sender, chunked(world))))
        assert (status, problem["code"], headers["connection"]) == (408, "body_too_slow", "close")


def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    world = World()
    sender = Sender(b"x")
    headers = {**chunked(world), "Content-Length": str(MEBIBYTE + 1)}
    status, _, _ = answer_of(asyncio.run(ask(world, "/api/webhooks/bitbucket", sender, headers)))
    assert (status, sender.taken) == (413, 0)


def test_nothing_is_read_of_a_request_without_credential_and_a_large_rest_is_not_waited_for() -> None:
    world = World()
    for path in ("/api/webhooks/bitbucket", f"/api/webhooks/bitbucket/{world.hook()[0].id}", "/api/v1/builds"):
        sender = Sender(b"x" * 65536)
        headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
        status, answered, _ = answer_of(asyncio.run(ask(world, path, sender, headers)))
        assert (status, sender.taken, answered["connection"]) == (401, 0, "close")
        small = {"Content-Type": "application/json", "Content-Length": "4800"}
        assert "connection" not in answer_of(asyncio.run(ask(world, path, sender, small)))[1]


class StalledSender(Sender):
    """Sends so many chunks as fast as they are taken, and then nothing more."""

    async def __call__(self) -> dict[str, Any]:
        if not self._left:
            await asyncio.Event().wait()
        return await super().__call__()


def _beside_stalled_senders(large_at_once: int) -> tuple[int, list[tuple[int, str]], int]:
    """Let 60 senders stall before the end of large bodies. Return the bytes that were taken of them together, how they
    were answered, and what a small delivery beside them was answered."""
    world = World(BodyLimits(seconds=1), large_at_once=large_at_once)
    headers = chunked(world)
    senders = [StalledSender(b" " * 65536, chunks=15) for _ in range(60)]

    async def scene() -> tuple[list[Any], Any]:
        stalled = [asyncio.create_task(ask(world, "/api/webhooks/bitbucket", one, headers)) for one in senders]
        await asyncio.sleep(0.1)
        small = await ask(world, "/api/v1/builds", whole(b'{"name":"x"}'), headers)
        return list(await asyncio.gather(*stalled)), small

    answers, small = asyncio.run(scene())
    said = [(status, problem["code"]) for status, _, problem in map(answer_of, answers)]
    return sum(one.taken for one in senders), said, answer_of(small)[0]


def whole(body: bytes) -> Receive:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def test_many_slow_senders_of_large_bodies_do_not_fill_the_memory() -> None:
    taken, said, small = _beside_stalled_senders(LARGE_AT_ONCE)
    assert taken <= LARGE_AT_ONCE * MEBIBYTE + 60 * 65536
    assert small == 202, "a small body waits for nobody"
    assert sorted(said) == [(408, "body_too_slow")] * LARGE_AT_ONCE + [(503, "overloaded")] * (60 - LARGE_AT_ONCE)
    taken, _, _ = _beside_stalled_senders(large_at_once=10**9)
    assert taken > 50 * MEBIBYTE, "without the bound it would be all that they send"


def test_large_bodies_wait_for_their_turn_and_all_get_it() -> None:
    world = World()
    headers = chunked(world)

    def sender() -> Receive:
        pieces = iter([b'{"name":"x"', *[b" " * 65536] * 4, b"}"])

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0.001)
            piece = next(pieces)
            return {"type": "http.request", "body": piece, "more_body": piece != b"}"}

        return receive

    async def scene() -> list[Any]:
        return list(await asyncio.gather(*(ask(world, "/api/v1/builds", sender(), headers) for _ in range(30))))

    assert [answer_of(sent)[0] for sent in asyncio.run(scene())] == [202] * 30


def test_a_sender_that_goes_away_is_no_fault() -> None:
    world = World()
    sent = asyncio.run(ask(world, "/api/webhooks/bitbucket", Sender(b"{", chunks=2), chunked(world)))
    assert sent[0]["status"] == 400
    assert world.submitted() == 0


def test_a_body_in_pieces_is_one_body() -> None:
    world = World()
    pieces = iter([b'{"na', b"", b'me":', b'"x"}'])

    async def receive() -> dict[str, Any]:
        piece = next(pieces)
        return {"type": "http.request", "body": piece, "more_body": not piece.endswith(b"}")}

    status, _, said = answer_of(asyncio.run(ask(world, "/api/v1/builds", receive, chunked(world))))
    assert (status, said["queue_entry"]["name"]) == (202, "x")


@pytest.mark.parametrize("body", [b"{", b"[]", b"{}"], ids=["malformed", "wrong", "over the limit"])
def test_a_refused_delivery_leaves_the_memory_with_its_answer(body: bytes) -> None:
    """Not only once Python looks for cycles: it counts objects, and one body is as large as thousands of them."""
    world = World()
    headers = {**chunked(world), "Authorization": f"Bearer {world.key(rate_limit=1 if body == b'{}' else None)}"}

    async def scene() -> weakref.ref[Incoming]:
        if body == b"{}":
            await ask(world, "/api/webhooks/bitbucket", whole(body), headers)
        sent = await ask(world, "/api/webhooks/bitbucket", whole(body), headers)
        assert answer_of(sent)[0] in {400, 422, 429}
        return weakref.ref(world.intake.taken.pop())

    gc.collect()
    gc.disable()
    try:
        assert asyncio.run(scene())() is None
    finally:
        gc.enable()


def test_what_waits_for_a_body_that_is_too_slow_is_told_that_nobody_waits_any_more() -> None:
    world = World(BodyLimits(seconds=0.05))
    left: list[str] = []

    async def receive() -> dict[str, Any]:
        try:
            await asyncio.sleep(60)
        finally:
            left.append("left")
        raise AssertionError("nobody waits so long")

    status, _, said = answer_of(asyncio.run(ask(world, "/api/v1/builds", receive, chunked(world))))
    assert (status, said["code"], left) == (408, "body_too_slow", ["left"])
