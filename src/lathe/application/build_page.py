"""The page of a build: what it is, why it is where it is, what was heard of it, and what people did to it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from attrs import frozen

from lathe.application.deliveries import credential_names
from lathe.application.history import history_of
from lathe.application.intake import BuildView
from lathe.application.ports import Store, Transaction
from lathe.application.queries import choices
from lathe.application.views import build_view
from lathe.domain.audit import AuditEvent
from lathe.domain.delivery import Delivery
from lathe.domain.project import Project
from lathe.domain.release import Release


@frozen
class BuildPage:
    """One build. ``releases`` are where it can be moved: every active one with its project.

    ``deliveries`` are those of the build and of the queue entry it came from; ``credentials`` are the names of the keys
    and people that they came by, by id. ``history`` is what people did to either, the last first.
    """

    view: BuildView
    releases: list[tuple[Release, Project]]
    deliveries: list[Delivery]
    credentials: dict[UUID, str]
    history: list[AuditEvent]
    now: datetime


def build_page(store: Store, organization_id: UUID, build_id: UUID) -> BuildPage:
    """Return the page of a build. Raises NotFound."""

    def work(tx: Transaction) -> BuildPage:
        view = build_view(tx, tx.builds.get(organization_id, build_id))
        entry_id = view.build.entry_id
        _, open_ones = choices(tx, organization_id)
        deliveries = tx.deliveries.of_subject(organization_id, build_id=build_id, entry_id=entry_id)
        return BuildPage(
            view,
            open_ones,
            deliveries,
            credential_names(tx, organization_id, deliveries),
            history_of(tx, organization_id, build_id, entry_id),
            tx.now(),
        )

    return store.read(work)
