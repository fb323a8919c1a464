"""Forms that are too large: the browser is to hear it, and reads no answer before it has sent everything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from attrs import define
from starlette.requests import Request

from lathe.adapters.ui import forms
from lathe.adapters.web.body import BodyLimits, TooLarge, headers_if_unread

CHUNK = 64 * 1024


@define
class Sender:
    """A browser that sends so many chunks; endlessly if None."""

    chunks: int | None
    pause: float = 0.0
    sent: int = 0

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(self.pause)
        self.sent += 1
        more = self.chunks is None or self.sent < self.chunks
        return {"type": "http.request", "body": b"x" * CHUNK, "more_body": more}

    def request(self) -> Request:
        length = [] if self.chunks is None else [(b"content-length", str(self.chunks * CHUNK).encode())]
        kind = (b"content-type", b"application/x-www-form-urlencoded")
        headers = [kind, *length] if length else [kind, (b"transfer-encoding", b"chunked")]
        return Request({"type": "http", "method": "POST", "headers": headers}, self.receive)


def refused(sender: Sender) -> dict[str, str]:
    """Send a form that must be refused; return the headers of the answer."""
    request = sender.request()
    with pytest.raises(TooLarge):
        asyncio.run(forms.read_form(request))
    return headers_if_unread(request)


def test_what_is_left_of_a_form_that_is_too_large_is_taken_in_before_it_is_refused() -> None:
    sender = Sender(16)
    assert refused(sender) == {}, "the connection may go on"
    assert sender.sent == 16


def test_a_form_without_end_is_cut_off() -> None:
    sender = Sender(None)
    assert refused(sender) == {"Connection": "close"}
    assert forms.THROWN_AWAY.size < sender.sent * CHUNK < forms.THROWN_AWAY.size + 4 * CHUNK


def test_a_form_that_is_too_large_and_slow_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "THROWN_AWAY", BodyLimits(seconds=0.05))
    sender = Sender(1000, pause=0.02)
    assert refused(sender) == {"Connection": "close"}
    assert sender.sent < 10
