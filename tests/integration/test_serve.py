"""``lathe serve``: how it starts, what it prints, how it stops, and whom it does not wait for."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from lathe.adapters.secret_box import create_key_file
from tests.programs import Program, lathe, lathe_inside, running, serving

BUILD = json.dumps({"name": "Build #1", "build_number": "1", "repo_url": "https://bitbucket.org/acme/pay-api"}).encode()


def setup_link(program: Program) -> str:
    """Return the set-up link, which stands alone on its line, on standard output."""
    program.wait_for("/setup/")
    (link,) = (line for line in program.out if "/setup/" in line)
    return link


def set_up(folder: Path) -> str:
    """Make an organization, and return a key that may create builds."""
    assert lathe_inside("org", "create", "Acme", cwd=folder).status == 0
    key = lathe_inside("key", "create", "CI", "--org", "acme", "--json", cwd=folder).json["key"]
    assert isinstance(key, str)
    return key


def connected(address: str) -> socket.socket:
    parts = urlsplit(address)
    assert parts.hostname is not None
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=60)


# --- the first start --------------------------------------------------------------------------------------------------


def test_the_first_start_makes_the_database_and_prints_a_link_that_works_once_for_nobody_else(tmp_path: Path) -> None:
    with serving(cwd=tmp_path) as (program, address):
        link = setup_link(program)
        assert re.fullmatch(re.escape(address) + r"/setup/[0-9a-f]{64}", link)
        assert httpx2.get(link).status_code == 200
        assert httpx2.get(link[:-1] + ("0" if link[-1] != "0" else "1")).status_code == 404
        assert httpx2.get(f"{address}/readyz").status_code == 200
        assert program.stop() == 0

    token = link.rpartition("/")[2]
    assert token not in "\n".join(program.err)
    assert [line["event"] for line in program.logged] == ["serving", "started", "stopped"]
    assert program.logged[0]["database"] == f"{tmp_path}/lathe.db"
    assert (tmp_path / "lathe.db.key").stat().st_mode & 0o777 == 0o600


def test_until_somebody_is_set_up_every_start_prints_a_new_link_and_ends_the_old_one(tmp_path: Path) -> None:
    with serving(cwd=tmp_path) as (program, _):
        old = setup_link(program)
    with serving(cwd=tmp_path) as (program, address):
        new = setup_link(program)
        assert new.rpartition("/")[2] != old.rpartition("/")[2]
        assert httpx2.get(new).status_code == 200
        assert httpx2.get(f"{address}/setup/{old.rpartition('/')[2]}").status_code == 404
        set_up(tmp_path)
        invited = lathe_inside("user", "create", "a@example.com", "--org", "acme", "--role", "admin", cwd=tmp_path)
        assert invited.status == 0
    with serving(cwd=tmp_path) as (program, _):
        pass
    assert program.out == []


def test_the_link_is_made_of_the_configured_address_and_not_of_what_somebody_asks_for(tmp_path: Path) -> None:
    settings = {"LATHE_BASE_URL": "http://lathe.corp:8080/", "LATHE_OIDC_ISSUER": "https://id.corp"}
    with serving(cwd=tmp_path, **settings) as (program, address):
        assert setup_link(program).startswith("http://lathe.corp:8080/setup/")
        assert httpx2.get(f"{address}/healthz", headers={"Host": "evil.test"}).status_code == 200

    warnings = " | ".join(str(line["event"]) for line in program.logged if line["level"] == "warning")
    assert "LATHE_BASE_URL is http://lathe.corp:8080" in warnings
    assert "LATHE_OIDC_ISSUER is not supported yet" in warnings
    assert "evil.test" not in program.written


def test_on_a_console_the_log_is_for_people(tmp_path: Path) -> None:
    with running("serve", "--port", "0", cwd=tmp_path) as program:
        assert "serving" in program.wait_for("address=http://127.0.0.1:")
        program.wait_for("started")
        assert program.stop(signal.SIGINT) == 0
    assert "stopped" in program.err[-1]


# --- what keeps it from starting --------------------------------------------------------------------------------------


def test_several_workers_are_refused_on_sqlite_with_the_reason(tmp_path: Path) -> None:
    refused = lathe("serve", "--workers", "2", cwd=tmp_path)

    assert (refused.status, refused.out) == (2, "")
    assert re.fullmatch(r"lathe: SQLite is written by one process at a time[^\n]*PostgreSQL[^\n]*\n", refused.err)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = lathe("serve", "--port", str(port), cwd=tmp_path)

    assert (refused.status, refused.out) == (1, "")
    assert (
        refused.err == f"lathe: port {port} on 127.0.0.1 is taken by another program: choose another one with --port\n"
    )


def test_a_host_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    refused = lathe("serve", "--host", "999.1.1.1", cwd=tmp_path)

    assert (refused.status, refused.out) == (1, "")
    assert re.fullmatch(r"lathe: cannot listen on 999\.1\.1\.1, port 8000: [^\n]+\n", refused.err)


def test_a_lost_key_is_refused_with_both_full_paths(tmp_path: Path) -> None:
    assert lathe_inside("migrate", cwd=tmp_path).status == 0
    (tmp_path / "lathe.db.key").unlink()

    refused = lathe("serve", "--port", "0", cwd=tmp_path)

    assert (refused.status, refused.out) == (2, "")
    assert f"{tmp_path}/lathe.db.key is not there" in refused.err
    assert f"{tmp_path}/lathe.db " in refused.err
    assert refused.err.count("\n") == 1


def test_a_database_that_is_away_is_one_line(tmp_path: Path) -> None:
    create_key_file(tmp_path / "lathe.key")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"postgresql://lathe:hunter2@127.0.0.1:{nobody.getsockname()[1]}/lathe"
        refused = lathe(
            *("serve", "--port", "0"), cwd=tmp_path, LATHE_DATABASE_URL=url, LATHE_SECRET_KEY_FILE="lathe.key"
        )

    assert (refused.status, refused.out) == (1, "")
    assert re.fullmatch(r"lathe: [^\n]+\n", refused.err)
    assert "hunter2" not in refused.err


# --- while it runs ----------------------------------------------------------------------------------------------------


def test_requests_leave_no_line_in_the_log(tmp_path: Path) -> None:
    with serving(cwd=tmp_path) as (program, address):
        for _ in range(5):
            assert httpx2.get(f"{address}/healthz").status_code == 200
        assert httpx2.post(f"{address}/api/v1/builds", content=BUILD).status_code == 401

    assert [line["event"] for line in program.logged] == ["serving", "started", "stopped"]


def test_a_half_sent_head_is_closed_after_ten_seconds_and_harms_nobody(tmp_path: Path) -> None:
    with serving(cwd=tmp_path) as (_, address), connected(address) as half, connected(address) as silent:
        began = time.monotonic()
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Half")
        assert httpx2.get(f"{address}/healthz").status_code == 200
        assert half.recv(1) == b""
        assert silent.recv(1) == b""
        assert 9 < time.monotonic() - began < 20


def test_a_stop_lets_a_request_that_runs_finish_first(tmp_path: Path) -> None:
    with serving(cwd=tmp_path) as (program, address), connected(address) as client:
        key = set_up(tmp_path)
        head = (
            f"POST /api/v1/builds HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(BUILD)}\r\n\r\n"
        )
        client.sendall(head.encode() + BUILD[:-1])
        time.sleep(0.5)
        program.process.send_signal(signal.SIGTERM)
        wait_until_refused(address)
        client.sendall(BUILD[-1:])
        answer = b"".join(iter(lambda: client.recv(65536), b""))
        assert program.ended() == 0

    assert answer.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert b'"no_project_match"' in answer


def wait_until_refused(address: str) -> None:
    """Return as soon as the server takes no more connections."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            connected(address).close()
        except ConnectionError:
            return
        time.sleep(0.05)
    raise AssertionError("the server still takes connections")


