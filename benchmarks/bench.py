"""One run: what was measured so far, how long it may take, and how one thing is measured."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from attrs import define, field, frozen

from benchmarks.arithmetic import must_repeat
from benchmarks.scene import (
    Key,
    Scene,
    bodies,
    environment,
    full_buckets,
    full_window,
    spent_window,
)
from benchmarks.servers import Answered, Sending, Server, kept, post, send, server
from lathe.adapters.secret_box import create_key_file
from lathe.domain.rate_limit import Window

CONNECTIONS = 32
MOST_TRIES = 3
STORED = frozenset({201, 202})
LIMITED = STORED | {429}


class Measured(Protocol):
    """Something that was measured, with the share of the machine that other work took."""

    @property
    def foreign(self) -> float: ...


M = TypeVar("M", bound=Measured)


@frozen
class Plan:
    """How much is measured. Rounds and seconds are of cells; the rest says how much is stored or sent."""

    rounds: int = 5
    seconds: float = 2.5
    keys: int = 8000
    """More than deliveries in a second: else one is used twice in it, and refused at last."""

    builds: int = 1_000_000
    pending: int = 100_000
    few: int = 1000
    deliveries_first: int = 5_000
    deliveries_last: int = 100_000
    spare: float = 60.0
    """So many seconds at most go into measuring again what other work disturbed."""

    def scaled(self, scale: float) -> Plan:
        """Return a plan for a part of everything: to try whether all of it works."""
        return Plan(
            max(1, round(self.rounds * scale)),
            max(0.5, self.seconds * scale),
            self.keys,
            round(self.builds * scale),
            round(self.pending * scale),
            self.few,
            round(self.deliveries_first * scale),
            round(self.deliveries_last * scale),
            self.spare * scale,
        )


@frozen
class Kind:
    """A kind of load: with which keys, used how before, over how many connections, and what it may be answered."""

    name: str
    keys: Callable[[Scene], Sequence[Key]]
    window: Callable[[], Window]
    connections: int = CONNECTIONS
    expected: frozenset[int] = STORED

    @property
    def refused(self) -> bool:
        """Whether nothing of it is stored, so that the same requests can be sent again."""
        return self.expected == {429}


MANY = Kind("many", lambda scene: scene.many, full_window)
LONE = Kind("lone", lambda scene: scene.many, full_window, connections=1)
HOT = Kind("hot", lambda scene: [scene.hot], full_buckets)
FLOOD = Kind("flood", lambda scene: scene.many[:1], spent_window, expected=frozenset({429}))


@define
class Bench:
    """A run. ``values`` holds what was measured, by name, one value for each round."""

    folder: Path
    plan: Plan
    values: dict[str, list[float]] = field(factory=lambda: defaultdict(list))
    cells: int = 0
    repeated: int = 0
    disturbed: list[str] = field(factory=list)
    """What was kept although other work disturbed it."""
    _rates: dict[str, float] = field(factory=dict)
    _began: float = field(factory=time.monotonic)
    _spare: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._spare = self.plan.spare

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """Tell whoever waits how far it is."""
        print(f"{self.seconds:5.0f} s  {text}", file=sys.stderr, flush=True)

    def note(self, **values: float) -> None:
        """Keep what was measured; ``__`` in a name stands for a dot."""
        for name, value in values.items():
            self.values[name.replace("__", ".")].append(value)

    def calm(self, name: str, attempt: Callable[[], M]) -> M:
        """Measure, and again while other work disturbs it; return the calmest."""
        calmest, tries = attempt(), 1
        while must_repeat(calmest.foreign, tries, most_tries=MOST_TRIES, seconds_left=self._spare):
            self.repeated += 1
            tries += 1
            began = time.monotonic()
            calmest = min(calmest, attempt(), key=lambda one: one.foreign)
            self._spare -= time.monotonic() - began
        self.cells += 1
        if must_repeat(calmest.foreign, 0, most_tries=1, seconds_left=1):
            self.disturbed.append(f"{name} ({calmest.foreign:.0%})")
        return calmest

    # --- servers -----------------------------------------------------------------------------------------------------

    @contextmanager
    def serving(self, scene: Scene, workers: int = 1) -> Iterator[Server]:
        """Run a server of an organization."""
        key_file = self.folder / "lathe.key"
        create_key_file(key_file)
        lathe = Path(sys.executable).with_name("lathe")
        command: list[str | Path] = [lathe, "serve", "--workers", str(workers), "--port"]
        with server(command, environment(scene, os.environ, key_file), self.folder / f"{scene.name}.log") as one:
            yield one

    @contextmanager
    def echoing(self) -> Iterator[Server]:
        """Run the reference."""
        with server([sys.executable, "-m", "benchmarks.echo"], os.environ, self.folder / "echo.log") as one:
            yield one

    # --- cells -------------------------------------------------------------------------------------------------------

    def echo(self, to: Server, *, generators: int = 1) -> Answered:
        """Send bodies to the reference; by two generators, each over half of the connections."""
        headers = {"Content-Type": "application/json"}
        requests = kept(self.folder, "echo", (post("/echo", headers, body) for body in bodies(1, 2000)))
        one = Sending(to, requests, CONNECTIONS // generators, self.plan.seconds, again=True)

        def attempt() -> Answered:
            answered = send(*[one] * generators)
            if any(set(each.statuses) != {200} for each in answered):
                raise RuntimeError(f"the reference answered {[each.statuses for each in answered]}")
            return _joined(answered)

        return self.calm("echo", attempt)

    def deliver(self, scene: Scene, to: Server, kind: Kind, *beside: Sending, seconds: float | None = None) -> Answered:
        """Send deliveries, and compare what is stored with what was answered."""
        seconds = self.plan.seconds if seconds is None else seconds
        name = f"{scene.name} {kind.name}{' with readers' if beside else ''}"
        keys = kind.keys(scene)

        def attempt() -> Answered:
            count = 2000 if kind.refused else int(self._rates.get(name, 4000) * seconds * 1.5) + 500
            load = Sending(to, self._prepared(scene, count, keys), kind.connections, seconds, again=kind.refused)
            scene.set_windows(kind.window())
            return self._sent(scene, kind, load, *beside)

        answered = self.calm(name, attempt)
        self._rates[name] = answered.rate
        return answered

    def deliver_many(self, scene: Scene, to: Server, count: int) -> None:
        """Send so many deliveries with many keys, however long it takes."""
        while count > 0:
            some = min(count, 20_000)
            load = Sending(to, self._prepared(scene, some, scene.many), CONNECTIONS, 600.0)
            scene.set_windows(Window())
            self._sent(scene, MANY, load)
            count -= some

    def _prepared(self, scene: Scene, count: int, keys: Sequence[Key]) -> Path:
        return kept(self.folder, f"{scene.name} deliveries", scene.deliveries(count, keys))

    def _sent(self, scene: Scene, kind: Kind, load: Sending, *beside: Sending) -> Answered:
        before = scene.rows()
        answered, *others = send(load, *beside)
        scene.check(before, answered, expected=kind.expected)
        if any(set(other.statuses) != {200} for other in others):
            raise RuntimeError(f"readers were answered {[dict(other.statuses) for other in others]}")
        return answered


def _joined(answered: Sequence[Answered]) -> Answered:
    """Return what several loads beside each other were answered, as one."""
    statuses: dict[int, int] = defaultdict(int)
    for one in answered:
        for status, count in one.statuses.items():
            statuses[status] += count
    return Answered(
        max(one.seconds for one in answered),
        statuses,
        max(one.p50 for one in answered),
        max(one.p99 for one in answered),
        max(one.generator for one in answered),
        max(one.foreign for one in answered),
    )
