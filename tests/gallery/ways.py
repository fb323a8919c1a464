"""How states are reached that are more than an address. The queue's own are in `queue_states`."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch
from urllib.parse import quote

from lathe.adapters.web.throttle import TRIES_PER_ACCOUNT
from lathe.application import members
from lathe.domain.errors import Unavailable
from lathe.domain.organization import Role
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.ui.sample import LONG

if TYPE_CHECKING:
    from tests.gallery.visits import Visit

PAY = "https://bitbucket.org/acme/pay-api"


def filled_in(visit: Visit, path: str) -> str:
    """Replace names in braces by ids."""
    return re.sub(r"\{([^}]*)\}", lambda found: visit.id(found[1]), path)


# --- getting in -------------------------------------------------------------------------------------------------------


def setup(visit: Visit) -> None:
    visit.open_at(f"/setup/{visit.scene.setup_token}")


def wrong_password(visit: Visit) -> None:
    visit.open_at("/login")
    _try(visit)


def too_many_tries(visit: Visit) -> None:
    visit.open_at("/login")
    for _ in range(TRIES_PER_ACCOUNT + 1):
        _try(visit)
    visit.page.get_by_text("Wait").wait_for()


def _try(visit: Visit) -> None:
    visit.page.get_by_label("E-mail address").fill("somebody@acme.example")
    visit.page.get_by_label("Password").fill("not the password")
    visit.press("Log in")
    visit.page.get_by_role("alert").wait_for()


def invited(visit: Visit) -> None:
    world = visit.world
    made = members.invite(world.parts.store, world.parts.ids, world.caller, "nora@acme.example", Role.VIEWER)
    visit.open_at(f"/password/{made.token}")


def join(visit: Visit) -> None:
    acme, store = visit.scene.worlds["acme"], visit.world.parts.store
    email = visit.world.people["admin"].user.email
    made = members.invite_or_renew(store, acme.parts.ids, acme.caller, email, Role.TESTER)
    visit.open_at(f"/join/{made.token}")


# --- first steps, connecting ------------------------------------------------------------------------------------------


def wrong(visit: Visit) -> None:
    visit.open("/projects")
    visit.page.get_by_label("Name").fill("Pay")
    visit.page.get_by_label("Repositories").fill("nonsense")
    visit.press("Create project")
    visit.page.get_by_text("Names no repository").wait_for()


def hook_on_the_spot(visit: Visit) -> None:
    visit.open("/connect/bitbucket")
    visit.press("Create the webhook")
    visit.page.get_by_text("shown this once").first.wait_for()


def arrived(visit: Visit) -> None:
    visit.open(f"/connect/bitbucket?since={_ago(visit, minutes=50)}#waiting")


def tested(visit: Visit) -> None:
    visit.open(f"/connect/bitbucket?since={_ago(visit)}&repo_url={PAY}&branch=release/2.5#test")


def what_if(visit: Visit) -> None:
    visit.open(filled_in(visit, f"/projects/{{Payments}}?repo_url={PAY}&branch=main"))


def _ago(visit: Visit, **ago: int) -> str:
    return quote((visit.world.clock.now() - timedelta(**ago)).isoformat())


# --- releases ---------------------------------------------------------------------------------------------------------


def chart_table(visit: Visit) -> None:
    visit.open(filled_in(visit, "/releases/{Payments 2.5}"))
    visit.page.get_by_text("As a table").click()
    visit.page.get_by_text("Rename, or change").click()


def closing(visit: Visit) -> None:
    visit.open(filled_in(visit, "/releases/{Payments 2.5}"))
    visit.page.get_by_text("Close…").click()


# --- deliveries -------------------------------------------------------------------------------------------------------


def tried_body(visit: Visit) -> None:
    _try_body(visit, json.dumps(commit_status(repository="acme/pay-api", number=501), indent=2))
    visit.page.get_by_text("It would be filed under").wait_for()


def tried_stranger(visit: Visit) -> None:
    _try_body(visit, json.dumps(commit_status(repository="acme/unheard-of", number=3), indent=2))
    visit.page.get_by_text("It would wait in the Build Queue").wait_for()


def tried_ping(visit: Visit) -> None:
    _try_body(visit, '{"zen": "Keep it simple", "hook_id": 7}', "github")
    visit.page.get_by_text("GitHub tested the connection").wait_for()


def tried_long(visit: Visit) -> None:
    body = {"name": LONG, "branch": LONG[:200], "repo_url": f"https://bitbucket.org/acme/{LONG[:120]}y"}
    _try_body(visit, json.dumps(body), "generic")
    visit.page.get_by_text("What was read from it").wait_for()


def tried_wrong(visit: Visit) -> None:
    _try_body(visit, '{"object_kind": "pipeline", "object_attributes": {', "gitlab", "Pipeline Hook")
    visit.page.get_by_text("The body is not JSON").wait_for()


def _try_body(visit: Visit, body: str, provider: str = "bitbucket", event: str = "") -> None:
    visit.open("/deliveries/try")
    visit.page.get_by_label("Sent by").select_option(provider)
    visit.page.get_by_label("Event").fill(event)
    visit.page.get_by_label("Body").fill(body)
    visit.press("Try it")


# --- settings ---------------------------------------------------------------------------------------------------------


def key_made(visit: Visit) -> None:
    visit.open("/settings/keys")
    visit.page.locator("#new-key-name").fill("Bitbucket pipelines of Payments")
    visit.press("Create key")
    visit.page.get_by_text("shown this once").wait_for()


def key_wrong(visit: Visit) -> None:
    visit.open("/settings/keys")
    visit.page.locator("#new-key-name").fill("Nothing to do")
    visit.page.get_by_label("builds:create").uncheck()
    visit.press("Create key")
    visit.page.get_by_text("Choose at least one").wait_for()


def key_revoke(visit: Visit) -> None:
    visit.open("/settings/keys")
    visit.page.get_by_label("Change Jenkins nightly").click()
    visit.page.get_by_text("Revoke…").filter(visible=True).click()


def hook_rotated(visit: Visit) -> None:
    visit.open("/settings/webhooks")
    visit.page.locator(".menu > summary[aria-label^=Change]").first.click()
    visit.press("Rotate the secret")
    visit.page.get_by_text("shown this once").first.wait_for()


def member(visit: Visit) -> None:
    visit.open("/settings/members")
    visit.page.get_by_label("Change Tom Okafor").click()
    visit.page.get_by_text("Remove…").filter(visible=True).click()


def invite(visit: Visit) -> None:
    visit.open("/settings/members")
    visit.page.get_by_label("E-mail address").fill("mira@acme.example")
    visit.press("Make an invitation link")
    visit.page.get_by_text("shown this once").wait_for()


def offer_role(visit: Visit) -> None:
    visit.open("/settings/members")
    visit.page.get_by_label("E-mail address").fill(visit.world.people["viewer"].user.email)
    visit.press("Make an invitation link")
    visit.page.get_by_text("is a member already").wait_for()


def me(visit: Visit) -> None:
    visit.open("/projects")
    visit.page.locator(".me > summary").click()


# --- faults -----------------------------------------------------------------------------------------------------------


def forbidden(visit: Visit) -> None:
    """Send the log-out form of one's own page to where only testers may send one."""
    visit.open("/projects")
    visit.page.evaluate("document.querySelector('form[action=\"/logout\"]').action = location.href")
    visit.page.locator(".me > summary").click()
    visit.press("Log out")


def fault(visit: Visit) -> None:
    with patch("lathe.application.home.releases_page", side_effect=RuntimeError("on purpose")):
        visit.open("/releases")


def away(visit: Visit) -> None:
    store = type(visit.world.parts.store)
    with patch.object(store, "read", side_effect=Unavailable("the database does not answer")):
        visit.open("/releases")
