"""What a delivery asks of PostgreSQL: statements, round trips, rows, bytes, locks. Counted, so the same on any machine.

It has a PostgreSQL of its own, which counts statements (``pg_stat_statements``), and a wire in between that counts how
often the server of deliveries waits for it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
from attrs import define, evolve, frozen

from benchmarks.bench import CONNECTIONS, MANY, Bench
from benchmarks.machine import seconds_of
from benchmarks.scene import Scene
from benchmarks.servers import Sending, kept, send

DELIVERIES: Final = 4000
LONE_DELIVERIES: Final = 1000

_COUNTED: Final = """
SELECT sum(calls),
       sum(calls) FILTER (WHERE query ILIKE 'COMMIT%'),
       sum(rows) FILTER (WHERE query ILIKE 'INSERT%' OR query ILIKE '%INSERT INTO%'),
       sum(rows) FILTER (WHERE query ILIKE 'UPDATE%'),
       sum(rows) FILTER (WHERE query ~* '\\mFOR (NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)\\M'),
       pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'),
       (SELECT sum(pg_total_relation_size(oid)) FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)
  FROM pg_stat_statements JOIN pg_database d ON d.oid = dbid AND d.datname = current_database()
"""

HEADS: Final = ("for each delivery", "32 connections", "a lone one")


@define
class Wire:
    """A connection between two programs that counts how often the first one spoke after the second one had."""

    port: int
    trips: int = 0

    def carry(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what both say until one of them goes."""
        answered = [True]

        def back() -> None:
            with suppress(OSError):
                while data := server.recv(65536):
                    answered[0] = True
                    client.sendall(data)

        Thread(target=back, daemon=True).start()
        with client, server, suppress(OSError):
            while data := client.recv(65536):
                self.trips += answered[0]
                answered[0] = False
                server.sendall(data)


@contextmanager
def wired(url: str) -> Iterator[tuple[Wire, str]]:
    """Give a wire to a database, and the database's address at its other end."""
    parts = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = Wire(listener.getsockname()[1])

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    server = socket.create_connection(("127.0.0.1", parts.port or 5432))
                    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    Thread(target=wire.carry, args=(client, server), daemon=True).start()

        Thread(target=accept, daemon=True).start()
        yield wire, url.replace(f":{parts.port}/", f":{wire.port}/")
        listener.shutdown(socket.SHUT_RDWR)


@frozen
class Cost:
    """What one delivery cost, on average."""

    batch: float
    statements: float
    trips: float
    trips_of_batch: float
    inserted: float
    updated: float
    locked: float
    log: float
    stored: float
    server: float
    """Microseconds of processor time, as ``database``."""
    database: float


def costs(bench: Bench, scene: Scene) -> list[tuple[str, ...]]:
    """Count, and return the rows of a table. The database must load ``pg_stat_statements``."""
    with wired(scene.url) as (wire, url), bench.serving(evolve(scene, url=url)) as server:

        def counted(connections: int, count: int) -> Cost:
            requests = kept(bench.folder, "counted", scene.deliveries(count, scene.many))
            scene.set_windows(MANY.window())
            with psycopg.connect(scene.url.replace("//lathe@", "//postgres@"), autocommit=True) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                postmaster = _postmaster(connection)
                before = _counted(connection)
                trips, taken = wire.trips, (seconds_of(server.process), seconds_of(postmaster))
                (answered,) = send(Sending(server, requests, connections, 600.0))
                now = (seconds_of(server.process), seconds_of(postmaster))
                after = _counted(connection)
            done = sum(answered.statuses.values())
            calls, commits, inserted, updated, locked, log, stored = (b - a for a, b in zip(before, after, strict=True))
            trips = wire.trips - trips
            rows = (inserted / done, updated / done, locked / done, log / done, stored / done)
            times = (1e6 * (b - a) / done for a, b in zip(taken, now, strict=True))
            return Cost(done / commits, calls / done, trips / done, trips / commits, *rows, *times)

        counted(CONNECTIONS, DELIVERIES)  # plans are made and pages are there then
        together, alone = counted(CONNECTIONS, DELIVERIES), counted(1, LONE_DELIVERIES)
    shown = (
        ("deliveries in a transaction", "batch", 1),
        ("statements, BEGIN and COMMIT included", "statements", 2),
        ("round trips to the database", "trips", 2),
        ("… of one transaction", "trips_of_batch", 1),
        ("rows inserted", "inserted", 2),
        ("rows updated", "updated", 2),
        ("rows locked before", "locked", 2),
        ("bytes of write-ahead log, full pages included", "log", 0),
        ("bytes that tables and indexes grow", "stored", 0),
        ("processor time of the server, µs", "server", 0),
        ("processor time of PostgreSQL, µs", "database", 0),
    )
    return [
        (said, *(f"{getattr(cost, name):,.{digits}f}" for cost in (together, alone))) for said, name, digits in shown
    ]


def _postmaster(connection: psycopg.Connection[Any]) -> int:
    """Return the process that all others of this PostgreSQL come from."""
    row = connection.execute("SHOW data_directory").fetchone()
    assert row
    return int((Path(row[0]) / "postmaster.pid").read_text().split("\n", 1)[0])


def _counted(connection: psycopg.Connection[Any]) -> list[float]:
    row = connection.execute(_COUNTED.encode()).fetchone()
    assert row
    return [float(value or 0) for value in row]
