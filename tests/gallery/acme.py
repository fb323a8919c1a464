"""A month of work of the demo's organization: builds come in through the public addresses, as from its CI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.request import Request, urlopen
from uuid import UUID

from lathe.application import hooks, keys, members, projects, releases, triage
from lathe.application.caller import Caller
from lathe.domain.api_key import Scope
from lathe.domain.hook import Provider
from lathe.domain.organization import Actor, Role
from lathe.domain.project import Files
from lathe.domain.queue_entry import RejectReason
from lathe.domain.release import ReleaseState
from lathe.entrypoints.sample import Sample, SampleDelivery, sample_deliveries
from lathe.entrypoints.sample_bodies import commit_status
from lathe.entrypoints.sample_client import SampleClient

if TYPE_CHECKING:
    from lathe.application.ports import Transaction
    from lathe.domain.project import Project
    from lathe.domain.release import Release
    from tests.unit.ui.world import World

DAYS: Final = 21
_PEOPLE: Final = ("Mira Holm", "Jonas Weber", "Aiko Tanaka", "Lena Brandt")
_TITLES: Final = ("Round half even", "Retry declined captures once", "Keep the basket after login", "Larger buttons")
_BUILDS_A_DAY: Final = (3, 5, 4, 6, 2, 0, 0, 4, 7, 5, 6, 3, 1, 0, 5, 8, 6, 7, 4, 0, 2)
"""Of Payments; the other projects have a part of it."""


Arrival: TypeAlias = tuple[datetime, Callable[[], None]]
"""When a delivery comes, and what sends it."""


def fill(world: World, demo: Sample, address: str, now: datetime) -> None:
    """Let a month pass until ``now``."""
    _settle(world)
    sender = _Sender(world, demo, address)
    arrivals = [*_waiting(sender, now), *_demo(sender, now)]
    for day in range(DAYS):
        arrivals += _work_of_a_day(world, sender, now - timedelta(days=DAYS - day), day)
    for at, send in sorted(arrivals, key=lambda arrival: arrival[0]):
        world.clock.set(at)
        send()
    _decide(world, now)
    _hand_out(world)


class _Sender:
    """Sends what CI systems send, and remembers under which name each thing is found."""

    def __init__(self, world: World, demo: Sample, address: str) -> None:
        self._client = SampleClient(address, demo)
        self._address = address
        self._key = demo.key
        self._ids = world.ids

    def bitbucket(self, repository: str, number: int, branch: str, now: datetime, state: str = "SUCCESSFUL") -> None:
        """Report the end of a pipeline."""
        title, author = _TITLES[number % len(_TITLES)], _PEOPLE[number % len(_PEOPLE)]
        body = commit_status(
            repository=repository, number=number, branch=branch, state=state, title=title, author=author, updated_on=now
        )
        delivery_id = f"{repository}-{number}"
        self.deliver(
            SampleDelivery(
                event="repo:commit_status_updated",
                delivery_id=delivery_id,
                repository=repository,
                branch=branch,
                body=json.dumps(body).encode(),
                signed=True,
                attempt=1,
                status=200,
                outcome="",
                why=None,
            )
        )

    def deliver(self, delivery: SampleDelivery) -> None:
        """Send a delivery as Bitbucket does."""
        answer = self._client.send(delivery)
        assert answer.status < 300, answer
        number = json.loads(delivery.body)["commit_status"]["url"].rpartition("/")[2]
        self._remember(f"{delivery.repository} {number}", answer.body)

    def report(self, **facts: Any) -> None:
        """Report a build with the API key, as a step in a pipeline does."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        request = Request(f"{self._address}/api/v1/builds", json.dumps(facts).encode(), headers)
        with urlopen(request) as answer:
            self._remember(facts["name"], json.load(answer))

    def _remember(self, name: str, body: dict[str, Any]) -> None:
        self._ids.setdefault(f"delivery of {name}", UUID(body["delivery_id"]))
        for kind in ("build", "queue_entry"):
            if stored := body.get(kind):
                self._ids[name] = UUID(stored["id"])


def _settle(world: World) -> None:
    """Look up what the demo made, and add what shows more."""
    parts, caller, ids = world.parts, world.caller, world.ids
    for project, its_releases in parts.store.read(lambda tx: _products(tx, world.acme.id)):
        ids[project.name] = project.id
        ids |= {f"{project.name} {release.name}": release.id for release in its_releases}
    made = projects.create(parts.store, parts.ids, caller, "Console", ["https://git.acme.example/tools/console"])
    ids["Console"] = made.project.id
    projects.change(parts.store, caller, ids["Web Shop"], files=Files.FINISHED)
    old = projects.create(parts.store, parts.ids, caller, "Fax Gateway", []).project
    projects.change(parts.store, caller, old.id, archived=True)
    ids["Fax Gateway"] = old.id