def two_workers(program: Program) -> set[int]:
    """Return the processes of both workers, once both have started."""
    deadline = time.monotonic() + 60
    while len(workers := {line["process"] for line in program.logged if line["event"] == "started"}) < 2:
        assert time.monotonic() < deadline, program.written
        time.sleep(0.05)
    return workers


def wait_until_gone(processes: set[int]) -> None:
    """Return as soon as none of them is there."""
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{process}/cmdline").exists() for process in processes):
        assert time.monotonic() < deadline, "a worker is still there"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_several_workers_on_postgresql_share_the_work_and_stop_together(
    number: signal.Signals, postgres_url: str, tmp_path: Path
) -> None:
    with serving("--workers", "2", cwd=tmp_path, **on_postgres(postgres_url, tmp_path)) as (program, address):
        workers = two_workers(program)
        assert httpx2.get(setup_link(program)).status_code == 200
        assert {httpx2.get(f"{address}/readyz").status_code for _ in range(8)} == {200}
        assert program.stop(number) == 0

    assert {line["process"] for line in program.logged if line["event"] == "stopped"} == workers
    assert program.process.pid not in workers
    wait_until_gone(workers)
    assert len([line for line in program.out if "/setup/" in line]) == 1


def test_workers_do_not_outlive_a_parent_that_was_killed(postgres_url: str, tmp_path: Path) -> None:
    with serving("--workers", "2", cwd=tmp_path, **on_postgres(postgres_url, tmp_path)) as (program, address):
        workers = two_workers(program)
        program.process.kill()
        wait_until_gone(workers)
        with pytest.raises(ConnectionError):
            connected(address)


def on_postgres(url: str, folder: Path) -> dict[str, str]:
    create_key_file(folder / "lathe.key")
    return {"LATHE_DATABASE_URL": url, "LATHE_SECRET_KEY_FILE": str(folder / "lathe.key")}
