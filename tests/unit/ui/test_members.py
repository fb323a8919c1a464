"""Settings → Members: invitations that are shown once, roles, removal."""

from __future__ import annotations

import re
from typing import Any

from lathe.application import login, members
from lathe.domain.organization import Role
from tests.unit.ui.world import PASSWORD, World, make_world

MEMBERS = "/o/acme/settings/members"


def link_in(page: str) -> str:
    found = re.search(r'id="invitation">http://lathe\.test(/[a-z]+/[0-9a-f]{64})<', page)
    assert found
    return found[1]


def roles(world: World) -> dict[str, str]:
    found = members.listed(world.parts.store, world.acme.id).members
    return {user.name: member.role.value for user, member in found}


def test_somebody_new_is_invited_by_a_link_that_is_shown_once(empty: World) -> None:
    admin = empty.client("admin")
    answer = admin.post(MEMBERS, email="New@acme.test", role="viewer")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    link = link_in(answer.text)
    again = admin.get(MEMBERS).text
    assert link not in again
    assert "new@acme.test" in again
    assert "Invited, not here yet" in again
    newcomer = empty.client()
    assert "Join <bdi>Acme</bdi>" in newcomer.get(link).text
    assert newcomer.post(link, password=PASSWORD, name="Nora").status_code == 303
    assert newcomer.get("/o/acme/releases").status_code == 200
    assert roles(empty)["Nora"] == "viewer"
    assert "Invited, not here yet" not in admin.get(MEMBERS).text


def test_somebody_with_an_account_gets_a_link_that_only_joins(empty: World) -> None:
    answer = empty.client("admin").post(MEMBERS, email="olga@acme.test", role="tester")
    link = link_in(answer.text)
    assert link.startswith("/join/")
    assert "logs in with the own password" in answer.text
    olga = empty.client("stranger")
    assert olga.post(link).headers["location"] == "/o/acme/releases"
    assert roles(empty)["Olga"] == "tester"


def test_an_invitation_leads_to_this_server_whatever_the_host_header_says(empty: World) -> None:
    admin = empty.client("admin")
    headers = {"Sec-Fetch-Site": "same-origin", "Host": "evil.test"}
    answer = admin.post_with(MEMBERS, headers, email="new@acme.test", role="viewer")
    assert link_in(answer.text)
    assert "LATHE_BASE_URL" in answer.text
    local = empty.client("admin", "http://[::1]:8000").post(MEMBERS, email="new@acme.test", role="viewer").text
    assert "http://[::1]:8000/password/" in local
    configured = make_world("http://lathe.example").client("admin")
    page = configured.post(MEMBERS, email="new@acme.test", role="viewer").text
    assert "http://lathe.example/password/" in page
    assert "LATHE_BASE_URL" not in page


def test_a_faulty_invitation_shows_what_was_typed(empty: World) -> None:
    admin = empty.client("admin")
    answer = admin.post(MEMBERS, email="nobody", role="viewer")
    assert answer.status_code == 422
    assert 'value="nobody"' in answer.text
    assert re.search(r'value="viewer"[^>]* checked', answer.text)
    assert admin.post(MEMBERS, email="new@acme.test", role="king").status_code == 422
    answer = admin.post(MEMBERS, email="tom@acme.test", role="tester")
    assert answer.status_code == 409
    assert "tom@acme.test is a member already, as tester." in answer.text.casefold()


def test_an_invitation_is_made_anew_or_taken_back(world: World) -> None:
    admin = world.client("admin")
    old = link_in(admin.post(MEMBERS, email="new@acme.test", role="tester").text)
    new = link_in(admin.post(MEMBERS, email="new@acme.test", role="tester").text)
    assert [world.client().get(one).status_code for one in (old, new)] == [404, 200]
    waiting = members.listed(world.parts.store, world.acme.id).invitations
    invited = next(one.user.id for one in waiting if one.user.email == "new@acme.test")
    answer = admin.post(f"{MEMBERS}/{invited}/withdraw")
    assert answer.headers["location"] == MEMBERS
    page = admin.get(MEMBERS).text
    assert "The invitation is taken back." in page
    assert "new@acme.test" not in page
    assert world.client().get(new).status_code == 404


def test_another_role_holds_at_once_and_logs_the_person_out(world: World) -> None:
    admin, path = world.client("admin"), f"{MEMBERS}/{world.ids['member Tom']}"
    assert admin.post(f"{path}/role", role="king").status_code == 422
    assert admin.post(f"{path}/role", role="admin").status_code == 303
    assert "The role is changed." in admin.get(MEMBERS).text
    assert roles(world)["Tom"] == "admin"
    assert world.client("tester").get("/o/acme/releases").status_code == 303
    assert admin.post(f"{path}/remove").status_code == 303
    assert "Tom" not in roles(world)
    assert world.client("admin").get(MEMBERS).status_code == 200


def test_the_last_admin_is_told_why_not(world: World) -> None:
    admin, own = world.client("admin"), world.people["admin"].user.id
    for act, fields in (("role", {"role": "viewer"}), ("remove", {})):
        answer: Any = admin.post(f"{MEMBERS}/{own}/{act}", **fields)
        assert answer.status_code == 409
        assert "This is the only admin; make somebody else one first." in answer.text
    assert roles(world)["Ann"] == "admin"


def test_who_changes_the_own_role_logs_in_again_and_is_told(world: World) -> None:
    parts, admin = world.parts, world.client("admin")
    members.change_role(parts.store, world.caller, world.ids["member Tom"], Role.ADMIN)
    answer = admin.post(f"{MEMBERS}/{world.people['admin'].user.id}/role", role="viewer")
    then = admin.get(answer.headers["location"])
    assert then.headers["location"].startswith("/login?next=")
    assert "The role is changed." in admin.get(then.headers["location"]).text
    assert login.viewer(parts.store, world.people["admin"].token) is None


def test_others_see_who_is_there_and_who_was_invited_as_in_the_audit_log_and_change_nothing(world: World) -> None:
    for who in ("tester", "viewer"):
        page = world.client(who).get(MEMBERS).text
        assert "ann@acme.test" in page
        assert "new@acme.test" in page
        assert "<form" not in page.partition("<main")[2]


def test_a_link_that_gives_a_member_another_role_says_so_and_changes_nothing_by_itself(
    world: World,
) -> None:
    admin, viewer = world.client("admin"), world.client("viewer")
    answer = admin.post(MEMBERS, email=world.people["viewer"].user.email, role="tester")
    assert "Another role for <bdi>vic@acme.test</bdi>" in answer.text
    assert "is a member already, as <b>viewer</b>. Nothing has changed yet" in answer.text
    assert "Links not followed yet" in answer.text
    assert roles(world)["Vic"] == "viewer"
    assert "tester, viewer until then" in admin.get("/o/acme/settings/audit").text
    link = link_in(answer.text)
    page = viewer.get(link).text
    assert "You are a member already, as <b>viewer</b>. With this link you are <b>tester</b>" in page
    assert "Be tester from now on" in page
    assert viewer.post(link).status_code == 303
    assert roles(world)["Vic"] == "tester"
