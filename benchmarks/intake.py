"""Deliveries per second beside a bare Starlette echo, interleaved in one run, on SQLite and on a durable PostgreSQL.

One delivery is the full work: API key checked, exact rate limit, duplicate check, match among 200 projects, choice of
release, build or queue entry, delivery with its body, durable COMMIT. 85 % are filed, 10 % find no release, 5 % no
project. Row counts are compared with answers after every cell. ``python -m benchmarks.intake [ROUNDS] [SECONDS]``.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from lathe.adapters.ids import RandomIds
from lathe.application import keys, organizations, projects, releases
from lathe.application.caller import Caller, command_caller
from lathe.application.ports import Store
from lathe.domain.api_key import Scope
from lathe.domain.organization import Organization
from lathe.domain.release import ReleaseState
from lathe.entrypoints import compose
from lathe.entrypoints.sample_bodies import commit_status, event_headers

PROJECTS, KEYS, CONNECTIONS, LIMIT = 200, 400, 32, 600
PREPARED_PER_SECOND = 4000


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Cell:
    """One database with its server, its organization and its deliveries."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        settings = compose.load_settings(environment)
        compose.prepare(settings)
        running = compose.compose(settings)
        self.store: Store = running.store
        self.ids = RandomIds()
        self.organization: Organization = organizations.create(self.store, self.ids, "Bench")
        caller = command_caller(self.organization.id)
        for number in range(PROJECTS):
            self._project(caller, number)
        self.keys = [
            keys.create(self.store, self.ids, caller, f"ci {n}", list(Scope), rate_limit=LIMIT)[1] for n in range(KEYS)
        ]
        self.sent = 0

    def _project(self, caller: Caller, number: int) -> None:
        """Make a project with a repository; one in ten has no active release."""
        url = f"https://bitbucket.org/bench/service-{number:03}-backend"
        project = projects.create(self.store, self.ids, caller, f"Service {number:03}", [url]).project
        state = ReleaseState.PLANNED if number % 10 == 9 else ReleaseState.ACTIVE
        releases.create(self.store, self.ids, caller, project.id, "1.0", state=state)

    def requests(self, count: int) -> Iterator[bytes]:
        for number in range(self.sent, self.sent + count):
            # Of twenty, one matches no project, two find no active release, the rest are filed.
            kind, turn = number % 20, number // 20
            if kind == 0:
                name = f"unknown-{number % 97}x"
            elif kind <= 2:
                name = f"service-{turn % 20 * 10 + 9:03}-backend"
            else:
                name = f"service-{turn % 20 * 10 + kind % 9:03}-backend"
            body = json.dumps(commit_status(repository=f"bench/{name}", number=number + 1, branch="main")).encode()
            headers = event_headers("repo:commit_status_updated", str(self.ids.new()))
            headers["Authorization"] = f"Bearer {self.keys[number % KEYS]}"
            yield request("/api/webhooks/bitbucket", headers, body)
        self.sent += count

    def rows(self) -> dict[str, int]:
        """Return how many builds, entries and deliveries are stored, counted by the store's own lists."""
        url = self.environment["LATHE_DATABASE_URL"]
        if url.startswith("sqlite"):
            import sqlite3  # noqa: PLC0415

            connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"))
        else:
            import psycopg  # noqa: PLC0415

            connection = psycopg.connect(url)
        with connection:
            counts = {t: connection.execute(f"select count(*) from {t}").fetchone()[0] for t in TABLES}
        connection.close()
        return counts


TABLES = ("builds", "queue_entries", "deliveries")


@contextmanager
def server(command: list[str], environment: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def load(port: int, seconds: float, path: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.load", str(port), str(CONNECTIONS), str(seconds), str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=seconds + 60)
    result: dict[str, Any] = json.loads(done.stdout)
    result["rate"] = sum(result["statuses"].values()) / result["seconds"]
    return result


def echo_cell(port: int, seconds: float, path: Path) -> dict[str, Any]:
    return load(port, seconds, path)


def lathe_cell(cell: Cell, port: int, seconds: float, path: Path) -> dict[str, Any]:
    before = cell.rows()
    result = load(port, seconds, path)
    after = {table: count - before[table] for table, count in cell.rows().items()}
    answers = {int(status): count for status, count in result["statuses"].items()}
    filed, queued = answers.get(201, 0), answers.get(202, 0)
    expected = {"builds": filed, "queue_entries": queued, "deliveries": sum(answers.values())}
    if after != expected or set(answers) != {201, 202}:
        raise SystemExit(f"rows {after} are not what was answered: {answers}")
    return result


def main(rounds: int, seconds: float) -> None:
    from tests.databases import running_postgres  # noqa: PLC0415 - needs the development tools

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lathe-bench-")))
        postgres = stack.enter_context(running_postgres(durable=True))
        key = folder / "lathe.key"
        base = {k: v for k, v in os.environ.items() if not k.startswith("LATHE_")}
        sqlite = base | {"LATHE_DATABASE_URL": f"sqlite:///{folder}/lathe.db"}
        cells = {"SQLite": Cell(sqlite)}
        key.write_bytes(next(folder.glob("*.key")).read_bytes())
        key.chmod(0o600)
        url = postgres.url(postgres.create_database())
        cells["PostgreSQL"] = Cell(base | {"LATHE_DATABASE_URL": url, "LATHE_SECRET_KEY_FILE": str(key)})

        echo_port = free_port()
        stack.enter_context(server([sys.executable, "-m", "benchmarks.echo", str(echo_port)], base, echo_port))
        ports = {}
        for name, cell in cells.items():
            ports[name] = free_port()
            lathe = str(Path(sys.executable).parent / "lathe")
            command = [lathe, "serve", "--port", str(ports[name])]
            stack.enter_context(server(command, cell.environment, ports[name]))
        figures: dict[str, list[dict[str, Any]]] = {"echo": [], **{name: [] for name in cells}}
        for number in range(rounds + 1):
            count = int(PREPARED_PER_SECOND * seconds)
            prepared = folder / "requests"
            for name, cell in cells.items():
                from benchmarks.load import write_requests  # noqa: PLC0415

                write_requests(prepared, cell.requests(count))
                result = lathe_cell(cell, ports[name], seconds, prepared)
                body = json.dumps(commit_status()).encode()
                one = request("/echo", {"Content-Type": "application/json"}, body)
                write_requests(prepared, (one for _ in range(count * 3)))
                echo = echo_cell(echo_port, seconds, prepared)
                if number:  # the first round warms up
                    figures[name].append(result | {"ratio": result["rate"] / echo["rate"]})
                    figures["echo"].append(echo)
        report(figures)


def report(figures: dict[str, list[dict[str, Any]]]) -> None:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, {CONNECTIONS} connections")
    print(f"{'':12}{'per second':>12}{'p50 ms':>9}{'p99 ms':>9}{'÷ echo':>9}  (min to max)")
    for name, cells in figures.items():
        median = {k: statistics.median(c[k] for c in cells) for k in ("rate", "p50", "p99")}
        ratios = [cell["ratio"] for cell in cells if "ratio" in cell]
        spread = f"{statistics.median(ratios):9.2f}  ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""
        print(f"{name:12}{median['rate']:12,.0f}{median['p50']:9.1f}{median['p99']:9.1f}{spread}")


if __name__ == "__main__":
    arguments = [float(argument) for argument in sys.argv[1:]]
    main(int(arguments[0]) if arguments else 3, arguments[1] if len(arguments) > 1 else 5.0)
