"""The offer to file what waits and now places cleanly, on the page of what was just changed, and filing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from lathe.adapters.ui.flash import Flash
from lathe.adapters.ui.forms import Form
from lathe.adapters.ui.visit import Visit
from lathe.application import offer
from lathe.application.today import PlacedToday
from lathe.domain.organization import Role

if TYPE_CHECKING:
    from starlette.responses import Response

AFTER: Final = frozenset(
    {"release_made", "release_changed", "release_active", "project_made", "project_changed", "repository_added"}
)
"""After which changes it is worth asking the rules about everything that waits."""

_PAGES: Final = {"release": "/releases", "project": "/projects"}


def offered_after(visit: Visit, project_id: UUID) -> list[PlacedToday]:
    """Return what waits and could be filed under a project now, just after it was changed; else nothing, for free."""
    flash = visit.flash
    if flash is None or flash.code not in AFTER or not visit.member.role.may(Role.TESTER):
        return []
    return offer.offered_to(visit.store, visit.org, project_id)


def file_offered(visit: Visit, form: Form) -> Response:
    """File the builds that were shown. What somebody decided meanwhile stays as it was decided.

    ``back`` is the page to show then: ``release`` or ``project`` with its id, else the Releases page.
    """
    filed = offer.file_offered(visit.store, visit.parts.ids, visit.caller, form.ids("entry"))
    code = "offer_gone" if not filed.filed else "offer_filed_part" if filed.passed_over else "offer_filed"
    return visit.go_saying(_back(form.text("back")), Flash(code, None, filed.filed, filed.passed_over, filed.entries))


def _back(text: str) -> str:
    kind, _, id_ = text.partition(" ")
    try:
        return f"{_PAGES[kind]}/{UUID(id_)}"
    except (KeyError, ValueError):
        return "/releases"
