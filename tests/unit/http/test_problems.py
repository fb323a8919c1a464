"""Errors: one form for all, and nothing in them that is not meant for the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from lathe.adapters.web.problems import MEDIA_TYPE, Problem
from lathe.domain.errors import OutcomeUnknown, Unavailable
from lathe.entrypoints.sample_bodies import commit_status
from tests.unit.http.world import bearer, delivery, post, serving, signed, with_headers

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.unit.http.world import Api, World

BITBUCKET = "/api/webhooks/bitbucket"


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/v1/nothing", "/api/v1/builds/", "/api/v1/builds/01980000-0000-7000-8000-000000000000/x"],
)
def test_an_unknown_address_is_a_problem_document(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, MEDIA_TYPE)
    problem = answer.json()
    assert (problem["code"], problem["instance"]) == ("not_found", path)
    assert problem["type"] == "/problems/not_found"
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_wrong_method_is_told_which_ones_there_are(client: TestClient) -> None:
    answer = client.put("/api/v1/builds")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert client.get(BITBUCKET).headers["allow"] == "POST"
    assert client.post("/healthz").status_code == 405


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": "application/json", "Content-Encoding": "identity"},
    ],
)
def test_bodies_that_are_not_plain_json_are_refused(world: World, api: Api, headers: dict[str, str]) -> None:
    for path in (BITBUCKET, "/api/v1/builds", "/api/v1/projects"):
        sent = {name.replace("-", "_"): text for name, text in headers.items()}
        assert api("POST", path, b'{"name":"x"}', status=415, **sent).json()["code"] == "unsupported_media_type"
    assert {incoming.body for incoming in world.intake.taken} == {b""}, "what was not read is not kept"


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"]
)
def test_json_may_be_named_in_other_ways(api: Api, media_type: str) -> None:
    api("POST", "/api/v1/builds", {"name": "x"}, status=202, Content_Type=media_type)


def test_a_body_over_one_mebibyte_is_refused(world: World, api: Api) -> None:
    largest = b'{"name":"x"' + b" " * (1024 * 1024 - 12) + b"}"
    api("POST", "/api/v1/builds", largest, status=202)
    for path in (BITBUCKET, "/api/v1/builds", "/api/v1/projects"):
        answer = api("POST", path, largest + b" ", status=413)
        assert answer.json()["code"] == "body_too_large"
        assert answer.headers["connection"] == "close"
    assert [len(incoming.body) for incoming in world.intake.taken] == [len(largest), 0, 0]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Unavailable("The database is away", retry_after=3), "unavailable"),
        (OutcomeUnknown("Nobody knows", retry_after=3), "outcome_unknown"),
    ],
)
def test_a_store_that_is_away_is_said_with_when_to_try_again(
    world: World, client: TestClient, fault: Exception, code: str
) -> None:
    world.intake.fault = fault
    answer = post(client, BITBUCKET, with_headers(delivery(commit_status()), bearer(world.key())), 503)
    assert (answer.json()["code"], answer.headers["retry-after"]) == (code, "3")


@pytest.mark.parametrize(
    ("fault", "code"), [(Unavailable("away"), "unavailable"), (OutcomeUnknown("nobody knows"), "outcome_unknown")]
)
def test_a_store_that_is_away_is_said_by_every_call(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str
) -> None:
    def fail(work: object) -> object:
        raise fault

    hook, secret = world.hook()
    monkeypatch.setattr(world.store, "read", fail)
    answers = [api(method, path, status=503) for method, path in (("GET", "/api/v1/builds"), ("GET", "/api/v1/hooks"))]
    answers.append(post(api.client, f"{BITBUCKET}/{hook.id}", signed(delivery(commit_status()), secret), 503))
    monkeypatch.setattr(world.store, "write", fail)
    answers.append(api("POST", "/api/v1/projects", {"name": "x"}, status=503))
    for answer in answers:
        assert (answer.json()["code"], answer.headers["retry-after"]) == (code, "1")


def test_an_unexpected_fault_shows_an_id_and_is_logged(
    world: World, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    world.intake.fault = RuntimeError("the password is hunter2")
    answer = post(client, BITBUCKET, with_headers(delivery(commit_status()), bearer(world.key())), 500)
    assert "hunter2" not in answer.text
    assert answer.json()["code"] == "unexpected"
    logged = capsys.readouterr().out
    assert "unexpected fault" in logged
    assert answer.headers["x-request-id"] in logged


def test_people_get_a_page_where_the_application_has_one(world: World) -> None:
    def error_page(request: Request, problem: Problem) -> Response:
        return HTMLResponse(f"<h1>{problem.title}</h1>{request.scope['path']}", problem.status)

    with serving(world) as client:
        plain = client.get("/o/acme/releases")
        assert (plain.status_code, plain.headers["content-type"]) == (404, "text/plain; charset=utf-8")
        assert plain.headers["x-request-id"] in plain.text
        world.app.state.error_page = error_page
        assert client.get("/o/acme/releases").text == "<h1>Not found</h1>/o/acme/releases"
        assert client.get("/api/v1/nothing").headers["content-type"] == MEDIA_TYPE


def test_health_and_readiness_are_two_questions(world: World, client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    world.why_unready = "the database is not migrated"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.headers["content-type"]) == (503, MEDIA_TYPE)
    assert (answer.json()["code"], answer.json()["detail"]) == ("not_ready", "the database is not migrated")
    assert answer.headers["retry-after"] == "1"
    assert client.get("/healthz").status_code == 200


def test_a_host_and_a_path_that_cannot_be_a_url_are_answered(client: TestClient) -> None:
    answer = client.get("/api/[/%0A%FF", headers={"Host": "[::bad"})
    assert (answer.status_code, answer.json()["instance"]) == (404, "/api/%5B/%0A%EF%BF%BD")


def test_the_methods_of_a_405_come_in_one_order(client: TestClient) -> None:
    answer = client.delete("/api/v1/projects/01980000-0000-7000-8000-000000000000")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PATCH")


def test_an_encoding_behind_an_empty_one_is_seen(client: TestClient, api: Api) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Encoding", ""), ("Content-Encoding", "gzip")]
    bearer = ("Authorization", api.headers["Authorization"])
    answer = client.post("/api/v1/builds", content=b'{"name": "x"}', headers=[*headers, bearer])
    assert answer.status_code == 415


def test_blanks_around_a_number_say_nothing(api: Api) -> None:
    first = api("POST", "/api/v1/builds", {"name": "x", "build_number": 8}, status=202).json()
    for number in ("8 ", " 8", "8"):
        again = api("POST", "/api/v1/builds", {"name": "x", "build_number": number}, status=200).json()
        assert again["queue_entry"]["id"] == first["queue_entry"]["id"]
