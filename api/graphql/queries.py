"""Resolvers of `Query`: each root field is one read from `db`, its fields come from the rows as they are."""

from __future__ import annotations

from typing import Any

from ariadne import QueryType

from api.arguments import eve_id, killmail_filter
from api.compiled.reads import Answer
from api.errors import Code, Refused
from api.graphql.account_feeds import AccountFeeds
from api.graphql.connections import killmail_connection
from api.graphql.execution import Info
from api.graphql.lookahead import selects
from db.intake.arrivals import newest_arrival
from db.killmails.cursors import position_cursor
from db.killmails.filter import Order
from db.syncs.status import AccountCharacter, LastRun, ShownStatus, account_characters, recent_runs
from temporal.task_queues import TemporalDoesNotAnswer, task_queue_figures

query = QueryType()
Row = dict[str, Any]


@query.field("me")
async def resolve_me(_: None, info: Info) -> Row | None:
    context = info.context
    if context.caller is None:
        return None
    account_id, pool = context.caller.account_id, context.services.pool
    interval = context.services.settings.sync_interval_seconds
    characters = await account_characters(pool, account_id, interval) if selects(info, "characters") else []
    ids = [character.character_id for character in characters]
    runs = await recent_runs(pool, ids) if selects(info, "characters", "runs") else {}
    feeds = AccountFeeds(ids)
    rows = [
        {
            **character_row(character),
            "feeds": feeds,
            "runs": [run_row(run) for run in runs.get(character.character_id, ())],
        }
        for character in characters
    ]
    return {"id": str(account_id), "characters": rows}


@query.field("killmail")
async def resolve_killmail(_: None, info: Info, id: str) -> Answer | None:  # noqa: A002 - the schema's name
    context = info.context
    killmail_id = eve_id(id)
    if (viewer := await context.viewer()) is None:
        return None
    return await context.services.compiled.killmail(info, viewer, killmail_id)


@query.field("killmails")
async def resolve_killmails(
    _: None,
    info: Info,
    first: int | None = 50,
    after: str | None = None,
    filter: Row | None = None,  # noqa: A002 - the schema's name
    orderBy: Order | None = None,  # noqa: N803 - the schema's name
) -> Answer:
    return await killmail_connection(info, first, after, killmail_filter(filter), orderBy)


@query.field("liveCursor")
async def resolve_live_cursor(_: None, info: Info) -> str:
    return position_cursor(await newest_arrival(info.context.services.pool))


@query.field("workerStatus")
async def resolve_worker_status(_: None, info: Info) -> list[Row]:
    context = info.context
    if context.caller is None:
        raise Refused(Code.UNAUTHENTICATED, "Log in to see the status of the workers.")
    try:
        figures = await task_queue_figures(context.services.temporal)
    except TemporalDoesNotAnswer as error:
        raise Refused(Code.UNAVAILABLE, str(error)) from None
    return [
        {"queueName": queue.name, "messageCount": queue.backlog, "consumerCount": queue.pollers} for queue in figures
    ]


def character_row(character: AccountCharacter) -> Row:
    """An `AccountCharacter` of the schema."""
    corporation = {
        "id": str(character.corporation_id),
        "name": character.corporation_name,
        "ticker": character.corporation_ticker,
    }
    return {
        "id": str(character.character_id),
        "name": character.name,
        "corporation": corporation if character.corporation_id is not None else None,
        "scopes": character.scopes,
        "visibility": character.visibility.name,
        "lastKillmailSyncAt": character.last_killmail_sync_at,
        "syncStatus": status_row(character.status),
        "lastRun": None if character.last_run is None else run_row(character.last_run),
    }


def status_row(status: ShownStatus) -> Row:
    """A `SyncStatus` of the schema."""
    progress = status.progress
    return {
        "state": status.state.name,
        "message": status.message,
        "until": status.until,
        "progress": None if progress is None else {"done": progress.done, "total": progress.total},
        "action": status.action.name,
    }


def run_row(run: LastRun) -> Row:
    """A `SyncRun` of the schema."""
    return {
        "kind": run.kind.upper(),
        "startedAt": run.started_at,
        "finishedAt": run.finished_at,
        "listed": run.listed,
        "new": run.new,
        "stored": run.stored,
        "pending": run.pending,
        "failed": run.failed,
        "failures": [{"reason": reason, "count": count} for reason, count in sorted(run.failures.items())],
    }


BINDABLES = (query,)