def _products(tx: Transaction, org: UUID) -> list[tuple[Project, list[Release]]]:
    return [(project, tx.releases.of_project(org, project.id)) for project in tx.projects.all(org)]


def _work_of_a_day(world: World, sender: _Sender, morning: datetime, day: int) -> Iterator[Arrival]:
    """Return the builds of a day."""
    for number in range(_BUILDS_A_DAY[day]):
        at = morning + timedelta(minutes=55 * number)
        run = 10 * (day + 1) + number
        branch = "hotfix/2.5.1" if run % 6 == 0 else "release/2.5"
        yield at, partial(sender.bitbucket, "acme/pay-api", 200 + run, branch, at)
        if number % 2:
            state = "FAILED" if run % 7 == 0 else "SUCCESSFUL"
            branch = "main" if run % 3 else "feature/one-page-checkout"
            yield at, partial(sender.bitbucket, "acme/web-shop", 100 + run, branch, at, state)
        if number % 3 == 0:
            mobile = {
                "name": f"5.0.0+{900 + run}",
                "build_number": str(900 + run),
                "source": "github",
                "branch": "main",
                "commit_sha": f"{run:04x}" * 10,
                "author": _PEOPLE[run % 4],
                "release_id": str(world.ids["Mobile App 5.0"]),
                "repo_url": "https://github.com/acme/field-app",
            }
            yield at, partial(sender.report, **mobile)
    if _BUILDS_A_DAY[day]:
        nightly = {"name": f"nightly-{morning:%m-%d}", "run_id": f"nightly/{day}", "branch": "release/2.5"}
        repo_url = "https://bitbucket.org/acme/pay-api"
        yield morning + timedelta(hours=9), partial(sender.report, source="jenkins", repo_url=repo_url, **nightly)


def _waiting(sender: _Sender, now: datetime) -> Iterator[Arrival]:
    """Return builds that have to wait."""
    for repository, number, branch, ago in (
        ("acme/ledger-import", 12, "main", timedelta(days=3)),
        ("acme/warehouse", 64, "main", timedelta(hours=26)),
        ("acme/web-shop-assets", 81, "main", timedelta(hours=7)),
        ("acme/pay-sandbox", 3, "experiment/no-tests", timedelta(hours=3)),
    ):
        yield now - ago, partial(sender.bitbucket, repository, number, branch, now - ago)
    console = {"branch": "develop", "commit_sha": "f3b7d50" * 5, "repo_url": "https://git.acme.example/tools/console"}
    yield now - timedelta(hours=2), partial(sender.report, name="console-1.4.0", source="jenkins", **console)


def _demo(sender: _Sender, now: datetime) -> Iterator[Arrival]:
    """Return the demo's deliveries."""
    for number, delivery in enumerate(sample_deliveries(now - timedelta(minutes=70))):
        yield now - timedelta(minutes=64 - 7 * number), partial(sender.deliver, delivery)


def _decide(world: World, now: datetime) -> None:
    """Let people decide about some of it, and activate a release that others wait for."""
    parts, ids = world.parts, world.ids
    tom = Caller(world.acme.id, Actor("user", world.people["tester"].user.id, world.people["tester"].user.name))
    world.clock.set(now - timedelta(minutes=12))
    assets, shop = ids["acme/web-shop-assets 81"], ids["Web Shop Spring"]
    triage.assign(parts.store, parts.ids, tom, assets, shop, remember_repository=True)
    triage.reject(parts.store, tom, ids["acme/pay-sandbox 3"], RejectReason.WRONG_BRANCH)
    world.clock.set(now - timedelta(minutes=6))
    releases.change(parts.store, world.caller, ids["Warehouse 1.0"], state=ReleaseState.ACTIVE)
    moved = ids["acme/web-shop 117"]
    triage.move(parts.store, tom, moved, ids["Mobile App 5.0"])
    triage.move(parts.store, world.caller, moved, shop)
    world.clock.set(now)


def _hand_out(world: World) -> None:
    """Give out keys, a webhook and an invitation."""
    parts, caller, ids = world.parts, world.caller, world.ids
    soon = world.clock.now() + timedelta(days=9)
    for name, scopes, expires in (
        ("Jenkins nightly", [Scope.BUILDS_CREATE], soon),
        ("Dashboard", [Scope.BUILDS_READ], None),
        ("Migration script", list(Scope), None),
    ):
        key, _ = keys.create(parts.store, parts.ids, caller, name, scopes, expires_at=expires, rate_limit=60)
        ids[f"key {name}"] = key.id
    keys.revoke(parts.store, caller, ids["key Migration script"])
    hook, _ = hooks.create(parts.store, parts.ids, parts.box, caller, Provider.BITBUCKET)
    hooks.rotate(parts.store, parts.ids, parts.box, caller, hook.id)
    ids["hook"] = hook.id
    ids["invited"] = members.invite(parts.store, parts.ids, caller, "lena@acme.example", Role.TESTER).user.id
