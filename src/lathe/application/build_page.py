"""The page of a build: what it is, why it is where it is, what was heard of it, and what people did to it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from attrs import frozen

from lathe.application.choices import Choices, choices
from lathe.application.deliveries import credential_names
from lathe.application.history import history_of
from lathe.application.intake import BuildView
from lathe.application.ports import Store, Transaction
from lathe.application.views import build_view
from lathe.domain.audit import AuditEvent
from lathe.domain.delivery import Delivery
from lathe.domain.project import Project


@frozen
class BuildPage:
    """One build. ``choices`` are where it can be moved: among them every active release of its own project, and of the
    one that was asked for. ``projects`` are those that can be asked for where the choices are not complete.

    ``deliveries`` are those of the build and of the queue entry it came from; ``credentials`` are the names of the keys
    and people that they came by, by id. ``history`` is what people did to either, the last first.
    """

    view: BuildView
    choices: Choices
    projects: list[Project]
    deliveries: list[Delivery]
    credentials: dict[UUID, str]
    history: list[AuditEvent]
    now: datetime


def build_page(store: Store, organization_id: UUID, build_id: UUID, asked: UUID | None = None) -> BuildPage:
    """Return the page of a build; ``asked`` is a project whose releases are wanted. Raises NotFound."""

    def work(tx: Transaction) -> BuildPage:
        view = build_view(tx, tx.builds.get(organization_id, build_id))
        entry_id = view.build.entry_id
        offered = choices(tx, organization_id, {view.project.id, asked or view.project.id})
        projects = [] if offered.complete else tx.projects.all(organization_id)
        deliveries = tx.deliveries.of_subject(organization_id, build_id=build_id, entry_id=entry_id)
        return BuildPage(
            view,
            offered,
            [project for project in projects if not project.archived],
            deliveries,
            credential_names(tx, organization_id, deliveries),
            history_of(tx, organization_id, build_id, entry_id),
            tx.now(),
        )

    return store.read(work)
