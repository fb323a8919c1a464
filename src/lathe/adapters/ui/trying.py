"""Try a body: what a CI sends, pasted by hand, read by its parser and placed by today's rules, with nothing stored."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import TYPE_CHECKING, Final

from lathe.adapters.ui import delivery_contexts
from lathe.adapters.ui.delivery_contexts import PasteFrom
from lathe.adapters.ui.forms import NOTHING_TRIED, Form, Tried
from lathe.adapters.ui.visit import Visit, answer, carried_out
from lathe.adapters.web.body import BodyLimits
from lathe.application import replay
from lathe.domain.errors import Fault, Invalid
from lathe.domain.hook import Provider
from lathe.domain.text import NAME_LIMIT, text_fault

if TYPE_CHECKING:
    from starlette.responses import Response

    from lathe.adapters.ui.contexts import Notice
    from lathe.application.replay import Pasted

FORM: Final = "try"
LARGEST: Final = BodyLimits().size
"""Bytes of a body, as an address that takes deliveries counts them."""

PASTE_FROM: Final[Mapping[Provider, PasteFrom]] = {
    Provider.BITBUCKET: PasteFrom(
        "Bitbucket, Cloud or Data Center",
        "X-Event-Key",
        ("repo:commit_status_updated", "repo:commit_status_created", "pipeline:span_created", "build:status"),
    ),
    Provider.GITHUB: PasteFrom("GitHub", "X-GitHub-Event", ("workflow_run",)),
    Provider.GITLAB: PasteFrom("GitLab", "X-Gitlab-Event", ("Pipeline Hook",)),
    Provider.GENERIC: PasteFrom("Another CI, in the form of the API"),
}
"""Every provider, in the order offered: what it is called here, and the events it sends builds by."""


def try_page(
    visit: Visit, tried: Tried = NOTHING_TRIED, notice: Notice | None = None, pasted: Pasted | None = None
) -> delivery_contexts.TryPage:
    """Show the form, and what became of the body that was tried."""
    return delivery_contexts.TryPage(
        frame=visit.frame("Try a body", "deliveries", notice),
        tried=tried,
        providers={one.value: PASTE_FROM[one] for one in PASTE_FROM if one in visit.parts.parsers},
        pasted=pasted,
        address=visit.address,
        command=_command(tried.typed) if pasted else "",
        now=pasted.at if pasted else visit.now,
    )


def try_body(visit: Visit, form: Form) -> Response:
    """Show what would become of the body that was pasted. Nothing is stored, and nothing filed."""

    def act() -> Response:
        provider, body = form.choice("provider", Provider), form.text("body").encode()
        headers = _headers(PASTE_FROM[provider], form.text("event").strip())
        _must_be_a_body(body)
        parts = visit.parts
        pasted = replay.try_body(
            visit.store, parts.ids, parts.readers, visit.caller, source=provider.value, headers=headers, body=body
        )
        return answer(try_page(visit, Tried(FORM, form), pasted=pasted))

    return carried_out(FORM, form, act, lambda tried, notice: try_page(visit, tried, notice))


def _headers(of: PasteFrom, event: str) -> dict[str, str]:
    """Return the header that names the event; none where nothing was typed, or nothing is read. Raises Invalid."""
    if fault := text_fault(event, "/event", NAME_LIMIT, empty=True):
        raise Invalid(fault.detail, (fault,))
    return {of.header.lower(): event} if of.header and event else {}


def _must_be_a_body(body: bytes) -> None:
    """Raise Invalid where there is none, or more than an address takes."""
    if not body.strip():
        detail = "is empty: paste what the CI sent, or would send"
        raise Invalid(detail, (Fault("/body", "blank", detail),))
    if len(body) > LARGEST:
        detail = f"has {len(body):,} bytes; a delivery may have at most {LARGEST:,}"
        raise Invalid(detail, (Fault("/body", "too_large", detail),))


def _command(typed: Form) -> str:
    """Return the command that sends such a body."""
    event = typed.text("event").strip()
    named = f" --event {quote(event)}" if event and PASTE_FROM[Provider(typed.text("provider"))].header else ""
    return f"lathe send body.json --provider {typed.text('provider')}{named}"
