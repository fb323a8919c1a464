"""Deliveries: everything that CI systems sent, what became of it, and what would become of it today."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import evolve

from lathe.adapters.ui import delivery_contexts
from lathe.adapters.ui.places import older, place, searched
from lathe.adapters.ui.visit import Visit
from lathe.application import deliveries, replay
from lathe.application.deliveries import Search
from lathe.application.lists import DeliveryFilter
from lathe.application.replay import Replay
from lathe.domain.delivery import DeliveryStatus

if TYPE_CHECKING:
    from starlette.responses import Response

    from lathe.adapters.ui.forms import Form

DELIVERIES_SHOWN: Final = 50

_DEEPEST: Final = 32
_LARGEST: Final = 4 * 1024 * 1024
"""Characters of a body laid out. What is small and deep can become many times as large, and no browser shows that."""

# A string that never ends is one that ends with the body: looked for from each of its quotes again, the end of a large
# body takes hours.
_PARTS: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def deliveries_page(visit: Visit) -> delivery_contexts.DeliveriesPage:
    """Show the deliveries, filtered as the address says. What no filter can mean leaves nothing out."""
    asked = {name: visit.request.query_params.get(name, "") for name in ("status", "source", "credential", "day", "q")}
    search, filters = _search(asked, in_bodies=_may_see_bodies(visit))
    after = visit.request.query_params.get("after")
    found = deliveries.delivery_list(
        visit.store, visit.parts.readers, visit.org, search, limit=DELIVERIES_SHOWN, after=place(after)
    )
    return delivery_contexts.DeliveriesPage(
        frame=visit.frame("Deliveries", "deliveries"),
        rows=found.rows,
        any=found.any,
        credentials=found.credentials,
        sources=tuple(sorted({*visit.parts.readers, *([filters["source"]] if "source" in filters else [])})),
        status=filters.get("status", ""),
        source=filters.get("source", ""),
        credential=filters.get("credential", ""),
        day=filters.get("day", ""),
        q=filters.get("q", ""),
        older=older(found.next, filters),
        reached=found.next.created_at if found.next and len(found.rows) < DELIVERIES_SHOWN else None,
        deep=bool(after),
        now=found.now,
    )


def delivery_page(visit: Visit, again: Replay | None = None) -> delivery_contexts.OneDeliveryPage:
    """Show one delivery. Who may not see its body gets the rest."""
    shown = deliveries.delivery_page(visit.store, visit.parts.readers, visit.org, visit.id(), body=True)
    body = shown.row.delivery.body
    return delivery_contexts.OneDeliveryPage(
        frame=visit.frame("Delivery", "deliveries"),
        shown=evolve(shown, row=evolve(shown.row, delivery=evolve(shown.row.delivery, body=b""))),
        body=laid_out(body) if _may_see_bodies(visit) else None,
        size=len(body),
        again=again,
        now=shown.now,
    )


def delivery_again(visit: Visit) -> delivery_contexts.OneDeliveryPage:
    """Show a delivery with what would become of it by today's rules. Nothing is stored."""
    parts = visit.parts
    return delivery_page(visit, replay.try_again(visit.store, parts.ids, parts.readers, visit.caller, visit.id()))


def file_again(visit: Visit, _: Form) -> Response:
    """File what a delivery speaks of by today's rules, and go where it went."""
    parts = visit.parts
    done = replay.file(visit.store, parts.ids, parts.readers, visit.caller, visit.id())
    if done.now.build:
        return visit.go(f"/builds/{done.now.build.build.id}", "replay_filed" if done.filed else "replay_known")
    if done.now.entry and done.filed:
        return visit.go(f"/queue/{done.now.entry.entry.id}", "replay_queued")
    return visit.go(f"/deliveries/{visit.id()}/again", "replay_nothing")


def laid_out(body: bytes) -> str:
    """Return a body as people read JSON: a value on each line, indented. Nothing but blanks is changed, so keys that
    come twice and long numbers are seen as they were sent. What is no JSON, or is deep or large, is left as it is."""
    text = body.decode("utf-8", "replace")
    if text.lstrip()[:1] not in ("{", "["):
        return text
    lines, line, depth = [], "", 0
    tokens = _PARTS.findall(text)
    for token, following in zip(tokens, [*tokens[1:], ""], strict=True):
        if token in ("{", "[") and following not in ("}", "]"):
            depth += 1
            lines.append(line + token)
            line = "  " * depth
        elif token in ("}", "]") and not line.endswith(("{", "[")):
            depth -= 1
            lines.append(line)
            line = "  " * depth + token
        elif token == ",":
            lines.append(line + token)
            line = "  " * depth
        else:
            line += ": " if token == ":" else token
        if not 0 <= depth <= _DEEPEST:
            return text
    laid = "\n".join([*lines, line])
    return text if depth or len(laid) > _LARGEST else laid


def _may_see_bodies(visit: Visit) -> bool:
    return visit.inside.may_triage


def _search(asked: dict[str, str], *, in_bodies: bool) -> tuple[Search, dict[str, str]]:
    """Return what is looked for, and those of the filters that mean something."""
    wanted, meant = DeliveryFilter(), {}
    with suppress(ValueError):
        wanted, meant["status"] = evolve(wanted, status=DeliveryStatus(asked["status"])), asked["status"]
    if source := searched(asked["source"]):
        wanted, meant["source"] = evolve(wanted, source=source), source
    with suppress(ValueError):
        wanted, meant["credential"] = evolve(wanted, credential_id=UUID(asked["credential"])), asked["credential"]
    with suppress(ValueError, OverflowError):
        since = datetime.strptime(asked["day"], "%Y-%m-%d").replace(tzinfo=UTC)
        wanted, meant["day"] = evolve(wanted, since=since, until=since + timedelta(days=1)), asked["day"]
    if text := searched(asked["q"]):
        meant["q"] = text
    return Search(wanted, text, in_bodies=in_bodies), meant
