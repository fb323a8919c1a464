"""What all commands have in common: help, usage, missing databases, settings, pipes, Ctrl-C, locales."""

from __future__ import annotations

import fcntl
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import click
import pytest

from lathe.entrypoints.cli import commands
from tests.programs import LATHE, WITHIN_SECONDS, environment, lathe, lathe_inside, running
from tests.shop import Shop, complaint, open_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return open_shop(tmp_path_factory.mktemp("shop"))


def all_commands() -> Iterator[tuple[list[str], click.Command]]:
    context = click.Context(commands)
    for name in commands.list_commands(context):
        command = commands.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from (([name, inner], one) for inner, one in command.commands.items())
        else:
            yield [name], command


def test_the_commands_are_those_of_the_contract() -> None:
    assert [" ".join(path) for path, _ in all_commands()] == [
        *("serve", "demo", "migrate", "org create", "org list", "user create", "user reset"),
        *("project create", "release create", "key create", "key list", "key update", "key revoke"),
        *("hook create", "hook list", "hook rotate", "hook revoke"),
        *("report", "send", "replay"),
    ]


def test_every_command_has_help_with_an_example() -> None:
    for path, command in all_commands():
        example = f"lathe {' '.join(path)}"
        assert command.help is not None
        assert re.search(rf"Examples?:\n(.*\n)*.*{example}", command.help), example


def test_every_command_that_prints_data_prints_json_too() -> None:
    without = {" ".join(path) for path, one in all_commands() if "as_json" not in {p.name for p in one.params}}

    assert without == {"serve", "demo"}


def test_help_and_version_are_printed() -> None:
    helped, versioned, alone = lathe("key", "create", "--help"), lathe("--version"), lathe()

    assert (helped.status, helped.err) == (0, "")
    assert "lathe key create" in helped.out
    assert (versioned.status, versioned.err) == (0, "")
    assert re.fullmatch(r"lathe \d+\.\d+\.\d+\n", versioned.out)
    assert (alone.status, alone.out) == (2, "")
    assert "Commands:" in alone.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["org", "create"],
        ["org", "create", "One", "two"],
        ["org", "list", "--colour"],
        ["key", "create", "CI"],
        ["serve", "--port", "70000"],
        ["serve", "--workers", "0"],
    ],
)
def test_wrong_usage_is_one_line_and_status_2(arguments: list[str], tmp_path: Path) -> None:
    assert "--help)" in complaint(lathe_inside(*arguments, cwd=tmp_path), 2)


NEEDING_A_DATABASE = [
    ["org", "create", "Acme"],
    ["org", "list"],
    ["user", "create", "a@example.com", "--org", "acme", "--role", "admin"],
    ["user", "reset", "a@example.com"],
    ["project", "create", "Pay API", "--org", "acme"],
    ["release", "create", "2.5", "--project", "pay-api"],
    ["key", "create", "CI", "--org", "acme"],
    ["key", "list"],
    ["key", "update", "x", "--name", "y"],
    ["key", "revoke", "x"],
    ["hook", "create", "bitbucket", "--org", "acme"],
    ["hook", "list"],
    ["hook", "rotate", "x"],
    ["hook", "revoke", "x"],
    ["replay", "01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e"],
]


@pytest.mark.parametrize("arguments", NEEDING_A_DATABASE, ids=lambda arguments: " ".join(arguments[:2]))
def test_without_a_database_a_command_names_it_in_full_and_makes_none(arguments: list[str], tmp_path: Path) -> None:
    told = complaint(lathe_inside(*arguments, cwd=tmp_path), 1)

    assert f"there is no database {tmp_path}/lathe.db" in told
    assert "lathe migrate" in told
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_not_migrated_is_refused_by_its_full_name(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        connection.execute("CREATE TABLE something (id)")
    (tmp_path / "old.db.key").touch(mode=0o600)
    (tmp_path / "old.db.key").write_text("00" * 32)

    told = complaint(lathe_inside("org", "list", cwd=tmp_path, LATHE_DATABASE_URL="sqlite:///old.db"), 1)

    assert f"the database {tmp_path}/old.db is not up to date" in told
    assert "lathe migrate" in told


def test_a_postgresql_database_is_named_without_its_password(postgres_url: str, tmp_path: Path) -> None:
    key = tmp_path / "lathe.key"
    key.touch(mode=0o600)
    key.write_text("00" * 32)
    settings = {
        "LATHE_DATABASE_URL": postgres_url.replace("lathe@", "lathe:hunter2@"),
        "LATHE_SECRET_KEY_FILE": str(key),
    }

    told = complaint(lathe_inside("org", "list", cwd=tmp_path, **settings), 1)

    assert re.search(r"the database postgresql://127\.0\.0\.1:\d+/test_\w+ is not up to date", told)
    assert lathe("migrate", cwd=tmp_path, **settings).status == 0
    assert lathe_inside("org", "list", "--json", cwd=tmp_path, **settings).json == []


@pytest.mark.parametrize("arguments", [["\udcff"], ["org", "list", "\udcff"], ["key", "list", "--org", "a\udcff"]])
def test_bytes_that_are_no_text_are_wrong_usage(arguments: list[str], shop: Shop) -> None:
    assert "\\udcff" in complaint(shop.lathe(*arguments), 2)


def test_all_faults_of_the_settings_are_told_one_in_each_line(tmp_path: Path) -> None:
    done = lathe("org", "list", cwd=tmp_path, LATHE_BASE_URL="nowhere", LATHE_LOG_FORMAT="loud", LATHE_DATABASE="x")

    assert (done.status, done.out) == (2, "")
    lines = done.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("lathe: LATHE_") for line in lines)
    assert "did you mean LATHE_DATABASE_URL?" in done.err


def test_a_reader_that_goes_away_ends_a_command_quietly(shop: Shop) -> None:
    with subprocess.Popen(
        [LATHE, "org", "list"],
        cwd=shop.folder,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        told = process.stderr.read()
        status = process.wait(60)

    assert (status, told) == (1, "")


def test_ctrl_c_ends_a_command_that_waits_with_one_line(shop: Shop) -> None:
    with (shop.folder / "lathe.db.writer-lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with running("org", "create", "Never", cwd=shop.folder) as program:
            wait_until_it_waits(program.process.pid)
            assert program.stop(signal.SIGINT) == 1

    assert (program.out, program.err) == ([], ["lathe: interrupted"])


def wait_until_it_waits(process: int) -> None:
    """Return once the process has loaded its modules and tries to get the lock beside the database."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        for file in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                if file.readlink().name.endswith("writer-lock"):
                    return
    raise AssertionError("the command does not wait for the lock")


def test_names_in_any_script_are_printed_whatever_the_locale(shop: Shop) -> None:
    without = shop.lathe("project", "create", "Grüße 你好", "--org", "acme", LC_ALL="C", LANG="", PYTHONUTF8="")
    western = shop.lathe("project", "create", "你好", "--org", "acme", PYTHONIOENCODING="iso-8859-1")

    assert (without.status, without.err) == (0, "")
    assert without.out.startswith("Created project Grüße 你好\n")
    assert (western.status, western.err) == (0, "")
    assert western.out.startswith("Created project \\u4f60\\u597d\n")
    assert "name" in complaint(shop.inside("project", "create", "GRÜSSE 你好", "--org", "acme"), 1)
