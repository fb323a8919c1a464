"""The sample organization of the demo: what is in it, and the deliveries that show every way a build can go."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from attrs import frozen

from lathe.application import hooks, keys, login, organizations, projects, releases
from lathe.application.caller import command_caller
from lathe.application.ports import Ids, SecretBox, Store, Transaction
from lathe.domain.api_key import Scope
from lathe.domain.hook import Provider
from lathe.domain.organization import Member, Role, User
from lathe.domain.release import ReleaseState
from lathe.entrypoints.sample_bodies import commit_status

EMAIL: Final = "demo@acme.example"

_ACTIVE, _PLANNED, _CLOSED = ReleaseState.ACTIVE, ReleaseState.PLANNED, ReleaseState.CLOSED

_PROJECTS: Final[tuple[tuple[str, tuple[str, ...], tuple[tuple[str, ReleaseState, tuple[str, ...]], ...]], ...]] = (
    (
        "Payments",
        ("https://bitbucket.org/acme/pay-api",),
        (("2.4", _CLOSED, ()), ("2.5", _ACTIVE, ("release/2.5", "hotfix/2.5.*")), ("2.6", _PLANNED, ("main",))),
    ),
    ("Web Shop", ("git@bitbucket.org:acme/web-shop.git",), (("Spring", _ACTIVE, ()),)),
    ("Mobile App", (), (("5.0", _ACTIVE, ()),)),
    ("Billing Reports", (), (("1.8", _ACTIVE, ()),)),
    ("Billing Exports", (), (("3.1", _ACTIVE, ()),)),
    ("Warehouse", ("https://bitbucket.org/acme/warehouse",), (("1.0", _PLANNED, ()),)),
)
"""Name, repositories, and releases: name, state, branch patterns."""


@frozen
class Sample:
    """What the demo needs of its organization: the way in for deliveries and for the visitor."""

    organization_id: UUID
    slug: str
    hook_id: UUID
    hook_secret: bytes
    key: str
    login_token: str


@frozen
class SampleDelivery:
    """One request as Bitbucket Cloud sends it, and what must become of it.

    ``signed``: sent to the hook's address with a signature; otherwise with the API key, as a pipeline's step would.
    ``why`` is the reason's code where the build is not filed.
    """

    event: str
    delivery_id: str
    repository: str
    branch: str
    body: bytes
    signed: bool
    attempt: int
    status: int
    outcome: str
    why: str | None


def make_sample(store: Store, ids: Ids, box: SecretBox) -> Sample:
    """Make the sample organization in a database without one."""
    organization = organizations.create(store, ids, "Acme")
    caller = command_caller(organization.id)
    for name, repositories, its_releases in _PROJECTS:
        project = projects.create(store, ids, caller, name, repositories).project
        for release, state, patterns in its_releases:
            releases.create(store, ids, caller, project.id, release, state=state, branch_patterns=patterns)
    hook, secret = hooks.create(store, ids, box, caller, Provider.BITBUCKET)
    scopes = [Scope.BUILDS_CREATE, Scope.BUILDS_READ]
    _, key = keys.create(store, ids, caller, "Pipelines", scopes, rate_limit=600)
    token = login.login_link(store, ids, _admin(store, ids, organization.id))
    return Sample(organization.id, organization.slug, hook.id, secret.encode(), key, token)


def _admin(store: Store, ids: Ids, organization_id: UUID) -> UUID:
    """Make the admin, who has no password and comes in by a link alone; return the id."""
    user_id = ids.new()

    def work(tx: Transaction) -> None:
        now = tx.now()
        tx.users.add(User(user_id, EMAIL, EMAIL.partition("@")[0], now))
        tx.users.join(Member(organization_id, user_id, Role.ADMIN, now))

    store.write(work)
    return user_id


def sample_deliveries(now: datetime) -> list[SampleDelivery]:
    """Return the deliveries in the order to send them. The fourth is the first once more, as after a lost answer."""

    def delivery(
        repository: str,
        number: int,
        branch: str,
        expected: tuple[int, str, str | None],
        *,
        title: str,
        state: str = "SUCCESSFUL",
        signed: bool = True,
        attempt: int = 1,
        ago: int = 0,
    ) -> SampleDelivery:
        event = "repo:commit_status_created" if state == "INPROGRESS" else "repo:commit_status_updated"
        time = now - timedelta(seconds=ago)
        body = commit_status(
            repository=repository, number=number, branch=branch, state=state, title=title, updated_on=time
        )
        delivery_id = str(uuid5(NAMESPACE_URL, f"{event} {repository} {number}"))
        status, outcome, why = expected
        return SampleDelivery(
            event=event,
            delivery_id=delivery_id,
            repository=repository,
            branch=branch,
            body=json.dumps(body).encode(),
            signed=signed,
            attempt=attempt,
            status=status,
            outcome=outcome,
            why=why,
        )

    retry = "Retry declined captures once"
    basket = "Keep the basket after login"
    return [
        delivery("acme/pay-api", 482, "release/2.5", (201, "created", None), title=retry, ago=240),
        delivery(
            "acme/web-shop",
            117,
            "main",
            (200, "ignored", "build_not_finished"),
            title=basket,
            state="INPROGRESS",
            ago=180,
        ),
        delivery("acme/web-shop", 117, "main", (201, "created", None), title=basket, ago=90),
        delivery("acme/pay-api", 482, "release/2.5", (200, "duplicate", None), title=retry, attempt=2, ago=240),
        delivery(
            "acme/legacy-importer", 31, "main", (202, "queued", "no_project_match"), title="Read CP1252", signed=False
        ),
        delivery(
            "acme/billing", 208, "develop", (202, "queued", "ambiguous_project"), title="Round half even", signed=False
        ),
        delivery("acme/mobile", 940, "release/5.0", (202, "queued", "name_match_unconfirmed"), title="Larger buttons"),
        delivery("acme/warehouse", 66, "main", (202, "queued", "no_active_release"), title="Count pallets twice"),
    ]
