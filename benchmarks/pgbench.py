"""The second reference: PostgreSQL's own pgbench, one durable transaction of one select, one upsert, three inserts.

It runs on the same server as the deliveries, prepared, over TCP: the rows are about as large as what a delivery stores,
and have one index beside their key. What it leaves out is everything that a program would decide.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import psycopg
from attrs import frozen

from benchmarks.machine import Watch

KEYS: Final = 4000

_SCHEMA: Final = f"""
CREATE TABLE things (id bigint PRIMARY KEY, name text NOT NULL, state text NOT NULL);
CREATE TABLE counters (id bigint PRIMARY KEY, hits bigint NOT NULL, bytes bytea NOT NULL);
CREATE TABLE identities (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, thing bigint NOT NULL, name text NOT NULL);
CREATE TABLE builds (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, thing bigint NOT NULL, facts text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE deliveries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, thing bigint NOT NULL, body bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX ON identities (thing, name);
CREATE INDEX ON builds (thing, at);
CREATE INDEX ON deliveries (thing, at);
ALTER TABLE deliveries ALTER COLUMN body SET STORAGE EXTERNAL;
INSERT INTO things SELECT n, 'thing ' || n, 'active' FROM generate_series(1, {KEYS}) n;
INSERT INTO counters SELECT n, 0, decode(repeat('5a', 249), 'hex') FROM generate_series(1, {KEYS}) n;
"""

_BYTES: Final = 1400
"""What is kept of a body of 4.5 KB."""

_SCRIPT: Final = f"""
\\set key random(1, {KEYS})
BEGIN;
SELECT name, state FROM things WHERE id = :key;
INSERT INTO counters AS c VALUES (:key, 1, decode(repeat('5a', 249), 'hex'))
    ON CONFLICT (id) DO UPDATE SET hits = c.hits + 1, bytes = excluded.bytes;
INSERT INTO identities (thing, name) VALUES (:key, 'identity of a build');
INSERT INTO builds (thing, facts) VALUES (:key, repeat('what a build says of itself ', 20));
INSERT INTO deliveries (thing, body) VALUES (:key, decode(repeat('5a', {_BYTES}), 'hex'));
COMMIT;
"""


@frozen
class Transactions:
    """What pgbench reached, and the share of the machine that other work took meanwhile."""

    rate: float
    foreign: float


@frozen
class PgBench:
    """pgbench with a database of its own."""

    program: Path
    url: str
    script: Path

    @classmethod
    def prepared(cls, program: Path, url: str, folder: Path) -> PgBench:
        """Fill the database, and write the script."""
        with psycopg.connect(url) as connection:
            connection.execute(_SCHEMA.encode())
        script = folder / "transaction.sql"
        script.write_text(_SCRIPT)
        return cls(program, url, script)

    def run(self, clients: int, seconds: float) -> Transactions:
        """Let so many clients run transactions one after another. Raises RuntimeError if it fails."""
        what = ["--client", str(clients), "--jobs", "1", "--time", str(max(1, round(seconds)))]
        how = ["--no-vacuum", "--protocol", "prepared", "--file", str(self.script)]
        with Watch() as watch:
            done = subprocess.run(
                [self.program, *what, *how, self.url],
                capture_output=True,
                text=True,
                timeout=seconds + 60,
                check=False,
                env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
            )
        found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        if done.returncode or not found:
            raise RuntimeError(f"pgbench failed:\n{done.stdout}{done.stderr}")
        return Transactions(float(found[1]), watch.foreign)
