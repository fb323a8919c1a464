"""A client that owes something and does not send it is left behind; nobody else is."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from threading import Thread
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from uvicorn import Server

from lathe.entrypoints import protocol
from lathe.entrypoints.server import listen, server_config

PATIENCE = 0.3
WHOLE = b"GET /fast HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSING = b"GET /fast HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server whose patience ends after 0.3 seconds."""

    async def fast(_: Request) -> PlainTextResponse:
        return PlainTextResponse("fast")

    async def slow(_: Request) -> PlainTextResponse:
        await asyncio.sleep(3 * PATIENCE)
        return PlainTextResponse("slow")

    async def reading(request: Request) -> PlainTextResponse:
        read = len(await request.body())
        return PlainTextResponse(f"read {read} below {request.headers.keys()}")

    app = Starlette(
        routes=[
            Route("/fast", fast, methods=["GET", "POST"]),
            Route("/slow", slow, methods=["GET", "POST"]),
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


def all_until_closed(client: socket.socket) -> bytes:
    """Return all that the server sends before it closes."""
    got = b""
    try:
        while piece := client.recv(65536):
            got += piece
    except ConnectionError:
        pass
    return got


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


def test_a_head_beyond_64_kib_is_refused_also_where_it_comes_whole(client: socket.socket) -> None:
    client.sendall(WHOLE[:-2] + b"X-Long: " + b"a" * protocol.HEAD_BYTES + b"\r\n\r\n")

    assert answer(client) == b"HTTP/1.1 431 Request Header Fields Too Large "
    assert closed_after(client) < PATIENCE


def test_what_is_too_large_behind_a_slow_request_is_no_answer_to_that(client: socket.socket) -> None:
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    time.sleep(PATIENCE / 3)
    client.sendall(WHOLE[:-2] + b"X-Long: " + b"a" * protocol.HEAD_BYTES)

    assert all_until_closed(client) == b""


@pytest.mark.parametrize(
    "trailer",
    [b"X: a\r\n" * 100, b"X: " + b"a" * 9000 + b"\r\n", b"a" * 9000],
    ids=["many fields", "long fields", "a field without end"],
)
@pytest.mark.parametrize("path", [b"/fast", b"/slow", b"/reading"])
def test_fields_behind_a_body_are_cut_off_beyond_64_kib(client: socket.socket, path: bytes, trailer: bytes) -> None:
    client.sendall(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n")
    more_than_the_sockets_hold = 300 * protocol.HEAD_BYTES // len(trailer) * trailer
    with pytest.raises(ConnectionError):
        client.sendall(more_than_the_sockets_hold)


def test_fields_behind_a_body_are_nothing_to_the_application(client: socket.socket) -> None:
    client.sendall(
        b"POST /reading HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nab\r\n0\r\nAuthorization: Bearer x\r\n\r\n"
    )

    assert answer(client) == b"HTTP/1.1 200 OK read 2 below ['host', 'transfer-encoding']"


def test_a_client_that_asks_before_it_sends_its_body_is_told_to_go_on(client: socket.socket) -> None:
    client.sendall(b"POST /reading HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n")
    assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"ab")

    assert answer(client) == b"HTTP/1.1 200 OK read 2 below ['host', 'expect', 'content-length']"


def test_a_large_body_in_small_chunks_is_no_large_head(client: socket.socket) -> None:
    client.sendall(b"POST /reading HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.sendall(b"1\r\na\r\n" * protocol.HEAD_BYTES + b"0\r\n\r\n")

    assert answer(client).startswith(b"HTTP/1.1 200 OK read 65536 ")


def test_some_requests_may_be_sent_ahead(client: socket.socket) -> None:
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + 9 * WHOLE + CLOSING)

    answers = all_until_closed(client)
    assert answers.count(b"HTTP/1.1 200 OK") == 11
    assert answers.find(b"slow") < answers.find(b"fast")


def test_no_more_requests_are_kept_waiting_than_somebody_would_send_ahead(client: socket.socket) -> None:
    client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + (protocol.MOST_WAITING + 1) * WHOLE)

    assert closed_after(client) < PATIENCE


def test_many_small_requests_are_no_large_head(client: socket.socket) -> None:
    padded = WHOLE[:-2] + b"X-Long: " + b"a" * 1000 + b"\r\n\r\n"
    for _ in range(100):
        client.sendall(padded)
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

    assert answer(client) == b"HTTP/1.1 200 OK read 2 below ['host', 'content-length']"


def test_an_idle_connection_stays_usable(client: socket.socket) -> None:
    for _ in range(3):
        client.sendall(WHOLE)
        assert answer(client) == b"HTTP/1.1 200 OK fast"
        time.sleep(2 * PATIENCE)


@pytest.mark.parametrize("told", [True, False])
def test_an_answer_without_an_end_is_told_when_the_server_stops(*, told: bool) -> None:
    """Only if the application asked to be told: else it holds the server up for as long as the grace lasts."""
    stopping = asyncio.Event()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {protocol.WHEN_STOPPING: stopping.set} if told else {}

    async def endless(_: Request) -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield "begun"
            await stopping.wait()

        return StreamingResponse(parts())

    config = server_config(Starlette(routes=[Route("/endless", endless)], lifespan=lifespan))
    config.timeout_graceful_shutdown = 1
    with listen("127.0.0.1", 0) as listener:
        server = Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        with socket.create_connection(listener.getsockname(), timeout=10) as client:
            client.sendall(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            while b"begun" not in client.recv(65536):
                pass
            server.should_exit = True
            thread.join()
            rest = b"".join(iter(lambda: client.recv(65536), b""))
    assert rest.endswith(b"0\r\n\r\n") is told


class Wire(asyncio.Transport):
    """A transport that remembers what it was asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("closed")


def test_head_and_body_of_an_answer_are_sent_together_and_soon() -> None:
    async def answering() -> list[bytes | str]:
        corked = protocol.Corked(wire := Wire(), asyncio.get_running_loop())
        corked.write(b"head")
        corked.write(b"body")
        assert wire.done == []
        await asyncio.sleep(0)
        corked.write(b"head of a stream, whose body comes later")
        await asyncio.sleep(0)
        return wire.done

    assert asyncio.run(answering()) == [b"headbody", b"head of a stream, whose body comes later"]


def test_what_was_written_is_sent_before_a_connection_closes() -> None:
    async def closing() -> list[bytes | str]:
        corked = protocol.Corked(wire := Wire(), asyncio.get_running_loop())
        corked.write(b"the last")
        corked.close()
        await asyncio.sleep(0)
        return wire.done

    assert asyncio.run(closing()) == [b"the last", "closed"]
