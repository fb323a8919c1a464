"""Every command of the command line, run as its users run it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from lathe.domain.hook import hub_signature
from tests.programs import lathe, serving
from tests.shop import ASSUMED, Shop, complaint, open_shop

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return open_shop(tmp_path_factory.mktemp("shop"))


def test_migrate_makes_the_database_with_its_key_and_may_be_repeated(tmp_path: Path) -> None:
    first, second = lathe("migrate", "--json", cwd=tmp_path), lathe("migrate", cwd=tmp_path)

    assert first.json == {"database": f"{tmp_path}/lathe.db", "current": True}
    assert (second.status, second.err) == (0, "")
    assert f"{tmp_path}/lathe.db" in second.out
    assert (tmp_path / "lathe.db.key").stat().st_mode & 0o777 == 0o600


def test_an_organization_is_created_and_listed(shop: Shop) -> None:
    made = shop.made("org", "create", "Globex Corporation", "--allow-org-id")

    assert re.fullmatch(UUID, str(made["id"]))
    assert re.fullmatch(TIME, str(made["created_at"]))
    assert (made["slug"], made["name"], made["allow_org_id"]) == ("globex-corporation", "Globex Corporation", True)
    assert made in shop.lathe("org", "list", "--json").json
    table = shop.inside("org", "list").out
    assert re.search(rf"^{made['id']}\s+globex-corporation\s+Globex Corporation\s+yes\s", table, re.MULTILINE)


def test_an_organization_needs_a_name_that_is_free(shop: Shop) -> None:
    complaint(shop.inside("org", "create", "acme"), 1)
    assert "name" in complaint(shop.inside("org", "create", "  "), 2)


def test_people_get_links_from_the_configured_address_and_never_a_password_link_twice(shop: Shop) -> None:
    invite = ["user", "create", "Mira@Example.com", "--role", "tester", "--org"]
    address = {"LATHE_BASE_URL": "https://lathe.example.com"}

    first = shop.made(*invite, "acme", **address)
    second = shop.made(*invite, shop.organization_id, **address)
    reset = shop.made("user", "reset", "mira@example.com", **address)

    assert (first["email"], first["role"], first["purpose"]) == ("mira@example.com", "tester", "password")
    assert re.fullmatch(r"https://lathe\.example\.com/password/[0-9a-f]{64}", str(first["link"]))
    assert (second["id"], second["purpose"]) == (first["id"], "join")
    assert re.fullmatch(r"https://lathe\.example\.com/join/[0-9a-f]{64}", str(second["link"]))
    assert re.fullmatch(r"https://lathe\.example\.com/password/[0-9a-f]{64}", str(reset["link"]))
    assert len({first["link"], second["link"], reset["link"]}) == 3


def test_without_a_configured_address_a_link_says_what_it_assumes(shop: Shop) -> None:
    done = shop.lathe("user", "create", "noor@example.com", "--org", "acme", "--role", "viewer")

    assert (done.status, done.err) == (0, ASSUMED)
    assert re.search(r"^http://127\.0\.0\.1:8000/password/[0-9a-f]{64}$", done.out, re.MULTILINE)


def test_faulty_invitations_are_refused(shop: Shop) -> None:
    complaint(shop.inside("user", "create", "nobody", "--org", "acme", "--role", "admin"), 2)
    complaint(shop.inside("user", "create", "a@example.com", "--org", "acme", "--role", "owner"), 2)
    assert "nowhere" in complaint(
        shop.inside("user", "create", "a@example.com", "--org", "nowhere", "--role", "admin"), 1
    )
    assert "ghost@example.com" in complaint(shop.inside("user", "reset", "ghost@example.com"), 1)


def test_a_project_is_created_with_its_repositories(shop: Shop) -> None:
    made = shop.made(
        *("project", "create", "Pay API", "--org", "acme"),
        *("--repo", "git@bitbucket.org:acme/pay-api.git", "--repo", "https://bitbucket.org/acme/pay-worker"),
    )

    assert (made["name"], made["slug"], made["organization_id"]) == ("Pay API", "pay-api", shop.organization_id)
    repositories = made["repositories"]
    assert isinstance(repositories, list)
    assert {one["url"] for one in repositories} == {
        "https://bitbucket.org/acme/pay-api",
        "https://bitbucket.org/acme/pay-worker",
    }
    again = shop.inside("project", "create", "Other", "--org", "acme", "--repo", "https://bitbucket.org/ACME/pay-api")
    assert "Pay API" in complaint(again, 1)
    complaint(shop.inside("project", "create", "Other", "--org", "acme", "--repo", "nothing"), 2)


def test_a_release_is_created_planned_or_active_by_slug_or_id(shop: Shop) -> None:
    project = shop.made("project", "create", "Warehouse", "--org", "acme")

    planned = shop.made("release", "create", "1.0", "--project", "warehouse")
    active = shop.made(
        *("release", "create", "1.1", "--project", str(project["id"]), "--active"),
        *("--branch", "release/1.1", "--branch", "hotfix/**"),
    )

    assert (planned["state"], planned["branch_patterns"], planned["project_id"]) == ("planned", [], project["id"])
    assert (active["state"], active["branch_patterns"]) == ("active", ["release/1.1", "hotfix/**"])
    complaint(shop.inside("release", "create", "1.0", "--project", "warehouse"), 1)
    complaint(shop.inside("release", "create", "1.2", "--project", "warehouse", "--branch", "a b"), 2)
    assert "nowhere" in complaint(shop.inside("release", "create", "1.2", "--project", "nowhere"), 1)


def test_a_project_that_two_organizations_have_needs_the_organization(shop: Shop) -> None:
    shop.made("org", "create", "Initech")
    for organization in ("acme", "initech"):
        assert shop.inside("project", "create", "Shared", "--org", organization).status == 0

    told = complaint(shop.inside("release", "create", "1", "--project", "shared"), 2)

    assert "--org (acme, initech)" in told
    made = shop.made("release", "create", "1", "--project", "shared", "--org", "initech")
    assert made["organization_id"] != shop.organization_id


def test_a_key_is_shown_once_listed_changed_and_revoked(shop: Shop) -> None:
    made = shop.made(
        *("key", "create", "Reader", "--org", "acme", "--expires", "90d", "--rate-limit", "unlimited"),
        *("--scope", "builds:read", "--scope", "queue:manage"),
    )
    text, key_id = str(made.pop("key")), str(made["id"])

    assert re.fullmatch(r"pt_live_[0-9A-Za-z]{38}", text)
    assert made["prefix"] == text[:12]
    assert (made["scopes"], made["rate_limit"], made["state"]) == (["builds:read", "queue:manage"], None, "live")
    left = datetime.fromisoformat(str(made["expires_at"])) - datetime.now(UTC)
    assert timedelta(days=89, hours=23) < left <= timedelta(days=90)
    assert made in shop.lathe("key", "list", "--org", "acme", "--json").json
    assert text not in shop.inside("key", "list").out

    changed = shop.made("key", "update", text[:12], "--name", "Renamed", "--rate-limit", "600")
    assert (changed["id"], changed["name"], changed["rate_limit"]) == (key_id, "Renamed", 600)
    revoked = shop.made("key", "revoke", key_id)
    assert (revoked["state"], bool(revoked["revoked_at"])) == ("revoked", True)


def test_a_key_is_changed_as_a_whole_or_not_at_all(shop: Shop) -> None:
    made = shop.made("key", "create", "Whole", "--org", "acme")

    complaint(shop.inside("key", "update", str(made["id"]), "--name", "Torn", "--rate-limit", "0"), 2)
    [kept] = [one for one in shop.lathe("key", "list", "--org", "acme", "--json").json if one["id"] == made["id"]]
    assert (kept["name"], kept["rate_limit"]) == ("Whole", 60)
    assert shop.made("key", "update", str(made["id"]), "--rate-limit", "unlimited")["rate_limit"] is None


def test_a_key_may_create_builds_60_times_a_minute_for_ever_unless_told_otherwise(shop: Shop) -> None:
    made = shop.made("key", "create", "CI", "--org", "acme")

    assert (made["scopes"], made["rate_limit"], made["expires_at"]) == (["builds:create"], 60, None)


def test_a_key_can_end_on_a_date(shop: Shop) -> None:
    made = shop.made("key", "create", "Until", "--org", "acme", "--expires", "2999-01-31")

    assert made["expires_at"] == "2999-01-31T00:00:00.000000Z"


def test_a_key_that_ends_at_a_time_of_another_zone_ends_then_in_utc(shop: Shop) -> None:
    made = shop.made("key", "create", "Zoned", "--org", "acme", "--expires", "2999-01-31T01:30:00+05:00")

    assert made["expires_at"] == "2999-01-30T20:30:00.000000Z"


@pytest.mark.parametrize(
    "option",
    [
        ["--expires", "soon"],
        ["--expires", "2001-01-01"],
        ["--expires", "9999-12-31T23:59:59-23:00"],
        ["--expires", "9998-12-31T23:59:59-01:00"],
        ["--expires", "0001-01-01T00:00:00+01:00"],
        ["--expires", "٩٠d"],
        ["--rate-limit", "٩"],
        ["--rate-limit", "0"],
        ["--rate-limit", "100001"],
        ["--rate-limit", "many"],
        ["--scope", "everything"],
    ],
    ids=" ".join,
)
def test_a_faulty_key_is_refused(shop: Shop, option: list[str]) -> None:
    complaint(shop.inside("key", "create", "Faulty", "--org", "acme", *option), 2)
    assert shop.inside("key", "list").status == 0


def test_an_unknown_key_or_hook_is_not_found_and_changing_nothing_is_wrong_usage(shop: Shop) -> None:
    nobody = "01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e"
    for arguments in (["key", "revoke"], ["hook", "rotate"], ["hook", "revoke"]):
        assert nobody in complaint(shop.inside(*arguments, nobody), 1)
    complaint(shop.inside("key", "update", nobody), 2)


def test_a_hook_is_shown_once_listed_rotated_and_revoked(shop: Shop) -> None:
    address = {"LATHE_BASE_URL": "https://lathe.example.com"}
    made = shop.made("hook", "create", "bitbucket", "--org", "acme", **address)
    hook_id, secret = str(made["id"]), made.pop("secret")

    assert made.pop("address") == f"https://lathe.example.com/api/webhooks/bitbucket/{hook_id}"
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", str(secret))
    assert (made["provider"], made["state"]) == ("bitbucket", "live")
    assert made in shop.lathe("hook", "list", "--org", "acme", "--json").json

    rotated = shop.made("hook", "rotate", hook_id, **address)
    assert rotated["secret"] != secret
    assert rotated["previous_secret_until"] is not None
    assert shop.made("hook", "revoke", hook_id)["state"] == "revoked"
    assert "revoked" in complaint(shop.inside("hook", "rotate", hook_id), 1)
    complaint(shop.inside("hook", "create", "jenkins", "--org", "acme"), 2)


@pytest.mark.parametrize("provider", ["bitbucket", "github", "gitlab", "generic"])
def test_there_is_a_hook_for_every_provider(shop: Shop, provider: str) -> None:
    made = shop.made("hook", "create", provider, "--org", "acme")
    assert made["address"] == f"http://127.0.0.1:8000/api/webhooks/{provider}/{made['id']}"


# --- beside a running server ------------------------------------------------------------------------------------------


def test_what_commands_change_holds_for_the_next_request_of_a_running_server(tmp_path: Path) -> None:
    with serving(cwd=tmp_path) as (_, address), httpx2.Client(base_url=address) as client:
        there = Shop(tmp_path, lathe("org", "create", "Acme", "--json", cwd=tmp_path).json["id"])
        key = there.made("key", "create", "CI", "--org", "acme", "--scope", "builds:read")
        bearer = {"Authorization": f"Bearer {key['key']}"}
        assert client.get("/api/v1/builds", headers=bearer).json() == {"data": [], "next_cursor": None}

        there.made("key", "update", str(key["id"]), "--rate-limit", "7")
        assert "q=7;w=60" in client.get("/api/v1/builds", headers=bearer).headers["RateLimit-Policy"]
        there.made("key", "revoke", str(key["id"]))
        assert client.get("/api/v1/builds", headers=bearer).status_code == 401

        hook = there.made("hook", "create", "bitbucket", "--org", "acme", LATHE_BASE_URL=address)
        old, new = (
            str(hook["secret"]),
            str(there.made("hook", "rotate", str(hook["id"]), LATHE_BASE_URL=address)["secret"]),
        )
        assert [delivered(client, hook, secret) for secret in (old, new, "guessed")] == [200, 200, 401]
        there.made("hook", "revoke", str(hook["id"]))
        assert delivered(client, hook, new) == 401


def delivered(client: httpx2.Client, hook: dict[str, object], secret: str) -> int:
    """Send an event that is signed with a secret; return the status of the answer."""
    body = b'{"push": {}}'
    headers = {
        "Content-Type": "application/json",
        "X-Event-Key": "repo:push",
        "X-Hub-Signature": hub_signature(secret.encode(), body),
    }
    return client.post(str(hook["address"]), content=body, headers=headers).status_code
