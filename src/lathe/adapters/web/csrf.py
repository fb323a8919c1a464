"""Protection against forms that other sites send in a visitor's name.

Two walls. Every form must come from our own pages, as the browser itself says (``Sec-Fetch-Site``, and where it does
not send that, ``Origin``): this protects also the forms that have no session yet, log-in and links. Browsers that can
render these pages send at least one of the two with every POST, so silence is refused as well. With a session, the
form must also carry a token that only a page of that session knows. A form without a session has nothing that such a
token could be bound to; a double-submit cookie would add only a cookie that a neighbouring subdomain can set.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lathe.domain.errors import Forbidden

if TYPE_CHECKING:
    from starlette.requests import Request

FIELD = "csrf"
_PURPOSE = b"form token"


def form_token(session_token: str) -> str:
    """Return the token that forms of a session carry. It tells nothing about the session's own token."""
    return hmac.digest(session_token.encode(), _PURPOSE, "sha256").hex()


def must_be_our_form(request: Request, base_url: str | None) -> None:
    """Let through what the browser says was sent by one of our own pages. Raises Forbidden."""
    site = request.headers.get("sec-fetch-site")
    ours = site == "same-origin" if site is not None else _same_origin(request, base_url)
    if not ours:
        raise Forbidden("This form was not sent from a page of this server. Open the page again and repeat it there.")


def must_carry_token(presented: str | None, session_token: str) -> None:
    """Let through a form that carries its session's token. Raises Forbidden."""
    expected = form_token(session_token).encode()
    if presented is None or not hmac.compare_digest(presented.encode("utf-8", "surrogatepass"), expected):
        raise Forbidden("This form belongs to another session. Open the page again and repeat it there.")


def _same_origin(request: Request, base_url: str | None) -> bool:
    """Compare by host and port: behind a proxy that ends TLS, the scheme seen here is not the browser's."""
    origin = request.headers.get("origin")
    if origin is None or not origin.startswith(("http://", "https://")):
        return False
    host = origin.partition("://")[2].lower()
    own = {request.headers.get("host", "").lower()}
    if base_url:
        own.add(urlsplit(base_url).netloc.lower())
    return host in own - {""}
