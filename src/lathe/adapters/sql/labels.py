"""The words that the name rule compares, kept beside each project: of its name and slug, and of its repositories."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, select

from lathe.adapters.sql.rows import Rows, addresses, ids_given, locked
from lathe.adapters.sql.schema import project_labels, projects, repositories, repository_links
from lathe.adapters.sql.values import url_of_key
from lathe.domain.text import words


def label(sequence: Iterable[str]) -> str:
    """Return a word sequence as it is compared: one is contained in another exactly if its label is."""
    return f" {' '.join(sequence)} "


def relabel(rows: Rows, project_ids: Iterable[tuple[UUID, UUID]]) -> None:
    """Bring the labels of projects, given as (organization, project), up to date with their present names."""
    ids = {"ids": addresses(sorted(set(project_ids)))}
    if not ids["ids"]:
        return
    # Under lock: of two transactions that change one project's names the later one must see what the earlier one did.
    found = rows.all(_NAMES, ids)
    labels = {(row.organization_id, row.id, words(text)) for row in found for text in (row.name, row.slug)}
    for row in rows.all(_LINKED, ids):
        url = url_of_key(row.url_key)
        labels.add((row.organization_id, row.project_id, words(url.slug) if url else ()))
    for row in found:
        rows.connection.execute(_FORGET, {"of_organization": row.organization_id, "of_project": row.id})
    rows.add(
        project_labels,
        *(
            {"organization_id": organization_id, "project_id": project_id, "words": label(sequence)}
            for organization_id, project_id, sequence in sorted(labels)
            if sequence
        ),
    )


_ids = ids_given()

_NAMES = locked(
    select(projects.c.organization_id, projects.c.id, projects.c.name, projects.c.slug)
    .join(_ids, and_(projects.c.organization_id == _ids.c.organization_id, projects.c.id == _ids.c.id))
    .order_by(projects.c.id),
    projects,
)

_LINKED = (
    select(repository_links.c.organization_id, repository_links.c.project_id, repositories.c.url_key)
    .join(
        _ids,
        and_(
            repository_links.c.organization_id == _ids.c.organization_id,
            repository_links.c.project_id == _ids.c.id,
        ),
    )
    .join(
        repositories,
        and_(
            repositories.c.organization_id == repository_links.c.organization_id,
            repositories.c.id == repository_links.c.repository_id,
        ),
    )
)

_FORGET = delete(project_labels).where(
    project_labels.c.organization_id == bindparam("of_organization"),
    project_labels.c.project_id == bindparam("of_project"),
)
