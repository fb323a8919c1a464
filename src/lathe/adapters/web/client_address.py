"""Which address a request comes from, where proxies stand in between.

Every proxy writes the address that it was asked from at the right end of ``X-Forwarded-For``. What stands to the left
of the last proxy that is ours was written by somebody else, who may write anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

# Some proxies add the port: 203.0.113.7:50000, [2001:db8::7]:50000
_HOP = re.compile(r"\[([^\]]*)\](?::\d+)?|([^:]*):\d+|(.*)")


def client_address(request: Request, trusted_proxies: Sequence[str]) -> str | None:
    """Return the rightmost address on the way here that is not one of ``trusted_proxies`` (addresses or networks).

    That is the peer itself unless it is trusted. At a hop that is no address nothing more is believed: the one before
    it counts. None where the server does not know its peer.
    """
    if request.client is None or not trusted_proxies:
        return request.client.host if request.client else None
    networks = _networks(tuple(trusted_proxies))
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    address, hop = request.client.host, _parsed(request.client.host)
    while hop and any(hop in network for network in networks):
        address = str(hop)
        hop = _parsed(hops.pop().strip()) if hops else None
    return str(hop) if hop else address


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, an IPv4 one also where it is written as IPv6; None if it is none."""
    match = _HOP.fullmatch(text)
    try:
        address = ip_address(match[match.lastindex or 0] if match else text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


@cache
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)
