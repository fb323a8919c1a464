"""Deliveries of every kind in a filled world: what a CI sent, and what became of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from lathe.adapters.http.reports import read_report
from lathe.application import keys, projects, replay
from lathe.application.intake import Incoming, Presented, Received
from lathe.application.receive import receive
from lathe.domain.api_key import Scope, key_hash
from lathe.domain.delivery import API, CredentialKind
from lathe.domain.hook import Provider
from lathe.domain.project import Files
from lathe.entrypoints.sample_bodies import commit_status, event_headers
from tests.unit.ui.sample import ARABIC, LONG
from tests.unit.ui.world import World

UPDATED = "repo:commit_status_updated"
SENT = ("filed", "known", "queued", "running", "failed", "push", "broken", "reported", "odd", "long")
"""The deliveries of a world that `deliver` was called for."""


def presented(world: World) -> Presented:
    """Return the credential of a new key."""
    _, text = keys.create(
        world.parts.store, world.parts.ids, world.caller, "Bitbucket pipelines", {Scope.BUILDS_CREATE}, rate_limit=None
    )
    return Presented(CredentialKind.KEY, key_hash=key_hash(text))


def send(world: World, body: Any, event: str = UPDATED, by: Presented | None = None) -> UUID:
    """Let Bitbucket send something, and return the delivery's id."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {name.lower(): value for name, value in event_headers(event, str(world.parts.ids.new())).items()}
    reading = world.parts.parsers[Provider.BITBUCKET].read(headers, content)
    return taken(world, Incoming(by or presented(world), "bitbucket", reading, content, headers))


def report(world: World, by: Presented | None = None, **facts: Any) -> UUID:
    """Report a build in our own form, and return the delivery's id."""
    content = json.dumps({"name": "Build", **facts}).encode()
    headers = {"content-type": "application/json"}
    return taken(world, Incoming(by or presented(world), API, read_report(content), content, headers))


def taken(world: World, incoming: Incoming) -> UUID:
    """Receive a delivery, a minute after the last one, and return its id."""
    world.clock.advance(timedelta(seconds=61))
    (answer,) = receive(world.parts.store, world.parts.ids, [incoming])
    if isinstance(answer, Received):
        return answer.delivery_id
    return world.parts.store.read(lambda tx: tx.deliveries.newest(world.acme.id, 1))[0].id


def deliver(world: World) -> World:
    """Let a delivery of each kind come, by a name in ``world.ids``."""
    by, hook = presented(world), Presented(CredentialKind.HOOK, hook_id=world.ids["hook"])
    ids = world.ids
    ids["filed"] = send(world, commit_status(number=901), by=hook)
    ids["known"] = send(world, commit_status(number=901), "repo:commit_status_created", by=hook)
    ids["queued"] = send(world, commit_status(number=7, repository="acme/warehouse"), by=by)
    ids["running"] = send(world, commit_status(number=902, state="INPROGRESS"), by=by)
    ids["failed"] = send(world, commit_status(number=903, state="FAILED"), by=hook)
    ids["push"] = send(world, {"repository": {"full_name": "acme/pay-api"}}, "repo:push", by=hook)
    ids["broken"] = send(world, b'{"commit_status": ', by=by)
    console = "https://git.corp.test/tools/console"
    ids["reported"] = report(world, by, name="Nightly", repo_url=console, branch="develop")
    ids["odd"] = report(world, by, name=ARABIC, branch="ميزة/دفع", repo_url="https://bitbucket.org/acme/ledger")
    ids["long"] = report(world, by, name=LONG, branch=LONG[:200], repo_url=f"https://bitbucket.org/acme/{LONG[:120]}y")
    world.parts.store.write(lambda tx: tx.hooks.count_refused({ids["hook"]: 12}))
    return world


def file_every_build_of_pay(world: World) -> None:
    """Let the project learn to file failed builds too."""
    projects.change(world.parts.store, world.caller, world.ids["Pay"], files=Files.FINISHED)


def replayed(world: World, name: str) -> None:
    """File a delivery again, and keep the id of its replay."""
    parts = world.parts
    assert replay.file(parts.store, parts.ids, parts.readers, world.caller, world.ids[name]).filed
    world.ids[f"replay of {name}"] = parts.store.read(lambda tx: tx.deliveries.newest(world.acme.id, 1))[0].id
