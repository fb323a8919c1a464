"""Lists: pages, cursors that belong to one list of one caller, and parameters that nobody knows."""

from __future__ import annotations

import base64
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lathe.adapters.http.lists import Walk
from lathe.adapters.http.requests import BuildsQuery
from lathe.domain.errors import Invalid
from tests.unit.http.world import PAY_API, some_id

if TYPE_CHECKING:
    from tests.unit.http.world import Api, World


@pytest.fixture
def seven(world: World, api: Api) -> list[str]:
    """Seven builds, the newest first, made at three instants."""
    made = []
    for number in range(7):
        if number % 3 == 0:
            world.clock.advance(timedelta(microseconds=1))
        body = {"name": f"Build {number}", "build_number": number, "repo_url": PAY_API, "branch": "main"}
        made.append(api("POST", "/api/v1/builds", body, status=201).json()["build"]["id"])
    return made[::-1]


def walk(api: Api, path: str) -> list[list[str]]:
    """Follow the links to the end and return the ids of each page."""
    pages, link = [], path
    while link:
        answer = api("GET", link)
        said = answer.json()
        pages.append([row["id"] for row in said["data"]])
        header = answer.headers.get("link", "")
        assert bool(header) == bool(said["next_cursor"])
        link = header.partition(">")[0].removeprefix("<")
        assert not header or header.endswith('>; rel="next"')
    return pages


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (200, [7])])
def test_a_walk_shows_every_row_once_newest_first(api: Api, seven: list[str], limit: int, sizes: list[int]) -> None:
    pages = walk(api, f"/api/v1/builds?limit={limit}&branch=main&source=api")
    assert [len(page) for page in pages] == sizes
    assert list(chain(*pages)) == seven


def test_fifty_rows_make_a_page_unless_said_otherwise(world: World, api: Api) -> None:
    hooks = [str(world.hook()[0].id) for _ in range(51)]
    pages = walk(api, "/api/v1/hooks")
    assert [len(page) for page in pages] == [50, 1]
    assert list(chain(*pages)) == hooks[::-1]


def test_every_list_can_be_walked(world: World, api: Api) -> None:
    for name in ("A", "B"):
        api("POST", "/api/v1/projects", {"name": name}, status=201)
        api("POST", f"/api/v1/projects/{world.acme.project.id}/releases", {"name": name}, status=201)
        api("POST", "/api/v1/builds", {"name": name}, status=202)
    for path in ("projects", f"projects/{world.acme.project.id}/releases", "queue"):
        pages = walk(api, f"/api/v1/{path}?limit=1")
        assert len(pages) == (2 if path == "queue" else 3)
        assert len({page[0] for page in pages}) == len(pages)
    assert [one["name"] for one in api("GET", "/api/v1/projects?q=pay").json()["data"]] == ["Pay API"]


def test_builds_are_found_by_what_they_are(world: World, api: Api, seven: list[str]) -> None:
    assert len(api("GET", f"/api/v1/builds?project={world.acme.project.id}").json()["data"]) == 7
    assert api("GET", f"/api/v1/builds?release={some_id()}").json()["data"] == []
    assert [one["id"] for one in api("GET", "/api/v1/builds?q=build%206").json()["data"]] == seven[:1]
    assert api("GET", "/api/v1/builds?commit=abc").json()["data"] == []


def test_the_queue_shows_what_is_pending_unless_asked(api: Api) -> None:
    entry = api("POST", "/api/v1/builds", {"name": "x"}, status=202).json()["queue_entry"]["id"]
    api("POST", f"/api/v1/queue/{entry}/reject", {"reason": "broken"})
    assert api("GET", "/api/v1/queue").json()["data"] == []
    for status in ("rejected", "any"):
        assert [row["id"] for row in api("GET", f"/api/v1/queue?status={status}").json()["data"]] == [entry]


def test_a_cursor_belongs_to_its_list_its_filters_and_its_caller(world: World, api: Api, seven: list[str]) -> None:
    cursor = api("GET", "/api/v1/builds?limit=2&branch=main").json()["next_cursor"]
    assert len(api("GET", f"/api/v1/builds?limit=5&branch=main&cursor={cursor}").json()["data"]) == 5
    rival = api.by(world.key(tenant=world.tenant("Rival", "https://bitbucket.org/rival/app")))
    elsewhere = [
        (api, f"/api/v1/builds?cursor={cursor}"),
        (api, f"/api/v1/builds?branch=dev&cursor={cursor}"),
        (api, f"/api/v1/queue?branch=main&cursor={cursor}"),
        (api, f"/api/v1/hooks?cursor={cursor}"),
        (rival, f"/api/v1/builds?branch=main&cursor={cursor}"),
        (api, f"/api/v1/builds?branch=main&cursor={cursor[:-1]}"),
        (api, f"/api/v1/builds?branch=main&cursor={cursor}x"),
        (api, "/api/v1/builds?branch=main&cursor=*"),
    ]
    for caller, path in elsewhere:
        problem = caller("GET", path, status=422).json()
        assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == ("/cursor", "wrong_cursor"), path


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("limit=0", "/limit", "out_of_range"),
        ("limit=201", "/limit", "out_of_range"),
        ("limit=ten", "/limit", "out_of_range"),
        ("limit=", "/limit", "out_of_range"),
        ("limit=5&limit=6", "/limit", "repeated"),
        ("page=2", "/page", "unknown_field"),
        ("project=acme", "/project", "not_an_id"),
        ("branch=", "/branch", "blank"),
        ("q=%00", "/q", "unprintable"),
        ("cursor=", "/cursor", "blank"),
    ],
)
def test_parameters_that_are_not_taken_are_pointed_at(api: Api, query: str, pointer: str, code: str) -> None:
    problem = api("GET", f"/api/v1/builds?{query}", status=422).json()
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [(pointer, code)]


def test_calls_that_take_no_parameters_refuse_them(world: World, api: Api) -> None:
    api("GET", f"/api/v1/projects/{world.acme.project.id}?deep=1", status=422)


@given(st.binary(max_size=48).map(lambda data: base64.urlsafe_b64encode(data).decode().rstrip("=")) | st.text())
def test_no_cursor_that_somebody_makes_up_is_taken(cursor: str) -> None:
    way = Walk(some_id(), "/api/v1/builds", BuildsQuery(cursor=cursor))
    with pytest.raises(Invalid):
        _ = way.after


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_query_is_answered(api: Any, name: str, value: str) -> None:
    answer = api.client.get("/api/v1/builds", params={name: value}, headers=api.headers)
    assert answer.status_code in {200, 422}
