"""Alembic's entry: runs the revisions on the connection of `db.migrate`, or writes their SQL for the linter."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import db.tables  # noqa: F401 - fills SQLModel.metadata

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=True)
else:
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=SQLModel.metadata,
        compare_server_default=True,
        # Each revision commits on its own: a later one that fails leaves the earlier ones applied and recorded.
        transaction_per_migration=True,
        is_pooled=context.config.attributes.get("is_pooled", False),
    )
with context.begin_transaction():
    context.run_migrations()
