"""What a person sees who connects a CI: which steps are done, and what has arrived since."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from attrs import frozen

from lathe.application.intake import BuildView, EntryView
from lathe.application.lists import BuildFilter, EntryFilter, ProjectFilter
from lathe.application.ports import Store, Transaction
from lathe.application.views import build_view, entry_view
from lathe.domain.api_key import Scope
from lathe.domain.delivery import Delivery
from lathe.domain.project import Project
from lathe.domain.repo_url import RepoUrl

ARRIVALS_SHOWN: Final = 5
_LOOKED_AT: Final = 50
"""How many of the last are looked through for those that are wanted."""


@frozen
class FirstSteps:
    """How far a new organization has come on the way to its first build.

    ``project`` is the one to go on with: one with an active release, where there is one.
    """

    project: Project | None
    released: bool
    connected: bool
    arrived: bool


def first_steps(store: Store, organization_id: UUID) -> FirstSteps:
    """Return what is there already: a project, an active release, a credential for a CI, a build (filed or waiting)."""

    def work(tx: Transaction) -> FirstSteps:
        active = tx.releases.active(organization_id, 1)
        newest = tx.projects.page(organization_id, ProjectFilter(), 1, None)
        project = tx.projects.get(organization_id, active[0].project_id) if active else next(iter(newest), None)
        builds = tx.builds.page(organization_id, BuildFilter(), 1, None)
        entries = tx.entries.page(organization_id, EntryFilter(status=None), 1, None)
        return FirstSteps(project, bool(active), _connected(tx, organization_id), bool(builds or entries))

    return store.read(work)


def _connected(tx: Transaction, organization_id: UUID) -> bool:
    """Tell whether there is anything that a CI could report with."""
    if any(hook.live() for hook in tx.hooks.all(organization_id)):
        return True
    now = tx.now()
    return any(key.usable(now) and Scope.BUILDS_CREATE in key.scopes for key in tx.keys.all(organization_id))


def known_repository(store: Store, organization_id: UUID) -> RepoUrl | None:
    """Return the address of a repository that belongs to the newest project that has any, to try things with."""

    def work(tx: Transaction) -> RepoUrl | None:
        newest = [project.id for project in tx.projects.page(organization_id, ProjectFilter(), _LOOKED_AT, None)]
        found = tx.repositories.of_projects(organization_id, newest)
        urls = (repository.url for one in newest for repository, _ in found.get(one, ()))
        return next((url for url in urls if url), None)

    return store.read(work)


@frozen
class Arrival:
    """A delivery and where it went: to a build, to a queue entry, or nowhere, which the delivery's reason explains."""

    delivery: Delivery
    build: BuildView | None = None
    entry: EntryView | None = None


@frozen
class Arrivals:
    """What has come in since a time, newest first, and how many requests to webhooks made since then were refused."""

    rows: list[Arrival]
    refused: int
    now: datetime

    @property
    def builds(self) -> bool:
        """Whether a build was among it, filed or waiting."""
        return any(one.build or one.entry for one in self.rows)


def arrivals(store: Store, organization_id: UUID, since: datetime) -> Arrivals:
    """Return the last deliveries that were received at ``since`` or later."""

    def work(tx: Transaction) -> Arrivals:
        last = tx.deliveries.newest(organization_id, _LOOKED_AT)
        came = [delivery for delivery in last if delivery.received_at >= since][:ARRIVALS_SHOWN]
        fresh = [hook for hook in tx.hooks.all(organization_id) if hook.created_at >= since]
        return Arrivals([_arrival(tx, one) for one in came], sum(hook.refused for hook in fresh), tx.now())

    return store.read(work)


def _arrival(tx: Transaction, delivery: Delivery) -> Arrival:
    if delivery.build_id:
        return Arrival(delivery, build=build_view(tx, tx.builds.get(delivery.organization_id, delivery.build_id)))
    if delivery.entry_id:
        return Arrival(delivery, entry=entry_view(tx, tx.entries.get(delivery.organization_id, delivery.entry_id)))
    return Arrival(delivery)
