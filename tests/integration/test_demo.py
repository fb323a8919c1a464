"""``lathe demo``: a visitor sees the queue at work in under a minute, and nothing is left behind."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import httpx2

from tests.programs import lathe, running

LINK = re.compile(r"http://127\.0\.0\.1:\d+/login/[0-9a-f]{64}")


def test_once_shows_every_way_a_build_can_go_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = lathe("demo", "--once", "--port", "0", cwd=tmp_path, TMPDIR=str(tmp_path))

    assert (done.status, done.err) == (0, "")
    answers = re.findall(
        r"^  (hook|key)\s+(\S+)\s+(acme/\S+)\s+(\S+)\s+(\d{3}) (\w+)\s+(\S.*)$", done.out, re.MULTILINE
    )
    assert [(by, repository, status, outcome) for by, _, repository, _, status, outcome, _ in answers] == [
        ("hook", "acme/pay-api", "201", "created"),
        ("hook", "acme/web-shop", "200", "ignored"),
        ("hook", "acme/web-shop", "201", "created"),
        ("hook", "acme/pay-api", "200", "duplicate"),
        ("key", "acme/legacy-importer", "202", "queued"),
        ("key", "acme/billing", "202", "queued"),
        ("hook", "acme/mobile", "202", "queued"),
        ("hook", "acme/warehouse", "202", "queued"),
    ]
    said = " | ".join(said for *_, said in answers)
    for reason in ("no_project_match", "ambiguous_project", "name_match_unconfirmed", "no_active_release"):
        assert f"| {reason}: " in said
    assert said.startswith("filed under Payments, release 2.5 | build_not_finished")
    assert LINK.search(done.out)
    assert list(tmp_path.iterdir()) == []


def test_it_goes_on_until_ctrl_c_with_a_link_that_opens_the_releases_page_again_and_again(tmp_path: Path) -> None:
    with running("demo", "--port", "0", cwd=tmp_path, TMPDIR=str(tmp_path)) as program:
        link = program.wait_for("/login/").strip()
        program.wait_for("Ctrl-C")
        for _ in range(2):
            page = httpx2.get(link, follow_redirects=True)
            assert (page.status_code, page.url.path) == (200, "/o/acme/releases")
            assert "Repository acme/legacy-importer matches no project" in page.text
        assert program.stop(signal.SIGINT) == 0

    assert (program.out[-1], program.err) == ("Stopped; nothing was kept.", [])
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_that_goes_away_ends_it_as_cleanly(tmp_path: Path) -> None:
    with running("demo", "--port", "0", cwd=tmp_path, TMPDIR=str(tmp_path)) as program:
        program.wait_for("Ctrl-C")
        assert program.stop(signal.SIGHUP) == 0

    assert list(tmp_path.iterdir()) == []


def test_settings_of_a_real_server_have_no_effect(tmp_path: Path) -> None:
    settings = {"LATHE_DATABASE_URL": f"sqlite:///{tmp_path}/real.db", "LATHE_BASE_URL": "https://lathe.example.com"}

    done = lathe("demo", "--once", "--port", "0", cwd=tmp_path, LATHE_TYPO="x", **settings)

    assert (done.status, done.err) == (0, "")
    assert "lathe.example.com" not in done.out
    assert list(tmp_path.iterdir()) == []


def test_a_chosen_port_that_is_taken_is_refused_and_the_usual_one_is_replaced(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = lathe("demo", "--once", "--port", str(port), cwd=tmp_path)
    assert (refused.status, refused.out) == (1, "")
    assert (
        refused.err == f"lathe: port {port} on 127.0.0.1 is taken by another program: choose another one with --port\n"
    )

    with usual_port_taken():
        done = lathe("demo", "--once", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert "Port 8000 is taken by another program; using a free one." in done.out
    assert ":8000/login/" not in done.out


def usual_port_taken() -> socket.socket:
    """Take the usual port, unless somebody else has it already: both will do."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(("127.0.0.1", 8000))
        taken.listen()
    except OSError:
        pass
    return taken
