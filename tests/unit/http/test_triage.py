"""The Build Queue over the API: each decision, what it answers, and what it answers when somebody was faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lathe.application import projects, releases
from lathe.domain.api_key import Scope
from lathe.domain.release import ReleaseState
from tests.unit.http.world import masked, some_id

if TYPE_CHECKING:
    from tests.unit.http.world import Api, World


@pytest.fixture
def entry_id(api: Api) -> str:
    """A build that waits because its repository fits no project."""
    body = {"name": "Nightly", "build_number": 7, "repo_url": "https://bitbucket.org/acme/warehouse", "branch": "main"}
    waiting: str = api("POST", "/api/v1/builds", body, status=202).json()["queue_entry"]["id"]
    return waiting


def to_release(world: World, **more: Any) -> dict[str, Any]:
    return {"release_id": str(world.acme.release.id), **more}


def test_assigning_files_the_build_and_may_teach_the_repository(world: World, api: Api, entry_id: str) -> None:
    answer = api("POST", f"/api/v1/queue/{entry_id}/assign", to_release(world, remember_repository=True), status=201)
    build = answer.json()
    assert answer.headers["location"] == f"/api/v1/builds/{build['id']}"
    assert build["filed"] == "by_hand"
    assert build["placement"]["steps"][-1]["rule"] == "by_hand"
    assert api("GET", f"/api/v1/builds/{build['id']}").json() == build
    entry = api("GET", f"/api/v1/queue/{entry_id}").json()
    assert (entry["status"], entry["build_id"]) == ("assigned", build["id"])
    assert entry["decided_by"]["kind"] == "key"
    linked = api("GET", f"/api/v1/projects/{world.acme.project.id}").json()["repositories"]
    assert [(one["name"], one["kind"]) for one in linked][-1] == ("acme/warehouse", "learned")


def test_the_second_of_two_people_reads_what_the_first_decided(world: World, api: Api, entry_id: str) -> None:
    other = api.by(world.key())
    first = api("POST", f"/api/v1/queue/{entry_id}/assign", to_release(world), status=201).json()
    again = api("POST", f"/api/v1/queue/{entry_id}/assign", to_release(world), status=201).json()
    assert again["id"] == first["id"], "repeating one's own decision is answered with the same result"
    lost = other("POST", f"/api/v1/queue/{entry_id}/assign", to_release(world), status=409).json()
    assert lost["code"] == "already_assigned"
    assert "2.5" in lost["detail"]
    assert other("POST", f"/api/v1/queue/{entry_id}/reject", {"reason": "broken"}, status=409).json()["detail"]


def test_rejecting_needs_a_reason_that_is_known(api: Api, entry_id: str) -> None:
    reject = f"/api/v1/queue/{entry_id}/reject"
    assert api("POST", reject, {"reason": "bored"}, status=422).json()["errors"][0]["pointer"] == "/reason"
    assert api("POST", reject, {"reason": "other"}, status=422).json()["errors"][0]["pointer"] == "/note"
    entry = api("POST", reject, {"reason": "other", "note": "Not ours.\nAsk Bob."}).json()
    assert (entry["status"], entry["rejected"]) == ("rejected", {"reason": "other", "note": "Not ours.\nAsk Bob."})
    assert "decided_at" in entry


def test_selecting_a_project_suggests_its_release(world: World, api: Api, entry_id: str) -> None:
    entry = api("POST", f"/api/v1/queue/{entry_id}/project", {"project_id": str(world.acme.project.id)}).json()
    assert entry["status"] == "pending"
    assert entry["suggested_release"] == {"id": str(world.acme.release.id), "name": "2.5"}
    unknown = api("POST", f"/api/v1/queue/{entry_id}/project", {"project_id": str(some_id())}, status=422)
    assert unknown.json()["errors"][0]["code"] == "not_found"


def test_undoing_withdraws_the_build_whose_address_still_answers(world: World, api: Api, entry_id: str) -> None:
    build = api("POST", f"/api/v1/queue/{entry_id}/assign", to_release(world), status=201).json()
    entry = api("POST", f"/api/v1/queue/{entry_id}/undo").json()
    assert entry["status"] == "pending"
    assert api("GET", f"/api/v1/builds/{build['id']}").json()["withdrawn"] is True
    assert api("GET", "/api/v1/builds").json()["data"] == []
    assert api("POST", f"/api/v1/queue/{entry_id}/undo", status=409).json()["code"] == "nothing_to_undo"
    revived = api("POST", f"/api/v1/queue/{entry_id}/assign", to_release(world), status=201).json()
    assert (revived["id"], revived["withdrawn"]) == (build["id"], False)


def test_a_filed_build_is_moved_or_sent_back(world: World, api: Api) -> None:
    body = {"name": "x", "repo_url": "https://bitbucket.org/acme/pay-api", "build_number": 3}
    build_id = api("POST", "/api/v1/builds", body, status=201).json()["build"]["id"]
    acme = world.acme
    active = releases.create(world.store, world.ids, acme.caller, acme.project.id, "2.6", state=ReleaseState.ACTIVE)
    planned = releases.create(world.store, world.ids, acme.caller, acme.project.id, "3.0")
    move = f"/api/v1/builds/{build_id}/move"
    assert api("POST", move, {"release_id": str(active.id)}).json()["release"]["name"] == "2.6"
    assert api("POST", move, {"release_id": str(planned.id)}, status=409).json()["code"] == "release_not_active"
    assert api("POST", move, {"release_id": str(some_id())}, status=422).json()["errors"][0]["pointer"] == "/release_id"
    entry = api("POST", f"/api/v1/builds/{build_id}/requeue").json()
    assert entry["reason"]["code"] == "sent_back"
    assert api("POST", f"/api/v1/builds/{build_id}/requeue").json()["id"] == entry["id"]
    assert api("POST", move, {"release_id": str(active.id)}, status=409).json()["code"] == "withdrawn"


def test_a_manager_who_may_not_read_gets_ids_and_codes(world: World, api: Api, entry_id: str) -> None:
    projects.create(world.store, world.ids, world.acme.caller, "Warehouse")
    blind = api.by(world.key(Scope.QUEUE_MANAGE))
    project, release = {"id": str(world.acme.project.id)}, {"id": str(world.acme.release.id)}
    selected = blind("POST", f"/api/v1/queue/{entry_id}/project", {"project_id": project["id"]}).json()
    reason = {"code": "no_project_match"}
    assert selected.pop("suggested_release") == release
    assert selected == {"id": entry_id, "status": "pending", "reason": reason, "project": project}
    build = blind("POST", f"/api/v1/queue/{entry_id}/assign", to_release(world), status=201).json()
    assert build == {"id": build["id"], "project": project, "release": release}
    assert blind("POST", f"/api/v1/builds/{build['id']}/requeue").json()["reason"] == {"code": "sent_back"}
    blind("GET", f"/api/v1/queue/{entry_id}", status=403)


def test_nothing_of_another_organization_can_be_told_from_nothing(world: World, api: Api, entry_id: str) -> None:
    """Every address with an id in it, with an id of somebody else's, one that is unknown, and one that is none."""
    rival = world.tenant("Rival", "https://bitbucket.org/rival/app")
    theirs = api.by(world.key(tenant=rival, rate_limit=None))
    build_id = api("POST", f"/api/v1/queue/{entry_id}/assign", to_release(world), status=201).json()["id"]
    waiting = api("POST", "/api/v1/builds", {"name": "x"}, status=202).json()["queue_entry"]["id"]
    hook, _ = world.hook()
    project_id, release_id = str(world.acme.project.id), str(world.acme.release.id)
    repository_id = api("GET", f"/api/v1/projects/{project_id}").json()["repositories"][0]["id"]
    own_release = {"release_id": str(rival.release.id)}
    attempts: list[tuple[str, str, str, object]] = [
        ("GET", "/api/v1/builds/{}", build_id, None),
        ("POST", "/api/v1/builds/{}/move", build_id, own_release),
        ("POST", "/api/v1/builds/{}/requeue", build_id, None),
        ("GET", "/api/v1/queue/{}", waiting, None),
        ("POST", "/api/v1/queue/{}/assign", waiting, own_release),
        ("POST", "/api/v1/queue/{}/reject", waiting, {"reason": "broken"}),
        ("POST", "/api/v1/queue/{}/project", waiting, {"project_id": str(rival.project.id)}),
        ("POST", "/api/v1/queue/{}/undo", waiting, None),
        ("GET", "/api/v1/projects/{}", project_id, None),
        ("PATCH", "/api/v1/projects/{}", project_id, {"name": "Mine"}),
        ("POST", "/api/v1/projects/{}/repositories", project_id, {"url": "https://bitbucket.org/rival/new"}),
        ("DELETE", "/api/v1/projects/{}/repositories/" + repository_id, project_id, None),
        ("DELETE", f"/api/v1/projects/{rival.project.id}/repositories/{{}}", repository_id, None),
        ("GET", "/api/v1/projects/{}/releases", project_id, None),
        ("POST", "/api/v1/projects/{}/releases", project_id, {"name": "9.9"}),
        ("GET", "/api/v1/releases/{}", release_id, None),
        ("PATCH", "/api/v1/releases/{}", release_id, {"state": "closed"}),
        ("POST", "/api/v1/hooks/{}/rotate", str(hook.id), None),
        ("DELETE", "/api/v1/hooks/{}", str(hook.id), None),
    ]
    before = api("GET", f"/api/v1/releases/{release_id}").json(), api("GET", f"/api/v1/queue/{waiting}").json()
    for method, path, foreign, body in attempts:
        ids = (foreign, str(some_id()), "no-id", foreign.replace("-", ""), "%00")
        answers = {repr(masked(theirs(method, path.format(one), body, status=404))) for one in ids}
        assert len(answers) == 1, path
    assert before == (
        api("GET", f"/api/v1/releases/{release_id}").json(),
        api("GET", f"/api/v1/queue/{waiting}").json(),
    )
