"""Repository, known from its first report or declaration; its link to a project; how reports tell them apart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from uuid import UUID

from attrs import evolve, frozen

from lathe.domain.organization import Actor
from lathe.domain.repo_url import RepoUrl


@frozen
class Repository:
    """A repository of an organization: its canonical URL, its provider's UUID once seen, or both.

    ``uuid`` is the provider's id in the form ``<provider>:<id>``, so that two providers never meet by chance.
    ``source`` is the CI system that reported it first, None if a person declared it.
    """

    organization_id: UUID
    id: UUID
    url: RepoUrl | None
    uuid: str | None
    source: str | None
    created_at: datetime

    @property
    def name(self) -> str:
        """What people call it: ``owner/name``, else the provider's id."""
        return self.url.full_name if self.url else (self.uuid or "").partition(":")[2]


class LinkKind(Enum):
    """``declared`` by a person in the project, or ``learned`` from an assignment in the Build Queue."""

    DECLARED = "declared"
    LEARNED = "learned"


@frozen
class RepositoryLink:
    """A repository belongs to at most one project of its organization.

    ``entry_id`` is the queue entry whose assignment taught a learned link; undoing that assignment revokes it.
    """

    organization_id: UUID
    repository_id: UUID
    project_id: UUID
    kind: LinkKind
    linked_by: Actor
    linked_at: datetime
    entry_id: UUID | None = None


@frozen
class Resolution:
    """Which repository a report speaks of, and what the report teaches about it.

    ``repository`` is as it is to be stored; ``known`` says whether a row of its id exists; ``absorbed`` is a second row
    that turned out to be the same repository and is to be joined into it.
    """

    repository: Repository
    known: bool
    changed: bool = False
    absorbed: Repository | None = None


def resolve(
    fresh: Repository,
    known: Iterable[Repository],
    links: Iterable[RepositoryLink],
    *,
    verified: bool,
) -> Resolution | None:
    """Tell which of the ``known`` repositories ``fresh`` (made from a report) is; None if it has neither URL nor UUID.

    The UUID decides before the URL. A verified report that carries both joins them; of two rows that are one repository
    the one with the URL is kept, unless both are linked to different projects. A renamed repository takes its new URL,
    a recreated one its new UUID. An unverified report teaches no UUID.
    """
    if not verified:
        fresh = evolve(fresh, uuid=None) if fresh.url else fresh
    if fresh.url is None and fresh.uuid is None:
        return None
    known = list(known)
    by_uuid = next((r for r in known if fresh.uuid and r.uuid == fresh.uuid), None)
    by_url = next((r for r in known if fresh.url and r.url == fresh.url), None)
    if by_uuid and by_url and by_uuid.id != by_url.id:
        return _joined(by_uuid, by_url, links)
    if found := by_uuid or by_url:
        if not verified:
            return Resolution(found, known=True)
        url, uuid = fresh.url or found.url, fresh.uuid or found.uuid
        if (url, uuid) == (found.url, found.uuid):
            return Resolution(found, known=True)
        return Resolution(evolve(found, url=url, uuid=uuid), known=True, changed=True)
    if not verified and fresh.url is None:
        return None
    return Resolution(fresh, known=False)


def _joined(by_uuid: Repository, by_url: Repository, links: Iterable[RepositoryLink]) -> Resolution:
    """Join two rows that one report names, where nothing speaks against it."""
    owners = {link.project_id for link in links if link.repository_id in (by_uuid.id, by_url.id)}
    if by_uuid.url is not None or by_url.uuid is not None or len(owners) > 1:
        return Resolution(by_uuid, known=True)
    return Resolution(evolve(by_url, uuid=by_uuid.uuid), known=True, changed=True, absorbed=by_uuid)
