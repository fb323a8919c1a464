"""New ids: UUIDv7 that rise whatever the clock does."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from lathe.adapters.clock import SystemClock
from lathe.adapters.ids import RandomIds
from lathe.adapters.memory.clock import SettableClock

MILLISECOND = 1_000_000


def milliseconds(new: UUID) -> int:
    return new.int >> 80


def ids_at(*times: int, random: bytes | None = None) -> list[UUID]:
    """Return the ids that are made at these readings of the clock, in nanoseconds."""
    readings = iter(times)
    urandom = os.urandom if random is None else lambda size: (random * size)[:size]
    ids = RandomIds(lambda: next(readings), urandom)
    return [ids.new() for _ in times]


def test_an_id_is_a_uuid_of_version_7_and_carries_the_time() -> None:
    before = time.time_ns() // MILLISECOND
    new = RandomIds().new()
    assert (new.version, new.variant) == (7, RFC_4122)
    assert before <= milliseconds(new) <= time.time_ns() // MILLISECOND


def test_the_layout_is_that_of_rfc_9562() -> None:
    # Time and random bits of the RFC's own example (appendix A.6), taken from the front of the random bytes.
    random = ((0xCC3 << 62 | 0x18C4DC0C0C07398F) << 6).to_bytes(10, "big")
    assert ids_at(0x017F22E279B0 * MILLISECOND, random=random) == [UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")]


@given(st.lists(st.integers(0, 2**40), min_size=2, max_size=50))
def test_ids_rise_whatever_the_clock_does(times: list[int]) -> None:
    made = ids_at(*(reading * MILLISECOND for reading in times))
    assert all(one < other for one, other in pairwise(made))
    assert {(new.version, new.variant) for new in made} == {(7, RFC_4122)}


def test_an_id_is_never_behind_the_clock() -> None:
    made = ids_at(5 * MILLISECOND, 3 * MILLISECOND, 9 * MILLISECOND)
    assert [milliseconds(new) for new in made] == [5, 5, 9]


def test_ids_rise_even_where_the_random_part_runs_over() -> None:
    made = ids_at(*[7 * MILLISECOND] * 5, random=b"\xff")
    assert all(one < other for one, other in pairwise(made))
    assert [milliseconds(new) for new in made] == [7, 8, 8, 8, 8]


def test_threads_never_make_the_same_id() -> None:
    ids = RandomIds(lambda: 0)
    with ThreadPoolExecutor(4) as pool:
        made = [new for some in pool.map(lambda _: [ids.new() for _ in range(5_000)], range(4)) for new in some]
    assert len(set(made)) == len(made)


def test_a_forked_process_makes_other_ids_than_its_parent() -> None:
    ids = RandomIds(lambda: 0)
    ids.new()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, ids.new().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    assert UUID(bytes=os.read(reading, 16)) != ids.new()
    os.close(reading)
    os.close(writing)


def test_entropy_has_the_asked_size_and_does_not_repeat() -> None:
    ids = RandomIds()
    drawn = [ids.entropy(32) for _ in range(100)]
    assert {len(one) for one in drawn} == {32}
    assert len(set(drawn)) == 100


def test_clocks_tell_utc() -> None:
    for clock in (SystemClock(), SettableClock()):
        assert clock.now().utcoffset() is not None
        assert clock.now().tzname() == "UTC"
