"""``make bench``: everything that is promised about speed, measured as ratios within one run, as one table.

``python -m benchmarks [--quick] [--write] [--scale PART]``. The figures are in `figures`, how they are measured in
`rounds`, `pages`, `workers` and `costs`; `arithmetic` makes ratios of them.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.arithmetic import rows, summary, table
from benchmarks.bench import Bench, Plan
from benchmarks.costs import HEADS, costs
from benchmarks.figures import ABSOLUTE, DATABASES, figures
from benchmarks.fill import fill
from benchmarks.machine import described, memory_of
from benchmarks.multiply import fill_long
from benchmarks.pages import lists, releases
from benchmarks.pgbench import PgBench
from benchmarks.rounds import Served, deliver_up_to, everything, headline
from benchmarks.scene import Scene
from benchmarks.workers import several
from benchmarks.writing import PAGE, plain_table, written
from tests.databases import PostgresServer, running_postgres

if TYPE_CHECKING:
    from benchmarks.servers import Server

QUICK = Plan(rounds=3, seconds=2.0, deliveries_first=1000, spare=15)


def main(wanted: argparse.Namespace) -> None:
    """Measure, print, and write if that was asked for."""
    plan = QUICK if wanted.quick else Plan().scaled(wanted.scale) if wanted.scale != 1 else Plan()
    with tempfile.TemporaryDirectory(prefix="lathe-bench-") as folder, running_postgres(durable=True) as postgres:
        bench = Bench(Path(folder), plan)
        machine = described(version(postgres))
        counted: Sequence[Sequence[str]] = []
        if wanted.quick:
            measure_headline(bench, postgres)
        else:
            measure_everything(bench, postgres)
            counted = count()
    text = said(bench, machine, counted)
    print(text)
    if wanted.write:
        PAGE.write_text(written(PAGE.read_text(), text))
        print(f"\nWritten to {PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE}")


# --- what is measured -------------------------------------------------------------------------------------------------


def measure_headline(bench: Bench, postgres: PostgresServer) -> None:
    """Measure deliveries beside both references, in a minute."""
    with references(bench, postgres) as (echo, pgbench), served(bench, scenes(bench, postgres, "")) as empty:
        headline(bench, empty, echo, pgbench)


def measure_everything(bench: Bench, postgres: PostgresServer) -> None:
    """Measure all of it."""
    empty, full = scenes(bench, postgres, ""), scenes(bench, postgres, " full")
    few = scenes(bench, postgres, " few", keys=1)
    bench.say(f"storing {bench.plan.builds:,} builds and {bench.plan.pending:,} waiting ones, in both databases")
    fill_all(bench, full, few)
    with references(bench, postgres) as (echo, pgbench):
        with served(bench, full) as at_size:
            with served(bench, empty) as measured:
                remember(bench, measured, "first")
                everything(bench, measured, at_size, echo, pgbench)
                bench.say(f"deliveries up to {bench.plan.deliveries_last:,}")
                deliver_up_to(bench, bench.plan.deliveries_last, measured.values())
                remember(bench, measured, "last")
            for name in DATABASES:
                bench.say(f"lists and pages on {name}")
                lists(bench, few[name], full[name])
                releases(bench, at_size[name])
        bench.say("1, 2 and 4 workers")
        several(bench, empty["PostgreSQL"])


def count() -> Sequence[Sequence[str]]:
    """Count what a delivery asks of PostgreSQL, on a server that counts."""
    with (
        tempfile.TemporaryDirectory(prefix="lathe-bench-") as folder,
        running_postgres(durable=True, shared_preload_libraries="pg_stat_statements") as postgres,
    ):
        scene = Scene.make("counted", postgres.url(postgres.create_database()), Plan().keys)
        return costs(Bench(Path(folder), Plan()), scene)


# --- what it is measured on -------------------------------------------------------------------------------------------


@contextmanager
def references(bench: Bench, postgres: PostgresServer) -> Iterator[tuple[Server, PgBench]]:
    """Run the bare server, and make pgbench ready."""
    pgbench = PgBench.prepared(postgres.bin_dir / "pgbench", postgres.url(postgres.create_database()), bench.folder)
    with bench.echoing() as echo:
        yield echo, pgbench


def scenes(bench: Bench, postgres: PostgresServer, kind: str, keys: int | None = None) -> dict[str, Scene]:
    """Make an organization in each kind of database."""
    bench.say(f"making organizations{kind and f' ({kind.strip()})'}")
    urls = (postgres.url(postgres.create_database()), f"sqlite:///{bench.folder}/lathe{kind.replace(' ', '-')}.db")
    return {
        name: Scene.make(f"{name}{kind}", url, keys or bench.plan.keys)
        for name, url in zip(DATABASES, urls, strict=True)
    }


@contextmanager
def served(bench: Bench, made: Mapping[str, Scene]) -> Iterator[dict[str, Served]]:
    """Run a server for each, and warm it up."""
    with ExitStack() as stack:
        found = {name: Served(scene, stack.enter_context(bench.serving(scene))) for name, scene in made.items()}
        deliver_up_to(bench, bench.plan.deliveries_first, found.values())
        yield found


def fill_all(bench: Bench, full: Mapping[str, Scene], few: Mapping[str, Scene]) -> None:
    """Store the history of all, a process for each database."""
    plan = bench.plan
    with ProcessPoolExecutor(len(full), mp_context=get_context("spawn")) as pool:
        jobs = [
            (scene, pool.submit(how, scene.url, scene.organization.id, builds=builds, pending=pending))
            for some, how, builds, pending in (
                (full, fill_long, plan.builds, plan.pending),
                (few, fill, plan.few, plan.few),
            )
            for scene in some.values()
        ]
        for scene, job in jobs:
            scene.sent = job.result().highest


def remember(bench: Bench, measured: Mapping[str, Served], when: str) -> None:
    """Keep how much memory each worker holds."""
    for name, one in measured.items():
        bench.note(**{f"{name}.memory.{when}": memory_of(one.server.process)})


# --- what is said -----------------------------------------------------------------------------------------------------


def said(bench: Bench, machine: str, counted: Sequence[Sequence[str]]) -> str:
    """Return everything that was found, for the terminal and for the page alike."""
    plan = bench.plan
    shown = rows(figures(), bench.values)
    how = f"{plan.rounds} rounds of cells of {plan.seconds:g} s, in {bench.seconds:.0f} s"
    paragraphs = [
        f"{time.strftime('%Y-%m-%d')}, {machine}. {how}. {_disturbance(bench)}",
        table(shown),
        summary(shown),
        "What these are made of, on this machine:",
        plain_table(
            ("", "median", "min to max"), [(row.cells[0], *row.cells[3:5]) for row in rows(ABSOLUTE, bench.values)]
        ),
    ]
    if counted:
        paragraphs += ["What a delivery asks of PostgreSQL:", plain_table(HEADS, counted)]
    return "\n\n".join(paragraphs)


def _disturbance(bench: Bench) -> str:
    text = f"{bench.repeated} of {bench.cells} cells were measured again because other work took more than 5 %."
    if not bench.disturbed:
        return text
    return f"{text} {len(bench.disturbed)} STAYED DISTURBED: {', '.join(bench.disturbed)}."


def version(postgres: PostgresServer) -> str:
    """Return which PostgreSQL it is."""
    done = subprocess.run([postgres.bin_dir / "postgres", "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure what is promised about speed.")
    parser.add_argument("--quick", action="store_true", help="the headline ratios alone, in a minute")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/performance.md")
    parser.add_argument("--scale", type=float, default=1.0, help="measure with a part of everything, to try it")
    asked = parser.parse_args()
    if asked.write and (asked.quick or asked.scale != 1):
        parser.error("docs/performance.md holds the figures of whole runs only")
    main(asked)
