"""More processes on PostgreSQL: what more they receive, that none blocks another for ever, and that limits hold."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

from benchmarks.bench import CONNECTIONS, LIMITED, MANY, Bench
from benchmarks.scene import LIMIT, Scene
from benchmarks.servers import Sending, Server, kept, send
from lathe.domain.rate_limit import Window

WORKERS: Final = (1, 2, 4)
LIMITED_KEYS: Final = 8
LIMITED_SECONDS: Final = 30.0
"""All of it happens within one minute, so nothing leaves a window meanwhile."""

ROUNDS: Final = 3

_DEADLOCKS: Final = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def several(bench: Bench, scene: Scene) -> None:
    """Measure servers with one, two and four processes, on one database, in turn; then hold limits against four."""
    before = scene.ask(_DEADLOCKS)[0][0]
    with ExitStack() as stack:
        servers = {count: stack.enter_context(bench.serving(scene, count)) for count in WORKERS}
        for server in servers.values():
            bench.deliver_many(scene, server, bench.plan.deliveries_first // 5)
        for _ in range(min(bench.plan.rounds, ROUNDS)):
            for count, server in servers.items():
                answered = bench.deliver(scene, server, MANY)
                bench.note(**{f"workers.{count}.rate": answered.rate, f"workers.{count}.p99": answered.p99})
        limits(bench, scene, servers[max(WORKERS)])
    bench.note(workers__deadlocks=scene.ask(_DEADLOCKS)[0][0] - before)


def limits(bench: Bench, scene: Scene, server: Server) -> None:
    """Send far more than keys may, and count what was stored with each in that time, which is less than a minute."""
    keys = scene.many[-LIMITED_KEYS:]
    requests = kept(bench.folder, "limited", scene.deliveries(LIMITED_KEYS * LIMIT * 5, keys))
    scene.set_windows(Window(), keys)
    rows, stored = scene.rows(), _stored(scene)
    (answered,) = send(Sending(server, requests, CONNECTIONS, LIMITED_SECONDS))
    scene.check(rows, answered, expected=LIMITED)
    by_key = [_stored(scene).get(str(key.id), 0) - stored.get(str(key.id), 0) for key in keys]
    if answered.statuses.get(429, 0) < LIMIT:
        raise RuntimeError(f"too little was sent to reach the limits: {dict(answered.statuses)}")
    bench.note(workers__most_admitted=max(by_key), workers__least_admitted=min(by_key))


def _stored(scene: Scene) -> dict[str, int]:
    return dict(scene.ask("SELECT credential_id::text, count(*) FROM deliveries GROUP BY 1"))
