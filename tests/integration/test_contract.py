"""The contract, row by row, against `lathe serve`: one process on SQLite, two on PostgreSQL."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest
from httpx2 import Response

from tests.integration.contract.away import SEEN_WHILE_AWAY
from tests.integration.contract.due import DUE, FAULTS, ROWS
from tests.integration.contract.places import DATABASES, running_place
from tests.integration.contract.rows_credentials import NO_KEYS, READING, TAKING
from tests.integration.contract.scene import PLENTY, Scene, bearer, nobody
from tests.integration.contract.slow import PATIENCE_SECONDS, SLOW, SlowSender
from tests.integration.contract.table import Ask, Row, code_of, must_have, must_say

if TYPE_CHECKING:
    from tests.databases import PostgresServer


@pytest.fixture(scope="module", params=DATABASES)
def scene(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """A server on each kind of database, with two organizations in it."""
    folder = tmp_path_factory.mktemp("contract")
    with running_place(request.param, postgres_server, folder) as place, Scene.at(place) as scene:
        yield scene


@pytest.fixture(scope="module")
def slow_senders(scene: Scene) -> Iterator[list[SlowSender]]:
    """Some who send too slowly, all the time that the rows are asked."""
    with ExitStack() as stack:
        senders = [SlowSender(slow, scene) for slow in SLOW]
        for sender in senders:
            stack.callback(sender.close)
        yield senders


@pytest.mark.usefixtures("slow_senders")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_the_contract_promises(scene: Scene, row: Row) -> None:
    answer = scene.ask(row.method, row.path, ask := row.arrange(scene))

    assert answer.status_code == row.status, answer.text
    assert code_of(answer) == row.code, answer.text
    must_have(answer.headers, row.headers)
    if row.says or ask.says:
        must_say(answer.json(), {**row.says, **ask.says})
    if row.faults is not None:
        assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == list(row.faults)


def test_who_sends_too_slowly_is_told_so_after_ten_seconds(scene: Scene, slow_senders: list[SlowSender]) -> None:
    for sender in slow_senders:
        answer, seconds = sender.answer()
        scene.oracle.judge(answer, "slow")
        assert (answer.status_code, code_of(answer)) == (408, "body_too_slow"), sender.slow.name
        assert answer.headers["connection"] == "close"
        assert PATIENCE_SECONDS - 0.1 < seconds < PATIENCE_SECONDS + 5, sender.slow.name


# --- one answer for all -----------------------------------------------------------------------------------------------


def masked(answer: Response) -> tuple[int, bytes, dict[str, str]]:
    """Return an answer without what differs between any two: request, address, time and what is left of the limit."""
    content = answer.content
    for name in ("request_id", "instance"):
        content = re.sub(rb'"%s":"[^"]*"' % name.encode(), b"", content)
    differing = {"x-request-id", "ratelimit", "date", "content-length"}
    return answer.status_code, content, {n: v for n, v in answer.headers.items() if n not in differing}


@pytest.mark.parametrize("call", [call for call in (*TAKING, *READING) if "{id}" in call])
def test_what_is_anothers_is_not_there(scene: Scene, call: str) -> None:
    """The same bytes as for what is nowhere, by every method of every address."""
    product = scene.product(org="rival")
    (repository,) = scene.made("GET", f"/api/v1/projects/{product.project}", by=bearer(scene.key(org="rival")))[
        "repositories"
    ]
    theirs = {
        "builds": scene.build(product, org="rival"),
        "queue": scene.waiting(org="rival"),
        "projects": product.project,
        "releases": product.release,
        "hooks": scene.hook("rival").id,
        "deliveries": scene.delivery(org="rival"),
    }
    ids = {"id": theirs[call.split("/")[3]], "repository_id": repository["id"]}
    own = scene.product()
    body = {
        "assign": {"release_id": own.release},
        "move": {"release_id": own.release},
        "reject": {"reason": "broken"},
        "project": {"project_id": own.project},
        "repositories": {"url": f"https://bitbucket.org/acme/{own.release}"},
        "releases": {"name": "5"},
        "replay": {"file": True},
    }.get(call.rpartition("/")[2], {"name": "5"} if call in TAKING else None)

    method, _, path = call.partition(" ")
    foreign = scene.ask(method, path, Ask(ids=ids, body=body))
    unknown = scene.ask(method, path, Ask(ids={name: nobody() for name in ids}, body=body))

    assert (foreign.status_code, code_of(foreign)) == (404, "not_found")
    assert masked(foreign) == masked(unknown)
    assert foreign.headers["ratelimit-policy"] == f'"key";q={PLENTY};w=60'


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ("POST /api/v1/builds", "project_id"),
        ("POST /api/v1/builds", "release_id"),
        ("POST /api/v1/placements/preview", "project_id"),
        ("POST /api/v1/placements/preview", "release_id"),
        ("POST /api/v1/queue/{id}/assign", "release_id"),
        ("POST /api/v1/queue/{id}/project", "project_id"),
        ("POST /api/v1/builds/{id}/move", "release_id"),
    ],
)
def test_what_is_anothers_is_not_there_inside_a_body_either(scene: Scene, call: str, field: str) -> None:
    theirs = scene.product(org="rival")
    own = scene.build(scene.product()) if call.endswith("/move") else scene.waiting()
    named = {"name": "x"} if "{id}" not in call else {}
    answers = []
    for given in (theirs.project if field == "project_id" else theirs.release, nobody()):
        method, _, path = call.partition(" ")
        answers.append(scene.ask(method, path, Ask(ids={"id": own}, body={**named, field: given})))

    (fault,) = answers[0].json()["errors"]
    assert (answers[0].status_code, fault["pointer"], fault["code"]) == (422, f"/{field}", "not_found")
    assert masked(answers[0]) == masked(answers[1])


def test_all_keys_that_are_no_good_get_the_same_answer(scene: Scene) -> None:
    answers = {what: masked(scene.ask("GET", "/api/v1/builds", Ask(by=by(scene)))) for what, by in NO_KEYS.items()}

    assert len({repr(answer) for answer in answers.values()}) == 1, answers


# --- once -------------------------------------------------------------------------------------------------------------


def reported_under(scene: Scene, key: str, body: object) -> Response:
    return scene.ask("POST", "/api/v1/builds", Ask(body=body, headers={"Idempotency-Key": key}))


def test_all_who_report_under_one_key_at_once_get_the_same_answer(scene: Scene) -> None:
    """Eight at a time, over all processes of the server; nothing else would keep two such builds from being made."""
    product = scene.product()
    for number in range(12):
        body = {"name": f"Nightly {number}", "release_id": product.release}
        key = f"{product.release}/{number}"
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(reported_under, [scene] * 8, [key] * 8, [body] * 8))
        assert {answer.status_code for answer in answers} == {201}
        assert len({repr(masked(answer)) for answer in answers}) == 1, [answer.text for answer in answers]

    builds = scene.read(f"/api/v1/builds?project={product.project}&limit=200")["data"]
    assert sorted(build["name"] for build in builds) == sorted(f"Nightly {number}" for number in range(12))


def test_the_first_answer_is_repeated_byte_by_byte_whatever_happened_since(scene: Scene) -> None:
    product, key = scene.product(), f"k-{scene.number()}"
    body = scene.facts(repo_url=product.url)
    first = reported_under(scene, key, body)
    build = first.json()["build"]["id"]
    scene.made("PATCH", f"/api/v1/projects/{product.project}", {"name": f"Renamed {scene.number()}"})
    scene.made("POST", f"/api/v1/builds/{build}/move", {"release_id": scene.release(product.project, "4")})

    again = reported_under(scene, key, body)

    assert first.status_code == 201
    assert (masked(again), again.content) == (masked(first), first.content)
    assert again.headers["location"] == f"/api/v1/builds/{build}"
    assert len(scene.read(f"/api/v1/deliveries?q={product.repository}")["data"]) == 1


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_waiting_as_long_as_a_refusal_says_is_never_too_short_and_hardly_too_long(scene: Scene) -> None:
    """Admitted at the instant a, one more is free 60 s later; seconds are whole, and rounded up."""
    by = bearer(scene.fresh_key(limit=2))
    sent, answered, answers = [], [], []
    for pause in (1.3, 0.4, 0.0):
        sent.append(time.monotonic())
        answers.append(scene.ask("GET", "/api/v1/builds", Ask(by=by)))
        answered.append(time.monotonic())
        time.sleep(pause)

    answer = answers[2]
    assert answer.status_code == 429
    wait = int(answer.headers["retry-after"])
    shortest = 60 - (answered[2] - sent[0])
    longest = 60 - (sent[2] - answered[0]) + 1
    assert shortest <= wait <= longest
    assert answer.json()["detail"] == f"At most 2 requests in any 60 seconds; one more is free in {wait} s"


# --- lists ------------------------------------------------------------------------------------------------------------


def test_a_walk_shows_each_row_once_while_others_arrive(scene: Scene) -> None:
    product = scene.product()
    before = [scene.build(product) for _ in range(24)]
    done = Event()

    def others_arrive() -> None:
        while not done.is_set():
            scene.build(product)

    arriving = Thread(target=others_arrive)
    arriving.start()
    try:
        seen, pages = walk(scene, f"/api/v1/builds?project={product.project}&limit=5")
    finally:
        done.set()
        arriving.join()

    created = [row["created_at"] for row in seen]
    ids = [row["id"] for row in seen]
    assert len(ids) == len(set(ids))
    assert [one for one in ids if one in set(before)] == before[::-1]
    assert created == sorted(created, reverse=True)
    assert pages >= 5


@pytest.mark.parametrize("path", ["queue", "projects", "projects/{id}/releases", "hooks", "deliveries"])
def test_every_list_is_walked_to_its_end(scene: Scene, path: str) -> None:
    product = scene.product()
    for _ in range(4):
        scene.waiting()
        scene.release(product.project, f"walk {scene.number()}")
        scene.made("POST", "/api/v1/hooks", {"provider": "bitbucket"})
    address = f"/api/v1/{path.format(id=product.project)}"

    everything, _ = walk(scene, f"{address}?limit=200")
    by_threes, pages = walk(scene, f"{address}?limit=3")

    assert [row["id"] for row in by_threes] == [row["id"] for row in everything]
    assert pages == (len(everything) + 2) // 3 > 1


def walk(scene: Scene, address: str) -> tuple[list[dict[str, Any]], int]:
    """Follow the links to the end; return all rows, and how many pages there were."""
    rows: list[dict[str, Any]] = []
    for pages in count(1):
        path, _, query = address.partition("?")
        answer = scene.ask("GET", path, Ask(query=query))
        rows += answer.json()["data"]
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        assert (link is None) == (answer.json()["next_cursor"] is None)
        if link is None:
            return rows, pages
        address = link[1]
    raise AssertionError("a list has an end")


# --- nothing is left out ----------------------------------------------------------------------------------------------


def test_the_table_covers_every_status_and_code_that_is_due() -> None:
    seen = {(row.call, row.status, row.code) for row in ROWS}
    seen |= {(slow.call, 408, "body_too_slow") for slow in SLOW}
    seen |= SEEN_WHILE_AWAY
    due = {(call, status, code) for call, promises in DUE.items() for status, code in promises}

    assert sorted(due - seen, key=str) == []


def test_the_table_covers_every_fault_that_a_field_can_have() -> None:
    assert {code for row in ROWS if row.faults for _, code in row.faults} == FAULTS


def test_the_table_covers_every_call_of_the_openapi_document(scene: Scene) -> None:
    assert scene.oracle.operations == {*TAKING, *READING}
    for status in (401, 403):
        assert scene.oracle.operations - {row.call for row in ROWS if row.status == status} == set()
    assert scene.oracle.operations - {row.call for row in ROWS if row.status < 300} == set()
