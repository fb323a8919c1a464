"""The tables. Everything that belongs to an organization is addressed through it: see `OUTSIDE` for what does not.

The four tables that every delivery writes (identities, builds, queue_entries, deliveries) carry no foreign keys: each
would lock and read a row of another table for every row written. What they refer to is never deleted, save a repository
that is joined into another one: receiving locks the repositories it finds against that (`candidates.py`), and a join
takes along what refers to the one that goes (`joining.py`). Indexes for lists are ascending and read backwards.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from lathe.adapters.sql.types import Bytes, Digest, Flag, Id, Json, Sorted, Time

OUTSIDE: Final = frozenset({"organizations", "users", "sessions", "links"})
"""Tables that belong to no organization: the organizations themselves, and people with their ways in."""

LOOKUPS: Final = frozenset({"ix_api_keys_hash", "ix_hooks_id"})
"""Unique indexes that lead from a key's hash and a hook's id to an organization, and so cannot begin with one."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "uq": "uq_%(table_name)s_%(column_1_name)s",
    }
)


def _owned(name: str, *parts: Any, **options: Any) -> Table:
    """Return a table whose rows belong to an organization and have an id of their own."""
    return Table(
        name,
        metadata,
        Column("organization_id", Id),
        Column("id", Id),
        *parts,
        PrimaryKeyConstraint("organization_id", "id"),
        **options,
    )


def _within(column: str, table: str) -> ForeignKeyConstraint:
    """Return a reference to a row of the same organization."""
    return ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"])


def _of_organization() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["organization_id"], ["organizations.id"])


# --- organizations and people -----------------------------------------------------------------------------------------

