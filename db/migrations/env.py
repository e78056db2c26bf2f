"""Alembic's entry: runs the revisions on the connection that `db.migrate` opened."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

import db.tables  # noqa: F401 - fills SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    compare_server_default=True,
    # Each revision commits on its own: a later one that fails leaves the earlier ones applied and recorded.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
