"""`killreport migrate`: the database's tables, and what must be registered with Temporal."""

from __future__ import annotations

import sqlalchemy.exc

from db.migrate import DatabaseIsNewer, MigrationBusy, migrate
from operations.connections import postgres_failures, reason, temporal_client, temporal_failures
from operations.failure import OperationFailed
from settings import Settings
from temporal.schedules import prepare_temporal


async def migrate_everything(settings: Settings) -> list[str]:
    """Migrate Postgres, then register search attributes and schedules with Temporal. Idempotent.

    Returns:
        One line for each change; empty when all was up to date.

    Raises:
        OperationFailed: a service is away, or a revision failed.
    """
    try:
        with postgres_failures(settings):
            revisions = await migrate(settings.database_url)
    except (DatabaseIsNewer, MigrationBusy, sqlalchemy.exc.SQLAlchemyError) as error:
        raise OperationFailed(f"Postgres was not migrated: {reason(error)}.") from error
    client = await temporal_client(settings)
    with temporal_failures(settings):
        prepared = await prepare_temporal(client)
    return [f"Postgres: applied revision {revision}" for revision in revisions] + [
        f"Temporal: {change}" for change in prepared
    ]
