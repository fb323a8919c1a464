"""Whatever arrives, reading it ends in a value, and what was read fits the contract's limits."""

from __future__ import annotations

import copy
import json
from typing import Any

from attrs import asdict
from hypothesis import example, given
from hypothesis import strategies as st

from lathe.application.intake import Reading
from lathe.domain.build_report import BuildReport
from lathe.domain.errors import LatheError
from lathe.domain.hook import Provider
from lathe.domain.steps import Reason
from lathe.entrypoints.compose import PARSERS
from lathe.entrypoints.sample_bodies import commit_status, event_headers, pipeline_span

LIMITS = {"url": 2048, "commit_sha": 64}
EVENTS = ("repo:commit_status_created", "repo:commit_status_updated", "pipeline:span_created", "diagnostics:ping")

any_text = st.text(st.characters(codec=None)) | st.text(min_size=250, max_size=300)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.sampled_from(["x" * 3000, "refs/tags/v1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
any_headers = st.dictionaries(
    st.sampled_from(["x-event-key", "x-request-uuid", "x-request-id"]), st.sampled_from(EVENTS) | any_text
)


@st.composite
def places(draw: st.DrawFn, node: Any) -> tuple[Any, Any]:
    """A list or object at any depth, and an index or key of it, unless it is empty."""
    place = draw(st.sampled_from(list(node) if isinstance(node, dict) else range(len(node)))) if node else None
    inner = node[place] if node else None
    if isinstance(inner, dict | list) and inner and draw(st.integers(0, 3)) > 0:
        return draw(places(inner))
    return node, place


@st.composite
def almost_good(draw: st.DrawFn, bodies: list[Any]) -> Any:
    """One of these bodies in which a few places, at any depth, hold something else or nothing."""
    body = copy.deepcopy(draw(st.sampled_from(bodies)))
    for _ in range(draw(st.integers(1, 4))):
        node, place = draw(places(body))
        if node and draw(st.booleans()):
            node[place] = draw(any_json)
        elif node:
            del node[place]
    return body


def read(headers: dict[str, str], body: bytes) -> Reading:
    return read_by(Provider.BITBUCKET, headers, body)


def read_by(provider: Provider, headers: dict[str, str], body: bytes) -> Reading:
    reading = PARSERS[provider].read(headers, body)
    assert isinstance(reading.content, BuildReport | Reason | LatheError)
    for value in (reading.event, reading.delivery_id):
        assert value is None or fits(value, 255)
    if isinstance(reading.content, Reason):
        assert fits(reading.content.detail, 1000)
    if isinstance(reading.content, BuildReport):
        for name, value in asdict(reading.content.facts, recurse=False).items():
            assert not isinstance(value, str) or fits(value, LIMITS.get(name, 255)), (name, value)
    return reading


def fits(value: str, limit: int) -> bool:
    value.encode()  # half a character pair raises
    return 0 < len(value) <= limit and "\0" not in value


@given(any_headers, st.binary() | any_json.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_with_any_headers_can_be_read(headers: dict[str, str], body: bytes) -> None:
    read(headers, body)


@given(st.sampled_from(EVENTS), almost_good([commit_status(), pipeline_span()]))
@example(EVENTS[0], {"commit_status": {}, "resourceSpans": [], "test": True})
def test_a_body_that_is_almost_good_can_be_read(event: str, body: Any) -> None:
    encoded = json.dumps(body).encode()
    read({"x-event-key": event}, encoded)
    read({}, encoded)


@given(st.integers(0, 4000), st.binary(max_size=3))
def test_a_body_that_was_damaged_on_the_way_can_be_read(place: int, garbage: bytes) -> None:
    body = json.dumps(commit_status()).encode()
    read({"x-event-key": EVENTS[1]}, body[:place])
    read({"x-event-key": EVENTS[1]}, body[:place] + garbage + body[place + len(garbage) :])


@given(
    st.builds("/".join, st.tuples(*[st.from_regex(r"[a-z][a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True)] * 2)),
    st.integers(1, 10**9),
    st.from_regex(r"[a-zA-Z0-9]{1,20}(/[a-zA-Z0-9.-]{1,20}){0,2}", fullmatch=True),
)
def test_what_a_sample_body_was_made_of_is_what_is_read(repository: str, number: int, branch: str) -> None:
    status_headers = event_headers("repo:commit_status_updated", "6d3b-1")
    headers = {name.lower(): value for name, value in status_headers.items()}
    status = read(headers, json.dumps(commit_status(repository=repository, number=number, branch=branch)).encode())
    span = read({}, json.dumps(pipeline_span(repository=repository, number=number, branch=branch)).encode())
    assert status.delivery_id == "6d3b-1"
    assert isinstance(status.content, BuildReport)
    assert isinstance(span.content, BuildReport)
    assert status.content.facts.repo_url is not None
    assert status.content.facts.repo_url.full_name == repository
    for report in (status.content, span.content):
        assert (report.facts.build_number, report.facts.branch) == (str(number), branch)
    assert status.content.repository_uuid == span.content.repository_uuid
    assert status.content.facts.name == span.content.facts.name


def test_a_sample_status_is_as_large_as_a_real_one() -> None:
    assert 4_000 <= len(json.dumps(commit_status(), separators=(",", ":"))) <= 5_000
