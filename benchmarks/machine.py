"""The machine: what else runs on it, what a process holds of its memory, and what it is."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import time
from importlib.metadata import version
from pathlib import Path
from typing import Self

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


class Watch:
    """Tells, at the end of a block, which share of the machine other work took meanwhile.

    It is what the whole machine did, without what this process and all its descendants did. What the kernel does by
    itself counts for nobody: most of it is the disk and the network of what is measured.
    """

    foreign = 0.0

    def __enter__(self) -> Self:
        self._began, self._before = time.monotonic(), _foreign_ticks()
        return self

    def __exit__(self, *_: object) -> None:
        seconds = time.monotonic() - self._began
        ticks = _foreign_ticks() - self._before
        self.foreign = max(0.0, ticks / _TICKS / seconds / (os.cpu_count() or 1))


def _foreign_ticks() -> int:
    """Return the processor time, in ticks, that the machine was busy with what is neither ours nor the kernel's."""
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    first = (_PROC / "stat").read_text().split("\n", 1)[0].split()[1:9]
    spent = dict(zip(names, map(int, first), strict=True))
    known = _taken_by(os.getpid(), 2)  # 2 begins all threads of the kernel
    return spent["user"] + spent["nice"] + spent["system"] + spent["steal"] - known


def seconds_of(process: int) -> float:
    """Return the processor time that a process and all its descendants have taken."""
    return _taken_by(process) / _TICKS


def _taken_by(*first: int) -> int:
    """Return the ticks that processes and all their descendants have taken."""
    parents, ticks = _processes()
    children: dict[int, list[int]] = {}
    for process, parent in parents.items():
        children.setdefault(parent, []).append(process)
    known, next_ones = set[int](), [*first]
    while next_ones:
        process = next_ones.pop()
        known.add(process)
        next_ones += children.get(process, ())
    return sum(ticks.get(one, 0) for one in known)


def _processes() -> tuple[dict[int, int], dict[int, int]]:
    """Return the parent of every process, and the ticks that it and its children that ended have taken."""
    parents, ticks = {}, {}
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(entry.name)] = int(fields[1])
        ticks[int(entry.name)] = sum(map(int, fields[11:15]))
    return parents, ticks


def memory_of(process: int) -> float:
    """Return the memory of a process in MiB; of what it shares with others, its share."""
    text = (_PROC / str(process) / "smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    assert found, "the kernel says it of every process"
    return int(found[1]) / 1024


def described(postgres: str) -> str:
    """Say what machine this is, and what runs on it."""
    cpu = re.search(r"^model name\s*: (.+)$", (_PROC / "cpuinfo").read_text(), re.MULTILINE)
    total = re.search(r"^MemTotal:\s+(\d+) kB", (_PROC / "meminfo").read_text(), re.MULTILINE)
    parts = [
        f"{os.cpu_count()} cores of {cpu[1] if cpu else platform.machine()}",
        f"{int(total[1]) / 2**20:.0f} GiB" if total else "",
        f"Linux {platform.release().partition('-')[0]}",
        f"Python {platform.python_version()}",
        postgres,
        f"SQLite {sqlite3.sqlite_version}",
        *(f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "httptools", "starlette", "psycopg")),
        f"Lathe Studio {version('lathe-studio')}",
    ]
    return ", ".join(filter(None, parts))
