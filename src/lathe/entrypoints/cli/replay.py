"""``lathe replay``: a stored delivery under the rules of today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

import click

from lathe.adapters.http.deliveries import shown
from lathe.adapters.http.reports import OwnParser
from lathe.adapters.web.written import dumped
from lathe.application import replay
from lathe.application.caller import command_caller
from lathe.application.ports import Transaction
from lathe.application.replay import Now, Replay
from lathe.domain.delivery import API, Delivery, DeliveryStatus
from lathe.domain.errors import NotFound
from lathe.entrypoints.cli.output import json_option, show, timestamp
from lathe.entrypoints.cli.parameters import any_org_option, chosen_organizations, opened
from lathe.entrypoints.compose import PARSERS, Workbench


@click.command("replay")
@click.argument("delivery", type=click.UUID)
@any_org_option
@click.option("--file", is_flag=True, help="File it, or let it wait in the Build Queue. Nothing is filed twice.")
@json_option
def command(delivery: UUID, org: str | None, file: bool, as_json: bool) -> None:
    """Show what became of a delivery then, and what would become of it by today's rules; store nothing.

    With --file it is filed, once: it becomes a build, or waits in the Build Queue.

    \b
    Examples:
      lathe replay 01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e
      lathe replay 01990a3c-7f6e-7d51-9f53-6a5d6c2f8b1e --file
    """
    with opened() as at:
        found = _found(at, delivery, org)
        run = replay.file if file else replay.try_again
        readers = {provider.value: parser for provider, parser in PARSERS.items()} | {API: OwnParser()}
        done = run(at.store, at.ids, readers, command_caller(found.organization_id), found.id)
    show(json.loads(dumped(shown(done))), _lines(done, delivery), as_json=as_json)


def _found(at: Workbench, delivery_id: UUID, org: str | None) -> Delivery:
    organizations = chosen_organizations(at.store, org)

    def work(tx: Transaction) -> Delivery:
        for organization in organizations:
            with suppress(NotFound):
                return tx.deliveries.get(organization.id, delivery_id)
        raise NotFound(f"there is no delivery {delivery_id}")

    return at.store.read(work)


def _lines(done: Replay, asked: UUID) -> Iterator[str]:
    then = done.delivery
    yield f"Delivery {then.id} from {then.source}, received {timestamp(then.received_at)}"
    yield f"  then  {_outcome(then.status, then.reason.detail if then.reason else None)}"
    yield f"  now   {_now(done.now)}"
    for step in done.now.placement.steps if done.now.placement else ():
        yield f"          {step.detail}"
    if done.filed:
        yield "Filed" if done.now.build else "It waits in the Build Queue now"
    elif done.now.files:
        yield f"Nothing was stored. To file it: lathe replay {asked} --file"
    else:
        yield "Nothing was stored: there is nothing to file"


def _now(now: Now) -> str:
    if now.build:
        where = f"filed under {now.build.project.name} {now.build.release.name}"
        return _outcome(now.status, f"build {now.build.build.id}, {where}")
    if now.project and now.release:
        return _outcome(now.status, f"goes to {now.project.name} {now.release.name}")
    if now.entry:
        return _outcome(now.status, f"queue entry {now.entry.entry.id}: {now.entry.entry.reason.detail}")
    return _outcome(now.status, now.reason.detail if now.reason else None)


def _outcome(status: DeliveryStatus, detail: str | None) -> str:
    return f"{status.value}: {detail}" if detail else status.value
