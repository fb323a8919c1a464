"""What very many builds need: fewer indexes that every delivery writes, and deliveries that stay in their place

There is no way back but a backup.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _branches_with_their_releases()
    _without_repositories()
    if op.get_bind().dialect.name == "postgresql":
        # A delivery is over 2 KB and under a page: PostgreSQL would move its body to a table of its own.
        op.execute("ALTER TABLE deliveries SET (toast_tuple_target = 8160)")


def _branches_with_their_releases() -> None:
    """Let one index serve the builds of a release and those of its branches."""
    op.drop_index("ix_builds_of_branch", "builds")
    op.drop_index("ix_builds_of_release", "builds")
    _create(
        "of_release", "builds", ["release_id", "created_at", "id", "ref", "withdrawn"], "NOT withdrawn", "withdrawn = 0"
    )


def _without_repositories() -> None:
    """Keep by repository only what has no identity, by which the rest is found."""
    for table in ("builds", "queue_entries"):
        op.drop_index(f"ix_{table}_repository", table)
        _create("unidentified", table, ["repository_id"], "identity_id IS NULL", "identity_id IS NULL")


def _create(name: str, table: str, columns: list[str], postgresql: str, sqlite: str) -> None:
    op.create_index(
        f"ix_{table}_{name}",
        table,
        ["organization_id", *columns],
        postgresql_where=sa.text(postgresql),
        sqlite_where=sa.text(sqlite),
    )
