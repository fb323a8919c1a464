"""The first schema

There is no way back but a backup.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out here, not taken from the program: a migration must not change when the program does.
ID = sa.Uuid()
TEXT = sa.Text()
SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.BigInteger().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
FLAG = sa.Boolean(create_constraint=False)
INTEGER = sa.Integer()
BIGINT = sa.BigInteger()
BYTES = sa.LargeBinary()
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    _people()
    _credentials()
    _products()
    _builds()
    _queue()
    _deliveries()
    if op.get_bind().dialect.name == "postgresql":
        # A window is rewritten with every batch: never moved out of its row, and with room for it on the same page.
        op.execute('ALTER TABLE usage ALTER COLUMN "window" SET STORAGE PLAIN')
        op.execute("ALTER TABLE usage SET (fillfactor = 50)")


def _column(name: str, kind: TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _maybe(name: str, kind: TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind)


def _index(
    name: str,
    table: str,
    columns: str,
    *,
    unique: bool = False,
    where: str | None = None,
    sqlite: str | None = None,
) -> None:
    """Make an index, of the rows that ``where`` tells only; ``sqlite`` is how SQLite puts that, if differently."""
    on_sqlite = sqlite or where
    op.create_index(
        name,
        table,
        columns.split(),
        unique=unique,
        postgresql_where=sa.text(where) if where else None,
        sqlite_where=sa.text(on_sqlite) if on_sqlite else None,
    )


def _refers(name: str, column: str, table: str) -> sa.ForeignKeyConstraint:
    """Return a reference to a row of the same organization."""
    return sa.ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"], name=name)


def _people() -> None:
    op.create_table(
        "organizations",
        _column("id", ID),
        _column("name", TEXT),
        _column("slug", SORTED),
        _column("created_at", TIME),
        _column("allow_org_id", FLAG),
        _column("confirm_name_matches", FLAG),
        _column("rate_limit", INTEGER),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.UniqueConstraint("slug", name="uq_organizations_slug"),
    )
    op.create_table(
        "users",
        _column("id", ID),
        _column("email", SORTED),
        _column("name", TEXT),
        _column("created_at", TIME),
        _maybe("password_hash", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    op.create_table(
        "members",
        _column("organization_id", ID),
        _column("user_id", ID),
        _column("role", TEXT),
        _column("since", TIME),
        sa.PrimaryKeyConstraint("organization_id", "user_id", name="pk_members"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_members_organizations"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_members_users"),
    )
    _index("ix_members_user_id", "members", "user_id")
    op.create_table(
        "sessions",
        _column("token_hash", TEXT),
        _column("user_id", ID),
        _column("created_at", TIME),
        _column("last_seen_at", TIME),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_users"),
    )
    _index("ix_sessions_user_id", "sessions", "user_id")
    op.create_table(
        "links",
        _column("token_hash", TEXT),
        _column("purpose", TEXT),
        _column("created_at", TIME),
        _column("expires_at", TIME),
        _maybe("user_id", ID),
        _maybe("organization_id", ID),
        _maybe("role", TEXT),
        _column("reusable", FLAG),
        _maybe("used_at", TIME),
        sa.PrimaryKeyConstraint("token_hash", name="pk_links"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_links_organizations"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_links_users"),
    )


def _credentials() -> None:
    op.create_table(
        "api_keys",
        _column("organization_id", ID),
        _column("id", ID),
        _column("name", TEXT),
        _column("hash", TEXT),
        _column("shown", TEXT),
        _column("scopes", JSON),
        _maybe("rate_limit", INTEGER),
        _maybe("expires_at", TIME),
        _column("created_at", TIME),
        _column("created_by", TEXT),
        _maybe("revoked_at", TIME),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_api_keys"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_api_keys_organizations"),
    )
    _index("ix_api_keys_hash", "api_keys", "hash", unique=True)
    op.create_table(
        "hooks",
        _column("organization_id", ID),
        _column("id", ID),
        _column("provider", TEXT),
        _column("secret", BYTES),
        _maybe("previous_secret", BYTES),
        _maybe("previous_until", TIME),
        _column("created_at", TIME),
        _column("created_by", TEXT),
        _maybe("revoked_at", TIME),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_hooks"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_hooks_organizations"),
    )
    _index("ix_hooks_id", "hooks", "id", unique=True)
    op.create_table(
        "usage",
        _column("organization_id", ID),
        _column("id", ID),
        _column("window", BYTES),
        _column("requests", BIGINT),
        _column("refused", BIGINT),
        _maybe("last_used_at", TIME),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_usage"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_usage_organizations"),
    )


def _products() -> None:
    op.create_table(
        "projects",
        _column("organization_id", ID),
        _column("id", ID),
        _column("name", TEXT),
        _column("name_folded", SORTED),
        _column("slug", SORTED),
        _column("created_at", TIME),
        _column("files", TEXT),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_projects"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_projects_organizations"),
        sa.UniqueConstraint("organization_id", "name_folded", name="uq_projects_name_folded"),
        sa.UniqueConstraint("organization_id", "slug", name="uq_projects_slug"),
    )
    _index("ix_projects_recent", "projects", "organization_id created_at id")
    op.create_table(
        "project_labels",
        _column("organization_id", ID),
        _column("project_id", ID),
        _column("words", SORTED),
        sa.PrimaryKeyConstraint("organization_id", "project_id", "words", name="pk_project_labels"),
        _refers("fk_project_labels_projects", "project_id", "projects"),
    )
    op.create_table(
        "repositories",
        _column("organization_id", ID),
        _column("id", ID),
        _maybe("url_key", SORTED),
        _maybe("uuid", SORTED),
        _maybe("source", TEXT),
        _column("created_at", TIME),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_repositories"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_repositories_organizations"),
    )
    _index(
        "uq_repositories_url_key", "repositories", "organization_id url_key", unique=True, where="url_key IS NOT NULL"
    )
    _index("uq_repositories_uuid", "repositories", "organization_id uuid", unique=True, where="uuid IS NOT NULL")
    op.create_table(
        "repository_links",
        _column("organization_id", ID),
        _column("repository_id", ID),
        _column("project_id", ID),
        _column("kind", TEXT),
        _column("linked_by_kind", TEXT),
        _maybe("linked_by_id", ID),
        _column("linked_by_name", TEXT),
        _column("linked_at", TIME),
        _maybe("entry_id", ID),
        sa.PrimaryKeyConstraint("organization_id", "repository_id", name="pk_repository_links"),
        _refers("fk_repository_links_projects", "project_id", "projects"),
        _refers("fk_repository_links_repositories", "repository_id", "repositories"),
    )
    _index("ix_repository_links_project", "repository_links", "organization_id project_id linked_at")
    op.create_table(
        "releases",
        _column("organization_id", ID),
        _column("id", ID),
        _column("project_id", ID),
        _column("name", TEXT),
        _column("name_folded", SORTED),
        _column("state", TEXT),
        _column("branch_patterns", JSON),
        _column("created_at", TIME),
        _maybe("activated_at", TIME),
        _maybe("closed_at", TIME),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_releases"),
        _refers("fk_releases_projects", "project_id", "projects"),
        sa.UniqueConstraint("organization_id", "project_id", "name_folded", name="uq_releases_name_folded"),
    )
    _index("ix_releases_of_project", "releases", "organization_id project_id created_at id")


def _builds() -> None:
    op.create_table(
        "identities",
        _column("organization_id", ID),
        _column("id", ID),
        _column("source", SORTED),
        _column("scope", SORTED),
        _column("run_key", SORTED),
        _column("ordinal", INTEGER),
        _column("status", TEXT),
        _column("updated_at", TIME),
        _column("verified", FLAG),
        _maybe("commit_sha", TEXT),
        _maybe("branch", TEXT),
        _maybe("tag", TEXT),
        _maybe("build_id", ID),
        _maybe("entry_id", ID),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_identities"),
        sa.UniqueConstraint("organization_id", "scope", "source", "run_key", "ordinal", name="uq_identities_key"),
    )
    op.create_table(
        "builds",
        _column("organization_id", ID),
        _column("id", ID),
        *_facts(),
        _column("project_id", ID),
        _column("release_id", ID),
        _column("filed", TEXT),
        _column("verified", FLAG),
        _column("placement", JSON),
        _column("created_at", TIME),
        _maybe("repository_id", ID),
        _maybe("identity_id", ID),
        _maybe("entry_id", ID),
        _column("withdrawn", FLAG),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_builds"),
    )
    _index("ix_builds_commit", "builds", "organization_id commit_folded")
    _index(
        "ix_builds_of_branch",
        "builds",
        "organization_id release_id ref created_at id",
        where="NOT withdrawn",
        sqlite="withdrawn = 0",
    )
    _index(
        "ix_builds_of_project",
        "builds",
        "organization_id project_id created_at id",
        where="NOT withdrawn",
        sqlite="withdrawn = 0",
    )
    _index(
        "ix_builds_of_release",
        "builds",
        "organization_id release_id created_at id",
        where="NOT withdrawn",
        sqlite="withdrawn = 0",
    )
    _index("ix_builds_recent", "builds", "organization_id created_at id", where="NOT withdrawn", sqlite="withdrawn = 0")
    _index("ix_builds_repository", "builds", "organization_id repository_id")


def _queue() -> None:
    op.create_table(
        "queue_entries",
        _column("organization_id", ID),
        _column("id", ID),
        *_facts(),
        _column("verified", FLAG),
        _column("reason_code", TEXT),
        _column("reason_detail", TEXT),
        _column("placement", JSON),
        _column("created_at", TIME),
        _column("status", TEXT),
        _column("candidates", JSON),
        _maybe("project_id", ID),
        _maybe("placed_project_id", ID),
        _maybe("repository_id", ID),
        _maybe("identity_id", ID),
        _maybe("build_id", ID),
        _maybe("assignment", JSON),
        _maybe("reject_reason", TEXT),
        _maybe("reject_note", TEXT),
        _maybe("decided_by_kind", TEXT),
        _maybe("decided_by_id", ID),
        _maybe("decided_by_name", TEXT),
        _maybe("decided_at", TIME),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_queue_entries"),
    )
    # Of two indexes that would do as well, SQLite takes the one that was made last: the narrowest.
    _index("ix_queue_entries_repository", "queue_entries", "organization_id repository_id")
    _index("ix_queue_entries_recent", "queue_entries", "organization_id created_at id")
    _index("ix_queue_entries_decided", "queue_entries", "organization_id decided_at id", where="status != 'pending'")
    _index(
        "ix_queue_entries_pending_of_project",
        "queue_entries",
        "organization_id project_id created_at id",
        where="status = 'pending'",
    )
    _index("ix_queue_entries_pending", "queue_entries", "organization_id created_at id", where="status = 'pending'")


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        _column("organization_id", ID),
        _column("id", ID),
        _column("source", SORTED),
        _column("credential", TEXT),
        _column("credential_id", ID),
        _column("received_at", TIME),
        _column("body", BYTES),
        _column("status", TEXT),
        _column("headers", JSON),
        _maybe("event", TEXT),
        _maybe("provider_delivery_id", SORTED),
        _maybe("reason_code", TEXT),
        _maybe("reason_detail", TEXT),
        _maybe("build_id", ID),
        _maybe("entry_id", ID),
        _maybe("placement", JSON),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_deliveries"),
        sa.UniqueConstraint("organization_id", "source", "provider_delivery_id", name="uq_deliveries_sent_as"),
    )
    _index(
        "ix_deliveries_build_id", "deliveries", "organization_id build_id received_at id", where="build_id IS NOT NULL"
    )
    _index(
        "ix_deliveries_entry_id", "deliveries", "organization_id entry_id received_at id", where="entry_id IS NOT NULL"
    )


def _facts() -> list[sa.Column[Any]]:
    return [
        _column("source", TEXT),
        _column("name", TEXT),
        _column("build_status", TEXT),
        _maybe("build_number", TEXT),
        _maybe("run_id", TEXT),
        _maybe("commit_sha", TEXT),
        _maybe("commit_folded", SORTED),
        _maybe("branch", TEXT),
        _maybe("tag", TEXT),
        _column("ref", SORTED),
        _maybe("repo_url_key", TEXT),
        _maybe("url", TEXT),
        _maybe("author", TEXT),
        _maybe("finished_at", TIME),
        _column("search", TEXT),
    ]
