"""The parts fit together: in memory for developers, and on a database that may be away or behind."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lathe.adapters.memory.clock import SettableClock
from lathe.application import hooks, keys, organizations
from lathe.application.caller import command_caller
from lathe.domain.api_key import Scope
from lathe.domain.errors import Unavailable
from lathe.domain.hook import Provider
from lathe.entrypoints.asgi import create_app
from lathe.entrypoints.compose import compose, database_name, in_memory, prepare, workbench
from lathe.entrypoints.settings import Settings, read_settings


def test_in_memory_everything_works_without_a_file_or_a_network() -> None:
    clock = SettableClock(datetime(2026, 3, 12, 9, 30, tzinfo=UTC))
    parts = in_memory(clock, base_url="https://lathe.example.com")
    caller = command_caller(organizations.create(parts.store, parts.ids, "Acme").id)
    _, key = keys.create(parts.store, parts.ids, caller, "CI", [Scope.BUILDS_CREATE, Scope.BUILDS_READ])
    hook, secret = hooks.create(parts.store, parts.ids, parts.box, caller, Provider.BITBUCKET)

    with TestClient(create_app(parts)) as client:
        answer = client.post(
            "/api/v1/builds",
            headers={"Authorization": f"Bearer {key}"},
            json={"name": "Build #1", "repo_url": "https://bitbucket.org/acme/pay-api"},
        )
        page = client.get("/login")

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.json()["queue_entry"]["created_at"] == "2026-03-12T09:30:00.000000Z"
    assert page.status_code == 200
    assert "max-age" in page.headers["Strict-Transport-Security"]
    signers = hooks.signers(parts.store, parts.box, hook.id, Provider.BITBUCKET)
    assert (signers.secrets, signers.at) == ((secret.encode(),), clock.now())
    assert parts.unready() is None


def test_two_compositions_in_memory_have_nothing_in_common() -> None:
    one, other = in_memory(), in_memory()
    organizations.create(one.store, one.ids, "Acme")

    assert organizations.listed(other.store) == []
    with pytest.raises(ValueError, match="not in the key file"):
        other.box.open(one.box.seal(b"secret", b"row"), b"row")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"LATHE_DATABASE_URL": f"sqlite:///{tmp_path}/lathe.db"})


def test_a_server_is_ready_on_a_migrated_database_and_not_when_it_is_gone(settings: Settings) -> None:
    prepare(settings)
    parts = compose(settings)
    try:
        assert parts.unready() is None
    finally:
        parts.store.close()
    assert settings.database_file is not None
    settings.database_file.unlink()

    parts = compose(settings)
    try:
        assert parts.unready() is not None
    finally:
        parts.store.close()


def test_a_server_is_not_ready_on_a_database_that_is_not_migrated(settings: Settings) -> None:
    prepare(settings)
    assert settings.database_file is not None
    with closing(sqlite3.connect(settings.database_file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'older'")

    parts = compose(settings)
    try:
        assert parts.unready() == "the database is not migrated"
    finally:
        parts.store.close()
    with pytest.raises(Unavailable, match="not up to date"), workbench(settings):
        pass


def test_commands_make_no_database(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"there is no database {tmp_path}/lathe.db"), workbench(settings):
        pass

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://lathe:hunter2@db:5433/lathe?sslmode=require&password=hunter2", "postgresql://db:5433/lathe"),
        ("postgresql://db/lathe", "postgresql://db/lathe"),
        ("postgresql:///lathe?host=/run/postgresql", "postgresql:///lathe"),
        ("postgresql://lathe:hunter2%40@a,b/lathe", "postgresql://a,b/lathe"),
    ],
)
def test_a_database_is_named_without_its_password(url: str, name: str) -> None:
    assert database_name(read_settings({"LATHE_DATABASE_URL": url, "LATHE_SECRET_KEY_FILE": "k"})) == name
