"""The one line that says what was just done, carried over the redirect that follows a form.

A short-lived cookie holds a code and perhaps an id, never text: what is shown is one of the sentences below, with names
that are looked up in the visitor's own organization.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import frozen

from lathe.adapters.ui.words import plural
from lathe.adapters.web.sessions import cookie_name, keep_cookie
from lathe.domain.queue_entry import EntryStatus

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from lathe.adapters.web.parts import Parts

SENTENCES: Final = {
    "assigned": "{name} is filed under {place}.",
    "selected": "The project of {name} is chosen. It waits for a release now.",
    "rejected": "{name} is rejected.",
    "several_assigned": "{builds} filed.",
    "several_selected": "Project chosen for {builds}. Assign them to a release next.",
    "several_rejected": "{builds} rejected.",
    "several_undone": "{builds} in the queue again.",
    "several_unselected": "The choice of a project is taken back for {count}.",
    "offer_gone": "None of them was filed: others decided meanwhile, or they do not fit any more.",
    "offer_filed": "{builds} filed by the rules as they are now.",
    "offer_filed_part": "{builds} filed by the rules as they are now. {missed} not: somebody decided about them "
    "meanwhile, or they no longer place cleanly.",
    "release_opened": "The release is there, and active. File {name} under it.",
    "undone": "{name} waits in the queue again.",
    "unselected": "The choice of a project for {name} is taken back.",
    "moved": "The build is moved.",
    "replay_filed": "{name} is filed, from what was stored of its delivery.",
    "replay_known": "This build was known already. Nothing was filed a second time.",
    "replay_queued": "{name} waits in the queue, from what was stored of its delivery.",
    "replay_nothing": "Nothing was filed. See what became of it.",
    "requeued": "{name} was sent back and waits in the queue again.",
    "release_made": "Release {name} is there.",
    "release_made_first": "The release is there. The next step: let your CI report its builds.",
    "release_changed": "The release is saved.",
    "release_active": "The release is active: builds are filed under it now.",
    "release_closed": "The release is closed: it takes no more builds.",
    "project_made": "The project is there. Give it a first release next.",
    "project_made_bare": "The project is there. Add its repositories and a first release.",
    "project_changed": "The project is saved.",
    "project_archived": "The project is archived. Lists leave it out; its builds and releases stay.",
    "project_restored": "The project is in use again. Activate a release for its builds to be filed.",
    "repository_added": "The repository belongs to this project now.",
    "repository_removed": "The repository does not belong to this project any more. Its builds stay.",
    "organization_changed": "The organization is saved.",
    "key_changed": "The key is saved.",
    "key_revoked": "The key is revoked. No request with it is taken any more.",
    "hook_revoked": "The webhook is revoked. Nothing that is sent to its address is taken any more.",
    "invitation_withdrawn": "The invitation is taken back. Its link leads nowhere any more.",
    "role_changed": "The role is changed. The person logs in again to work with it.",
    "member_removed": "The person is not a member any more, and is logged out everywhere.",
    "profile_saved": "Saved.",
    "password_changed": "The password is changed. Every other browser is logged out.",
    "session_ended": "That browser is logged out.",
    "sessions_ended": "Every other browser is logged out.",
    "joined": "Welcome. You are a member now.",
    "logged_out": "You are logged out.",
    "session_over": "You were logged out meanwhile, so nothing was changed. Log in, and do it again.",
    "password_set": "The password is set, and you are logged in.",
}

_SECONDS = 60
_SHAPE = re.compile(
    r"([a-z_]{1,40})(?:\.([0-9a-f-]{36}))?(?:\+([0-9]{1,4}))?(?:-([0-9]{1,4}))?((?:~[0-9a-f]{32}){0,100})"
)
_LISTED: Final = 100
"""Of how many entries the ids fit into a cookie: 4096 bytes are what browsers take."""

SEVERAL: Final = {
    "several_assigned": EntryStatus.ASSIGNED,
    "several_selected": EntryStatus.PENDING,
    "several_rejected": EntryStatus.REJECTED,
    "offer_filed": EntryStatus.ASSIGNED,
    "offer_filed_part": EntryStatus.ASSIGNED,
}
"""What was decided about several builds at once; a project that was chosen decides nothing yet."""


@frozen
class Flash:
    """What was done, and to what, or to how many builds; ``missed`` were meant too, and were not decided about.

    ``entries`` are those that were, to undo it; none if they are too many to be carried over.
    """

    code: str
    subject: UUID | None = None
    count: int = 0
    missed: int = 0
    entries: tuple[UUID, ...] = ()

    def sentence(self, name: str | None = None, place: str | None = None) -> str:
        """Return the line to show; names are isolated, so that their direction does not turn the sentence around."""
        return SENTENCES[self.code].format(
            name=_isolated(name) or "It",
            place=_isolated(place) or "a release",
            builds=plural(self.count, "build").capitalize(),
            count=plural(self.count, "build"),
            missed="1 other was" if self.missed == 1 else f"{self.missed} others were",
        )


def flash_of(request: Request, parts: Parts) -> Flash | None:
    """Return what the cookie says; None if there is none, or not one of ours."""
    found = _SHAPE.fullmatch(request.cookies.get(_name(parts), ""))
    if not found or found[1] not in SENTENCES:
        return None
    try:
        entries = tuple(UUID(one) for one in found[5].split("~")[1:])
        return Flash(found[1], UUID(found[2]) if found[2] else None, int(found[3] or 0), int(found[4] or 0), entries)
    except ValueError:
        return None


def leave_flash(response: Response, parts: Parts, flash: Flash) -> None:
    """Let the next page say what was done."""
    subject = f".{flash.subject}" if flash.subject else ""
    count = f"+{flash.count}" if flash.count else ""
    missed = f"-{flash.missed}" if flash.missed else ""
    listed = flash.entries if len(flash.entries) <= _LISTED else ()
    entries = "".join(f"~{one.hex}" for one in listed)
    keep_cookie(response, parts, _name(parts), f"{flash.code}{subject}{count}{missed}{entries}", _SECONDS)


def drop_flash(response: Response, parts: Parts) -> None:
    """Say it once only."""
    keep_cookie(response, parts, _name(parts), "", 0)


def _isolated(name: str | None) -> str | None:
    return f"\u2068{name}\u2069" if name else None


def _name(parts: Parts) -> str:
    return cookie_name(parts, "lathe-flash")
