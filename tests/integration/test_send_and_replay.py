"""`lathe send` and `lathe replay`: a stored body sent as the provider would, and a delivery under today's rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from attrs import frozen

from lathe.entrypoints.sample_bodies import commit_status, pipeline_span
from tests.answering import Reply, answering
from tests.programs import Ended, lathe, serving
from tests.shop import Shop, complaint, open_shop

NOWHERE = "01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e"


@frozen
class Scene:
    """A shop with a server that runs beside it."""

    shop: Shop
    address: str
    key: str

    def run(self, *arguments: str, **settings: str) -> Ended:
        return self.shop.inside(*arguments, LATHE_URL=self.address, **settings)

    def sent(self, file: Path, *arguments: str, provider: str = "bitbucket", **settings: str) -> dict[str, Any]:
        """Send a file; return what the server answers."""
        done = self.run("send", str(file), "--provider", provider, *arguments, "--json", **settings)
        assert done.status == 0, done.err
        answer: dict[str, Any] = done.json
        return answer

    def hook(self, provider: str) -> str:
        made = self.shop.inside("hook", "create", provider, "--org", "acme", "--json")
        return str(made.json["id"])

    def deliveries(self) -> list[dict[str, Any]]:
        answer = httpx2.get(f"{self.address}/api/v1/deliveries", headers={"Authorization": f"Bearer {self.key}"})
        deliveries: list[dict[str, Any]] = answer.json()["data"]
        return deliveries

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        url = f"{self.address}/api/v1/deliveries/{delivery_id}"
        found: dict[str, Any] = httpx2.get(url, headers={"Authorization": f"Bearer {self.key}"}).json()
        return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    shop = open_shop(tmp_path_factory.mktemp("shop"))
    shop.inside("project", "create", "Pay API", "--org", "acme", "--repo", "https://bitbucket.org/acme/pay-api")
    shop.inside("release", "create", "2.5", "--project", "pay-api", "--active")
    scopes = ("--scope", "builds:create", "--scope", "builds:read")
    key = shop.inside("key", "create", "CI", "--org", "acme", *scopes, "--rate-limit", "unlimited", "--json").json
    with serving(cwd=shop.folder) as (_, address):
        yield Scene(shop, address, key["key"])


def written(folder: Path, body: object) -> Path:
    file = folder / "body.json"
    file.write_text(json.dumps(body), encoding="utf-8")
    return file


BODIES = {
    "bitbucket": commit_status(repository="acme/pay-api", number=1),
    "github": {
        "action": "completed",
        "workflow_run": {"id": 5, "run_number": 2, "status": "completed", "conclusion": "success"},
        "repository": {"html_url": "https://github.com/acme/unknown-shop"},
    },
    "gitlab": {
        "object_kind": "pipeline",
        "object_attributes": {"id": 5, "status": "success"},
        "project": {"web_url": "https://gitlab.com/acme/unknown-shop"},
    },
    "generic": {"name": "Build 1", "build_number": 1, "repo_url": "https://git.corp/acme/unknown-shop"},
}


@pytest.mark.parametrize("provider", BODIES)
def test_a_stored_body_is_taken_for_the_providers_own(provider: str, scene: Scene, tmp_path: Path) -> None:
    hook, file = scene.hook(provider), written(tmp_path, BODIES[provider])

    signed = scene.sent(file, "--hook", hook, provider=provider)
    with_key = scene.sent(file, "--key", scene.key, provider=provider)

    assert signed["status"] == ("created" if provider == "bitbucket" else "queued")
    assert with_key["status"] == "duplicate"
    newest, first = (scene.delivery(one["id"]) for one in scene.deliveries()[:2])
    assert [one["credential"]["kind"] for one in (first, newest)] == ["hook", "key"]
    assert first["body"].encode() == file.read_bytes()
    assert first["event"] == newest["event"]
    assert (first["event"] is None) is (provider == "generic")


def test_the_same_delivery_can_be_sent_again_and_another_event_can_be_named(scene: Scene, tmp_path: Path) -> None:
    file = written(tmp_path, pipeline_span(repository="acme/garden", number=77))

    pushed = scene.sent(file, "--event", "repo:push", LATHE_API_KEY=scene.key)
    first = scene.sent(file, "--delivery-id", "one", LATHE_API_KEY=scene.key)
    again = scene.sent(file, "--delivery-id", "one", LATHE_API_KEY=scene.key)

    assert pushed["reason"]["code"] == "event_not_supported"
    assert (first["status"], again["status"]) == ("queued", "duplicate")
    assert first["delivery_id"] == again["delivery_id"]


def test_people_read_what_became_of_it(scene: Scene, tmp_path: Path) -> None:
    file = written(tmp_path, commit_status(repository="acme/pay-api", number=2))

    done = lathe("send", file, "--provider", "bitbucket", "--key", scene.key, LATHE_URL=scene.address)

    assert (done.status, done.out) == (0, "Filed under Pay API 2.5\n")
    assert re.fullmatch(r"Delivery [0-9a-f-]{36}\n", done.err)
    assert scene.key not in done.err


def test_what_cannot_be_sent_is_one_line(scene: Scene, tmp_path: Path) -> None:
    file = str(written(tmp_path, {}))
    send = ("send", file, "--provider", "bitbucket")

    def told(done: Ended, status: int) -> str:
        lines = [line for line in done.err.splitlines() if not line.startswith("Delivery ")]
        assert (done.status, done.out, len(lines)) == (status, "", 1), done
        return lines[0]

    assert "give --hook or --key" in told(scene.run(*send, "--hook", NOWHERE, "--key", "x"), 2)
    assert "LATHE_API_KEY" in told(scene.run(*send), 2)
    assert f"there is no live hook {NOWHERE} for bitbucket" in told(scene.run(*send, "--hook", NOWHERE), 1)
    assert "there is no live hook x" in told(scene.run(*send, "--hook", "x"), 1)
    assert "does not know this LATHE_API_KEY" in told(scene.run(*send, "--key", "pt_live_x"), 1)
    assert "LATHE_URL must begin" in told(scene.shop.inside(*send, "--key", "x", LATHE_URL="lathe"), 2)
    assert "no connection" in told(scene.shop.inside(*send, "--key", "x", LATHE_URL="http://127.0.0.1:1"), 1)
    assert "No such file" in told(scene.run("send", "missing.json", "--provider", "gitlab"), 2)


def test_what_is_no_json_is_sent_as_it_is_to_the_configured_address(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"{")
    with answering(Reply(400, b'{"code": "malformed", "detail": "The body is not JSON."}')) as server:
        done = scene.shop.inside(
            "send", str(file), "--provider", "github", "--key", "pt_live_x", LATHE_BASE_URL=server.address
        )

    assert "refused the report (400): The body is not JSON." in done.err
    assert server.asked[0].body == b"{"
    assert server.asked[0].path == "/api/webhooks/github"


# --- replay -----------------------------------------------------------------------------------------------------------


def test_a_replay_shows_then_and_now_and_files_once_when_it_is_told_to(scene: Scene, tmp_path: Path) -> None:
    scene.shop.inside("project", "create", "Attic", "--org", "acme", "--repo", "https://bitbucket.org/acme/attic")
    delivery = scene.sent(written(tmp_path, commit_status(repository="acme/attic", number=9)), "--key", scene.key)[
        "delivery_id"
    ]
    waiting = scene.run("replay", delivery)
    scene.shop.inside("release", "create", "1.0", "--project", "attic", "--active")

    looked = scene.run("replay", delivery, "--org", "acme")
    as_json = scene.run("replay", delivery, "--json")
    filed = scene.shop.lathe("replay", delivery, "--file")
    again = scene.run("replay", delivery, "--file", "--json")

    assert "now   duplicate: queue entry" in waiting.out
    assert f"Delivery {delivery} from bitbucket, received 20" in looked.out
    assert "then  queued: " in looked.out
    assert "goes to Attic 1.0" in looked.out
    assert looked.out.endswith(f"Nothing was stored. To file it: lathe replay {delivery} --file\n")
    assert (as_json.json["now"]["release"]["name"], as_json.json["filed"]) == ("1.0", False)
    assert as_json.json["then"]["reason"]["code"] == "no_active_release"
    assert (filed.status, filed.out.splitlines()[-1]) == (0, "Filed")
    assert "filed under Attic 1.0" in filed.out
    assert again.json["filed"] is False
    assert again.json["now"]["build"]["release"]["name"] == "1.0"


def test_what_was_ignored_waits_in_the_queue_once_it_counts(scene: Scene, tmp_path: Path) -> None:
    project = scene.shop.inside(
        *("project", "create", "Cellar", "--org", "acme", "--repo", "https://bitbucket.org/acme/cellar", "--json")
    ).json["id"]
    file = written(tmp_path, commit_status(repository="acme/cellar", number=9, state="FAILED"))
    delivery = scene.sent(file, "--key", scene.key)["delivery_id"]
    ignored = scene.run("replay", delivery, "--file")
    manager = ("key", "create", "M", "--org", "acme", "--scope", "projects:manage", "--json")
    httpx2.patch(
        f"{scene.address}/api/v1/projects/{project}",
        json={"files": "finished"},
        headers={"Authorization": f"Bearer {scene.shop.inside(*manager).json['key']}"},
    ).raise_for_status()

    queued = scene.run("replay", delivery, "--file")

    assert "now   ignored: " in ignored.out
    assert ignored.out.endswith("Nothing was stored: there is nothing to file\n")
    assert "then  ignored: " in queued.out
    assert "now   queued: queue entry" in queued.out
    assert queued.out.endswith("It waits in the Build Queue now\n")


def test_a_delivery_that_is_not_there_is_one_line(scene: Scene) -> None:
    assert f"there is no delivery {NOWHERE}" in complaint(scene.run("replay", NOWHERE), 1)
    assert "not a valid UUID" in complaint(scene.run("replay", "x"), 2)
