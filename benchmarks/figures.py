"""The figures of the table, with what is promised of each."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.arithmetic import Figure

DATABASES = ("PostgreSQL", "SQLite")


def figures() -> list[Figure]:
    """Return all figures in the order of the table. Those that were not measured are left out of it."""
    return [*_receiving(), *_size(), *_memory(), *_workers(), *_trust()]


def _receiving() -> Iterator[Figure]:
    for one in DATABASES:
        name = f"deliveries/s ÷ echo/s, {one}"
        yield Figure(name, f"{one}.many.rate", "echo.rate", 0.40, 0.60)
    for one in DATABASES:
        yield Figure(f"deliveries/s ÷ pgbench/s, {one}", f"{one}.many.rate", "pgbench.rate", 1.0, 2.0)
    for one in DATABASES:
        yield Figure(f"p99 of a delivery ÷ p99 of echo, {one}", f"{one}.many.p99", "echo.p99", 3, 1.5, less=True)
    for one in DATABASES:
        name = f"a lone connection: deliveries/s ÷ pgbench/s with one client, {one}"
        yield Figure(name, f"{one}.lone.rate", "pgbench.lone.rate", 0.7, 1.2)
    for one in DATABASES:
        yield Figure(f"one hot API key ÷ many keys, {one}", f"{one}.hot.rate", f"{one}.many.rate", 0.9, 1.0)
    for one in DATABASES:
        yield Figure(f"flood beyond the rate limit: 429/s ÷ echo/s, {one}", f"{one}.flood.rate", "echo.rate", 1.5, 3.0)


def _size() -> Iterator[Figure]:
    for one in DATABASES:
        for name in ("builds", "queue"):
            full = f"{one} full.{name}"
            said = f"list of {name}, {one}"
            yield Figure(f"{said}: at size ÷ at 1,000", f"{full}.first", f"{full}.few", 1.3, 1.1, less=True)
            yield Figure(f"{said}: deepest page ÷ first", f"{full}.deep", f"{full}.first", 2, 1.1, less=True)
    for one in DATABASES:
        page = f"{one} full.page"
        name = f"Releases page at size, {one}: p99 ÷ p50 of rendering alone"
        yield Figure(name, f"{page}.p99", f"{page}.rendered", 4, 2, less=True)
    for one in DATABASES:
        full = f"{one} full.many"
        name = f"deliveries/s while 4 readers load the Releases page ÷ without, {one}"
        yield Figure(name, f"{full}.readers.rate", f"{full}.rate", 0.5, 0.7)
    for one in DATABASES:
        name = f"deliveries/s at size ÷ when empty, {one}"
        yield Figure(name, f"{one} full.many.rate", f"{one}.many.rate", 0.9)


def _memory() -> Iterator[Figure]:
    for one in DATABASES:
        name = f"memory of one worker after all deliveries ÷ after the first, {one}"
        yield Figure(name, f"{one}.memory.last", f"{one}.memory.first", 1.05, less=True)


def _workers() -> Iterator[Figure]:
    yield Figure("2 workers ÷ 1, PostgreSQL: deliveries/s", "workers.2.rate", "workers.1.rate")
    yield Figure("4 workers ÷ 1, PostgreSQL: deliveries/s", "workers.4.rate", "workers.1.rate")
    yield Figure("deadlocks with 1, 2 and 4 workers", "workers.deadlocks", target=0, less=True, digits=0)
    name = "4 workers flooded: most that a key with a limit of 60 was admitted"
    yield Figure(name, "workers.most_admitted", target=60, less=True, digits=0)
    yield Figure("… least", "workers.least_admitted", target=60, digits=0)


def _trust() -> Iterator[Figure]:
    name = "load generator: share of a core it took, "
    yield Figure(f"{name}echo", "echo.generator", target=0.9, less=True)
    for one in DATABASES:
        yield Figure(f"{name}{one}", f"{one}.many.generator", target=0.9, less=True)
    yield Figure("echo with two generators ÷ with one", "echo.two.rate", "echo.rate", target=1.1, less=True)


ABSOLUTE = (
    Figure("echo/s", "echo.rate", digits=0),
    Figure("echo: p50 in ms", "echo.p50"),
    Figure("echo: p99 in ms", "echo.p99"),
    Figure("pgbench/s, 32 clients", "pgbench.rate", digits=0),
    Figure("pgbench/s, one client", "pgbench.lone.rate", digits=0),
    *(
        Figure(f"{said}, {one}", f"{one}{what}", digits=digits)
        for what, said, digits in (
            (".many.rate", "deliveries/s, many keys", 0),
            (".many.p50", "deliveries: p50 in ms", 2),
            (".many.p99", "deliveries: p99 in ms", 2),
            (".hot.rate", "deliveries/s, one hot key", 0),
            (".lone.rate", "deliveries/s, a lone connection", 0),
            (".lone.p99", "a lone connection: p99 in ms", 2),
            (".flood.rate", "429/s", 0),
            (" full.many.rate", "deliveries/s at size", 0),
            (" full.many.readers.rate", "deliveries/s at size, 4 readers", 0),
            (" full.builds.first", "list of builds at size, first page, ms", 2),
            (" full.builds.deep", "list of builds at size, deepest page, ms", 2),
            (" full.queue.first", "list of the queue at size, first page, ms", 2),
            (" full.queue.deep", "list of the queue at size, deepest page, ms", 2),
            (" full.page.p50", "Releases page at size: p50 in ms", 2),
            (" full.page.p99", "Releases page at size: p99 in ms", 2),
            (" full.page.rendered", "rendering it: p50 in ms", 2),
            (".memory.first", "memory after the first deliveries, MiB", 1),
            (".memory.last", "memory after all deliveries, MiB", 1),
        )
        for one in DATABASES
    ),
    *(Figure(f"deliveries/s, {n} workers, PostgreSQL", f"workers.{n}.rate", digits=0) for n in (1, 2, 4)),
)
"""What the ratios are made of: it depends on the machine, and nothing is promised of it."""