organizations = Table(
    "organizations",
    metadata,
    Column("id", Id),
    Column("name", Text, nullable=False),
    Column("slug", Sorted, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("allow_org_id", Flag, nullable=False),
    Column("confirm_name_matches", Flag, nullable=False),
    Column("rate_limit", Integer, nullable=False),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("slug", name="uq_organizations_slug"),
)

users = Table(
    "users",
    metadata,
    Column("id", Id),
    Column("email", Sorted, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("password_hash", Text),
    Column("preferences", Json),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("email", name="uq_users_email"),
)

members = Table(
    "members",
    metadata,
    Column("organization_id", Id),
    Column("user_id", Id),
    Column("role", Text, nullable=False),
    Column("since", Time, nullable=False),
    PrimaryKeyConstraint("organization_id", "user_id"),
    _of_organization(),
    ForeignKeyConstraint(["user_id"], ["users.id"]),
    Index("ix_members_user_id", "user_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Digest),
    Column("user_id", Id, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("last_seen_at", Time, nullable=False),
    Column("browser", Text),
    PrimaryKeyConstraint("token_hash"),
    ForeignKeyConstraint(["user_id"], ["users.id"]),
    Index("ix_sessions_user_id", "user_id"),
)

links = Table(
    "links",
    metadata,
    Column("token_hash", Digest),
    Column("purpose", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("user_id", Id),
    Column("organization_id", Id),
    Column("role", Text),
    Column("reusable", Flag, nullable=False),
    Column("used_at", Time),
    PrimaryKeyConstraint("token_hash"),
    ForeignKeyConstraint(["user_id"], ["users.id"]),
    ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
)

# --- credentials ------------------------------------------------------------------------------------------------------

api_keys = _owned(
    "api_keys",
    Column("name", Text, nullable=False),
    Column("hash", Digest, nullable=False),
    Column("shown", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("rate_limit", Integer),
    Column("expires_at", Time),
    Column("created_at", Time, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", Time),
    _of_organization(),
    Index("ix_api_keys_hash", "hash", unique=True),
)

hooks = _owned(
    "hooks",
    Column("provider", Text, nullable=False),
    Column("secret", Bytes, nullable=False),
    Column("previous_secret", Bytes),
    Column("previous_until", Time),
    Column("created_at", Time, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", Time),
    _of_organization(),
    Index("ix_hooks_id", "id", unique=True),
)

# A row for each key, hook and organization, by the id of that. Apart from what people change, because it is rewritten
# with every batch: the row stays short and touches no index.
usage = _owned(
    "usage",
    Column("window", Bytes, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    Column("last_used_at", Time),
    _of_organization(),
    postgresql_with={"fillfactor": 50},  # room to be rewritten within the page
)

# Who changed what. Written beside the change, read by its subject or as a whole, never changed.
audit = _owned(
    "audit",
    Column("created_at", Time, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Id),
    Column("actor_name", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject_kind", Text, nullable=False),
    Column("subject_id", Id, nullable=False),
    Column("subject_name", Text, nullable=False),
    Column("detail", Text, nullable=False),
    _of_organization(),
    Index("ix_audit_recent", "organization_id", "created_at", "id"),
    Index("ix_audit_subject", "organization_id", "subject_id", "created_at", "id"),
    Index("ix_audit_actor", "organization_id", "actor_id", "created_at", "id"),
    Index("ix_audit_subject_kind", "organization_id", "subject_kind", "created_at", "id"),
    Index("ix_audit_actor_kind", "organization_id", "actor_kind", "created_at", "id"),
)

# --- products ---------------------------------------------------------------------------------------------------------

projects = _owned(
    "projects",
    Column("name", Text, nullable=False),
    Column("name_folded", Sorted, nullable=False),
    Column("slug", Sorted, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("files", Text, nullable=False),
    Column("archived_at", Time),
    _of_organization(),
    UniqueConstraint("organization_id", "slug"),
    UniqueConstraint("organization_id", "name_folded"),
    Index("ix_projects_recent", "organization_id", "created_at", "id"),
)

# What the name rule compares: the words of a project's name and slug and of its repositories' names, as ' pay api '.
# Kept by `labels.py` whenever one of those changes.
project_labels = Table(
    "project_labels",
    metadata,
    Column("organization_id", Id),
    Column("project_id", Id),
    Column("words", Sorted),
    PrimaryKeyConstraint("organization_id", "project_id", "words"),
    _within("project_id", "projects"),
)

repositories = _owned(
    "repositories",
    Column("url_key", Sorted),
    Column("uuid", Sorted),
    Column("source", Text),
    Column("created_at", Time, nullable=False),
    _of_organization(),
)
# Indexes with a condition, not constraints: what those cover PostgreSQL takes for an address by which others may refer
# to the row, and a report that teaches a repository its UUID would wait for every batch that found the repository.
for _name in ("url_key", "uuid"):
    _named = repositories.c[_name].is_not(None)
    Index(
        f"uq_repositories_{_name}",
        repositories.c.organization_id,
        repositories.c[_name],
        unique=True,
        postgresql_where=_named,
        sqlite_where=_named,
    )

repository_links = Table(
    "repository_links",
    metadata,
    Column("organization_id", Id),
    Column("repository_id", Id),
    Column("project_id", Id, nullable=False),
    Column("kind", Text, nullable=False),
    Column("linked_by_kind", Text, nullable=False),
    Column("linked_by_id", Id),
    Column("linked_by_name", Text, nullable=False),
    Column("linked_at", Time, nullable=False),
    Column("entry_id", Id),
    PrimaryKeyConstraint("organization_id", "repository_id"),
    _within("repository_id", "repositories"),
    _within("project_id", "projects"),
    Index("ix_repository_links_project", "organization_id", "project_id", "linked_at"),
)

releases = _owned(
    "releases",
    Column("project_id", Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_folded", Sorted, nullable=False),
    Column("state", Text, nullable=False),
    Column("branch_patterns", Json, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("activated_at", Time),
    Column("closed_at", Time),
    _within("project_id", "projects"),
    UniqueConstraint("organization_id", "project_id", "name_folded", name="uq_releases_name_folded"),
    Index("ix_releases_of_project", "organization_id", "project_id", "created_at", "id"),
)
# Few are active however many there have been; the others are listed by age.
is_active = releases.c.state == literal_column("'active'")
for _name, _more, _where in (
    ("active", ["state", "project_id"], is_active),  # the state too: SQLite prefers what more conditions fit
    ("inactive", ["created_at"], ~is_active),
):
    Index(
        f"ix_releases_{_name}",
        *(releases.c[c] for c in ("organization_id", *_more, "id")),
        postgresql_where=_where,
        sqlite_where=_where,
    )

# --- builds -----------------------------------------------------------------------------------------------------------


def _facts() -> list[Column[Any]]:
    """Return the columns of a build's facts, which builds and queue entries share; `values.py` fills them."""
    return [
        Column("source", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("build_status", Text, nullable=False),
        Column("build_number", Text),
        Column("run_id", Text),
        Column("commit_sha", Text),
        Column("commit_folded", Sorted),
        Column("branch", Text),
        Column("tag", Text),
        # The branch, or else the tag, told apart: what "newest per branch" groups by. Never null: it is put in order.
        Column("ref", Sorted, nullable=False),
        Column("repo_url_key", Text),
        Column("url", Text),
        Column("author", Text),
        Column("finished_at", Time),
        # Everything that `q` finds by its beginning: lower case, each behind a line break.
        Column("search", Text, nullable=False),
    ]


identities = _owned(
    "identities",
    Column("source", Sorted, nullable=False),
    Column("scope", Sorted, nullable=False),
    Column("run_key", Sorted, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("verified", Flag, nullable=False),
    Column("commit_sha", Text),
    Column("branch", Text),
    Column("tag", Text),
    Column("build_id", Id),
    Column("entry_id", Id),
    # The scope first: all identities of a repository are found by it when two turn out to be one.
    UniqueConstraint("organization_id", "scope", "source", "run_key", "ordinal", name="uq_identities_key"),
)

builds = _owned(
    "builds",
    *_facts(),
    Column("project_id", Id, nullable=False),
    Column("release_id", Id, nullable=False),
    Column("filed", Text, nullable=False),
    Column("verified", Flag, nullable=False),
    Column("placement", Json, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("repository_id", Id),
    Column("identity_id", Id),
    Column("entry_id", Id),
    Column("withdrawn", Flag, nullable=False),
    Index("ix_builds_commit", "organization_id", "commit_folded"),
)
for _name, _first, _last in (
    ("recent", (), ()),
    ("of_project", ("project_id",), ()),
    # The branch stands behind: "newest per branch", counts and the builds of one branch are read off the index alone.
    # For that SQLite must find in it even what its condition says.
    ("of_release", ("release_id",), ("ref", "withdrawn")),
):
    _there = ~builds.c.withdrawn
    _columns = ("organization_id", *_first, "created_at", "id", *_last)
    Index(f"ix_builds_{_name}", *(builds.c[c] for c in _columns), postgresql_where=_there, sqlite_where=_there)

queue_entries = _owned(
    "queue_entries",
    *_facts(),
    Column("verified", Flag, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_detail", Text, nullable=False),
    Column("placement", Json, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("status", Text, nullable=False),
    Column("candidates", Json, nullable=False),
    Column("project_id", Id),
    Column("placed_project_id", Id),
    Column("repository_id", Id),
    Column("identity_id", Id),
    Column("build_id", Id),
    Column("assignment", Json),
    Column("reject_reason", Text),
    Column("reject_note", Text),
    Column("decided_by_kind", Text),
    Column("decided_by_id", Id),
    Column("decided_by_name", Text),
    Column("decided_at", Time),
    Index("ix_queue_entries_recent", "organization_id", "created_at", "id"),
)

# Literals, not parameters, here and in the queries: else the database could not tell that a query fits the index.
is_pending = queue_entries.c.status == literal_column("'pending'")
is_decided = queue_entries.c.status != literal_column("'pending'")

for _name, _columns, _where in (
    ("pending", ("organization_id", "created_at", "id"), is_pending),
    ("pending_of_project", ("organization_id", "project_id", "created_at", "id"), is_pending),
    ("decided", ("organization_id", "decided_at", "id"), is_decided),
):
    Index(
        f"ix_queue_entries_{_name}",
        *(queue_entries.c[c] for c in _columns),
        postgresql_where=_where,
        sqlite_where=_where,
    )

# What joins two repositories finds builds and entries by their identities; here stand only those without any.
for _table in (builds, queue_entries):
    _unnamed = _table.c.identity_id.is_(None)
    Index(
        f"ix_{_table.name}_unidentified",
        _table.c.organization_id,
        _table.c.repository_id,
        postgresql_where=_unnamed,
        sqlite_where=_unnamed,
    )

deliveries = _owned(
    "deliveries",
    Column("source", Sorted, nullable=False),
    Column("credential", Text, nullable=False),
    Column("credential_id", Id, nullable=False),
    Column("received_at", Time, nullable=False),
    Column("body", Bytes, nullable=False),
    Column("status", Text, nullable=False),
    Column("headers", Json, nullable=False),
    Column("event", Text),
    Column("provider_delivery_id", Sorted),
    Column("reason_code", Text),
    Column("reason_detail", Text),
    Column("build_id", Id),
    Column("entry_id", Id),
    Column("placement", Json),
    UniqueConstraint("organization_id", "source", "provider_delivery_id", name="uq_deliveries_sent_as"),
    # A row is over 2 KB and under a page, and PostgreSQL would move its body to a table of its own: two more writes.
    postgresql_with={"toast_tuple_target": 8160},
)
for _subject in ("build_id", "entry_id"):
    _named = deliveries.c[_subject].is_not(None)
    Index(
        f"ix_deliveries_{_subject}",
        deliveries.c.organization_id,
        deliveries.c[_subject],
        deliveries.c.received_at,
        deliveries.c.id,
        postgresql_where=_named,
        sqlite_where=_named,
    )

first_answers = Table(
    "first_answers",
    metadata,
    Column("organization_id", Id),
    Column("name", Digest),
    Column("digest", Digest, nullable=False),
    Column("delivery_id", Id, nullable=False),
    Column("at", Time, nullable=False),
    Column("written", Bytes, nullable=False),
    PrimaryKeyConstraint("organization_id", "name"),
    Index("ix_first_answers_at", "organization_id", "at"),
)
"""What is answered again to whoever sends the same key again. Only such requests write here, and a day later their rows
are removed."""
