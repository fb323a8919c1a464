"""The rolling window, held against a plain list of the instants that were admitted."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from lathe.domain.rate_limit import EXACT_UP_TO, MOST_BUCKETS, MOST_COUNTED, Decision, Window, admit, pack, unpack

SECOND = 1_000_000
MINUTE = 60 * SECOND
START = 1_740_830_400 * SECOND + 123_456

Step = tuple[int, int]
"""Microseconds since the request before (less than none if the clock was set back), and the limit in force."""
Limiter = Callable[[Window, int, int], Decision]


def instants(steps: list[Step]) -> list[tuple[int, int]]:
    now, found = START, []
    for gap, limit in steps:
        now += gap
        found.append((now, limit))
    return found


def in_last_minute(admitted: list[int], now: int) -> int:
    """The oracle: how many of all that were ever admitted count at this instant."""
    return sum(instant > now - MINUTE for instant in admitted)


def keeps_the_promise(limiter: Limiter, steps: list[Step]) -> bool:
    """Whether no 60 seconds up to an admitted request hold more than the limit under which the last came in."""
    window, admitted = Window(), list[tuple[int, int]]()
    for now, limit in instants(steps):
        decision = limiter(window, now, limit)
        window = decision.window
        if decision.admitted:
            admitted.append((now, limit))
    for end, _ in admitted:
        minute = [(instant, limit) for instant, limit in admitted if end - MINUTE < instant <= end]
        if len(minute) > minute[-1][1]:
            return False
    return True


FORWARD = st.one_of(
    st.integers(0, 3),
    st.integers(0, 2 * SECOND),
    st.integers(0, 70).map(lambda seconds: seconds * SECOND),
    st.sampled_from([MINUTE - 1, MINUTE, MINUTE + 1, 5000 * SECOND, 90_000 * SECOND]),
)
ANY_WAY = st.one_of(FORWARD, FORWARD.map(lambda gap: -gap))
LOW = st.integers(1, 5)
HIGH = st.integers(EXACT_UP_TO + 1, EXACT_UP_TO + 5)


def schedules(gaps: st.SearchStrategy[int], limits: st.SearchStrategy[int]) -> st.SearchStrategy[list[Step]]:
    return st.lists(st.tuples(gaps, limits), max_size=40)


BURSTS = st.lists(st.tuples(ANY_WAY, LOW | HIGH, st.integers(1, 700)), max_size=5).map(
    lambda bursts: [step for gap, limit, size in bursts for step in [(gap, limit)] + [(gap % 7, limit)] * (size - 1)]
)


# --- the promise ------------------------------------------------------------------------------------------------------


@given(schedules(ANY_WAY, LOW))
def test_no_minute_ever_holds_more_than_the_limit_whatever_the_clock_does(steps: list[Step]) -> None:
    assert keeps_the_promise(admit, steps)


@settings(max_examples=40)
@given(BURSTS)
def test_no_minute_ever_holds_more_than_the_limit_of_any_size_also_while_it_changes(steps: list[Step]) -> None:
    window, admitted = Window(), list[int]()
    for now, limit in instants(steps):
        decision = admit(window, now, limit)
        if decision.admitted:
            assert in_last_minute(admitted, now) < limit
            admitted.append(now)
        window = decision.window
        assert len(window.stamps) <= EXACT_UP_TO + 1
        assert limit <= EXACT_UP_TO or not decision.admitted or len(window.stamps) <= MOST_BUCKETS
        assert unpack(pack(window)) == window


@given(schedules(FORWARD, LOW))
def test_a_clock_that_runs_forward_gets_exactly_the_decisions_of_the_oracle(steps: list[Step]) -> None:
    window, admitted = Window(), list[int]()
    for now, limit in instants(steps):
        used = in_last_minute(admitted, now)
        decision = admit(window, now, limit)
        assert decision.admitted == (used < limit)
        assert decision.limit == limit
        assert decision.remaining == max(0, limit - used - 1)
        if decision.admitted:
            admitted.append(now)
        else:
            assert decision.window is window
        window = decision.window


@given(st.lists(st.integers(0, MINUTE - 1), max_size=20), LOW)
def test_a_clock_that_jumps_within_a_minute_gets_exactly_the_decisions_of_the_oracle(at: list[int], limit: int) -> None:
    """Nothing has left the window yet, so that nothing is forgotten; requests of the future count."""
    window, admitted = Window(), list[int]()
    for now in [START + after for after in at]:
        decision = admit(window, now, limit)
        assert decision.admitted == (in_last_minute(admitted, now) < limit)
        admitted += [now] * decision.admitted
        window = decision.window


def test_a_request_counts_for_60_seconds_and_not_a_microsecond_longer() -> None:
    full = admit(Window(), START, 1).window
    assert not admit(full, START + MINUTE - 1, 1).admitted
    assert admit(full, START + MINUTE, 1).admitted


def test_a_bucket_counts_until_60_seconds_after_the_last_microsecond_of_its_second() -> None:
    full = Window()
    for _ in range(601):
        full = admit(full, START, 601).window
    end = START - START % SECOND + SECOND - 1
    assert full.stamps == ((end, 601),)
    assert not admit(full, end + MINUTE - 1, 601).admitted
    assert admit(full, end + MINUTE, 601).admitted


def test_what_left_the_window_still_counts_for_a_clock_that_jumped_ahead_and_came_back() -> None:
    window = Window()
    for _ in range(3):
        window = admit(window, START, 3).window
    window = admit(window, START + 3600 * SECOND, 3).window
    assert window.stamps == ((START, 3), (START + 3600 * SECOND, 1))
    assert not admit(window, START + 1, 3).admitted
    assert admit(window, START + MINUTE, 3).admitted


def test_setting_the_clock_back_refuses_no_longer_than_it_was_set_back() -> None:
    window, now = Window(), START
    for _ in range(200):
        now += 25 * SECOND
        decision = admit(window, now, 3)
        assert decision.admitted
        window = decision.window
    assert not admit(window, now - 24 * SECOND, 3).admitted
    assert admit(window, now + 25 * SECOND, 3).admitted


def test_a_lower_limit_applies_at_once_and_a_higher_one_too() -> None:
    window = Window()
    for gap in range(5):
        window = admit(window, START + gap * SECOND, 5).window
    now = START + 5 * SECOND
    lowered = admit(window, now, 2)
    assert not lowered.admitted
    assert lowered.reset_seconds == 58  # four of the five must leave, not one
    raised = admit(window, now, 7)
    assert (raised.admitted, raised.remaining, raised.reset_seconds) == (True, 1, 55)


@pytest.mark.parametrize("limit", [EXACT_UP_TO, EXACT_UP_TO + 1, 100_000])
def test_a_full_minute_at_the_edges_of_the_exact_kind(limit: int) -> None:
    window, admitted = Window(), 0
    for request in range(700):
        decision = admit(window, START + request, limit)
        window, admitted = decision.window, admitted + decision.admitted
    assert admitted == min(limit, 700)
    assert len(window.stamps) == (limit if limit <= EXACT_UP_TO else 1)


@pytest.mark.parametrize(("before", "after"), [(600, 700), (700, 600)])
def test_switching_between_exact_instants_and_buckets_forgets_nobody(before: int, after: int) -> None:
    window = Window()
    for request in range(300):
        window = admit(window, START + request * SECOND // 10, before).window
    now = START + 30 * SECOND
    assert admit(window, now, after).remaining == after - 301
    assert not admit(admit(window, now, after).window, now, 301).admitted
    assert admit(admit(window, now, after).window, now, 302).admitted


@pytest.mark.parametrize("gap", [-100 * SECOND, -SECOND // 2, 999 * SECOND // 1000, 61 * SECOND])
def test_buckets_stay_few_however_the_clock_runs(gap: int) -> None:
    window, now, latest, admitted = Window(), START, 0, 0
    for _ in range(300):
        now += gap
        latest = max(latest, now)
        decision = admit(window, now, 10_000)
        window, admitted = decision.window, admitted + decision.admitted
        assert len(window.stamps) <= MOST_BUCKETS
        assert window.stamps[-1][0] >= latest  # nobody is moved to an earlier instant
        assert all(earlier < later for (earlier, _), (later, _) in pairwise(window.stamps))
    assert admitted == 300
    assert sum(count for _, count in window.stamps) == 300


def test_exact_stamps_stay_few_while_the_clock_runs_backwards() -> None:
    window, now = Window(), START
    for _ in range(1300):
        now -= 100 * SECOND
        window = admit(window, now, EXACT_UP_TO).window
        assert len(window.stamps) <= EXACT_UP_TO
    assert not admit(window, now, EXACT_UP_TO).admitted


@pytest.mark.parametrize("limit", [0, -1, MOST_COUNTED + 1])
def test_a_limit_that_is_none_is_refused_as_a_mistake(limit: int) -> None:
    with pytest.raises(ValueError, match="limit"):
        admit(Window(), START, limit)


def test_the_highest_limit_leaves_a_state_that_can_be_packed() -> None:
    assert (MOST_COUNTED, MOST_BUCKETS) == (2**32 - 1, 62)
    nearly = Window.of((START, MOST_COUNTED - 1))
    full = admit(nearly, START + 1, MOST_COUNTED)
    assert (full.admitted, full.remaining) == (True, 0)
    assert unpack(pack(full.window)) == full.window


def test_what_left_the_window_is_counted_no_further_than_it_can_be_packed() -> None:
    window = Window.of((START, MOST_COUNTED), (START + 1, 7))
    later = admit(window, START + 2 * MINUTE, 60).window
    assert later.stamps[0] == (START + 1, MOST_COUNTED)
    assert unpack(pack(later)) == later


# --- what the answers say ---------------------------------------------------------------------------------------------


@given(schedules(ANY_WAY, LOW))
def test_waiting_as_long_as_a_refusal_says_admits_and_a_whole_second_less_does_not(steps: list[Step]) -> None:
    window = Window()
    for now, limit in instants(steps):
        decision = admit(window, now, limit)
        window = decision.window
        assert decision.reset_seconds >= 1
        if not decision.admitted:
            assert admit(window, now + decision.reset_seconds * SECOND, limit).admitted
            assert not admit(window, now + (decision.reset_seconds - 1) * SECOND, limit).admitted


@settings(max_examples=40)
@given(BURSTS)
def test_waiting_as_long_as_a_refusal_says_admits_with_buckets_too(steps: list[Step]) -> None:
    window = Window()
    for now, limit in instants(steps):
        decision = admit(window, now, limit)
        window = decision.window
        if not decision.admitted:
            assert admit(window, now + decision.reset_seconds * SECOND, limit).admitted


@given(schedules(ANY_WAY, LOW))
def test_after_an_admission_the_reset_is_when_one_more_is_free(steps: list[Step]) -> None:
    window = Window()
    for now, limit in instants(steps):
        decision = admit(window, now, limit)
        window = decision.window
        if decision.admitted:
            live = sum(count for instant, count in window.stamps if instant > now - MINUTE)
            later = now + decision.reset_seconds * SECOND
            still = sum(count for instant, count in window.stamps if instant > later - MINUTE)
            sooner = sum(count for instant, count in window.stamps if instant > later - SECOND - MINUTE)
            assert decision.remaining == limit - live
            assert still < live == sooner


# --- the check itself -------------------------------------------------------------------------------------------------


def fixed_window(window: Window, now: int, limit: int) -> Decision:
    """The mistake that everybody makes once: it counts by the minute of the clock and forgets at its edge."""
    minute = now - now % MINUTE
    count = next((count for instant, count in window.stamps if instant == minute), 0)
    if count >= limit:
        return Decision(admitted=False, window=window, limit=limit, remaining=0, reset_seconds=1)
    after = Window.of((minute, count + 1))
    return Decision(admitted=True, window=after, limit=limit, remaining=limit - count - 1, reset_seconds=1)


def forgetful(window: Window, now: int, limit: int) -> Decision:
    """A rolling window that drops what has left it; a clock that jumps ahead and comes back empties it."""
    decision = admit(window, now, limit)
    kept = tuple(stamp for stamp in decision.window.stamps if stamp[0] > now - MINUTE)
    return Decision(decision.admitted, Window.of(*kept), limit, decision.remaining, decision.reset_seconds)


def impatient(window: Window, now: int, limit: int) -> Decision:
    """Lets everything leave one microsecond early."""
    decision = admit(window, now + 1, limit)
    kept = tuple(
        (instant - 1, count) if instant == now + 1 else (instant, count) for instant, count in decision.window.stamps
    )
    return Decision(decision.admitted, Window.of(*kept), limit, decision.remaining, decision.reset_seconds)


@pytest.mark.parametrize(("broken", "gaps"), [(fixed_window, FORWARD), (forgetful, ANY_WAY), (impatient, FORWARD)])
def test_the_check_finds_limiters_that_break_the_promise(broken: Limiter, gaps: st.SearchStrategy[int]) -> None:
    careful = settings(max_examples=20_000, derandomize=True, database=None, deadline=None)
    found = find(schedules(gaps, LOW), lambda steps: not keeps_the_promise(broken, steps), settings=careful)
    assert not keeps_the_promise(broken, found)
    assert keeps_the_promise(admit, found)


# --- packing ----------------------------------------------------------------------------------------------------------

WINDOWS = st.dictionaries(
    st.integers(-(2**62), 2**62) | st.integers(START, START + 3 * MINUTE),
    st.just(1) | st.integers(1, MOST_COUNTED),
    max_size=30,
).map(lambda counts: Window.of(*sorted(counts.items())))


@given(WINDOWS)
def test_a_packed_window_unpacks_to_itself_and_stays_small(window: Window) -> None:
    data = pack(window)
    assert unpack(data) == window
    assert len(data) <= 13 + 12 * max(0, len(window.stamps) - 1)


def test_an_empty_window_packs_to_nothing() -> None:
    assert pack(Window()) == b""
    assert unpack(b"") == Window()


def test_a_full_window_of_60_takes_249_bytes_also_with_what_has_left_it() -> None:
    stamps = tuple((START + second * SECOND, 1) for second in range(60))
    assert len(pack(Window.of(*stamps))) == 249
    assert len(pack(Window.of((START - 70 * SECOND, 1_234_567), *stamps[:59]))) == 249


def test_distances_grow_to_8_bytes_only_where_they_must() -> None:
    assert len(pack(Window.of((START, 1), (START + 2**32 - 1, 1)))) == 13 + 4
    assert len(pack(Window.of((START, 1), (START + 2**32, 1)))) == 13 + 8
    assert len(pack(Window.of((START, 1), (START + 2**32, 2)))) == 13 + 12


@given(WINDOWS, st.integers(1, 12))
def test_bytes_that_are_cut_off_or_of_an_unknown_form_are_refused(window: Window, cut: int) -> None:
    data = pack(window)
    if data:
        with pytest.raises(ValueError, match="shape"):
            unpack(b"\x04" + data[1:])
        with pytest.raises(ValueError, match="cut off"):
            unpack(data[: 13 - cut])
        with pytest.raises(ValueError, match="shape"):
            unpack(data + b"\0")
