"""The database goes away under a running server: nothing is stored, everybody is told to come back, and may."""

from __future__ import annotations

import fcntl
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from attrs import frozen

from lathe.adapters.sql.postgresql import IDLE_SECONDS
from tests.integration.contract.away import WHILE_AWAY
from tests.integration.contract.outage import Cable, Fault
from tests.integration.contract.places import place_on_postgres, running_place
from tests.integration.contract.scene import Scene, pay_api, sent_by_bitbucket
from tests.integration.contract.table import Ask, code_of

if TYPE_CHECKING:
    from pathlib import Path

    from httpx2 import Response

    from tests.databases import PostgresServer


@frozen
class Wired:
    """A scene on PostgreSQL, and the cable to its database."""

    scene: Scene
    cable: Cable

    def delivered(self, ask: Ask) -> Response:
        """Send a delivery."""
        return self.scene.ask("POST", "/api/webhooks/{provider}", ask)


@pytest.fixture(scope="module")
def wired(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    name = postgres_server.create_database()
    cable = Cable(postgres_server.port)
    url = re.sub(r":\d+/", f":{cable.own_port}/", postgres_server.url(name))
    try:
        with place_on_postgres(url, tmp_path_factory.mktemp("outage")) as place, Scene.at(place) as scene:
            yield Wired(scene, cable)
    finally:
        cable.close()
        postgres_server.drop_database(name)


def asked_all_at_once(scene: Scene, asks: list[Ask]) -> list[Response]:
    """Send the requests of `WHILE_AWAY`, and return their answers."""
    with ThreadPoolExecutor(len(asks)) as pool:
        calls = [away.call.partition(" ") for away in WHILE_AWAY]
        return list(pool.map(lambda call, ask: scene.ask(call[0], call[2], ask), calls, asks))


def counted(scene: Scene) -> tuple[int, ...]:
    """Return how much of everything there is."""
    lists = ("builds", "queue?status=any", "projects")
    return tuple(len(scene.read(f"/api/v1/{one}{'&' if '?' in one else '?'}limit=200")["data"]) for one in lists)


def must_recover(scene: Scene, asks: list[Ask], before: tuple[int, ...]) -> None:
    """Nothing was stored; and what is sent again, by its delivery id or not, is taken once."""
    assert counted(scene) == before
    statuses = [answer.status_code for answer in asked_all_at_once(scene, asks)]
    assert statuses == [201, 201, 202, 200, 200, 200, 201]
    assert counted(scene) == (before[0] + 2, before[1] + 1, before[2] + 1)


def test_without_its_postgresql_a_server_says_so_stores_nothing_and_recovers(wired: Wired) -> None:
    scene, cable = wired.scene, wired.cable
    asks = [away.arrange(scene) for away in WHILE_AWAY]
    before = counted(scene)

    cable.cut()
    answers = asked_all_at_once(scene, asks)
    ready = scene.ask("GET", "/readyz", Ask(by={}))
    alive = scene.ask("GET", "/healthz", Ask(by={}))
    cable.mend()
    time.sleep(IDLE_SECONDS + 0.1)  # connections that nobody used meanwhile are tried before they are used again

    assert [(answer.status_code, code_of(answer)) for answer in answers] == [(503, "unavailable")] * len(asks)
    assert (ready.status_code, code_of(ready)) == (503, "not_ready")
    assert alive.status_code == 200
    assert scene.ask("GET", "/readyz", Ask(by={})).status_code == 200
    must_recover(scene, asks, before)


@pytest.mark.parametrize(
    ("fault", "again"), [(Fault.ANSWER_TO_COMMIT_LOST, (200, "duplicate")), (Fault.COMMIT_LOST, (201, "created"))]
)
def test_a_commit_of_unknown_fate_is_told_and_the_same_delivery_is_stored_once(
    wired: Wired, fault: Fault, again: tuple[int, str]
) -> None:
    ask = sent_by_bitbucket(pay_api(wired.scene))
    before = counted(wired.scene)[0]

    wired.cable.fault = fault
    first = wired.delivered(ask)
    second = wired.delivered(ask)

    assert (first.status_code, code_of(first)) == (503, "outcome_unknown")
    assert (second.status_code, code_of(second)) == again
    assert counted(wired.scene)[0] == before + 1


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Write to the SQLite database for a long time, as another process would."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_while_others_write_for_too_long_a_server_on_sqlite_says_so_and_recovers(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    with running_place("sqlite", postgres_server, tmp_path) as place, Scene.at(place) as scene:
        asks = [away.arrange(scene) for away in WHILE_AWAY]
        before = counted(scene)

        with locked(tmp_path / "lathe.db.writer-lock"):
            began = time.monotonic()
            answers = asked_all_at_once(scene, asks)
            waited = time.monotonic() - began

        assert [(answer.status_code, code_of(answer)) for answer in answers] == [(503, "unavailable")] * len(asks)
        assert waited < 9, "a CI system gives up after ten seconds"
        must_recover(scene, asks, before)
