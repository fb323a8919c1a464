"""Tables with committed versions: reads see one state throughout, and a transaction keeps its changes to itself."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Generic, TypeAlias, TypeVar

from attrs import define, field, frozen

from lathe.domain.errors import Conflict, NotFound

V = TypeVar("V")

Address: TypeAlias = tuple[Hashable, Hashable]
"""The organization (None for rows that belong to none) and the key of a row in it."""

_History: TypeAlias = tuple[tuple[int, V | None], ...]


class ConstraintError(RuntimeError):
    """A row that the schema does not allow, where no caller can expect it: a mistake in the program."""


class Versions(Generic[V]):
    """Committed values, newest first, each with as many older ones as running reads still need."""

    def __init__(self) -> None:
        self._partitions: dict[Hashable, dict[Hashable, _History[V]]] = {}

    def find(self, address: Address, snapshot: int) -> V | None:
        """Return the value as of ``snapshot``, None if there was none."""
        partition, key = address
        return _as_of(self._partitions.get(partition, {}).get(key, ()), snapshot)

    def scan(self, partition: Hashable, snapshot: int) -> Iterator[tuple[Address, V]]:
        """Go over all values of a partition as of ``snapshot``."""
        # list() takes the whole dict in one step; a commit may add keys while we go on.
        for key, history in list(self._partitions.get(partition, {}).items()):
            if (value := _as_of(history, snapshot)) is not None:
                yield (partition, key), value

    def partitions(self) -> list[Hashable]:
        """Return all partitions that ever had a value."""
        return list(self._partitions)

    def apply(self, changed: Mapping[Address, V | None], number: int, horizon: int) -> None:
        """Add the values of commit ``number``; versions that no read since ``horizon`` can see are dropped."""
        for (partition, key), value in changed.items():
            rows = self._partitions.setdefault(partition, {})
            history = _pruned(((number, value), *rows.get(key, ())), horizon)
            if history:
                rows[key] = history
            else:
                rows.pop(key, None)


def _as_of(history: _History[V], snapshot: int) -> V | None:
    return next((value for number, value in history if number <= snapshot), None)


def _pruned(history: _History[V], horizon: int) -> _History[V]:
    """Drop what lies behind the first version that a read at ``horizon`` sees, and that too if it is a removal."""
    seen = next((at for at, (number, _) in enumerate(history) if number <= horizon), len(history) - 1)
    kept = history[: seen + 1]
    return kept[:-1] if kept[-1][1] is None else kept


@frozen
class Index(Generic[V]):
    """A second way to rows: ``of`` gives the values under which a row is found.

    With ``everywhere`` it spans all organizations. A ``unique`` one has one row per value; a breach is a Conflict with
    the index's name as code and ``conflict`` as the sentence, or a ConstraintError where that is None.
    """

    name: str
    of: Callable[[V], Iterable[Hashable]]
    everywhere: bool = False
    unique: bool = True
    conflict: str | None = None

    def addresses(self, address: Address, row: V) -> list[Address]:
        """Return where the row is entered."""
        partition = None if self.everywhere else address[0]
        return [(partition, (self.name, value)) for value in self.of(row)]


@frozen
class Schema(Generic[V]):
    """What a table holds: ``noun`` for people, how a row is addressed, and its indexes."""

    noun: str
    address: Callable[[V], Address]
    indexes: Sequence[Index[V]] = ()


@define
class Committed(Generic[V]):
    """The committed rows of a table and the entries of its indexes."""

    rows: Versions[V] = field(factory=Versions)
    entries: Versions[frozenset[Address]] = field(factory=Versions)


class Table(Generic[V]):
    """A table as one transaction sees it: a committed state, and its own changes on top."""

    def __init__(self, schema: Schema[V], committed: Committed[V], snapshot: int, *, writable: bool) -> None:
        self._schema = schema
        self._committed = committed
        self._snapshot = snapshot
        self._writable = writable
        self._rows: dict[Address, V | None] = {}
        self._entries: dict[Address, frozenset[Address] | None] = {}

    def find(self, partition: Hashable, key: Hashable) -> V | None:
        """Return the row, None if there is none."""
        return self._row((partition, key))

    def get(self, partition: Hashable, key: Hashable) -> V:
        """Return the row. Raises NotFound."""
        row = self.find(partition, key)
        if row is None:
            raise NotFound(f"there is no such {self._schema.noun}")
        return row

    def scan(self, partition: Hashable) -> list[V]:
        """Return all rows of an organization, in no particular order."""
        committed = self._committed.rows.scan(partition, self._snapshot)
        kept = (row for address, row in committed if address not in self._rows)
        own = (row for (own_partition, _), row in self._rows.items() if own_partition == partition)
        return [row for row in chain(kept, own) if row is not None]

    def everything(self) -> list[V]:
        """Return all rows of all organizations, in no particular order."""
        partitions = {*self._committed.rows.partitions(), *(partition for partition, _ in self._rows)}
        return [row for partition in partitions for row in self.scan(partition)]

    def by(self, index: str, value: Hashable, partition: Hashable = None) -> list[V]:
        """Return the rows that an index has under ``value``."""
        found = self._entry((partition, (index, value)))
        return [row for address in found if (row := self._row(address)) is not None]

    def one(self, index: str, value: Hashable, partition: Hashable = None) -> V | None:
        """Return the row that a unique index has under ``value``."""
        return next(iter(self.by(index, value, partition)), None)

    def add(self, *rows: V) -> None:
        """Store new rows. Raises Conflict or ConstraintError, and has then changed nothing."""
        for row in rows:
            if self._row(self._schema.address(row)) is not None:
                raise ConstraintError(f"this {self._schema.noun} is stored already")
        self.put(*rows)

    def save(self, *rows: V) -> None:
        """Replace rows. Raises NotFound, Conflict or ConstraintError, and has then changed nothing."""
        for row in rows:
            self.get(*self._schema.address(row))
        self.put(*rows)

    def put(self, *rows: V) -> None:
        """Store rows, new or not, judged by the state after all of them.

        Raises Conflict or ConstraintError, and has then changed nothing.
        """
        self._must_be_writable()
        addressed = {self._schema.address(row): row for row in rows}
        self._must_be_unique(addressed)
        for address in addressed:
            self._unindex(address)
        for address, row in addressed.items():
            for index in self._schema.indexes:
                for entry in index.addresses(address, row):
                    self._entries[entry] = self._entry(entry) | {address}
            self._rows[address] = row

    def remove(self, partition: Hashable, key: Hashable) -> None:
        """Remove a row; absent is fine."""
        self._must_be_writable()
        self._unindex((partition, key))
        self._rows[partition, key] = None

    def close(self) -> None:
        """Take no more changes."""
        self._writable = False

    def commit(self, number: int, horizon: int) -> None:
        """Make the changes visible to later transactions."""
        self._committed.rows.apply(self._rows, number, horizon)
        self._committed.entries.apply(self._entries, number, horizon)

    def _row(self, address: Address) -> V | None:
        return self._rows[address] if address in self._rows else self._committed.rows.find(address, self._snapshot)

    def _entry(self, address: Address) -> frozenset[Address]:
        own = self._entries.get(address, _UNKNOWN)
        found = self._committed.entries.find(address, self._snapshot) if own is _UNKNOWN else own
        return found or frozenset()

    def _unindex(self, address: Address) -> None:
        row = self._row(address)
        if row is None:
            return
        for index in self._schema.indexes:
            for entry in index.addresses(address, row):
                self._entries[entry] = (self._entry(entry) - {address}) or None

    def _must_be_unique(self, addressed: Mapping[Address, V]) -> None:
        taken: dict[Address, Address] = {}
        for index in self._schema.indexes:
            if not index.unique:
                continue
            for address, row in addressed.items():
                for entry in index.addresses(address, row):
                    others = self._entry(entry) - addressed.keys()
                    if others or taken.setdefault(entry, address) != address:
                        raise _breach(self._schema, index)

    def _must_be_writable(self) -> None:
        if not self._writable:
            raise RuntimeError("this transaction reads only, or has ended")


_UNKNOWN: frozenset[Address] = frozenset({(None, object())})


def _breach(schema: Schema[V], index: Index[V]) -> Exception:
    if index.conflict is None:
        return ConstraintError(f"{schema.noun}: {index.name} is not unique")
    return Conflict(index.conflict, code=index.name)
