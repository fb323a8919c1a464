"""One holder at a time, over threads and processes: an ``flock`` on a file beside the database."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Final

PAUSE_SECONDS: Final = 0.0005

OWNER_ONLY: Final = 0o600
"""The mode of files that are made: nobody but their owner reads or writes them."""


class LockTimeout(Exception):
    """Somebody else held the lock all the time."""


class FileLock:
    """A lock that the kernel frees when its holder dies, however it dies. A thread that has it may take it again."""

    def __init__(self, path: Path, *, patience: float) -> None:
        """Waits for others at most ``patience`` seconds."""
        self.path = path
        self._patience = patience
        self._threads = RLock()
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock for the length of a block. Raises LockTimeout."""
        deadline = time.monotonic() + self._patience
        if not self._threads.acquire(timeout=self._patience):
            raise LockTimeout(str(self.path))
        try:
            if self._depth:
                yield
                return
            # Opened anew each time: what a forked process inherits must not count as this process's lock. For reading,
            # so that it does not matter which user made the file.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
            try:
                self._wait(descriptor, deadline)
                self._depth = 1
                yield
            finally:
                self._depth = 0
                os.close(descriptor)
        finally:
            self._threads.release()

    def _wait(self, descriptor: int, deadline: float) -> None:
        # Asking again and again, because a blocking flock cannot be given a deadline.
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LockTimeout(str(self.path)) from None
                time.sleep(PAUSE_SECONDS)
            else:
                return
