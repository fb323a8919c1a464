"""What long lists need: active releases and the others apart, the audit log by kind of thing and of actor

And the first answers that are repeated to whoever sends the same Idempotency-Key again.

There is no way back but a backup.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    for name, columns, where in (
        ("ix_releases_active", ["state", "project_id"], "state = 'active'"),
        ("ix_releases_inactive", ["created_at"], "state != 'active'"),
    ):
        op.create_index(
            name,
            "releases",
            ["organization_id", *columns, "id"],
            postgresql_where=sa.text(where),
            sqlite_where=sa.text(where),
        )
    for column in ("subject_kind", "actor_kind"):
        op.create_index(f"ix_audit_{column}", "audit", ["organization_id", column, "created_at", "id"])
    op.create_table(
        "first_answers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("written", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "name", name="pk_first_answers"),
    )
    op.create_index("ix_first_answers_at", "first_answers", ["organization_id", "at"])
