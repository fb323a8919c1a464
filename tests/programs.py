"""The installed program, run as its users run it: commands that end, and servers that go on."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any
from unittest.mock import patch

import pytest
import structlog
from attrs import define, field, frozen

from lathe.entrypoints.cli import main

LATHE = Path(sys.executable).with_name("lathe")
WITHIN_SECONDS = 60.0


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests with these settings and no others."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LATHE_")} | dict(settings)


@frozen
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)


def lathe(*arguments: str | Path, cwd: Path | None = None, **settings: str) -> Ended:
    """Run one command to its end."""
    done = subprocess.run(
        [LATHE, *arguments],
        cwd=cwd,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=WITHIN_SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def lathe_inside(*arguments: str, cwd: Path, **settings: str) -> Ended:
    """Run one command to its end within the process of the tests: what a real program does, ten times as fast."""
    out, err = StringIO(), StringIO()
    with (
        logging_as_it_is(),
        chdir(cwd),
        patch.dict(os.environ, environment(settings), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as left,
    ):
        main(arguments)
    assert isinstance(left.value.code, int)
    return Ended(left.value.code, out.getvalue(), err.getvalue())


@contextmanager
def logging_as_it_is() -> Iterator[None]:
    """Undo at the end of the block what a program did to the logging of this process."""
    root, structured = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**structured)
        logging.captureWarnings(capture=False)


@define
class Program:
    """A program that runs. What it writes is gathered line by line while it does."""

    process: subprocess.Popen[str]
    out: list[str] = field(factory=list)
    err: list[str] = field(factory=list)
    _arrived: Queue[None] = field(factory=Queue)
    _readers: list[Thread] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err)):
            assert stream is not None
            reader = Thread(target=self._gather, args=(stream, lines), daemon=True)
            reader.start()
            self._readers.append(reader)

    def wait_for(self, text: str) -> str:
        """Return the first line with this text in it, as soon as it is written."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while True:
            for line in [*self.out, *self.err]:
                if text in line:
                    return line
            if self.process.poll() is not None and not any(reader.is_alive() for reader in self._readers):
                raise AssertionError(f"ended with {self.process.returncode} before it wrote {text!r}:\n{self.written}")
            if time.monotonic() > deadline:
                raise AssertionError(f"did not write {text!r} in time:\n{self.written}")
            try:
                self._arrived.get(timeout=0.2)
            except Empty:
                continue

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the status that the program ends with."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Return the status that the program ends with by itself; all that it wrote has then arrived."""
        status = self.process.wait(WITHIN_SECONDS)
        for reader in self._readers:
            reader.join(WITHIN_SECONDS)
        return status

    @property
    def written(self) -> str:
        """All that it has written so far."""
        return "\n".join([*self.out, *self.err])

    @property
    def logged(self) -> list[dict[str, Any]]:
        """The log lines so far, of a server that logs JSON."""
        return [json.loads(line) for line in self.err if line.startswith("{")]

    def _gather(self, stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            lines.append(line.rstrip("\n"))
            self._arrived.put(None)


@contextmanager
def running(*arguments: str | Path, cwd: Path | None = None, **settings: str) -> Iterator[Program]:
    """Run a program as long as the block lasts; at its end it is stopped, if need be by force."""
    with subprocess.Popen(
        [LATHE, *arguments],
        cwd=cwd,
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,  # a Ctrl-C in the terminal is for the tests; they end the program when they are done
    ) as process:
        program = Program(process)
        try:
            yield program
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(WITHIN_SECONDS)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def serving(*arguments: str, cwd: Path | None = None, **settings: str) -> Iterator[tuple[Program, str]]:
    """Run ``lathe serve`` on a free port, with its address, once it has started. It logs JSON."""
    with running("serve", "--port", "0", *arguments, cwd=cwd, LATHE_LOG_FORMAT="json", **settings) as program:
        address = json.loads(program.wait_for('"serving"'))["address"]
        program.wait_for('"started"')
        yield program, address
