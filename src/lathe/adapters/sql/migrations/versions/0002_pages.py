"""What the pages need: audit log, archived projects, what people prefer, which browser a session runs in

There is no way back but a backup.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.Uuid()
TEXT = sa.Text()
TIME = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _audit()
    op.add_column("projects", _maybe("archived_at", TIME))
    op.add_column("users", _maybe("preferences", JSON))
    op.add_column("sessions", _maybe("browser", TEXT))


def _column(name: str, kind: TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _maybe(name: str, kind: TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind)


def _audit() -> None:
    op.create_table(
        "audit",
        _column("organization_id", ID),
        _column("id", ID),
        _column("created_at", TIME),
        _column("actor_kind", TEXT),
        _maybe("actor_id", ID),
        _column("actor_name", TEXT),
        _column("action", TEXT),
        _column("subject_kind", TEXT),
        _column("subject_id", ID),
        _column("subject_name", TEXT),
        _column("detail", TEXT),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_audit"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_audit_organizations"),
    )
    op.create_index("ix_audit_recent", "audit", ["organization_id", "created_at", "id"])
    op.create_index("ix_audit_subject", "audit", ["organization_id", "subject_id", "created_at", "id"])
    op.create_index("ix_audit_actor", "audit", ["organization_id", "actor_id", "created_at", "id"])
