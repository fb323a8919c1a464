"""The benchmark itself: a short cell from end to end, a server that stores nothing, and a history of many years."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.bench import FLOOD, MANY, Bench, Plan
from benchmarks.multiply import TIMES, fill_long
from benchmarks.scene import Scene, WrongRows
from benchmarks.servers import server

LIAR = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Liar(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Liar).serve_forever()
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, Plan(rounds=1, seconds=0.4, spare=0))


def test_a_cell_is_measured_and_a_server_that_answers_without_storing_is_caught(bench: Bench, tmp_path: Path) -> None:
    scene = Scene.make("SQLite", f"sqlite:///{tmp_path}/lathe.db", 1500)
    with bench.serving(scene) as at:
        bench.deliver_many(scene, at, 60)
        answered = bench.deliver(scene, at, MANY)
        refused = bench.deliver(scene, at, FLOOD)
    filed, queued = answered.statuses[201], answered.statuses[202]
    assert 0.8 < filed / (filed + queued) < 0.9
    assert scene.rows()["deliveries"] == scene.delivered == 60 + filed + queued
    assert 0 < answered.p50 <= answered.p99
    assert 0 < answered.generator < 1
    assert set(refused.statuses) == {429}
    assert refused.rate > answered.rate

    with server([sys.executable, "-c", LIAR], os.environ, tmp_path / "log") as at, pytest.raises(WrongRows):
        bench.deliver(scene, at, MANY)


WITHOUT_THEIRS = (
    ("deliveries", "builds", "theirs.id = one.build_id", "one.build_id IS NOT NULL"),
    ("deliveries", "queue_entries", "theirs.id = one.entry_id", "one.entry_id IS NOT NULL"),
    ("builds", "identities", "theirs.build_id = one.id AND theirs.id = one.identity_id", "TRUE"),
    ("queue_entries", "identities", "theirs.entry_id = one.id AND theirs.id = one.identity_id", "TRUE"),
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_history_that_is_repeated_is_whole_and_its_builds_can_be_added_to(
    bench: Bench, tmp_path: Path, postgres_url: str, kind: str
) -> None:
    scene = Scene.make(kind, postgres_url if kind == "postgresql" else f"sqlite:///{tmp_path}/lathe.db", 100)
    indexes = "SELECT count(*) FROM " + ("pg_indexes" if kind == "postgresql" else "sqlite_master WHERE type = 'index'")
    before = scene.ask(indexes)
    filled = fill_long(scene.url, scene.organization.id, builds=800, pending=80)
    stored = scene.rows()
    assert stored["builds"] >= 800
    assert stored["queue_entries"] >= 80
    assert stored["deliveries"] > (TIMES - 1) * (filled.builds + filled.pending) * 0.9
    for table, others, refers, where in WITHOUT_THEIRS:
        alone = f"SELECT count(*) FROM {table} one LEFT JOIN {others} theirs ON {refers} WHERE {where}"
        assert scene.ask(f"{alone} AND theirs.id IS NULL") == [(0,)], (table, others)
    assert scene.ask(indexes) == before

    scene.sent = filled.highest
    with bench.serving(scene) as at:
        bench.deliver_many(scene, at, 60)  # stops unless all of it is new
    assert scene.delivered == 60
