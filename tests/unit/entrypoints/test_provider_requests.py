"""What is sent as a provider would send it passes for the provider's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from lathe.adapters.http.signatures import SCHEMES, is_ping, proof_of
from lathe.domain.hook import Provider
from lathe.entrypoints.compose import PARSERS, PROVIDERS
from lathe.entrypoints.provider_requests import SENDERS, event_of, headers_of, signature_of

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
SECRETS = (b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b"It's a Secret to Everybody")


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def test_every_provider_that_is_taken_can_be_sent_for() -> None:
    assert set(SENDERS) == set(PROVIDERS) == set(SCHEMES)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_signature_holds_for_the_server_and_only_for_this_body(provider: Provider, secret: bytes) -> None:
    headers = lower(signature_of(provider, secret, b"{}", "delivery-1", NOW))

    proof = proof_of(provider, headers)

    assert proof is not None
    assert proof.holds([secret], b"{}", NOW)
    assert not proof.holds([b"another"], b"{}", NOW)


@pytest.mark.parametrize(
    ("provider", "body", "event"),
    [
        (Provider.BITBUCKET, {"commit_status": {}}, "repo:commit_status_updated"),
        (Provider.BITBUCKET, {"resourceSpans": []}, "pipeline:span_created"),
        (Provider.BITBUCKET, {"test": True}, "diagnostics:ping"),
        (Provider.BITBUCKET, {"commit": "1", "status": "x", "repository": {}}, "build:status"),
        (Provider.GITHUB, {"action": "completed", "workflow_run": {}}, "workflow_run"),
        (Provider.GITHUB, {"zen": "…"}, "ping"),
        (Provider.GITLAB, {"object_attributes": {}}, "Pipeline Hook"),
        (Provider.GITLAB, [], ""),
        (Provider.GENERIC, {"name": "x"}, ""),
    ],
)
def test_the_event_is_told_by_the_body(provider: Provider, body: object, event: str) -> None:
    assert event_of(provider, body) == event


@pytest.mark.parametrize("provider", PROVIDERS)
def test_event_and_delivery_id_are_where_the_parser_looks_for_them(provider: Provider) -> None:
    headers = lower(headers_of(provider, "some-event", "delivery-1"))

    reading = PARSERS[provider].read(headers, json.dumps({}).encode())

    event = None if provider is Provider.GENERIC else "some-event"
    assert (reading.event, reading.delivery_id) == (event, "delivery-1")
    assert headers["content-type"] == "application/json"


def test_a_ping_passes_for_one() -> None:
    assert is_ping(Provider.GITHUB, lower(headers_of(Provider.GITHUB, "ping", "1")))
    assert is_ping(Provider.BITBUCKET, lower(headers_of(Provider.BITBUCKET, "diagnostics:ping", "1")))
