"""Which address a request comes from: never one that the sender could choose."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from lathe.adapters.web.client_address import client_address

PROXIES = ("10.0.0.0/8", "192.0.2.7/32", "2001:db8:ffff::/48")
PROXY = "10.0.0.1"


def request_from(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", text.encode()) for text in forwarded]
    return Request({"type": "http", "headers": headers, "client": (peer, 50000) if peer else None})


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (("203.0.113.7",), "203.0.113.7"),
        (("198.51.100.9, 203.0.113.7",), "203.0.113.7"),  # the left one is whatever the sender likes
        (("198.51.100.9, 10.0.0.9, 203.0.113.7",), "203.0.113.7"),
        (("203.0.113.7, 192.0.2.7, 10.0.0.2",), "203.0.113.7"),
        (("198.51.100.9", "203.0.113.7,10.0.0.2"), "203.0.113.7"),  # several headers are one list
        (("10.0.0.3, 10.0.0.2",), "10.0.0.3"),  # asked by a proxy itself
        (("2001:db8::5, 2001:db8:ffff::1",), "2001:db8::5"),
        (("::ffff:203.0.113.7, ::ffff:10.0.0.2",), "203.0.113.7"),
        (("203.0.113.7:41234",), "203.0.113.7"),
        (("[2001:db8::5]:41234, [2001:db8:ffff::1]",), "2001:db8::5"),
    ],
)
def test_behind_trusted_proxies_the_rightmost_other_hop_counts(forwarded: tuple[str, ...], found: str) -> None:
    for peer in (PROXY, f"::ffff:{PROXY}"):
        assert client_address(request_from(peer, *forwarded), PROXIES) == found


@pytest.mark.parametrize(
    "garbage", ["", "unknown", "_hidden", "203.0.113.7, ", "203.0.113.7, 300.1.1.1", "a:b", "[", "é"]
)
def test_at_garbage_the_last_good_hop_counts(garbage: str) -> None:
    assert client_address(request_from(PROXY, garbage), PROXIES) == PROXY
    assert client_address(request_from(PROXY, f"{garbage}, 10.0.0.2"), PROXIES) == "10.0.0.2"


@pytest.mark.parametrize("peer", ["203.0.113.9", "2001:db8::9", "testclient"])
def test_whoever_is_no_trusted_proxy_speaks_for_nobody_else(peer: str) -> None:
    assert client_address(request_from(peer, "198.51.100.9"), PROXIES) == peer
    assert client_address(request_from(PROXY, "198.51.100.9"), ()) == PROXY


def test_a_server_that_does_not_know_its_peer_believes_nobody() -> None:
    assert client_address(request_from(None, "198.51.100.9"), PROXIES) is None
