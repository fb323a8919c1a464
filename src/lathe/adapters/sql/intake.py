"""Receiving, by SQL: what deciding about a batch needs is read in sets, and what it changed is written in sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table, and_, select, union_all

from lathe.adapters.sql.builds import build_of, build_values
from lathe.adapters.sql.candidates import (
    Found,
    Named,
    found_repositories,
    projects_found,
    projects_named,
    projects_with_repositories,
    repositories_named,
)
from lathe.adapters.sql.clock import TransactionClock
from lathe.adapters.sql.credentials import Credentials, load_credentials
from lathe.adapters.sql.deliveries import delivery_of, delivery_values, without_body
from lathe.adapters.sql.entries import entry_of, entry_values
from lathe.adapters.sql.first_answers import first_answer_of, first_answers_named, keep_first_answers
from lathe.adapters.sql.identities import identity_of, identity_values
from lathe.adapters.sql.joining import claim, join
from lathe.adapters.sql.keys import spend
from lathe.adapters.sql.labels import relabel
from lathe.adapters.sql.prepared import Asked, Prepared
from lathe.adapters.sql.releases import release_of
from lathe.adapters.sql.repositories import repository_values
from lathe.adapters.sql.rows import Raced, Rows, addresses, ids_given, locked, selected_by_id
from lathe.adapters.sql.schema import (
    builds,
    deliveries,
    identities,
    is_active,
    queue_entries,
    releases,
    repositories,
    repository_links,
)
from lathe.adapters.sql.types import Id, Sorted, given, listed
from lathe.application.intake import Changes, Known, Usage, Wanted
from lathe.domain.build import Build
from lathe.domain.delivery import Delivery
from lathe.domain.identity import Identity, repository_scope
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.release import Release
from lathe.domain.repo_url import RepoUrl
from lathe.domain.repository import Repository
from lathe.domain.text import words

Ids = set[tuple[UUID, UUID]]
"""Rows as (organization, id)."""

Item = tuple[UUID, Wanted]
"""What is wanted, in the organization of its credential."""


class SqlIntakeSets:
    """Implements `IntakeSets`."""

    def __init__(self, rows: Rows, clock: TransactionClock) -> None:
        self._rows = rows
        self._clock = clock

    def load(self, wanted: Sequence[Wanted]) -> Known:
        """Lock credentials, repositories, identities, then the builds and entries that they name; read the rest."""
        credentials = load_credentials(self._rows, [item.presented for item in wanted])
        items = [(of, item) for item in wanted if (of := credentials.organization_of(item.presented))]
        return _Loading(self._rows, items).known(credentials, self._clock)

    def save(self, changes: Changes) -> None:
        """Write everything. Raises Raced where another transaction added or removed one of the rows meanwhile."""
        rows = self._rows
        with rows.races():
            _keep_repositories(rows, changes)
            rows.replace(identities, *map(identity_values, changes.changed_identities))
            rows.replace(builds, *map(build_values, changes.changed_builds))
            rows.replace(queue_entries, *map(entry_values, changes.changed_entries))
            with rows.together():
                _use(rows, changes)
                rows.add(identities, *map(identity_values, sorted(changes.new_identities, key=_by_key)))
                rows.add(builds, *map(build_values, changes.new_builds))
                rows.add(queue_entries, *map(entry_values, changes.new_entries))
                rows.add(deliveries, *map(delivery_values, sorted(changes.new_deliveries, key=_by_sender)))
            keep_first_answers(rows, changes)


class _Loading:
    """Reads what a batch needs, each thing by one statement that names it for all items."""

    def __init__(self, rows: Rows, items: Sequence[Item]) -> None:
        self._rows = rows
        self._items = items

    def known(self, credentials: Credentials, clock: TransactionClock) -> Known:
        """Lock and read everything; the clock when all locks are held that others may wait for."""
        named = [_named(of, item) for of, item in self._items]
        answered = first_answers_named((of, item.first_answer) for of, item in self._items)
        same_as = repositories_named(chain(*named), lock=True)
        before, same, *kept = self._rows.given_each(self._sent(), same_as, *answered)
        came_before = [delivery_of(row) for row in before]
        found = found_repositories(same)
        theirs = [*zip(self._items, map(found.of, named), strict=True)]
        linked: Ids = {(link.organization_id, link.project_id) for link in found.links.values()}
        linked |= {(of, item.project_id) for of, item in self._items if item.project_id}
        given: Ids = {(of, item.release_id) for of, item in self._items if item.release_id}
        names = {(of, name) for (of, item), them in theirs for name in _names(item, them, found)}
        by_names = [projects_named(names)] if names else []
        # Identities first: they are what others may wait for. Most batches need nothing beyond this.
        now, (locked_identities, of_linked, of_releases, *by_name) = clock.after(
            _identities(theirs), projects_with_repositories(linked), _open(linked, given), *by_names
        )
        known_identities = [identity_of(row) for row in locked_identities]
        filed, queued = self._subjects([*known_identities, *came_before])
        more = self._further_projects(chain(*by_name), of_releases, filed, queued) - linked
        filed_under = {(build.organization_id, build.release_id) for build in filed}
        filed_under -= {(release.organization_id, release.id) for release in of_releases}
        if more or filed_under:
            of_more, of_more_releases = self._rows.given_each(
                projects_with_repositories(more), _open(more, filed_under)
            )
            of_linked, of_releases = [*of_linked, *of_more], [*of_releases, *of_more_releases]
        return Known(
            now=now,
            keys=credentials.keys,
            hooks=credentials.hooks,
            organizations=credentials.organizations,
            deliveries=came_before,
            repositories=list(found.repositories),
            links=list(found.links.values()),
            identities=known_identities,
            builds=filed,
            entries=queued,
            projects=projects_found(of_linked),
            releases=list({one.id: one for one in of_releases}.values()),
            first_answers=[first_answer_of(row) for rows in kept for row in rows],
        )

    def _sent(self) -> Asked:
        sent_as = {(of, item.delivery_source, item.delivery_id) for of, item in self._items if item.delivery_id}
        wanted = listed({"organization_id": of, "source": source, "sent_as": name} for of, source, name in sent_as)
        return _DELIVERIES, {"wanted": wanted}

    def _subjects(self, of: Sequence[Identity | Delivery]) -> tuple[list[Build], list[QueueEntry]]:
        """Lock the builds and entries that identities and deliveries name, and those that these name themselves."""
        build_ids: Ids = {(one.organization_id, one.build_id) for one in of if one.build_id}
        entry_ids: Ids = {(one.organization_id, one.entry_id) for one in of if one.entry_id}
        filed = [build_of(row) for row in self._by_id(builds, build_ids)]
        entry_ids |= {(build.organization_id, build.entry_id) for build in filed if build.entry_id}
        queued = [entry_of(row) for row in self._by_id(queue_entries, entry_ids)]
        others = {(entry.organization_id, entry.build_id) for entry in queued if entry.build_id} - build_ids
        filed += [build_of(row) for row in self._by_id(builds, others)]
        return filed, queued

    def _by_id(self, table: Table, ids: Ids) -> Sequence[Any]:
        return self._rows.given(_LOCKED[table.name], {"ids": addresses(ids)}) if ids else ()

    def _further_projects(
        self, by_name: Iterable[Any], given: Iterable[Release], filed: Iterable[Build], queued: Iterable[QueueEntry]
    ) -> Ids:
        """Return the projects that names point to, and those of builds, entries and releases that were named."""
        ids: Ids = {(row.organization_id, row.project_id) for row in by_name}
        ids |= {(build.organization_id, build.project_id) for build in filed}
        ids |= {(release.organization_id, release.project_id) for release in given}
        return ids | {(entry.organization_id, entry.project_id) for entry in queued if entry.project_id}


def _names(item: Wanted, repositories: Sequence[Repository], found: Found) -> Iterable[tuple[str, ...]]:
    """Return the names by which a project may be found for an item, as word sequences."""
    # A repository that is linked is found by its UUID or URL; the rule for names is never asked then.
    if repositories and all(one.id in found.links for one in repositories):
        return
    yield item.name
    urls = {one.url for one in repositories} | {url for url in item.also if isinstance(url, RepoUrl)}
    yield from (words(url.slug) for url in urls if url)


def _identities(items: Iterable[tuple[Item, Sequence[Repository]]]) -> Asked:
    """Ask for the identities that the items may speak of, locking them in the order of their ids."""
    keys = {key for (of, item), repositories in items for key in _identity_keys(of, item, repositories)}
    columns = ("organization_id", "scope", "source", "run_key")
    return _IDENTITIES, {"wanted": listed(dict(zip(columns, key, strict=True)) for key in keys)}


def _open(projects: Ids, ids: Ids) -> Asked:
    """Ask for the active releases of projects, and for releases by their ids."""
    return _OPEN_RELEASES, {"ids": addresses(ids), "projects": addresses(projects)}


def _named(of: UUID, item: Wanted) -> list[Named]:
    """Return all that the repository of an item may go by."""
    own = Named(of, item.url, item.uuid)
    if not item.also:
        return [own]
    return [own, *(Named(of, n, None) if isinstance(n, RepoUrl) else Named(of, None, n) for n in item.also)]


def _identity_keys(of: UUID, item: Wanted, repositories: Iterable[Repository]) -> Iterable[tuple[UUID, str, str, str]]:
    if item.source is None or item.run_key is None:
        return
    for repository in repositories:
        yield of, repository_scope(repository.id), item.source, item.run_key
    if item.scope is not None:
        yield of, item.scope, item.source, item.run_key


# --- writing ----------------------------------------------------------------------------------------------------------


# New rows go in by what makes them unique: of two batches that add the same ones, only one ever waits for the other.


def _by_name(row: Repository) -> tuple[UUID, str, str]:
    return row.organization_id, row.url.key if row.url else "", row.uuid or ""


def _by_key(row: Identity) -> tuple[UUID, str, str, str, int]:
    return row.organization_id, row.key.scope, row.key.source, row.key.run_key, row.ordinal


def _by_sender(row: Delivery) -> tuple[UUID, str, str]:
    return row.organization_id, row.source, row.provider_delivery_id or ""


def _use(rows: Rows, changes: Changes) -> None:
    used: list[Usage] = [*changes.keys, *changes.hooks, *changes.organizations]
    if used:
        spend(rows, used, changes.now)


def _keep_repositories(rows: Rows, changes: Changes) -> None:
    """Write repositories, then join: the one that stays, be it new, must be there to take what the other one had."""
    claim(rows, changes.joined)
    changed = sorted(changes.changed_repositories, key=lambda one: one.id)
    if rows.replace(repositories, *map(repository_values, changed)) < len(changed):
        raise Raced
    rows.add(repositories, *map(repository_values, sorted(changes.new_repositories, key=_by_name)))
    loaded = {identity.id for identity in changes.changed_identities}
    for absorbed, kept in changes.joined:
        join(rows, absorbed, kept, decided=loaded)
    renamed = {(one.organization_id, one.id) for one in (*changed, *(kept for _, kept in changes.joined))}
    if renamed:
        found = rows.given(_LINKED_TO, {"ids": addresses(renamed)})
        relabel(rows, [(row.organization_id, row.project_id) for row in found])


# --- statements -------------------------------------------------------------------------------------------------------

_sent: Final = given("wanted", {"organization_id": Id, "source": Sorted, "sent_as": Sorted})
_DELIVERIES: Final = Prepared(
    select(*without_body).join(
        _sent,
        and_(
            deliveries.c.organization_id == _sent.c.organization_id,
            deliveries.c.source == _sent.c.source,
            deliveries.c.provider_delivery_id == _sent.c.sent_as,
        ),
    )
)

_keyed: Final = given("wanted", {"organization_id": Id, "scope": Sorted, "source": Sorted, "run_key": Sorted})
_IDENTITIES: Final = Prepared(
    locked(
        select(identities)
        .join(_keyed, and_(*(identities.c[column.name] == column for column in _keyed.c)))
        .order_by(identities.c.id),
        identities,
    )
)

_LOCKED: Final[dict[str, Prepared]] = {
    table.name: Prepared(locked(selected_by_id(table).order_by(table.c.id), table)) for table in (builds, queue_entries)
}

_projects: Final = ids_given("projects")
_OPEN_RELEASES: Final = Prepared(
    union_all(
        selected_by_id(releases),
        select(releases)
        .join(
            _projects,
            and_(releases.c.organization_id == _projects.c.organization_id, releases.c.project_id == _projects.c.id),
        )
        .where(is_active),
    ),
    release_of,
)

_linked: Final = ids_given()
_LINKED_TO: Final = Prepared(
    select(repository_links.c.organization_id, repository_links.c.project_id).join(
        _linked,
        and_(
            repository_links.c.organization_id == _linked.c.organization_id,
            repository_links.c.repository_id == _linked.c.id,
        ),
    )
)
