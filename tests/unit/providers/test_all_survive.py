"""Whatever arrives for any provider, reading it ends in a value, and what was read fits the contract's limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lathe.domain.build_report import BuildReport
from lathe.domain.hook import Provider
from tests.unit.providers import payloads
from tests.unit.providers.test_bitbucket_survives import almost_good, any_json, any_text, read_by

EVENTS = {
    Provider.BITBUCKET: ("x-event-key", ("repo:commit_status_updated", "pipeline:span_created", "build:status")),
    Provider.GITHUB: ("x-github-event", ("workflow_run", "ping", "check_run")),
    Provider.GITLAB: ("x-gitlab-event", ("Pipeline Hook", "System Hook", "Job Hook")),
    Provider.GENERIC: ("x-event", ("anything",)),
}
IDS = ("x-request-uuid", "x-request-id", "x-github-delivery", "idempotency-key", "webhook-id", "x-gitlab-event-uuid")
BODIES = {
    provider: [payloads.payload(provider, name) for name in sorted(payloads.names(provider))] for provider in Provider
}


def headers_of(provider: Provider) -> st.SearchStrategy[dict[str, str]]:
    name, events = EVENTS[provider]
    ids = st.dictionaries(st.sampled_from(IDS), any_text, max_size=2)
    named = (st.sampled_from(events) | any_text).map(lambda event: {name: event})
    return st.builds(lambda some, event: {**some, **event}, ids, named | st.just({}))


@pytest.mark.parametrize("provider", Provider)
@given(st.data())
def test_any_bytes_with_any_headers_can_be_read(provider: Provider, data: st.DataObject) -> None:
    body = data.draw(st.binary() | any_json.map(lambda value: json.dumps(value).encode()))
    read_by(provider, data.draw(headers_of(provider)), body)


@pytest.mark.parametrize("provider", Provider)
@given(st.data())
def test_a_body_that_is_almost_good_can_be_read(provider: Provider, data: st.DataObject) -> None:
    body: Any = data.draw(almost_good(BODIES[provider]))
    read_by(provider, data.draw(headers_of(provider)), json.dumps(body).encode())


@pytest.mark.parametrize("provider", Provider)
@given(st.data())
def test_what_nobody_reads_changes_nothing(provider: Provider, data: st.DataObject) -> None:
    """More fields, anywhere at the top, as vendors add them; our own form alone knows all of its fields."""
    body = data.draw(st.sampled_from(BODIES[provider]))
    more = data.draw(st.dictionaries(any_text.map("x_{}".format), any_json, max_size=3))
    told = read_by(provider, {}, json.dumps(body).encode()).content
    if provider is not Provider.GENERIC and isinstance(told, BuildReport):
        assert read_by(provider, {}, json.dumps({**more, **body}).encode()).content == told
