"""What several parts of the contract suite ask of a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from uuid import UUID

import pytest

from lathe.application.intake import Changes
from lathe.application.lists import Place
from lathe.application.ports import Store, Transaction
from lathe.domain.api_key import ApiKey
from lathe.domain.audit import AuditEvent
from lathe.domain.build import Build
from lathe.domain.delivery import Delivery
from lathe.domain.errors import Conflict, NotFound
from lathe.domain.hook import Hook
from lathe.domain.identity import Identity
from lathe.domain.organization import Member, Organization, User
from lathe.domain.project import Project
from lathe.domain.queue_entry import QueueEntry
from lathe.domain.release import Release
from lathe.domain.repository import Repository, RepositoryLink
from lathe.domain.session import OneTimeLink, Session

T = TypeVar("T")
Work = Callable[[Transaction], object]


def add(tx: Transaction, *rows: object) -> None:
    """Store new rows of any kind, in order."""
    for row in rows:
        match row:
            case Identity():
                tx.intake.save(Changes(tx.now(), new_identities=[row]))
            case Delivery():
                tx.intake.save(Changes(tx.now(), new_deliveries=[row]))
            case Member():
                tx.users.join(row)
            case RepositoryLink():
                tx.repositories.link(row)
            case _:
                _repository_of(tx, row).add(row)


def adding(*rows: object) -> Work:
    """Return the work of storing new rows."""
    return lambda tx: add(tx, *rows)


def save(tx: Transaction, *rows: object) -> None:
    """Replace rows of any kind, in order."""
    for row in rows:
        _repository_of(tx, row).save(row)


def saving(*rows: object) -> Work:
    """Return the work of replacing rows."""
    return lambda tx: save(tx, *rows)


def keep(store: Store, *rows: object) -> None:
    """Store new rows of any kind in one transaction."""
    store.write(lambda tx: add(tx, *rows))


def keep_changed(store: Store, *rows: object) -> None:
    """Replace rows of any kind in one transaction."""
    store.write(lambda tx: save(tx, *rows))


def stored(store: Store, row: object) -> object:
    """Return what is stored under the id of ``row``; where nothing is, as its port says: NotFound or None."""
    return store.read(lambda tx: _fetch(tx, row))


def locked(store: Store, row: object) -> object:
    """Return what is stored under the id of ``row``, as a transaction sees it that locks the row."""
    return store.write(lambda tx: _fetch(tx, row, lock=True))


def _fetch(tx: Transaction, row: object, **how: bool) -> object:
    match row:
        case Organization():
            return tx.organizations.get(row.id, **how)
        case User():
            return tx.users.get(row.id, **how)
        case Member():
            return tx.users.member(row.organization_id, row.user_id)
        case Session():
            return tx.sessions.find(row.token_hash)
        case OneTimeLink():
            return tx.links.find(row.token_hash, **how)
        case RepositoryLink():
            return tx.repositories.find_link(row.organization_id, row.repository_id)
        case Delivery():
            return tx.deliveries.get(row.organization_id, row.id)
    return _get(tx, row, **how)


def _get(tx: Transaction, row: Any, **how: bool) -> object:
    return _repository_of(tx, row).get(row.organization_id, row.id, **how)


def _repository_of(tx: Transaction, row: object) -> Any:
    repositories = {
        Organization: tx.organizations,
        User: tx.users,
        Session: tx.sessions,
        OneTimeLink: tx.links,
        Project: tx.projects,
        Repository: tx.repositories,
        Release: tx.releases,
        Build: tx.builds,
        QueueEntry: tx.entries,
        Identity: tx.identities,
        ApiKey: tx.keys,
        Hook: tx.hooks,
        AuditEvent: tx.audit,
    }
    return repositories[type(row)]


class Listed(Protocol):
    """A row of a list that is read page by page."""

    @property
    def id(self) -> UUID: ...


L = TypeVar("L", bound=Listed)


def conflict_of(store: Store, work: Work) -> str:
    """Return the code of the Conflict that the transaction ends with."""
    with pytest.raises(Conflict) as caught:
        store.write(work)
    return caught.value.reason


def is_absent(store: Store, work: Work) -> bool:
    """Tell whether the transaction says that there is no such thing."""
    try:
        store.write(work)
    except NotFound:
        return True
    return False


def is_refused(run: Callable[[], object]) -> bool:
    """Tell whether the store refuses, in whatever words: what is asked of it is a mistake in the program."""
    try:
        run()
    except Exception:  # noqa: BLE001 - each database has errors of its own
        return True
    return False


def walk(page: Callable[[int, Place | None], list[L]], size: int, place_of: Callable[[L], Place]) -> list[L]:
    """Read a whole list page by page."""
    rows: list[L] = []
    after = None
    while found := page(size, after):
        assert len(found) <= size
        assert not {row.id for row in found} & {row.id for row in rows}, "a page shows a row again"
        rows += found
        after = place_of(found[-1])
    return rows
