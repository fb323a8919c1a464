"""Settings → Audit log: who did what, and when."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from attrs import evolve

from lathe.adapters.ui import contexts
from lathe.adapters.ui.places import older, place
from lathe.adapters.ui.visit import Visit
from lathe.application import history, members
from lathe.application.lists import AuditFilter
from lathe.domain.audit import SubjectKind

EVENTS_SHOWN: Final = 100

ACTOR_KINDS: Final = ("key", "command")
"""Who else can be asked for, besides the members."""


def audit_page(visit: Visit) -> contexts.AuditPage:
    """Show the audit log, filtered as the address says. What no filter can mean leaves nothing out."""
    asked = {name: visit.request.query_params.get(name, "") for name in ("who", "kind", "day")}
    wanted, filters = _wanted(asked)
    after = visit.request.query_params.get("after")
    log = history.log(visit.store, visit.org, wanted, EVENTS_SHOWN, place(after))
    people = [user for user, _ in members.listed(visit.store, visit.org).members]
    names = Counter(user.name for user in people)
    return contexts.AuditPage(
        frame=visit.frame("Audit log", "settings"),
        events=log.rows,
        apart=log.apart | {user.id: user.email for user in people if names[user.name] > 1},
        people=people,
        who=filters.get("who", ""),
        kind=filters.get("kind", ""),
        day=filters.get("day", ""),
        older=older(log.next, filters),
        deep=bool(after),
        now=visit.now,
    )


def _wanted(asked: dict[str, str]) -> tuple[AuditFilter, dict[str, str]]:
    """Return what is looked for, and those of the filters that mean something."""
    wanted, meant = AuditFilter(), {}
    with suppress(ValueError):
        wanted, meant["kind"] = evolve(wanted, kind=SubjectKind(asked["kind"])), asked["kind"]
    with suppress(ValueError, OverflowError):
        since = datetime.strptime(asked["day"], "%Y-%m-%d").replace(tzinfo=UTC)
        wanted, meant["day"] = evolve(wanted, since=since, until=since + timedelta(days=1)), asked["day"]
    if asked["who"] in ACTOR_KINDS:
        wanted, meant["who"] = evolve(wanted, actor_kind=asked["who"]), asked["who"]
    with suppress(ValueError):
        wanted, meant["who"] = evolve(wanted, actor_id=UUID(asked["who"])), asked["who"]
    return wanted, meant
