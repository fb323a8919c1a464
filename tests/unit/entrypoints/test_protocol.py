"""A client that owes something and does not send it is left behind; nobody else is."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from threading import Thread

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn import Server

from lathe.entrypoints import protocol
from lathe.entrypoints.server import listen, server_config

PATIENCE = 0.3
WHOLE = b"GET /fast HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server whose patience ends after 0.3 seconds."""

    async def fast(_: Request) -> PlainTextResponse:
        return PlainTextResponse("fast")

    async def slow(_: Request) -> PlainTextResponse:
        await asyncio.sleep(3 * PATIENCE)
        return PlainTextResponse("slow")

    async def reading(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"read {len(await request.body())}")

    app = Starlette(
        routes=[
            Route("/fast", fast, methods=["GET", "POST"]),
            Route("/slow", slow),
            Route("/reading", reading, methods=["POST"]),
        ]
    )
    with pytest.MonkeyPatch.context() as patch, listen("127.0.0.1", 0) as listener:
        patch.setattr(protocol, "HEAD_SECONDS", PATIENCE)
        config = server_config(app)
        config.lifespan = "off"
        server = Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def client(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        yield connection


def closed_after(client: socket.socket, trickled: bytes = b"") -> float:
    """Send a byte now and then until the server closes; return the seconds that took."""
    began = time.monotonic()
    client.settimeout(PATIENCE / 6)
    while time.monotonic() < began + 10 * PATIENCE:
        try:
            if client.recv(65536) == b"":
                return time.monotonic() - began
        except TimeoutError:
            pass
        except ConnectionError:
            return time.monotonic() - began
        if trickled:
            try:
                client.send(trickled)
            except OSError:
                return time.monotonic() - began
    raise AssertionError("the connection is still open")


def answer(client: socket.socket) -> bytes:
    """Return one whole answer."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += client.recv(65536)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65536)
    return head.partition(b"\r\n")[0] + b" " + body


def test_a_client_that_says_nothing_is_left_behind(client: socket.socket) -> None:
    assert PATIENCE * 0.9 < closed_after(client) < PATIENCE * 4


def test_a_half_sent_head_is_left_behind(client: socket.socket) -> None:
    client.sendall(WHOLE[:20])

    assert closed_after(client) < PATIENCE * 4


def test_a_head_that_trickles_in_is_left_behind_as_soon(client: socket.socket) -> None:
    client.sendall(WHOLE[:-2] + b"X-Slow: ")

    assert closed_after(client, trickled=b"a") < PATIENCE * 4


def test_a_half_sent_second_head_is_left_behind_too(client: socket.socket) -> None:
    client.sendall(WHOLE)
    assert answer(client) == b"HTTP/1.1 200 OK fast"
    client.sendall(WHOLE[:20])

    assert closed_after(client, trickled=b"a") < PATIENCE * 4


def test_empty_lines_after_an_answer_buy_no_time(client: socket.socket) -> None:
    client.sendall(WHOLE)
    assert answer(client) == b"HTTP/1.1 200 OK fast"

    assert closed_after(client, trickled=b"\r\n") < PATIENCE * 4


def test_the_body_of_a_request_that_is_answered_may_not_trickle_for_ever(client: socket.socket) -> None:
    client.sendall(b"POST /fast HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbody")
    assert answer(client) == b"HTTP/1.1 200 OK fast"

    assert closed_after(client, trickled=b"b") < PATIENCE * 4


def test_a_head_beyond_64_kib_is_refused(client: socket.socket) -> None:
    client.sendall(WHOLE[:-2] + b"X-Long: " + b"a" * protocol.HEAD_BYTES)

    assert answer(client) == b"HTTP/1.1 431 Request Header Fields Too Large "
    assert closed_after(client) < PATIENCE


def test_a_head_just_below_the_limit_is_taken(client: socket.socket) -> None:
    client.sendall(WHOLE[:-2] + b"X-Long: " + b"a" * (protocol.HEAD_BYTES - 200))
    time.sleep(PATIENCE / 3)
    client.sendall(b"\r\n\r\n")

    assert answer(client) == b"HTTP/1.1 200 OK fast"


def test_an_answer_may_take_its_time(client: socket.socket) -> None:
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")

    assert answer(client) == b"HTTP/1.1 200 OK slow"


def test_a_half_sent_head_behind_a_slow_request_does_not_cost_its_answer(client: socket.socket) -> None:
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + WHOLE[:20])

    assert answer(client) == b"HTTP/1.1 200 OK slow"
    assert closed_after(client, trickled=b"a") < PATIENCE * 4


def test_a_body_that_is_being_read_is_the_readers_business(client: socket.socket) -> None:
    client.sendall(b"POST /reading HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na")
    time.sleep(3 * PATIENCE)
    client.sendall(b"b")

    assert answer(client) == b"HTTP/1.1 200 OK read 2"


def test_an_idle_connection_stays_usable(client: socket.socket) -> None:
    for _ in range(3):
        client.sendall(WHOLE)
        assert answer(client) == b"HTTP/1.1 200 OK fast"
        time.sleep(2 * PATIENCE)
