"""``Idempotency-Key``: how a caller says that a request is to be answered once, however often it is sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lathe.adapters.http.codec import invalid
from lathe.domain.errors import Fault, Invalid

if TYPE_CHECKING:
    from starlette.requests import Request

HEADER: Final = "Idempotency-Key"
LONGEST: Final = 255

# A string of RFC 8941, or the same without quotes.
_QUOTED = r'"(?:[ !#-\[\]-~]|\\["\\])+"'
_BARE = r"[!#-~][!-~]*"
_FORM = re.compile(f"{_QUOTED}|{_BARE}")
_ESCAPED = re.compile(r"\\(.)")

PARAMETER: Final[dict[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Your name for this request, alone or in double quotes, 255 characters at most. For 24 hours, the same name"
        " with the same body and API key repeats the first answer and does nothing else; with another body it is"
        " refused with 422, `idempotency_key_reused`. A request that comes while the first is still worked on waits"
        " for its answer. Answers of 4xx and 5xx are not kept."
    ),
    "schema": {"type": "string", "pattern": f"^(?:{_QUOTED}|{_BARE})$", "minLength": 1, "maxLength": 2 * LONGEST + 2},
}
"""The header as the OpenAPI document tells it."""


def key_of(request: Request) -> str | None:
    """Return the key that was sent, without its quotes; None if there is none. Raises Invalid."""
    sent = request.headers.getlist(HEADER)
    if not sent:
        return None
    if len(sent) > 1:
        raise _wrong("repeated", "may be given once")
    text = sent[0].strip(" \t")
    if not _FORM.fullmatch(text):
        raise _wrong("pattern", f"must be 1 to {LONGEST} visible characters, alone or in double quotes")
    key = _ESCAPED.sub(r"\1", text[1:-1]) if text[0] == '"' else text
    if len(key) > LONGEST:
        raise _wrong("too_long", f"must be {LONGEST} characters at most")
    return key


def _wrong(code: str, detail: str) -> Invalid:
    return invalid([Fault(f"/{HEADER}", code, detail)])
