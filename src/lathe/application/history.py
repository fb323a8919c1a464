"""Reads the audit log."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from attrs import frozen

from lathe.application.lists import AuditFilter, Place
from lathe.application.ports import Store, Transaction
from lathe.application.queries import paged
from lathe.domain.audit import AuditEvent, SubjectKind
from lathe.domain.build_report import BuildFacts

HISTORY_SHOWN = 50


@frozen
class Log:
    """A page of the audit log. ``apart`` tells things and keys from others of the same name, by their ids, as far as
    they are still there: the project of a release, the repository of a build, the beginning of a key, the end of a
    webhook's address."""

    rows: list[AuditEvent]
    next: Place | None
    apart: dict[UUID, str]


def log(store: Store, organization_id: UUID, wanted: AuditFilter, limit: int, after: Place | None) -> Log:
    """Return what was changed, the last change first. It costs the same statements however much is on the page."""

    def work(tx: Transaction) -> Log:
        found = tx.audit.page(organization_id, wanted, limit + 1, after)
        page = paged(found, limit, lambda event: Place(event.created_at, event.id))
        return Log(page.rows, page.next, _apart(tx, organization_id, page.rows))

    return store.read(work)


def _apart(tx: Transaction, organization_id: UUID, events: Iterable[AuditEvent]) -> dict[UUID, str]:
    named: dict[SubjectKind, set[UUID]] = {kind: set() for kind in SubjectKind}
    for event in events:
        named[event.subject.kind].add(event.subject.id)
        if event.actor.kind == "key" and event.actor.id:
            named[SubjectKind.KEY].add(event.actor.id)
    releases = tx.releases.some(organization_id, named[SubjectKind.RELEASE])
    projects = tx.projects.some(organization_id, {release.project_id for release in releases.values()})
    found = {release.id: projects[release.project_id].name for release in releases.values()}
    builds = tx.builds.some(organization_id, named[SubjectKind.BUILD])
    entries = tx.entries.some(organization_id, named[SubjectKind.ENTRY])
    facts: dict[UUID, BuildFacts] = {one.id: one.facts for one in builds.values()}
    facts |= {one.id: one.facts for one in entries.values()}
    found |= {id_: one.repo_url.full_name for id_, one in facts.items() if one.repo_url}
    if named[SubjectKind.KEY]:
        found |= {key.id: f"{key.shown}…" for key in tx.keys.all(organization_id) if key.id in named[SubjectKind.KEY]}
    return found | {id_: f"…{str(id_)[-6:]}" for id_ in named[SubjectKind.HOOK]}


def history_of(tx: Transaction, organization_id: UUID, *subjects: UUID | None) -> list[AuditEvent]:
    """Return the last changes of a few things together, for the page of one of them."""
    known = frozenset(one for one in subjects if one)
    return tx.audit.page(organization_id, AuditFilter(known), HISTORY_SHOWN, None) if known else []
