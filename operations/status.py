"""`killreport status`: how the installation stands, in the words the pilots read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from contracts.sync import SyncState
from contracts.sync_sentences import SENTENCES, action_in
from contracts.task_queues import SYNC_QUEUE, TASK_QUEUES
from db.figures import figures
from eve.budget import BucketState, Budget, Pause
from operations.connections import database, redis_client, temporal_client, temporal_failures
from settings import Settings


@dataclass(frozen=True, slots=True)
class UsersInState:
    """How many pilots' syncs are in a state, what that state means and what helps."""

    state: str
    users: int
    meaning: str
    action: str


@dataclass(frozen=True, slots=True)
class QueueState:
    """A task queue of Temporal's: tasks that wait, and workers that ask for them."""

    queue: str
    backlog: int
    pollers: int


@dataclass(frozen=True, slots=True)
class Status:
    """All that `killreport status` prints. Times are UTC, sizes bytes, lags seconds."""

    users: list[UsersInState]
    killmails: int
    references_pending: int
    references_failed: int
    last_sync_at: datetime | None
    longest_since_sync_seconds: float | None
    late_users: int
    database_bytes: int
    queues: list[QueueState]
    esi_buckets: list[BucketState]
    esi_pauses: list[Pause]


async def installation_status(settings: Settings) -> Status:
    """Ask Postgres, Temporal and Redis how things stand.

    Raises:
        OperationFailed: one of them is away, or the database is not migrated.
    """
    async with database(settings) as pool:
        found = asdict(await figures(pool, settings.sync_interval_seconds))
    client = await temporal_client(settings)
    with temporal_failures(settings):
        queues = [await queue_state(client, queue) for queue in TASK_QUEUES]
    async with redis_client(settings) as redis:
        budget = Budget(redis)
        buckets, pauses = await budget.buckets(), await budget.pauses()
    users = [_in_state(state, count) for state, count in found.pop("users").items()]
    return Status(users=users, queues=queues, esi_buckets=buckets, esi_pauses=pauses, **found)


async def queue_state(client: Client, queue: str, *, seen_since: datetime | None = None) -> QueueState:
    """Backlog and pollers of a task queue: of its activities, and of its workflows where it has any.

    Args:
        seen_since: count only workers that asked for work after this time (UTC). The server remembers the
            others for five minutes after they have gone.

    Raises:
        temporalio.service.RPCError: Temporal refused.
    """
    types = [TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY]
    if queue == SYNC_QUEUE:
        types.append(TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW)
    backlog, pollers = 0, []
    for kind in types:
        answer = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=client.namespace,
                task_queue=TaskQueue(name=queue),
                task_queue_type=kind,
                report_stats=True,
            )
        )
        backlog += answer.stats.approximate_backlog_count
        pollers.append(
            sum(
                seen_since is None or poller.last_access_time.ToDatetime(tzinfo=UTC) >= seen_since
                for poller in answer.pollers
            )
        )
    return QueueState(queue, backlog, min(pollers))


def _in_state(name: str, users: int) -> UsersInState:
    try:
        state = SyncState(name)
    except ValueError:
        return UsersInState(name, users, "Unknown to this version.", "")
    return UsersInState(name, users, SENTENCES[state], action_in(state))
