"""Sending again where it may help, for a bounded time, and never to anywhere else."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from socket import gaierror
from urllib.error import URLError
from urllib.request import Request

import pytest

from lathe_report.report import Failure
from lathe_report.sending import ONE_REQUEST, Answer, Waits, delivered, real_waits, reason, tried
from tests.answering import Reply, answering


class Time:
    """Time that goes by only where somebody sleeps."""

    def __init__(self, chance: float = 1.0) -> None:
        self.at = 0.0
        self.slept: list[float] = []
        self.waits = Waits(lambda: self.at, self.sleep, lambda: chance)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def said() -> list[str]:
    return []


def request(address: str) -> Request:
    return Request(address + "/api/v1/builds", b'{"name": "x"}', {"Idempotency-Key": "k"}, method="POST")


NOWHERE = "http://127.0.0.1:1"


def test_the_first_answer_that_counts_ends_it(said: list[str]) -> None:
    time = Time()
    with answering(Reply(422, b"{}")) as server:
        answer = delivered(request(server.address), 60, time.waits, said.append)

    assert (answer.status, answer.body, time.slept, said) == (422, b"{}", [], [])


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_an_answer_that_may_pass_is_asked_for_again_with_the_same_request(status: int, said: list[str]) -> None:
    time = Time()
    with answering(Reply(status), Reply()) as server:
        assert delivered(request(server.address), 60, time.waits, said.append).status == 201

    first, second = server.asked
    assert (first.body, first.headers["idempotency-key"]) == (second.body, second.headers["idempotency-key"])
    assert said == [f"the server answered {status}; trying again in 1 s"]


def test_a_connection_that_breaks_is_made_again(said: list[str]) -> None:
    time = Time()
    with answering(Reply(0), Reply()) as server:
        assert delivered(request(server.address), 60, time.waits, said.append).status == 201
    assert len(said) == 1
    assert said[0].startswith("no connection to the server (")


def test_an_answer_that_breaks_off_is_asked_for_again(said: list[str]) -> None:
    with answering(Reply(201, b'{"status": "cre', {"Content-Length": "90"}), Reply()) as server:
        assert delivered(request(server.address), 60, Time().waits, said.append).body == Reply().body
    assert said == ["no connection to the server (it broke off amid the answer); trying again in 1 s"]


def test_the_server_is_left_alone_for_as_long_as_it_asks(said: list[str]) -> None:
    now = datetime(2026, 3, 14, tzinfo=UTC)
    dates = {"Date": format_datetime(now, usegmt=True)}
    until = {"Retry-After": format_datetime(now + timedelta(seconds=9), usegmt=True)}
    time = Time(chance=0.0)
    with answering(
        Reply(429, headers={"Retry-After": "42"}),
        Reply(503, headers=dates | until),
        Reply(503, headers={"Retry-After": "soon"}),
        Reply(503, headers={"Retry-After": f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"}),
        Reply(),
    ) as server:
        delivered(request(server.address), 90, time.waits, said.append)

    assert time.slept == [42.5, 10.0, 2.0, 4.0]


def test_pauses_double_up_to_a_limit_and_differ_by_chance(said: list[str]) -> None:
    least, most = Time(chance=0.0), Time(chance=1.0)
    for time in (least, most):
        with pytest.raises(Failure):
            delivered(request(NOWHERE), 120, time.waits, said.append)

    assert most.slept == [1, 2, 4, 8, 16, 20, 20, 20, 20]
    assert least.slept[:6] == [0.5, 1, 2, 4, 8, 10]


def test_it_gives_up_in_time_and_says_after_what(said: list[str]) -> None:
    time = Time()
    with pytest.raises(Failure, match=r"^no connection to the server \(Connection refused\): given up after 4 tries$"):
        delivered(request(NOWHERE), 10, time.waits, said.append)
    assert time.at <= 10

    with (
        answering(Reply(429, headers={"Retry-After": "300"})) as server,
        pytest.raises(Failure, match=r"^the server answered 429 and asks to wait 300 s: given up after 1 try$"),
    ):
        delivered(request(server.address), 150, Time().waits, said.append)


def test_a_server_that_never_answers_is_waited_for_no_longer_than_said() -> None:
    with answering(Reply(-1)) as server:
        got = tried(request(server.address), 0.3)

    assert isinstance(got, TimeoutError)
    assert reason(got) == "the server did not answer in time"


def test_a_redirection_is_an_answer_and_the_key_goes_nowhere_else() -> None:
    with answering() as elsewhere, answering(Reply(307, headers={"Location": elsewhere.address})) as server:
        got = tried(request(server.address), 5)

    assert isinstance(got, Answer)
    assert got.status == 307
    assert elsewhere.asked == []


def test_what_cannot_get_better_is_said_at_once() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.verify_message = "self-signed certificate"
    with pytest.raises(Failure, match=r"not trusted here \(self-signed certificate\).*SSL_CERT_FILE"):
        reason(URLError(untrusted))
    with answering() as server:
        got = tried(request(server.address.replace("http:", "https:")), 5)
    assert isinstance(got, Exception)
    with pytest.raises(Failure, match="LATHE_URL says https, but http is spoken there"):
        reason(got)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (URLError(gaierror(-2, "Name or service not known")), "(Name or service not known)"),
        (URLError("unknown"), "(<urlopen error unknown>)"),
        (URLError(TimeoutError("timed out")), "did not answer in time"),
        (ValueError(), "(ValueError)"),
    ],
)
def test_why_there_is_no_answer_is_said_in_words(fault: Exception, words: str) -> None:
    assert words in reason(fault)


def test_time_really_goes_by() -> None:
    waits = real_waits()
    before = waits.monotonic()
    waits.sleep(0.01)

    assert waits.monotonic() > before
    assert 0 <= waits.chance() < 1
    assert ONE_REQUEST > 10
