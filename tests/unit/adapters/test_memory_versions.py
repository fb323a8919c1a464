"""The store in memory keeps what running reads need, and no more."""

from __future__ import annotations

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lathe.adapters.memory.clock import SettableClock
from lathe.adapters.memory.store import MemoryStore
from lathe.adapters.memory.versions import Versions
from lathe.domain.session import Session
from tests import samples
from tests.integration.store_contract.helpers import Work, adding, saving

CHANGES = st.lists(st.dictionaries(st.integers(0, 3), st.none() | st.integers()), max_size=12)


@given(CHANGES, st.data())
def test_a_read_sees_the_state_of_its_beginning_whatever_is_dropped_since(
    commits: list[dict[int, int | None]], data: st.DataObject
) -> None:
    versions: Versions[int] = Versions()
    states: list[dict[int, int]] = [{}]
    horizon = 0
    for number, changes in enumerate(commits, start=1):
        horizon = data.draw(st.integers(horizon, number), label="oldest running read")
        versions.apply({("here", key): value for key, value in changes.items()}, number, horizon)
        merged = states[-1] | changes
        states.append({key: value for key, value in merged.items() if value is not None})
        for snapshot in range(horizon, number + 1):
            seen = {address[1]: value for address, value in versions.scan("here", snapshot)}
            assert seen == states[snapshot]
            found = {key: versions.find(("here", key), snapshot) for key in range(4)}
            assert found == {key: states[snapshot].get(key) for key in range(4)}


def kept_versions(store: MemoryStore) -> int:
    """Count all versions of all rows and index entries."""
    tables = [table for committed in store._committed.values() for table in (committed.rows, committed.entries)]
    return sum(len(history) for table in tables for rows in table._partitions.values() for history in rows.values())


def ending(session: Session) -> Work:
    return lambda tx: tx.sessions.remove(session.token_hash)


def test_old_versions_and_removed_rows_are_dropped() -> None:
    store = MemoryStore(SettableClock())
    organization, user = samples.organization(), samples.user()
    store.write(lambda tx: tx.organizations.add(organization))
    before = kept_versions(store)
    for number in range(100):
        session = samples.session(user.id)
        changed = evolve(organization, name=f"Acme {number}")
        for work in (adding(session), saving(changed), ending(session)):
            store.write(work)
    assert kept_versions(store) == before
