"""Projects, repositories, releases and hooks over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lathe.domain.api_key import Scope
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.http.world import PAY_API, delivery, post, signed

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.unit.http.world import Api, World


def test_a_project_is_created_changed_and_read(api: Api) -> None:
    body = {"name": "Shop", "repositories": ["git@bitbucket.org:acme/shop.git"], "files": "finished"}
    created = api("POST", "/api/v1/projects", body, status=201)
    project = created.json()
    assert created.headers["location"] == f"/api/v1/projects/{project['id']}"
    assert (project["slug"], project["files"]) == ("shop", "finished")
    repository = project["repositories"][0]
    assert (repository["url"], repository["name"]) == ("https://bitbucket.org/acme/shop", "acme/shop")
    assert (repository["kind"], repository["linked_by"]["kind"]) == ("declared", "key")
    changed = api("PATCH", f"/api/v1/projects/{project['id']}", {"name": "Web Shop"}).json()
    assert changed == {**project, "name": "Web Shop"}
    assert api("GET", f"/api/v1/projects/{project['id']}").json() == changed


def test_a_project_is_archived_once_none_of_its_releases_is_active_and_restored(world: World, api: Api) -> None:
    address = f"/api/v1/projects/{world.acme.project.id}"
    refused = api("PATCH", address, {"archived": True}, status=409).json()
    assert (refused["code"], refused["detail"]) == ("release_active", "Pay API still takes builds: close 2.5 first")
    (release,) = api("GET", f"{address}/releases").json()["data"]
    api("PATCH", f"/api/v1/releases/{release['id']}", {"state": "closed"})
    assert api("PATCH", address, {"archived": True}).json()["archived"] is True

    def listed(query: str) -> list[str]:
        return [one["name"] for one in api("GET", f"/api/v1/projects{query}").json()["data"]]

    assert [listed(query) for query in ("", "?archived=no", "?archived=yes", "?archived=any")] == [
        [],
        [],
        ["Pay API"],
        ["Pay API"],
    ]
    reopened = api("PATCH", f"/api/v1/releases/{release['id']}", {"state": "active"}, status=409).json()
    assert reopened["code"] == "project_archived"
    assert api("POST", f"{address}/releases", {"name": "3"}, status=409).json()["code"] == "project_archived"
    assert api("PATCH", address, {"archived": False}).json()["archived"] is False
    assert listed("") == ["Pay API"]
    api("PATCH", f"/api/v1/releases/{release['id']}", {"state": "active"})


def test_names_and_repositories_belong_to_one_project(api: Api) -> None:
    assert api("POST", "/api/v1/projects", {"name": "pay api"}, status=409).json()["code"] == "name_taken"
    taken = api("POST", "/api/v1/projects", {"name": "Shop", "repositories": [PAY_API]}, status=409).json()
    assert taken["code"] == "repository_linked"
    assert "Pay API" in taken["detail"]
    assert [one["name"] for one in api("GET", "/api/v1/projects").json()["data"]] == ["Pay API"]


def test_each_address_that_is_none_is_pointed_at(api: Api) -> None:
    body = {"name": "Shop", "repositories": [PAY_API, "nowhere"]}
    assert api("POST", "/api/v1/projects", body, status=422).json()["errors"][0]["pointer"] == "/repositories/1"
    several: dict[str, object] = {"name": "Shop", "repositories": [PAY_API, 5, ""]}
    pointers = [fault["pointer"] for fault in api("POST", "/api/v1/projects", several, status=422).json()["errors"]]
    assert pointers == ["/repositories/1", "/repositories/2"]
    no_list = {"name": "Shop", "repositories": PAY_API}
    assert api("POST", "/api/v1/projects", no_list, status=422).json()["errors"][0]["code"] == "not_a_list"


def test_a_repository_is_declared_and_removed(world: World, api: Api) -> None:
    address = f"/api/v1/projects/{world.acme.project.id}/repositories"
    declared = api("POST", address, {"url": "ssh://git@bitbucket.org/acme/pay-web.git"}, status=201)
    repository = declared.json()
    assert declared.headers["location"] == f"{address}/{repository['id']}"
    assert repository["url"] == "https://bitbucket.org/acme/pay-web"
    assert api("POST", address, {"url": "nowhere"}, status=422).json()["errors"][0]["pointer"] == "/url"
    api("DELETE", f"{address}/{repository['id']}", status=204)
    api("DELETE", f"{address}/{repository['id']}", status=404)


def test_a_release_goes_through_its_states(world: World, api: Api) -> None:
    address = f"/api/v1/projects/{world.acme.project.id}/releases"
    made = api("POST", address, {"name": "3.0", "branch_patterns": ["release/3.*", "main"]}, status=201)
    release = made.json()
    assert made.headers["location"] == f"/api/v1/releases/{release['id']}"
    assert release["project"] == {"id": str(world.acme.project.id), "name": "Pay API"}
    assert (release["state"], release["activated_at"]) == ("planned", None)
    one = made.headers["location"]
    assert api("PATCH", one, {"state": "active"}).json()["activated_at"] is not None
    closed = api("PATCH", one, {"state": "closed", "name": "3.0 final", "branch_patterns": []}).json()
    assert (closed["state"], closed["name"], closed["branch_patterns"]) == ("closed", "3.0 final", [])
    assert api("PATCH", one, {"state": "planned"}, status=409).json()["code"] == "release_state"
    assert api("GET", one).json() == closed
    assert [row["name"] for row in api("GET", address).json()["data"]] == ["3.0 final", "2.5"]
    assert api("POST", address, {"name": "2.5"}, status=409).json()["code"] == "name_taken"
    blanks = {"name": "4", "branch_patterns": ["main", "a b"]}
    assert api("POST", address, blanks, status=422).json()["errors"][0]["pointer"] == "/branch_patterns/1"


def test_a_manager_who_may_not_read_gets_ids(world: World, api: Api) -> None:
    blind = api.by(world.key(Scope.PROJECTS_MANAGE))
    project = blind("POST", "/api/v1/projects", {"name": "Shop"}, status=201).json()
    assert project.keys() == {"id"}
    assert blind("PATCH", f"/api/v1/projects/{world.acme.project.id}", {}).json() == {"id": str(world.acme.project.id)}
    release = blind("POST", f"/api/v1/projects/{project['id']}/releases", {"name": "1"}, status=201).json()
    assert release == {"id": release["id"], "project": project}
    address = f"/api/v1/projects/{project['id']}/repositories"
    assert blind("POST", address, {"url": "https://bitbucket.org/acme/shop"}, status=201).json().keys() == {"id"}
    blind("GET", "/api/v1/projects", status=403)


def test_a_hook_shows_its_secret_once_and_takes_deliveries(world: World, api: Api, client: TestClient) -> None:
    made = api("POST", "/api/v1/hooks", {"provider": "bitbucket"}, status=201)
    hook = made.json()
    assert made.headers["location"] == f"/api/v1/hooks/{hook['id']}"
    assert hook["address"] == f"http://testserver/api/webhooks/bitbucket/{hook['id']}"
    address = hook["address"].removeprefix("http://testserver")
    post(client, address, signed(delivery(commit_status()), hook["secret"]), 201)
    listed = api("GET", "/api/v1/hooks").json()["data"][0]
    assert (listed["id"], listed["requests"], listed["created_by"]) == (hook["id"], 1, "CI")
    assert "secret" not in listed
    assert listed["last_delivery_at"] is not None
    rotated = api("POST", f"/api/v1/hooks/{hook['id']}/rotate").json()
    assert rotated["secret"] != hook["secret"]
    api("DELETE", f"/api/v1/hooks/{hook['id']}", status=204)
    api("POST", f"/api/v1/hooks/{hook['id']}/rotate", status=409)
    assert api("GET", "/api/v1/hooks").json()["data"][0]["revoked_at"] is not None
    post(client, address, signed(delivery(commit_status(number=7)), rotated["secret"]), 401)


@pytest.mark.parametrize("body", [{}, {"provider": "jenkins"}, {"provider": None}, {"provider": "bitbucket", "id": 1}])
def test_a_hook_is_for_a_provider_that_is_known(api: Api, body: dict[str, object]) -> None:
    api("POST", "/api/v1/hooks", body, status=422)
