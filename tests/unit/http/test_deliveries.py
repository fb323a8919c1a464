"""Deliveries over the API: listed, read, replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lathe.application import projects
from lathe.domain.api_key import Scope
from lathe.domain.project import Files
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.http.world import PAY_API, delivery, post

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.unit.http.world import Api, World

FAILED: dict[str, Any] = {"name": "Nightly", "build_number": 7, "repo_url": PAY_API, "status": "failed"}


@pytest.fixture
def failed(api: Api) -> str:
    """A delivery of a failed build, whose project files successful ones only."""
    made: str = api("POST", "/api/v1/builds", FAILED).json()["delivery_id"]
    return made


def file_every_build(world: World) -> None:
    projects.change(world.store, world.acme.caller, world.acme.project.id, files=Files.FINISHED)


def test_a_delivery_is_listed_briefly_and_read_in_full(api: Api, failed: str) -> None:
    (row,) = api("GET", "/api/v1/deliveries").json()["data"]
    full = api("GET", f"/api/v1/deliveries/{failed}").json()
    assert {name: full[name] for name in row} == row
    assert full.keys() - row.keys() == {"report", "placement", "headers", "body"}
    assert (row["status"], row["reason"]["code"], row["credential"]["name"]) == (
        "ignored",
        "build_not_successful",
        "CI",
    )
    assert (full["report"]["name"], full["report"]["status"]) == ("Nightly", "failed")
    assert full["headers"][0] == {"name": "content-type", "value": "application/json"}
    assert '"Nightly"' in full["body"]


def test_a_body_that_was_not_taken_and_one_that_is_no_text_are_shown_as_they_are(api: Api, client: TestClient) -> None:
    api("POST", "/api/webhooks/bitbucket", b"{}", 415, Content_Type="text/plain")
    (row,) = api("GET", "/api/v1/deliveries").json()["data"]
    assert "body" not in api("GET", f"/api/v1/deliveries/{row['id']}").json()
    client.post("/api/webhooks/bitbucket", headers=api.headers | {"Content-Type": "application/json"}, content=b"\xff{")
    newest = api("GET", "/api/v1/deliveries?limit=1").json()["data"][0]["id"]
    assert api("GET", f"/api/v1/deliveries/{newest}").json()["body"] == "\ufffd{"


def test_a_replay_shows_then_and_now_and_files_once(world: World, api: Api, failed: str) -> None:
    replay = f"/api/v1/deliveries/{failed}/replay"
    before = api("POST", replay, {"file": False}).json()
    assert (before["then"]["status"], before["now"]["status"]) == ("ignored", "ignored")
    file_every_build(world)
    tried = api("POST", replay, {}).json()
    assert (tried["now"]["status"], tried["now"]["release"]["name"], tried["filed"]) == ("created", "2.5", False)
    assert api("GET", "/api/v1/builds").json()["data"] == []
    done = api("POST", replay, {"file": True}).json()
    (build,) = api("GET", "/api/v1/builds").json()["data"]
    assert (done["filed"], done["now"]["build"]) == (True, build)
    again = api("POST", replay, {"file": True}).json()
    assert (again["filed"], again["now"]["status"], again["now"]["build"]) == (False, "duplicate", build)
    (copy,) = api("GET", "/api/v1/deliveries?status=created").json()["data"]
    assert (copy["replay_of"], copy["credential"]["kind"], copy["credential"]["name"]) == (failed, "replay", "CI")
    assert api("POST", f"/api/v1/deliveries/{copy['id']}/replay", {"file": True}).json()["id"] == failed


def test_what_bitbucket_sent_is_read_by_its_own_parser(api: Api, client: TestClient) -> None:
    sent = delivery(commit_status(repository="acme/warehouse"))
    sent["headers"] |= api.headers
    waiting = post(client, "/api/webhooks/bitbucket", sent, 202).json()
    told = api("POST", f"/api/v1/deliveries/{waiting['delivery_id']}/replay", {"file": True}).json()
    assert (told["now"]["status"], told["filed"]) == ("duplicate", False)
    assert told["now"]["queue_entry"]["id"] == told["then"]["queue_entry_id"] == waiting["queue_entry"]["id"]


def test_who_may_not_read_learns_ids_and_codes_alone(world: World, api: Api, failed: str) -> None:
    creator = api.by(world.key(Scope.BUILDS_CREATE))
    replay = f"/api/v1/deliveries/{failed}/replay"
    told = creator("POST", replay, {"file": False}).json()
    verdict = {"status": "ignored", "reason": {"code": "build_not_successful"}}
    assert told == {"id": failed, "then": verdict, "now": verdict, "filed": False}
    file_every_build(world)
    told = creator("POST", replay, {"file": True}).json()
    assert told["now"] == {"status": "created", "build": {"id": told["now"]["build"]["id"]}}
    copy = api("GET", "/api/v1/deliveries?status=created").json()["data"][0]["id"]
    told = creator("POST", f"/api/v1/deliveries/{copy}/replay", {}).json()
    assert told["now"]["status"] == "duplicate"
    for path in ("/api/v1/deliveries", f"/api/v1/deliveries/{failed}"):
        creator("GET", path, status=403)


def test_the_list_is_filtered_and_walked(world: World, api: Api, failed: str) -> None:
    other = api.by(world.key())
    queued = other(
        "POST", "/api/v1/builds", FAILED | {"status": None, "repo_url": "https://bitbucket.org/acme/ledger"}, 202
    )
    for query, found in (
        ("status=ignored", [failed]),
        ("source=api", [queued.json()["delivery_id"], failed]),
        ("source=github", []),
        ("q=acme/ledger", [queued.json()["delivery_id"]]),
        ("q=nothing+of+it", []),
        (f"credential={world.acme.organization.id}", []),
    ):
        assert [row["id"] for row in api("GET", f"/api/v1/deliveries?{query}").json()["data"]] == found, query
    first = api("GET", "/api/v1/deliveries?limit=1")
    assert first.headers["link"].startswith("</api/v1/deliveries?limit=1&cursor=")
    link = first.headers["link"].partition(">")[0].removeprefix("<")
    assert [row["id"] for row in api("GET", link).json()["data"]] == [failed]
