"""Settings: keys and secrets that are shown once, and what admins decide."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from lathe.adapters.ui.natives import SENDERS
from lathe.application import hooks, keys, login
from lathe.domain.api_key import Scope
from lathe.domain.hook import Provider
from tests.unit.ui.world import World


def test_a_key_is_shown_once_and_never_again(world: World) -> None:
    browser = world.client("admin")
    fields = {"name": "CI", "expires": "30", "rate_limit": "90", "scopes": ["builds:create", "builds:read"]}
    answer = browser.post("/o/acme/settings/keys", **fields)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    text = re.search(r"pt_live_[0-9A-Za-z]{38}", answer.text)
    assert text is not None
    assert text[0] not in browser.get("/o/acme/settings/keys").text
    made = keys.listed(world.parts.store, world.acme.id)[0]
    assert (made.name, made.rate_limit, len(made.scopes)) == ("CI", 90, 2)
    assert made.expires_at == world.clock.now() + timedelta(days=30)


def test_a_key_with_faults_is_not_made_and_what_was_typed_stays(world: World) -> None:
    browser, before = world.client("admin"), len(keys.listed(world.parts.store, world.acme.id))
    fields = {"name": "My CI", "expires": "never", "rate_limit": "60"}
    for wrong in ({"rate_limit": "many"}, {"rate_limit": "0"}, {"expires": "soon"}, {"name": " "}):
        answer = browser.post("/o/acme/settings/keys", **fields | wrong, scopes="builds:create")
        assert answer.status_code == 422, wrong
    answer = browser.post("/o/acme/settings/keys", **fields)
    assert answer.status_code == 422
    assert 'value="My CI"' in answer.text
    assert "Choose at least one." in answer.text
    assert len(keys.listed(world.parts.store, world.acme.id)) == before


def test_a_key_is_changed_as_a_whole_or_not_at_all_and_revoked(world: World) -> None:
    browser, path = world.client("admin"), f"/o/acme/settings/keys/{world.ids['key Dashboard']}"

    def now() -> Any:
        return next(k for k in keys.listed(world.parts.store, world.acme.id) if k.id == world.ids["key Dashboard"])

    assert browser.post(path, name="Other", rate_limit="0").status_code == 422
    assert now().name == "Dashboard"
    assert browser.post(path, name="Other", rate_limit="7").status_code == 303
    assert (now().name, now().rate_limit) == ("Other", 7)
    assert browser.post(path, name="Other", rate_limit="7", unlimited="yes").status_code == 303
    assert now().rate_limit is None
    assert browser.post(f"{path}/revoke").status_code == 303
    assert now().revoked_at is not None


def test_a_hook_shows_address_and_secret_once_and_rotates_with_overlap(world: World) -> None:
    browser = world.client("admin")
    made = browser.post("/o/acme/settings/webhooks", provider="bitbucket")
    address_of = re.search(r'id="hook-address">([^<]*)<', made.text)
    secret = re.search(r'id="hook-secret">(whsec_[A-Za-z0-9+/]{43}=)<', made.text)
    assert address_of is not None
    assert secret is not None
    assert re.fullmatch(r"http://lathe\.test/api/webhooks/bitbucket/[0-9a-f-]{36}", address_of[1])
    assert secret[1] not in browser.get("/o/acme/settings/webhooks").text
    hook = address_of[1].rpartition("/")[2]
    rotated = browser.post(f"/o/acme/settings/webhooks/{hook}/rotate")
    assert "stays good for 24 hours" in rotated.text
    assert secret[1] not in rotated.text
    assert browser.post(f"/o/acme/settings/webhooks/{hook}/revoke").status_code == 303
    assert browser.post(f"/o/acme/settings/webhooks/{hook}/rotate").status_code == 409


@pytest.mark.parametrize("provider", Provider)
def test_a_hook_is_made_for_any_provider_and_leads_to_its_steps(world: World, provider: Provider) -> None:
    browser = world.client("admin")
    made = browser.post("/o/acme/settings/webhooks", provider=provider.value).text
    hook = hooks.listed(world.parts.store, world.acme.id)[0]
    assert hook.provider is provider
    assert f"/api/webhooks/{provider.value}/{hook.id}" in made
    steps = re.search(r'href="(/o/acme/connect/[a-z]+)">the steps for', made)
    assert steps is not None
    assert f"/api/webhooks/{provider.value}/" in browser.post(steps[1], make="hook").text
    rotated = browser.post(f"/o/acme/settings/webhooks/{hook.id}/rotate").text
    assert SENDERS[provider].secret_place in unescape(rotated)


def test_a_hook_for_nobody_is_not_made(world: World) -> None:
    answer = world.client("admin").post("/o/acme/settings/webhooks", provider="nobody")
    assert answer.status_code == 422
    assert "choose one of those that are offered" in answer.text


def test_the_organization_is_changed_by_admins(world: World) -> None:
    browser = world.client("admin")
    assert str(world.acme.id) in browser.get("/o/acme/settings/organization").text
    assert str(world.acme.id) not in world.client("viewer").get("/o/acme/settings/organization").text
    answer = browser.post("/o/acme/settings/organization", name="Acme & Sons", allow_org_id="yes")
    assert answer.status_code == 303
    changed = world.parts.store.read(lambda tx: tx.organizations.get(world.acme.id))
    assert (changed.name, changed.allow_org_id, changed.confirm_name_matches) == ("Acme & Sons", True, False)
    assert browser.post("/o/acme/settings/organization", name=" ").status_code == 422


def test_a_session_that_was_ended_elsewhere_is_out_at_once(world: World) -> None:
    token = world.people["viewer"].token
    login.logout(world.parts.store, token)
    assert world.client("viewer").get("/o/acme/releases").status_code == 303


def test_keys_that_end_within_two_weeks_are_warned_of_the_next_one_first(empty: World) -> None:
    parts, browser = empty.parts, empty.client("viewer")
    assert "soon" not in browser.get("/o/acme/settings/keys").text
    for name, days in (("Later", 13), ("Sooner", 2), ("Far", 14)):
        expires = empty.clock.now() + timedelta(days=days)
        keys.create(parts.store, parts.ids, empty.caller, name, [Scope.BUILDS_CREATE], expires_at=expires)
    page = browser.get("/o/acme/settings/keys").text
    warning = " ".join(re.sub(r"<[^>]*>", "", page.partition('role="note">')[2].partition("</div>")[0]).split())
    assert warning.startswith("2 keys end soon. Sooner ends in 2 days, Later ends in 13 days. Create a new key")
    keys.revoke(parts.store, empty.caller, keys.listed(parts.store, empty.acme.id)[1].id)
    assert "1 key ends soon." in browser.get("/o/acme/settings/keys").text


def test_what_works_stands_before_what_was_revoked(world: World) -> None:
    browser = world.client("viewer")
    for path, row in (("keys", "rows keys"), ("webhooks", "rows hooks")):
        states = re.findall(r'<li class="row( over)?">', browser.get(f"/o/acme/settings/{path}").text.partition(row)[2])
        assert states == sorted(states), path
        assert states[-1] == " over"


def test_what_is_shown_once_can_be_copied_by_a_button_that_waits_for_the_script(empty: World) -> None:
    admin = empty.client("admin")
    fields = {"name": "CI", "expires": "30", "rate_limit": "90", "scopes": "builds:create"}
    key = admin.post("/o/acme/settings/keys", **fields).text
    hook = admin.post("/o/acme/settings/webhooks", provider="gitlab").text
    invitation = admin.post("/o/acme/settings/members", email="new@acme.test", role="viewer").text
    for page, names in (
        (key, ["new-key"]),
        (hook, ["hook-address", "hook-secret"]),
        (invitation, ["invitation"]),
        (admin.get("/o/acme/settings/organization").text, ["org-id-text"]),
    ):
        for name in names:
            assert f'data-copy="{name}" hidden>' in page
            assert f'id="{name}"' in page
