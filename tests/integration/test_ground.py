"""The ground that the other tests stand on: databases, browser, pinned dependencies."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.browser import running_chromium

if TYPE_CHECKING:
    from tests.databases import PostgresServer

ROOT = Path(__file__).parents[2]

SERVER_IN_A_PROCESS_OF_ITS_OWN = """
import time
from tests.databases import running_postgres
with running_postgres() as server:
    print(server.port, flush=True)
    time.sleep(60)
"""


def test_postgresql_17_answers(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT version()").fetchone()
    assert row is not None
    assert row[0].startswith("PostgreSQL 17.")


def test_a_fresh_database_is_empty_and_its_owner_is_no_superuser(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        role = connection.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user").fetchone()
    assert tables == (0,)
    assert role == (False, False)


def test_a_database_copied_from_a_template_has_its_tables(postgres_server: PostgresServer) -> None:
    template = postgres_server.create_database()
    with psycopg.connect(postgres_server.url(template)) as connection:
        connection.execute("CREATE TABLE shelf (label text)")
    copy = postgres_server.create_database(template)
    with psycopg.connect(postgres_server.url(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM shelf").fetchone() == (0,)
    postgres_server.drop_database(copy)
    postgres_server.drop_database(template)


def test_a_killed_test_process_leaves_no_server_behind() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER_IN_A_PROCESS_OF_ITS_OWN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        psycopg.connect(url).close()
        os.kill(process.pid, signal.SIGKILL)
    assert _stops_answering(url, within_seconds=10)


def _stops_answering(url: str, within_seconds: float) -> bool:
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return True
        time.sleep(0.05)
    return False


def test_sqlite_is_made_where_the_url_says(sqlite_path: Path, sqlite_url: str) -> None:
    assert not sqlite_path.exists()
    sqlite3.connect(sqlite_url.removeprefix("sqlite:///")).close()
    assert sqlite_path.exists()


def test_a_browser_opens_a_page_and_gives_the_event_loop_back() -> None:
    with running_chromium() as browser:
        page = browser.new_page()
        page.goto("data:text/html,<title>Lathe Studio</title>")
        assert page.title() == "Lathe Studio"
    asyncio.run(asyncio.sleep(0))


@pytest.mark.parametrize("name", ["build.txt", "dev.txt", "pins.txt", "runtime.txt"])
def test_every_pinned_dependency_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    requirements = re.sub(r"\\\n", " ", text).splitlines()
    pinned = re.compile(r"[a-z0-9.-]+(\[[a-z,]+\])?==[^ ]+( ; [^;]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert requirements
    assert [line for line in requirements if not pinned.fullmatch(line)] == []
