"""``lathe send``: a stored body, sent as the provider would send it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import BinaryIO, Final
from urllib.request import Request
from uuid import UUID

import click

from lathe.adapters.clock import SystemClock
from lathe.adapters.ids import RandomIds
from lathe.application.hooks import signers
from lathe.domain.errors import NotFound
from lathe.domain.hook import Provider
from lathe.entrypoints.cli.output import json_option, note, show
from lathe.entrypoints.cli.parameters import LOCAL, opened
from lathe.entrypoints.compose import PROVIDERS
from lathe.entrypoints.provider_requests import event_of, headers_of, signature_of
from lathe_report.command import in_words, server_address, told
from lathe_report.report import Failure, Misuse
from lathe_report.sending import Answer, reason, tried

PATIENCE: Final = 15.0
"""Seconds to wait for the answer."""


@click.command("send")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--provider",
    required=True,
    type=click.Choice([provider.value for provider in PROVIDERS]),
    help="Whose body it is.",
)
@click.option("--hook", metavar="HOOK", help="Send to this hook, by id, signed with its secret from the database here.")
@click.option("--key", help="Send with this API key; without --hook, LATHE_API_KEY is taken.")
@click.option("--event", help="The provider's name of the event; what the body looks like without this.")
@click.option("--delivery-id", metavar="ID", help="The provider's id of the delivery; a new one without this.")
@json_option
def command(
    *,
    file: BinaryIO,
    provider: str,
    hook: str | None,
    key: str | None,
    event: str | None,
    delivery_id: str | None,
    as_json: bool,
) -> None:
    """Send a stored body as the provider would, with its headers and signature; FILE may be - for standard input.

    LATHE_URL names the server; without it, the one that runs beside this database.

    \b
    Examples:
      lathe send status.json --provider bitbucket --hook 01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e
      LATHE_API_KEY=… lathe send run.json --provider github
    """
    sender, body = Provider(provider), file.read()
    delivery_id = delivery_id or str(RandomIds().new())
    headers = headers_of(sender, _event(sender, body) if event is None else event, delivery_id)
    if hook and key:
        raise click.UsageError("a hook has a secret of its own: give --hook or --key")
    address = _address()
    path = f"/api/webhooks/{provider}"
    if hook:
        path += f"/{hook}"
        headers |= signature_of(sender, _secret(sender, hook), body, delivery_id, SystemClock().now())
    else:
        headers["Authorization"] = f"Bearer {_key(key)}"
    note(f"Delivery {delivery_id}")
    outcome = _sent(Request(address + path, body, headers, method="POST"))  # noqa: S310 - of http or https, as checked
    show(outcome, [in_words(outcome)], as_json=as_json)


def _event(provider: Provider, body: bytes) -> str:
    with suppress(ValueError, RecursionError):
        return event_of(provider, json.loads(body))
    return ""


def _address() -> str:
    address = os.environ.get("LATHE_URL") or os.environ.get("LATHE_BASE_URL") or LOCAL
    try:
        return server_address({"LATHE_URL": address})
    except Misuse as misuse:
        raise click.UsageError(str(misuse)) from None


def _key(given: str | None) -> str:
    key = given or os.environ.get("LATHE_API_KEY", "")
    if not key.isascii() or not key.strip().isprintable() or not key.strip():
        raise click.UsageError("give --hook with a hook's id, or --key or LATHE_API_KEY with an API key")
    return key.strip()


def _secret(provider: Provider, hook: str) -> bytes:
    """Return the newest secret of a live hook. Raises NotFound."""
    with opened() as at, suppress(ValueError):
        for secret in signers(at.store, at.box, UUID(hook), provider).secrets:
            return secret
    raise NotFound(f"there is no live hook {hook} for {provider.value}")


def _sent(request: Request) -> dict[str, object]:
    """Send once, as it is: what a provider would be answered is what is to be seen."""
    got = tried(request, PATIENCE)
    try:
        if isinstance(got, Answer):
            return told(got)
        raise click.ClickException(reason(got))
    except Failure as failure:
        raise click.ClickException(str(failure)) from None
