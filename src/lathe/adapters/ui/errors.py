"""Errors as pages: in the frame of the organization where somebody is in one, plain otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse

from lathe.adapters.ui.account import local_path
from lathe.adapters.ui.contexts import Frame, MessagePage
from lathe.adapters.ui.visit import Visit, answer, base_of, sentence
from lathe.adapters.web.csrf import form_token

if TYPE_CHECKING:
    from starlette.requests import Request

    from lathe.adapters.web.problems import Problem

HEADINGS: Final = {
    400: "That cannot be read",
    403: "You may not do this",
    404: "Nothing here",
    405: "Not that way",
    408: "That took too long",
    409: "Somebody was faster",
    413: "Too much",
    415: "Not a form",
    422: "Something is not right",
    429: "Too many tries",
    500: "Something went wrong here",
    503: "Not available right now",
}
PASSING: Final = frozenset({408, 429, 500, 503})
"""What may be over when the same page is asked for again."""

_HIDDEN: Final = (
    "It is not your fault, and nothing was changed halfway. Try again; if it stays, tell whoever runs this server."
)


def error_page(request: Request, problem: Problem) -> HTMLResponse:
    """Return the page of an error. It asks the database nothing: that may be what is away."""
    heading = HEADINGS.get(problem.status, "That did not work")
    visit: Visit | None = getattr(request.state, "visit", None)
    frame = Frame(title=heading)
    link = ("/", "Go to the first page")
    if visit:
        frame = visit.frame(heading, "")
        link = (f"{visit.base}/releases", "Go to Releases")
    elif known := getattr(request.state, "viewer", None):
        viewer, token = known
        homes = tuple((organization.name, base_of(organization)) for organization, _ in viewer.memberships)
        frame = Frame(title=heading, csrf=form_token(token), homes=homes, preferences=viewer.user.preferences)
    context = MessagePage(
        frame=frame,
        heading=heading,
        text=_text(problem),
        status=problem.status,
        request_id=getattr(request.state, "request_id", None),
        link=link,
        again=_again(request) if problem.status in PASSING else None,
    )
    return answer(context, problem.status)


def _again(request: Request) -> str | None:
    """Return the address that was asked for; what a form sent is not sent again by a link."""
    if request.method != "GET":
        return None
    query = f"?{request.url.query}" if request.url.query else ""
    return local_path(request.url.path + query)


def _text(problem: Problem) -> str:
    if problem.status == 500:
        return _HIDDEN
    if problem.status == 404 and problem.detail == problem.title:
        return "There is nothing at this address."
    return sentence(problem.detail)
