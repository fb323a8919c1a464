"""Two rows that turned out to be one repository: everything of the first becomes the second's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Table, and_, delete, exists, select, update

from lathe.adapters.sql.rows import Raced, Rows, addresses, by_id, ids_given, locked, selected_by_id, within
from lathe.adapters.sql.schema import builds, identities, queue_entries, repositories, repository_links
from lathe.domain.identity import repository_scope
from lathe.domain.repository import Repository


def claim(rows: Rows, pairs: Sequence[tuple[Repository, Repository]]) -> None:
    """Lock what is to be joined, and free the names of what will be removed, which the others may take.

    Receiving locks the repositories that it finds against this one lock. So whoever stores something under one of these
    has done so by now, and is seen by the statements that follow; or it finds the repository joined. Raises Raced if
    one that is to be removed is gone.
    """
    if not pairs:
        return
    ids = addresses({(one.organization_id, one.id) for pair in pairs for one in pair})
    there = {(row.organization_id, row.id) for row in rows.all(_BOTH, {"ids": ids})}
    for absorbed, _ in pairs:
        if (absorbed.organization_id, absorbed.id) not in there:
            raise Raced
        nameless = update(repositories).where(by_id(repositories, absorbed.organization_id, absorbed.id))
        rows.connection.execute(nameless.values(url_key=None, uuid=None))


def join(rows: Rows, absorbed: Repository, kept: Repository, *, decided: Collection[UUID] = ()) -> None:
    """Give link, identities, builds and queue entries of ``absorbed`` to ``kept``, and remove it.

    The ``decided`` identities are passed over: their new keys are written with them.
    """
    _join_links(rows, absorbed, kept)
    theirs = _join_identities(rows, absorbed, kept, decided)
    _join_subjects(rows, builds, absorbed, kept, {row.build_id for row in theirs if row.build_id})
    _join_subjects(rows, queue_entries, absorbed, kept, {row.entry_id for row in theirs if row.entry_id})
    rows.connection.execute(delete(repositories).where(by_id(repositories, absorbed.organization_id, absorbed.id)))


def _join_links(rows: Rows, absorbed: Repository, kept: Repository) -> None:
    """Move the link, unless the other repository has one already."""

    def of(repository: Repository) -> Any:
        return and_(
            repository_links.c.organization_id == repository.organization_id,
            repository_links.c.repository_id == repository.id,
        )

    has_one = rows.connection.execute(select(exists(select(repository_links.c.repository_id).where(of(kept))))).scalar()
    if has_one:
        rows.connection.execute(delete(repository_links).where(of(absorbed)))
    else:
        rows.connection.execute(update(repository_links).where(of(absorbed)).values(repository_id=kept.id))


def _join_subjects(rows: Rows, table: Table, absorbed: Repository, kept: Repository, ids: Collection[UUID]) -> None:
    """Move builds or queue entries: those of the identities that were moved, by their ids, and those without any.

    An identity always knows what was made of it. So nothing but these few must be found by their repository.
    """
    of = and_(table.c.organization_id == absorbed.organization_id, table.c.repository_id == absorbed.id)
    named = table.c.id.in_(select(ids_given().c.id))
    for which, parameters in (
        (named, {"ids": within(absorbed.organization_id, ids)}),
        (table.c.identity_id.is_(None), {}),
    ):
        rows.connection.execute(update(table).where(of, which).values(repository_id=kept.id), parameters)


def _join_identities(rows: Rows, absorbed: Repository, kept: Repository, decided: Collection[UUID]) -> list[Row[Any]]:
    """Move identities to the other repository's scope; where an ordinal is taken there, the next free one is used.

    Return all those that were in the scope of ``absorbed``.
    """
    organization_id = absorbed.organization_id
    scopes = [repository_scope(absorbed.id), repository_scope(kept.id)]
    query = (
        select(
            *(identities.c[name] for name in ("id", "scope", "source", "run_key", "ordinal", "build_id", "entry_id"))
        )
        .where(identities.c.organization_id == organization_id, identities.c.scope.in_(scopes))
        .order_by(identities.c.id)
    )
    found = rows.all(locked(query))
    taken = {(row.source, row.run_key, row.ordinal) for row in found if row.scope == scopes[1]}
    theirs = [row for row in found if row.scope == scopes[0]]
    moving = [row for row in theirs if row.id not in decided]
    for row in sorted(moving, key=lambda row: (row.ordinal, row.id)):
        ordinal = row.ordinal
        while (row.source, row.run_key, ordinal) in taken:
            ordinal += 1
        taken.add((row.source, row.run_key, ordinal))
        change = update(identities).where(by_id(identities, organization_id, row.id))
        rows.connection.execute(change.values(scope=scopes[1], ordinal=ordinal))
    return theirs


# FOR UPDATE, which alone waits for the locks that receiving takes.
_BOTH: Final = selected_by_id(repositories).order_by(repositories.c.id).with_for_update(of=repositories)
