"""``Idempotency-Key`` on ``POST /api/v1/builds``: how it is written, and answers that are repeated byte by byte."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from httpx2 import Response

from lathe.adapters.http.once import HEADER, PARAMETER
from lathe.adapters.http.openapi import document
from lathe.application import projects, triage
from lathe.application.lists import EntryFilter
from lathe.domain.api_key import Scope
from tests.unit.http.world import PAY_API, Api, bearer

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.unit.http.world import World

BUILD: dict[str, Any] = {"name": "Build #7", "build_number": "7", "branch": "main", "repo_url": PAY_API}
NIGHTLY: dict[str, Any] = {"name": "Nightly"}
CALL = "/api/v1/builds"
LONG = "k" * 255

DIFFERING = {"x-request-id", "ratelimit", "date"}


def said(answer: Response) -> tuple[int, bytes, dict[str, str]]:
    """Return an answer without what is told of the request alone."""
    return answer.status_code, answer.content, {n: v for n, v in answer.headers.items() if n not in DIFFERING}


def waiting(world: World) -> int:
    return len(world.store.read(lambda tx: tx.entries.page(world.acme.organization.id, EntryFilter(), 99, None)))


@pytest.mark.parametrize(
    ("body", "status"),
    [(BUILD, 201), (NIGHTLY, 202), ({**BUILD, "status": "failed"}, 200)],
    ids=["created", "queued", "ignored"],
)
@pytest.mark.parametrize("scopes", [tuple(Scope), (Scope.BUILDS_CREATE,)], ids=["may read", "may not read"])
def test_the_first_answer_is_repeated_byte_by_byte(
    world: World, client: TestClient, scopes: tuple[Scope, ...], body: dict[str, Any], status: int
) -> None:
    api = Api(client, bearer(world.key(*scopes)))
    first = api("POST", CALL, body, idempotency_key="k-1", status=status)
    again = api("POST", CALL, body, idempotency_key="k-1", status=status)

    assert said(again) == said(first)
    assert ("location" in first.headers) == (status != 200)
    assert re.findall("r=[0-9]+", first.headers["ratelimit"] + again.headers["ratelimit"]) == ["r=59", "r=58"]


def test_a_duplicate_is_repeated_too(api: Api) -> None:
    api("POST", CALL, BUILD, idempotency_key="k-1", status=201)
    first = api("POST", CALL, BUILD, idempotency_key="k-2")
    assert first.json()["status"] == "duplicate"
    assert said(api("POST", CALL, BUILD, idempotency_key="k-2")) == said(first)


def test_the_first_answer_stands_although_its_build_was_sent_back_and_its_project_renamed(
    world: World, api: Api
) -> None:
    first = api("POST", CALL, BUILD, idempotency_key="k-1", status=201)
    triage.requeue(world.store, world.ids, world.acme.caller, UUID(first.json()["build"]["id"]))
    projects.change(world.store, world.acme.caller, world.acme.project.id, name="Pay, renamed")

    assert said(api("POST", CALL, BUILD, idempotency_key="k-1", status=201)) == said(first)


def test_an_answer_that_is_written_down_is_the_one_that_is_given_without_a_key(world: World, api: Api) -> None:
    plain = api("POST", CALL, NIGHTLY, status=202)
    kept = api("POST", CALL, NIGHTLY, idempotency_key="k-1", status=202)

    def shape(answer: Response) -> str:
        return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", answer.text + answer.headers["location"])

    assert shape(kept) == shape(plain)
    assert waiting(world) == 2


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("k-1", '"k-1"'),
        ('"a b"', '"a b"'),
        (r'"say \"so\" \\ now"', r'"say \"so\" \\ now"'),
        ('a"b', r'"a\"b"'),
        (LONG, f'"{LONG}"'),
        (r'"' + r"\"" * 255 + '"', r'"' + r"\"" * 255 + '"'),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", '"8e03978e-40d5-43dd-bc93-6894a57f9324"'),
    ],
)
def test_a_key_is_the_same_quoted_or_bare(world: World, api: Api, one: str, same: str) -> None:
    first = api("POST", CALL, NIGHTLY, idempotency_key=one, status=202)
    assert said(api("POST", CALL, NIGHTLY, idempotency_key=same, status=202)) == said(first)
    assert waiting(world) == 1
    for text in (one, same):
        assert re.search(PARAMETER["schema"]["pattern"], text)
        assert len(text) <= PARAMETER["schema"]["maxLength"]


@pytest.mark.parametrize("key", ["K-1", "k-1 ", "k"])
def test_blanks_around_a_key_say_nothing_and_the_case_of_its_letters_counts(world: World, api: Api, key: str) -> None:
    api("POST", CALL, NIGHTLY, idempotency_key="k-1", status=202)
    api("POST", CALL, NIGHTLY, idempotency_key=key, status=202)
    assert waiting(world) == (1 if key == "k-1 " else 2)


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "pattern"),
        ('""', "pattern"),
        ("a b", "pattern"),
        ('"open', "pattern"),
        ('"', "pattern"),
        (r'"\x"', "pattern"),
        ('"k";v=1', "pattern"),
        ("a\tb", "pattern"),
        ("é".encode("latin-1"), "pattern"),
        (LONG + "k", "too_long"),
        (f'"{LONG}k"', "too_long"),
    ],
)
def test_a_key_that_is_none_is_pointed_at(world: World, api: Api, key: Any, code: str) -> None:
    problem = api("POST", CALL, NIGHTLY, idempotency_key=key, status=422).json()
    assert (problem["code"], [(e["pointer"], e["code"]) for e in problem["errors"]]) == (
        "invalid",
        [("/Idempotency-Key", code)],
    )
    assert waiting(world) == 0


def test_two_keys_are_none(world: World, client: TestClient) -> None:
    headers = [*bearer(world.key()).items(), ("Content-Type", "application/json"), (HEADER, "a"), (HEADER, "a")]
    answer = client.post(CALL, content=b'{"name": "x"}', headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "repeated")


def test_another_body_under_the_same_key_is_refused_and_the_first_answer_stays(world: World, api: Api) -> None:
    first = api("POST", CALL, NIGHTLY, idempotency_key="k-1", status=202)
    for other in ({"name": "Weekly"}, {}, b"no JSON", b'{ "name": "Nightly"}'):
        problem = api("POST", CALL, other, idempotency_key="k-1", status=422).json()
        assert (problem["code"], problem.get("errors")) == ("idempotency_key_reused", None)
        assert "another body" in problem["detail"]
    assert said(api("POST", CALL, NIGHTLY, idempotency_key="k-1", status=202)) == said(first)
    assert waiting(world) == 1


def test_a_refusal_leaves_the_key_free(api: Api) -> None:
    for body, status in ((b"no JSON", 400), ({"name": ""}, 422), (b" " * 1_100_000, 413)):
        api("POST", CALL, body, idempotency_key="k-1", status=status)
    api("POST", CALL, NIGHTLY, idempotency_key="k-1", status=202)


def test_a_bad_key_is_told_only_to_who_may_create_builds(world: World, client: TestClient) -> None:
    for by, status in ((world.key(Scope.BUILDS_READ), 403), ("pt_live_nonsense", 401)):
        Api(client, bearer(by))("POST", CALL, NIGHTLY, idempotency_key="", status=status)


def test_keys_of_two_organizations_are_two_keys(world: World, api: Api, client: TestClient) -> None:
    rival = world.tenant("Rival", "https://bitbucket.org/rival/pay-api")
    theirs = Api(client, bearer(world.key(tenant=rival)))("POST", CALL, NIGHTLY, idempotency_key="k-1", status=202)
    ours = api("POST", CALL, NIGHTLY, idempotency_key="k-1", status=202)
    assert ours.json()["delivery_id"] != theirs.json()["delivery_id"]
    api("POST", CALL, BUILD, idempotency_key="k-2", status=201)


def test_only_the_report_of_a_build_takes_the_key_in_the_document() -> None:
    taking = {
        (path, method)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if PARAMETER in operation.get("parameters", ())
    }
    assert taking == {(CALL, "post")}
