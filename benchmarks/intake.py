"""The headline alone, with as many rounds of as many seconds as one likes.

``python -m benchmarks.intake [ROUNDS] [SECONDS]``. For work on the way of a delivery: nothing is
measured again, so it takes as long as it was told to.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.__main__ import measure_headline, said, version
from benchmarks.bench import Bench, Plan
from benchmarks.machine import described
from tests.databases import running_postgres


def main(rounds: int, seconds: float) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="lathe-bench-") as folder, running_postgres(durable=True) as postgres:
        bench = Bench(Path(folder), Plan(rounds, seconds, deliveries_first=1000, spare=0))
        measure_headline(bench, postgres)
        print(said(bench, described(version(postgres)), ()))


if __name__ == "__main__":
    arguments = [float(argument) for argument in sys.argv[1:]]
    main(int(arguments[0]) if arguments else 3, arguments[1] if len(arguments) > 1 else 5.0)
