"""A cable between a server and its PostgreSQL that can be cut, also at the worst moment."""

from __future__ import annotations

import socket
from contextlib import suppress
from enum import Enum, auto
from threading import Lock, Thread
from typing import Final

from attrs import define, field

_HOST: Final = "127.0.0.1"
_COMMIT: Final = b"COMMIT\0"
"""As the protocol writes it: a statement ends with NUL, so that this is not found in READ COMMITTED."""


class Fault(Enum):
    """What happens on the way."""

    NONE = auto()
    CUT = auto()
    """Nobody gets through, and who was through is thrown out."""
    ANSWER_TO_COMMIT_LOST = auto()
    """The next COMMIT arrives, and the connection ends before its answer is back."""
    COMMIT_LOST = auto()
    """The connection ends before the next COMMIT arrives. Seen from the server the two are the same."""


@define
class Cable:
    """Listens on a port of its own and passes everything on to ``port``, both ways."""

    port: int
    fault: Fault = Fault.NONE
    _listener: socket.socket = field(factory=lambda: socket.create_server((_HOST, 0)))
    _ends: list[socket.socket] = field(factory=list)
    _lock: Lock = field(factory=Lock)

    def __attrs_post_init__(self) -> None:
        Thread(target=self._accept, daemon=True).start()

    @property
    def own_port(self) -> int:
        """Where to connect to instead of the database."""
        port: int = self._listener.getsockname()[1]
        return port

    def cut(self) -> None:
        """Throw everybody out and let nobody in, until `mend`."""
        self.fault = Fault.CUT
        self._end_all()

    def mend(self) -> None:
        """Let everybody through."""
        self.fault = Fault.NONE

    def close(self) -> None:
        """End for good."""
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.fault is Fault.CUT:
                client.close()
                continue
            database = socket.create_connection((_HOST, self.port))
            with self._lock:
                self._ends += [client, database]
            Thread(target=self._pass_on, args=(client, database, True), daemon=True).start()
            Thread(target=self._pass_on, args=(database, client, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, to_database: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if to_database and _COMMIT in data and self.fault in (Fault.ANSWER_TO_COMMIT_LOST, Fault.COMMIT_LOST):
                    self._lose(data, source, target)
                    return
                target.sendall(data)
        _end(source)
        _end(target)

    def _lose(self, data: bytes, client: socket.socket, database: socket.socket) -> None:
        fault, self.fault = self.fault, Fault.NONE
        _end(client)
        if fault is Fault.ANSWER_TO_COMMIT_LOST:
            database.sendall(data)
            # Whoever ends a connection for writing only still lets the database read, commit and answer.
            database.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                while database.recv(65536):
                    pass
        _end(database)

    def _end_all(self) -> None:
        with self._lock:
            ends, self._ends = self._ends, []
        for one in ends:
            _end(one)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
