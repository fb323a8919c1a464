"""Sends a report, again and again within a bounded time where that may help."""

from __future__ import annotations

import random
import re
import ssl
import time
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, Callable, Mapping, NamedTuple
from urllib.error import URLError
from urllib.request import HTTPErrorProcessor, Request, build_opener

from lathe_report.report import Failure

ONE_REQUEST = 15.0
"""Seconds that one request may take. The server answers within 10, whatever happens to it."""

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may do better. It is safe to repeat: the server files one build once."""

_NOT_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL")  # as OpenSSL called it over the years
_LONGEST_ANSWER = 1024 * 1024
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 20.0


class Answer(NamedTuple):
    """What the server said. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Waits(NamedTuple):
    """How time goes by: seconds of a clock that never jumps, sleeping so long, and a number from 0 to 1 by chance."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    chance: Callable[[], float]


def real_waits() -> Waits:
    """Return how time really goes by."""
    return Waits(time.monotonic, time.sleep, random.random)


class _AsItIs(HTTPErrorProcessor):
    """Leaves every answer as it is: a redirection would take the key elsewhere, and the body nowhere."""

    def http_response(self, request: Request, response: Any) -> Any:  # noqa: ARG002 - urllib's signature
        return response

    https_response = http_response


def delivered(request: Request, seconds: float, waits: Waits, say: Callable[[str], None]) -> Answer:
    """Send until there is an answer that counts, for so many seconds at most. Raises Failure."""
    end = waits.monotonic() + seconds
    tries = 0
    while True:
        tries += 1
        got = tried(request, max(0.1, min(ONE_REQUEST, end - waits.monotonic())))
        if isinstance(got, Answer) and got.status not in AGAIN:
            return got
        why = f"the server answered {got.status}" if isinstance(got, Answer) else reason(got)
        asked = _retry_after(got.headers) if isinstance(got, Answer) else 0.0
        pause = _pause(tries, waits.chance()) + asked
        if waits.monotonic() + pause >= end:
            waited = f" and asks to wait {asked:.0f} s" if asked else ""
            raise Failure(f"{why}{waited}: given up after {tries} {'try' if tries == 1 else 'tries'}")
        say(f"{why}; trying again in {pause:.0f} s")
        waits.sleep(pause)


def tried(request: Request, seconds: float) -> Answer | Exception:
    """Send once; return the answer, or why there is none. Takes so many seconds at most.

    In a thread, because looking up a name, and a server that sends byte after byte, know no limit of their own.
    """
    ended: Queue[Answer | Exception] = Queue(1)

    def run() -> None:
        try:
            ended.put(_exchanged(request, seconds))
        except (OSError, HTTPException, ValueError) as fault:
            ended.put(fault)

    Thread(target=run, daemon=True).start()
    try:
        return ended.get(timeout=seconds)
    except Empty:
        return TimeoutError()


def _exchanged(request: Request, seconds: float) -> Answer:
    response: IO[bytes] | Any
    with build_opener(_AsItIs).open(request, timeout=seconds) as response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = response.read(_LONGEST_ANSWER)
        if response.length and len(body) < _LONGEST_ANSWER:  # reading so many bytes at most does not complain of fewer
            raise ConnectionError("it broke off amid the answer")
        return Answer(response.status, headers, body)


def reason(fault: Exception) -> str:
    """Say why there was no answer. Raises Failure where trying again cannot help."""
    cause = fault.reason if isinstance(fault, URLError) and isinstance(fault.reason, Exception) else fault
    if isinstance(cause, ssl.SSLCertVerificationError):
        raise Failure(
            f"the server's certificate is not trusted here ({cause.verify_message}): for one of your own authority, "
            "set SSL_CERT_FILE to its certificate"
        ) from None
    if isinstance(cause, ssl.SSLError) and cause.reason in _NOT_TLS:
        raise Failure("LATHE_URL says https, but http is spoken there: mend its beginning, or the port") from None
    if isinstance(cause, TimeoutError) or "timed out" in str(cause):
        return "the server did not answer in time"
    said = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause) or type(cause).__name__
    return f"no connection to the server ({said})"


def _pause(tries: int, chance: float) -> float:
    """Return how long to wait after so many tries: twice as long each time, and nobody at the same time as others."""
    return float(min(_FIRST_PAUSE * 2 ** (tries - 1), _LONGEST_PAUSE)) * (0.5 + chance / 2)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return how many seconds the server wants to be left alone: a number, or a date beside that of the answer."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    try:
        span = parsedate_to_datetime(value) - parsedate_to_datetime(headers["date"])
        return max(0.0, span.total_seconds())
    except (TypeError, ValueError, LookupError, OverflowError):
        return 0.0
