"""What a provider's request carries besides its body: its headers, and how it signs. Each provider is one entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from attrs import frozen

from lathe.domain.hook import Provider, hub_signature, standard_signature
from lathe.entrypoints.sample_bodies import event_headers

Headers = dict[str, str]


@frozen
class Sender:
    """How a provider sends. ``events`` are those that carry builds, each with a field that only its bodies have.

    ``about`` makes headers of event and delivery id, ``sign`` those that prove the secret, from secret, body, delivery
    id and time.
    """

    events: Mapping[str, str]
    about: Callable[[str, str], Headers]
    sign: Callable[[bytes, bytes, str, datetime], Headers]


def event_of(provider: Provider, fields: object) -> str:
    """Return the event that a body must belong to; empty where the provider has none, or has none that fits."""
    for field, event in SENDERS[provider].events.items():
        if isinstance(fields, dict) and field in fields:
            return event
    return ""


def headers_of(provider: Provider, event: str, delivery_id: str) -> Headers:
    """Return the headers that tell what is sent."""
    return {"Content-Type": "application/json", **SENDERS[provider].about(event, delivery_id)}


def signature_of(provider: Provider, secret: bytes, body: bytes, delivery_id: str, now: datetime) -> Headers:
    """Return the headers that prove who sends."""
    return SENDERS[provider].sign(secret, body, delivery_id, now)


def _hub(name: str) -> Callable[[bytes, bytes, str, datetime], Headers]:
    def sign(secret: bytes, body: bytes, _delivery_id: str, _now: datetime) -> Headers:
        return {name: hub_signature(secret, body)}

    return sign


def _about_github(event: str, delivery_id: str) -> Headers:
    return {"User-Agent": "GitHub-Hookshot/0", "X-GitHub-Event": event, "X-GitHub-Delivery": delivery_id}


def _about_gitlab(event: str, delivery_id: str) -> Headers:
    return {"User-Agent": "GitLab/17", "X-Gitlab-Event": event, "Idempotency-Key": delivery_id}


def _signed_by_gitlab(secret: bytes, body: bytes, delivery_id: str, now: datetime) -> Headers:
    """Sign as GitLab does with a signing token; a secret of another form is its plain token."""
    timestamp = str(int(now.timestamp()))
    signature = standard_signature(secret, delivery_id, timestamp, body)
    if signature is None:
        return {"X-Gitlab-Token": secret.decode()}
    return {"webhook-id": delivery_id, "webhook-timestamp": timestamp, "webhook-signature": signature}


def _about_generic(_event: str, delivery_id: str) -> Headers:
    return {"Idempotency-Key": delivery_id}


SENDERS: Final[Mapping[Provider, Sender]] = {
    Provider.BITBUCKET: Sender(
        {
            "commit_status": "repo:commit_status_updated",
            "resourceSpans": "pipeline:span_created",
            "test": "diagnostics:ping",
            "commit": "build:status",
        },
        event_headers,
        _hub("X-Hub-Signature"),
    ),
    Provider.GITHUB: Sender(
        {"workflow_run": "workflow_run", "zen": "ping"}, _about_github, _hub("X-Hub-Signature-256")
    ),
    Provider.GITLAB: Sender({"object_attributes": "Pipeline Hook"}, _about_gitlab, _signed_by_gitlab),
    Provider.GENERIC: Sender({}, _about_generic, _hub("X-Hub-Signature-256")),
}
