"""What pages and the API read: frozen views, each from one consistent state."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from attrs import frozen

from lathe.application.choices import Choices, choices
from lathe.application.deliveries import credential_names
from lathe.application.intake import BuildView, EntryView
from lathe.application.lists import LOOKED_AT, BuildFilter, EntryFilter, Place, ProjectFilter
from lathe.application.ports import Store, Transaction
from lathe.application.previewing import preview_in
from lathe.application.projects import ProjectView, project_views
from lathe.application.standing import kept
from lathe.application.views import build_view, build_views, entry_view, entry_views
from lathe.domain.build_report import BuildReport
from lathe.domain.delivery import Delivery
from lathe.domain.placement import Placement
from lathe.domain.project import Project
from lathe.domain.release import Release

T = TypeVar("T")

COUNTED_TO = 1000


@frozen
class Page(Generic[T]):
    """Rows of a list, newest first, and where it goes on; None at its end.

    What is wanted may be rare: then a page has few rows or none, and yet there may be more further on.
    """

    rows: list[T]
    next: Place | None


def builds(
    store: Store, organization_id: UUID, wanted: BuildFilter, limit: int, after: Place | None
) -> Page[BuildView]:
    """Return builds that are not withdrawn."""

    def work(tx: Transaction) -> Page[BuildView]:
        until = tx.builds.reach(organization_id, wanted, after, LOOKED_AT)
        rows = build_views(tx, organization_id, tx.builds.page(organization_id, wanted, limit + 1, after, until))
        return paged(rows, limit, lambda view: Place(view.build.created_at, view.build.id), until)

    return store.read(work)


def entries(
    store: Store, organization_id: UUID, wanted: EntryFilter, limit: int, after: Place | None
) -> Page[EntryView]:
    """Return queue entries."""

    def work(tx: Transaction) -> Page[EntryView]:
        until = tx.entries.reach(organization_id, wanted, after, LOOKED_AT)
        rows = entry_views(tx, organization_id, tx.entries.page(organization_id, wanted, limit + 1, after, until))
        return paged(rows, limit, lambda view: Place(view.entry.created_at, view.entry.id), until)

    return store.read(work)


def projects(
    store: Store, organization_id: UUID, wanted: ProjectFilter, limit: int, after: Place | None
) -> Page[ProjectView]:
    """Return projects with their repositories."""

    def work(tx: Transaction) -> Page[ProjectView]:
        found = tx.projects.page(organization_id, wanted, limit + 1, after)
        rows = project_views(tx, organization_id, found)
        return paged(rows, limit, lambda view: Place(view.project.created_at, view.project.id))

    return store.read(work)


def releases(store: Store, organization_id: UUID, project_id: UUID, limit: int, after: Place | None) -> Page[Release]:
    """Return the releases of a project. Raises NotFound."""

    def work(tx: Transaction) -> Page[Release]:
        tx.projects.get(organization_id, project_id)
        rows = tx.releases.page(organization_id, project_id, limit + 1, after)
        return paged(rows, limit, lambda release: Place(release.created_at, release.id))

    return store.read(work)


def paged(rows: list[T], limit: int, place_of: Callable[[T], Place], until: Place | None = None) -> Page[T]:
    """Cut what was read one further than shown, to know whether the list goes on; if nowhere else, then behind
    ``until``, where looking stopped."""
    return Page(rows[:limit], place_of(rows[limit - 1]) if len(rows) > limit else until)


def build(store: Store, organization_id: UUID, build_id: UUID) -> BuildView:
    """Return one build, withdrawn or not. Raises NotFound."""
    return store.read(lambda tx: build_view(tx, tx.builds.get(organization_id, build_id)))


def entry(store: Store, organization_id: UUID, entry_id: UUID) -> EntryView:
    """Return one queue entry. Raises NotFound."""
    return store.read(lambda tx: entry_view(tx, tx.entries.get(organization_id, entry_id)))


def decisions(store: Store, organization_id: UUID, entry_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return who decided what, by the id of those entries that are decided."""

    def work(tx: Transaction) -> dict[UUID, str]:
        now = tx.now()
        said = {one.id: one.decision(now) for one in tx.entries.some(organization_id, entry_ids).values()}
        return {id_: text for id_, text in said.items() if text}

    return store.read(work)


def preview(store: Store, organization_id: UUID, report: BuildReport) -> Placement:
    """Return where a build would go by today's rules, if it were not known yet. Stores nothing.

    Raises Invalid if the report names a project or release that is not there.
    """

    return store.read(lambda tx: preview_in(tx, organization_id, report))


@frozen
class EntryPage:
    """One queue entry and what can be chosen for it: every project in use, by name, and active releases.

    ``kept`` says why the decision about it cannot be undone, None where it can.
    ``credentials`` are the names of the keys and people that its deliveries came by, by id.
    """

    view: EntryView
    kept: str | None
    projects: list[Project]
    choices: Choices
    deliveries: list[Delivery]
    credentials: dict[UUID, str]
    now: datetime


def entry_page(store: Store, organization_id: UUID, entry_id: UUID) -> EntryPage:
    """Return the page of a queue entry. Raises NotFound."""

    def work(tx: Transaction) -> EntryPage:
        view = entry_view(tx, tx.entries.get(organization_id, entry_id))
        projects = [project for project in tx.projects.all(organization_id) if not project.archived]
        offered = choices(tx, organization_id, [view.project.id] if view.project else [])
        deliveries = tx.deliveries.of_subject(organization_id, build_id=view.entry.build_id, entry_id=entry_id)
        names = credential_names(tx, organization_id, deliveries)
        why = kept(tx, organization_id, [view.entry]).get(entry_id)
        return EntryPage(view, why, projects, offered, deliveries, names, tx.now())

    return store.read(work)
