"""``POST /api/v1/builds`` and the placement preview: what a build body may hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lathe.adapters.http.reports import read_report
from lathe.domain.api_key import Scope
from lathe.domain.build_report import BuildReport
from lathe.domain.errors import Invalid, Malformed
from tests.unit.http.world import PAY_API, some_id

if TYPE_CHECKING:
    from tests.unit.http.world import Api, World

FULL: dict[str, Any] = {
    "name": "Build #123",
    "build_number": "123",
    "commit_sha": "bdf6fac0519ffd1562461eb82e018ff62efffbc9",
    "branch": "release/2.5",
    "repo_url": "git@bitbucket.org:acme/pay-api.git",
    "url": "https://bot:secret@ci.acme.test/job/1",
    "run_id": "run-1",
    "status": "successful",
    "source": "jenkins",
    "author": "Mira Holm",
    "finished_at": "2026-03-14T11:26:53.5+02:00",
}


def test_a_build_is_filed_with_all_its_facts(world: World, api: Api) -> None:
    build = api("POST", "/api/v1/builds", FULL, status=201).json()["build"]
    expected = {**FULL, "repo_url": PAY_API, "url": "https://ci.acme.test/job/1"}
    expected["finished_at"] = "2026-03-14T09:26:53.500000Z"
    assert {name: build[name] for name in FULL} == expected
    assert build["tag"] is None
    assert build["release"]["id"] == str(world.acme.release.id)


def test_a_name_is_enough_and_a_number_may_be_an_integer(api: Api) -> None:
    assert api("POST", "/api/v1/builds", {"name": "Nightly"}, status=202).json()["queue_entry"]["source"] == "api"
    entry = api("POST", "/api/v1/builds", {"name": "Nightly", "build_number": 2**62}, status=202).json()["queue_entry"]
    assert entry["build_number"] == str(2**62)


def test_the_same_build_again_is_a_duplicate(api: Api) -> None:
    first = api("POST", "/api/v1/builds", FULL, status=201).json()
    again = api("POST", "/api/v1/builds", FULL).json()
    assert (again["status"], again["build"]["id"]) == ("duplicate", first["build"]["id"])


def test_a_build_that_names_its_release_needs_no_matching(world: World, api: Api) -> None:
    body = {"name": "x", "release_id": str(world.acme.release.id)}
    said = api("POST", "/api/v1/builds", body, status=201).json()
    assert [step["rule"] for step in said["placement"]["steps"]] == ["release_given", "active_release"]


def test_a_foreign_project_in_a_body_is_unknown(world: World, api: Api) -> None:
    rival = world.tenant("Rival", "https://bitbucket.org/rival/app")
    for field, foreign in (("project_id", rival.project.id), ("release_id", rival.release.id)):
        answers = [
            api("POST", "/api/v1/builds", {"name": "x", field: str(one)}, status=422).json()["errors"]
            for one in (foreign, some_id())
        ]
        assert answers[0] == answers[1]
        assert (answers[0][0]["pointer"], answers[0][0]["code"]) == (f"/{field}", "not_found")


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"name": None}, "/name", "not_a_text"),
        ({"name": ""}, "/name", "blank"),
        ({"name": "x" * 256}, "/name", "too_long"),
        ({"name": "a\nb"}, "/name", "unprintable"),
        ({"name": 1}, "/name", "not_a_text"),
        ({"branche": "main"}, "/branche", "unknown_field"),
        ({"a/b~c": 1}, "/a~1b~0c", "unknown_field"),
        ({"build_number": 1.5}, "/build_number", "not_a_number"),
        ({"build_number": True}, "/build_number", "not_a_number"),
        ({"commit_sha": "abc def"}, "/commit_sha", "pattern"),
        ({"commit_sha": "a" * 65}, "/commit_sha", "too_long"),
        ({"branch": ["main"]}, "/branch", "not_a_text"),
        ({"tag": "x" * 256}, "/tag", "too_long"),
        ({"repo_url": "not a repository"}, "/repo_url", "not_a_repository"),
        ({"repo_url": "https://bitbucket.org/" + "x" * 2048}, "/repo_url", "not_a_repository"),
        ({"url": "javascript:alert(1)"}, "/url", "not_a_link"),
        ({"url": "https://ci.acme.test/" + "x" * 2048}, "/url", "not_a_link"),
        ({"source": "Jenkins"}, "/source", "pattern"),
        ({"source": "jenkins\n"}, "/source", "unprintable"),
        ({"source": "x" * 33}, "/source", "too_long"),
        ({"status": "in_progress"}, "/status", "not_a_choice"),
        ({"status": {}}, "/status", "not_a_choice"),
        ({"finished_at": "2026-03-14T09:26:53"}, "/finished_at", "not_a_time"),
        ({"finished_at": "2026-02-30T09:26:53Z"}, "/finished_at", "not_a_time"),
        ({"finished_at": "0001-01-01T00:00:00+14:00"}, "/finished_at", "not_a_time"),
        ({"finished_at": 1773480413}, "/finished_at", "not_a_time"),
        ({"project_id": "{01a2090d-4ea5-7ac7-8054-8e79403f0659}"}, "/project_id", "not_an_id"),
    ],
)
def test_what_a_field_does_not_take_is_pointed_at(
    world: World, api: Api, change: dict[str, Any], pointer: str, code: str
) -> None:
    problem = api("POST", "/api/v1/builds", {"name": "x", **change}, status=422).json()
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [(pointer, code)]


@pytest.mark.parametrize("body", [b"[]", b'"build"', b"null", b"5"])
def test_json_that_is_no_object_is_pointed_at_as_a_whole(api: Api, body: bytes) -> None:
    for path in ("/api/v1/builds", "/api/v1/projects"):
        fault = api("POST", path, body, status=422).json()["errors"][0]
        assert (fault["pointer"], fault["code"]) == ("", "not_an_object")


def test_all_faults_are_told_at_once(api: Api) -> None:
    problem = api("POST", "/api/v1/builds", {"url": "x", "typo": 1, "tag": 5}, status=422).json()
    faults = [(fault["pointer"], fault["code"]) for fault in problem["errors"]]
    assert faults == [("/name", "required"), ("/tag", "not_a_text"), ("/typo", "unknown_field"), ("/url", "not_a_link")]


def test_a_preview_says_where_a_build_would_go_and_stores_nothing(world: World, api: Api) -> None:
    placement = api("POST", "/api/v1/placements/preview", FULL).json()
    assert placement["outcome"] == "created"
    assert placement["release_id"] == str(world.acme.release.id)
    unknown = {"name": "x", "repo_url": "https://bitbucket.org/acme/warehouse"}
    placement = api("POST", "/api/v1/placements/preview", unknown).json()
    assert placement["reason"]["code"] == "no_project_match"
    assert api("GET", "/api/v1/builds").json()["data"] == []
    assert api("GET", "/api/v1/queue").json()["data"] == []


def test_without_builds_read_a_reported_build_is_answered_with_what_was_sent(world: World, api: Api) -> None:
    blind = api.by(world.key(Scope.BUILDS_CREATE))
    said = blind("POST", "/api/v1/builds", {"name": "x", "repo_url": PAY_API}, status=201).json()
    sent = {"name": "x", "repo_url": PAY_API, "source": "api", "status": "successful"}
    ids = {"project": {"id": str(world.acme.project.id)}, "release": {"id": str(world.acme.release.id)}}
    assert said["build"] == {"id": said["build"]["id"], **sent, **ids}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_or_a_named_fault(body: bytes) -> None:
    content = read_report(body).content
    assert isinstance(content, BuildReport | Malformed | Invalid)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.dictionaries(st.sampled_from([*FULL, "project_id", "release_id", "tag", "typo"]), _values, max_size=4))
def test_no_body_is_answered_by_a_fault_of_the_server(api: Api, fields: dict[str, Any]) -> None:
    try:
        body = orjson.dumps({"name": "x", **fields})
    except orjson.JSONEncodeError:  # half a character pair, a number beyond 64 bits
        body = repr(fields).encode("utf-8", "surrogatepass")
    answer = api.client.post(
        "/api/v1/builds", content=body, headers={**api.headers, "Content-Type": "application/json"}
    )
    assert answer.status_code in {200, 201, 202, 400, 422}


def test_the_end_of_a_build_orders_its_reports() -> None:
    content = read_report(orjson.dumps(FULL)).content
    assert isinstance(content, BuildReport)
    assert content.updated_at == datetime(2026, 3, 14, 9, 26, 53, 500000, tzinfo=UTC)
    assert content.project_id is None
    named = read_report(orjson.dumps({"name": "x", "project_id": str(UUID(int=5))})).content
    assert isinstance(named, BuildReport)
    assert named.project_id == UUID(int=5)
