"""What the generator fills is what receiving would have left: lists see it, counts agree, and reports are known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from starlette.testclient import TestClient

from benchmarks import fill
from lathe.adapters.ids import RandomIds
from lathe.adapters.secret_box import random_key
from lathe.adapters.sql import open_store
from lathe.application import keys, organizations
from lathe.application.caller import command_caller
from lathe.domain.api_key import Scope
from lathe.entrypoints import compose
from lathe.entrypoints.asgi import create_app
from lathe.entrypoints.sample_bodies import commit_status, event_headers

BUILDS, PENDING, BODIES = 300, 60, 40


@frozen
class Shop:
    """A server on a filled database."""

    filled: fill.Filled
    client: TestClient

    def walk(self, path: str) -> list[dict[str, Any]]:
        """Return every row of a list."""
        rows: list[dict[str, Any]] = []
        page = self.client.get(f"/api/v1/{path}&limit=100").json()
        while True:
            rows += page["data"]
            if page["next_cursor"] is None:
                return rows
            page = self.client.get(f"/api/v1/{path}&limit=100&cursor={page['next_cursor']}").json()

    def deliver(self, build: dict[str, Any]) -> dict[str, Any]:
        """Send once more what a pipeline would say of a build that is known."""
        repository = build["repo_url"].removeprefix("https://bitbucket.org/")
        number = int(build["build_number"])
        body = commit_status(repository=repository, number=number, branch=build["branch"], commit=build["commit_sha"])
        headers = event_headers("repo:commit_status_updated", str(RandomIds().new()))
        answer: dict[str, Any] = self.client.post(
            "/api/webhooks/bitbucket", content=json.dumps(body), headers=headers
        ).json()
        return answer


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    url = str(request.getfixturevalue(f"{request.param}_url"))
    key_file = tmp_path / "lathe.key"
    key_file.write_text(random_key().hex(), encoding="utf-8")
    key_file.chmod(0o600)
    settings = compose.load_settings({"LATHE_DATABASE_URL": url, "LATHE_SECRET_KEY_FILE": str(key_file)})
    compose.prepare(settings)
    ids = RandomIds()
    with closing(open_store(url)) as store:
        organization = organizations.create(store, ids, "Filled")
        fill.make_products(store, ids, organization.id, count=20)
        _, key = keys.create(store, ids, command_caller(organization.id), "CI", list(Scope), rate_limit=100_000)
    filled = fill.fill(url, organization.id, builds=BUILDS, pending=PENDING, bodies=BODIES)
    with TestClient(create_app(compose.compose(settings)), headers={"Authorization": f"Bearer {key}"}) as client:
        yield Shop(filled, client)


def test_what_was_filled_is_consistent(shop: Shop) -> None:
    builds, waiting = shop.walk("builds?"), shop.walk("queue?status=pending")
    rejected = shop.walk("queue?status=rejected")
    deliveries = shop.walk("deliveries?")
    assert (len(builds), len(waiting), len(rejected)) == (BUILDS, PENDING, PENDING // 10)
    assert len(deliveries) == shop.filled.deliveries == BUILDS + PENDING + PENDING // 10
    assert max(int(one["build_number"]) for one in (*builds, *waiting)) <= shop.filled.highest
    for rows in (builds, waiting, deliveries):
        times = [row.get("created_at") or row["received_at"] for row in rows]
        assert times == sorted(times, reverse=True)

    of_release = Counter(build["release"]["id"] for build in builds)
    release, count = of_release.most_common(1)[0]
    assert len(shop.walk(f"builds?release={release}")) == count
    assert len(of_release) > 20
    assert {entry["reason"]["code"] for entry in waiting} == {"no_active_release", "no_project_match"}


@pytest.mark.parametrize("of", ["builds?source=bitbucket", "queue?source=bitbucket"])
def test_a_report_of_what_was_filled_is_a_duplicate(shop: Shop, of: str) -> None:
    for known in shop.walk(of)[:5]:
        answer = shop.deliver(known)
        assert answer["status"] == "duplicate", answer
        assert (answer.get("build") or answer["queue_entry"])["id"] == known["id"]


def test_a_new_report_is_filed_or_waits_as_the_filled_ones_did(shop: Shop) -> None:
    for of in ("builds?source=bitbucket", "queue?source=bitbucket"):
        known = shop.walk(of)[0]
        placement = shop.client.get(f"/api/v1/{of.partition('?')[0]}/{known['id']}").json()["placement"]
        answer = shop.deliver(known | {"build_number": str(shop.filled.highest + 1), "commit_sha": "c" * 40})
        assert answer["status"] == {"created": "created", "queued": "queued"}[placement["outcome"]]
        assert answer["placement"] == placement
