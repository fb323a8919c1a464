"""The ids of audit events."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.audit import event_id
from tests.samples import NOW

SUBJECT, OTHER = UUID("01900000-0000-7000-8000-000000000001"), UUID("01900000-0000-7000-9000-000000000001")

times = st.timedeltas(timedelta(0), timedelta(days=9000)).map(lambda later: NOW + later)


@given(times, st.uuids())
def test_it_is_a_uuid_of_version_7_that_says_when(time: datetime, subject: UUID) -> None:
    id_ = event_id(time, subject)
    assert (id_.version, id_.variant) == (7, "specified in RFC 4122")


@given(times, times)
def test_ids_sort_as_times_do(one: datetime, other: datetime) -> None:
    assert (event_id(one, SUBJECT) < event_id(other, SUBJECT)) == (one < other)


def test_it_holds_the_millisecond_as_every_other_id_does() -> None:
    assert event_id(NOW, SUBJECT).int >> 80 == int(NOW.timestamp() * 1000)


def test_it_tells_subjects_and_microseconds_apart() -> None:
    instants = [NOW + timedelta(microseconds=n) for n in range(2000)]
    ids = [event_id(at, subject) for at in instants for subject in (SUBJECT, OTHER)]
    assert len(set(ids)) == len(ids)
