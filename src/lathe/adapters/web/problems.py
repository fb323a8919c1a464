"""Errors become answers here, and nowhere else: RFC 9457 documents for the API, pages for people.

A page is rendered by ``app.state.error_page(request, problem)`` where the application has one.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from attrs import field, frozen
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from lathe.adapters.web.arrival import noted
from lathe.adapters.web.body import TooLarge, TooSlow, WrongMediaType, headers_if_unread
from lathe.adapters.web.optional import Sometimes
from lathe.adapters.web.written import Written, dumped
from lathe.domain.errors import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    LatheError,
    Malformed,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    from starlette.types import ExceptionHandler

MEDIA_TYPE: Final = "application/problem+json"
REALM: Final = 'Bearer realm="lathe"'
NOT_FOUND: Final = "There is nothing at this address that this caller may see"

_KINDS: Final[Mapping[type[LatheError], tuple[int, str]]] = {
    Malformed: (400, "The request cannot be read"),
    Unauthenticated: (401, "A valid credential is needed"),
    Forbidden: (403, "The credential does not allow this"),
    NotFound: (404, "Not found"),
    TooSlow: (408, "The body was not sent in time"),
    Conflict: (409, "Somebody was faster, or the state does not allow this"),
    TooLarge: (413, "The body is too large"),
    WrongMediaType: (415, "The body is not in a form that is taken here"),
    Invalid: (422, "The request does not hold what this address takes"),
    RateLimited: (429, "The rate limit is used up"),
    Unavailable: (503, "The server cannot do this at the moment"),
}

_STATUSES: Final[Mapping[int, tuple[str, str]]] = {
    404: (NotFound.code, _KINDS[NotFound][1]),
    405: ("method_not_allowed", "This address does not take this method"),
    415: (WrongMediaType.code, _KINDS[WrongMediaType][1]),
}


@frozen
class Problem:
    """One error as it is answered. ``headers`` belong to the answer; ``code`` is stable."""

    status: int
    title: str
    code: str
    detail: str
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(factory=dict)


@frozen
class ProblemDocument:
    """What an error answers (RFC 9457). ``errors`` is there where fields of the request are wrong.

    ``request_id`` is also in the header ``X-Request-Id``: name it when you ask for help. Pointers lead into the body
    (RFC 6901); ``/limit`` and the like, where there is none, name a query parameter, and ``/Idempotency-Key`` names
    that header.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: Sometimes[tuple[Fault, ...]] = None


def problem_of(error: LatheError) -> Problem:
    """Return the answer to an expected error."""
    status, title = next(_KINDS[kind] for kind in type(error).__mro__ if kind in _KINDS)
    faults = error.faults if isinstance(error, Invalid) else ()
    return Problem(status, title, error.reason, error.detail, faults, _headers(error))


def unexpected() -> Problem:
    """Return the answer to a fault of our own, which tells nothing about it."""
    return Problem(500, "Something went wrong here", "unexpected", "The fault was logged under this request's id")


def rendered(request: Request, problem: Problem) -> Response:
    """Return the answer: a problem document for the API, a page elsewhere."""
    if is_api(request.scope["path"]):
        headers = {**noted(request).get("headers", {}), **headers_if_unread(request), **problem.headers}
        return Written(_document(request, problem), problem.status, headers, MEDIA_TYPE)
    if renderer := getattr(request.app.state, "error_page", None) if "app" in request.scope else None:
        response: Response = renderer(request, problem)
    else:
        response = PlainTextResponse(f"{problem.title}\n{problem.detail}\n{_request_id(request)}\n", problem.status)
    for name, value in {**headers_if_unread(request), **problem.headers}.items():
        response.headers[name] = value
    return response


def is_api(path: str) -> bool:
    """Whether programs, not people, ask at this address."""
    return path.startswith("/api/") or path in {"/api", "/healthz", "/readyz", "/metrics"}


def answer_to(request: Request, error: LatheError | ClientDisconnect) -> Response:
    """Return the answer to what is expected to go wrong."""
    if isinstance(error, LatheError):
        return rendered(request, problem_of(error))
    return Response(status_code=400)  # the sender has gone away; the status is what logs show


async def _answer_error(request: Request, error: Exception) -> Response:
    return answer_to(request, cast(LatheError | ClientDisconnect, error))


async def _answer_status(request: Request, raised: Exception) -> Response:
    error = cast(HTTPException, raised)
    phrase = HTTPStatus(error.status_code).phrase
    code, title = _STATUSES.get(error.status_code, (phrase.lower().replace(" ", "_"), phrase))
    detail = title if error.detail == phrase else error.detail
    headers = dict(error.headers or {})
    if "Allow" in headers:
        # Starlette joins a set, in another order in each process; the same question deserves the same bytes.
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
    return rendered(request, Problem(error.status_code, title, code, detail, headers=headers))


exception_handlers: Final[Mapping[Any, ExceptionHandler]] = {
    LatheError: _answer_error,
    HTTPException: _answer_status,
    ClientDisconnect: _answer_error,
}
"""For ``Starlette(exception_handlers=…)``; `Faults` answers what is not among them."""


def _headers(error: LatheError) -> dict[str, str]:
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": f'{REALM}, error="invalid_token"' if error.presented else REALM}
        case Forbidden(scope=str() as scope):
            return {"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'}
        case RateLimited() | Unavailable():
            return {"Retry-After": str(error.retry_after)}
        case TooLarge() | TooSlow():
            return {"Connection": "close"}  # the rest of the body is not waited for
        case _:
            return {}


def _document(request: Request, problem: Problem) -> bytes:
    document = ProblemDocument(
        type=f"/problems/{problem.code}",
        title=problem.title,
        status=problem.status,
        # One sentence for all: what is another organization's must not differ from what is nowhere.
        detail=NOT_FOUND if problem.status == 404 else problem.detail,
        instance=quote(request.scope["path"]),
        code=problem.code,
        request_id=_request_id(request),
        errors=problem.faults or None,
    )
    return dumped(document)


def _request_id(request: Request) -> str:
    name: str = noted(request).get("request_id", "")
    return name
