"""The session cookie: which person a request comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lathe.application import login
from lathe.domain.session import SESSION_LIFE

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from lathe.adapters.web.parts import Parts
    from lathe.application.login import Viewer

AUTOMATIC: Final = "x-lathe-automatic"
"""The header by which our own script says that nobody pressed anything: such a request does not prolong a session."""

_TOKEN = re.compile(r"[0-9a-f]{64}")


def cookie_name(parts: Parts, name: str = "lathe") -> str:
    """Return the full name of one of our cookies.

    ``__Host-`` ties it to this host and to https. Browsers drop such a cookie on plain http, so it is plain there.
    """
    return f"__Host-{name}" if parts.https else name


def session_token(request: Request, parts: Parts) -> str | None:
    """Return the session's token as the browser sent it, None if there is none or it cannot be one of ours."""
    token = request.cookies.get(cookie_name(parts))
    return token if token and _TOKEN.fullmatch(token) else None


def viewer_of(request: Request, parts: Parts) -> tuple[Viewer, str] | None:
    """Return who is logged in, with the session's token; None if nobody is, or not any more."""
    token = session_token(request, parts)
    by_hand = AUTOMATIC not in request.headers and request.headers.get("accept") != "text/event-stream"
    viewer = login.viewer(parts.store, token, prolong=by_hand) if token else None
    if viewer is None or token is None:
        return None
    request.state.viewer = viewer, token  # an error page leads to the person's organizations
    return viewer, token


def begin_session(response: Response, parts: Parts, token: str) -> None:
    """Hand the browser a session's token, for the longest that a session can live; the server may end it earlier."""
    keep_cookie(response, parts, cookie_name(parts), token, int(SESSION_LIFE.total_seconds()))


def end_session(response: Response, parts: Parts) -> None:
    """Let the browser forget its session."""
    keep_cookie(response, parts, cookie_name(parts), "", 0)


def keep_cookie(response: Response, parts: Parts, name: str, value: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read and other sites' forms do not send."""
    response.set_cookie(name, value, max_age=seconds, path="/", secure=parts.https, httponly=True, samesite="lax")
