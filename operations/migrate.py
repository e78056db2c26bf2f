"""`killreport migrate`: the database's tables, and what must be registered with Temporal."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy.exc

from db.migrate import DatabaseIsNewer, MigrationBusy, TableInUse, migrate
from operations.connections import postgres_failures, reason, temporal_client, temporal_failures
from operations.failure import OperationFailed
from settings import Settings
from temporal.namespace import NotAllowed, NotKnownYet, ensure_namespace
from temporal.schedules import prepare_temporal


async def migrate_everything(settings: Settings) -> list[str]:
    """Migrate Postgres, then Temporal: its namespace, search attributes and schedules. Idempotent.

    Returns:
        One line for each change; empty when all was up to date.

    Raises:
        OperationFailed: a service is away, or a revision failed.
    """
    try:
        with postgres_failures(settings, ValueError):
            revisions = await migrate(settings.database_url)
    except (DatabaseIsNewer, MigrationBusy, TableInUse, sqlalchemy.exc.SQLAlchemyError) as error:
        raise OperationFailed(f"Postgres was not migrated: {reason(error)}.") from error
    client = await temporal_client(settings)
    try:
        with temporal_failures(settings):
            made = await ensure_namespace(client, timedelta(days=settings.temporal_retention_days))
            prepared = made + await prepare_temporal(client)
    except (NotAllowed, NotKnownYet) as error:
        raise OperationFailed(str(error)) from error
    return [f"Postgres: applied revision {revision}" for revision in revisions] + [
        f"Temporal: {change}" for change in prepared
    ]
