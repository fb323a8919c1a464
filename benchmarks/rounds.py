"""The rounds in which speed is measured: everything that is divided by each other lies close together in each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from attrs import frozen

from benchmarks.bench import FLOOD, HOT, LONE, MANY, Bench, Kind
from benchmarks.pgbench import PgBench
from benchmarks.scene import Scene
from benchmarks.servers import Answered, Sending, Server, get, kept

READERS = 4


@frozen
class Served:
    """An organization with its server."""

    scene: Scene
    server: Server


def deliver_up_to(bench: Bench, total: int, several: Collection[Served]) -> None:
    """Send deliveries until each has had so many. Nothing is timed, so all go at once."""

    def one(at: Served) -> None:
        bench.deliver_many(at.scene, at.server, total - at.scene.delivered)

    with ThreadPoolExecutor(len(several)) as pool:
        for _ in pool.map(one, several):
            pass


def headline(bench: Bench, empty: Mapping[str, Served], echo: Server, pgbench: PgBench) -> None:
    """Measure, in each round, deliveries on each database beside both references."""
    for number in range(bench.plan.rounds):
        bench.say(f"round {number + 1} of {bench.plan.rounds}")
        _measure(bench, empty["PostgreSQL"], MANY)
        _references(bench, echo, pgbench)
        _measure(bench, empty["SQLite"], MANY)


def everything(
    bench: Bench, empty: Mapping[str, Served], full: Mapping[str, Served], echo: Server, pgbench: PgBench
) -> None:
    """Measure, in each round, every kind of load; ``full`` are organizations with a long history."""
    post, lite = empty["PostgreSQL"], empty["SQLite"]
    for number in range(bench.plan.rounds):
        bench.say(f"round {number + 1} of {bench.plan.rounds}")
        _measure(bench, post, HOT)
        _measure(bench, full["PostgreSQL"], MANY)
        _measure(bench, post, MANY)
        _references(bench, echo, pgbench)
        _measure(bench, lite, MANY)
        _measure(bench, full["SQLite"], MANY)
        _measure(bench, lite, HOT)
        two = bench.echo(echo, generators=2)
        bench.note(echo__two__rate=two.rate)
        _measure(bench, post, FLOOD)
        _measure(bench, lite, FLOOD)
        for one in full.values():
            _measure(bench, one, MANY, _readers(bench, one))
        _measure(bench, post, LONE)
        bench.note(pgbench__lone__rate=bench.calm("pgbench", lambda: pgbench.run(1, bench.plan.seconds)).rate)
        _measure(bench, lite, LONE)


def _references(bench: Bench, echo: Server, pgbench: PgBench) -> None:
    bench.note(pgbench__rate=bench.calm("pgbench", lambda: pgbench.run(32, bench.plan.seconds)).rate)
    answered = bench.echo(echo)
    bench.note(echo__rate=answered.rate, echo__p50=answered.p50, echo__p99=answered.p99)
    bench.note(echo__generator=answered.generator)


def _measure(bench: Bench, at: Served, kind: Kind, *beside: Sending) -> None:
    answered = bench.deliver(at.scene, at.server, kind, *beside)
    _note(bench, f"{at.scene.name}.{kind.name}{'.readers' if beside else ''}", answered)


def _note(bench: Bench, name: str, answered: Answered) -> None:
    found = {"rate": answered.rate, "p50": answered.p50, "p99": answered.p99, "generator": answered.generator}
    bench.note(**{f"{name}.{what}": value for what, value in found.items()})


def _readers(bench: Bench, at: Served) -> Sending:
    """Return four people who load the Releases page as fast as they can."""
    requests = kept(bench.folder, f"{at.scene.name} readers", [releases_page(at.scene)])
    return Sending(at.server, requests, READERS, bench.plan.seconds, again=True)


def releases_page(scene: Scene) -> bytes:
    """Return the request for the Releases page, by somebody who is logged in."""
    return get(f"/o/{scene.organization.slug}/releases", {"Cookie": f"lathe={scene.session}", "Accept": "text/html"})
