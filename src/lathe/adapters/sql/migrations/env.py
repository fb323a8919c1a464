"""Run by Alembic: applies the migrations on the connection that it is handed, in one transaction."""

from __future__ import annotations

from alembic import context

from lathe.adapters.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
