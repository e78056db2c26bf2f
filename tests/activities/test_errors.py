"""Each failure of EVE's becomes one of Temporal's; nothing secret goes with it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from temporalio import activity, workflow
from temporalio.api.failure.v1 import Failure
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationErrorCategory
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.errors import CharacterRemoved, FailureInterceptor, OncePerCause, application_error
from contracts.sync import FailureType
from eve import errors
from eve.errors import Downtime, ErrorLimited, EveError, RateLimited

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECRET = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("error", "kind", "again", "benign"),
    [
        (errors.TokenRevoked("x"), FailureType.NEEDS_LOGIN, False, True),
        (errors.OwnerChanged("x"), FailureType.OWNER_CHANGED, False, True),
        (CharacterRemoved(), FailureType.REMOVED, False, True),
        (errors.AccessTokenRejected("x"), FailureType.ACCESS_TOKEN_REJECTED, False, True),
        (errors.Forbidden("x"), FailureType.FORBIDDEN, False, True),
        (errors.ClientRejected("x"), FailureType.CONFIGURATION, False, False),
        (errors.BadRequest("x"), FailureType.CONFIGURATION, False, False),
        (errors.SsoRefused("x"), FailureType.UNAVAILABLE, True, True),
        (errors.GrantLost("x"), FailureType.NEEDS_LOGIN, False, True),
        (errors.UntrustedAccessToken("x"), FailureType.UNAVAILABLE, False, True),
        (errors.DoubtfulRefusal("x"), FailureType.UNAVAILABLE, False, True),
        (errors.MalformedBody("x"), FailureType.UNAVAILABLE, True, True),
        (errors.Unavailable("x"), FailureType.UNAVAILABLE, True, True),
        (EveError("one nobody thought of"), FailureType.UNAVAILABLE, True, True),
        (errors.RedisUnreachable("x"), FailureType.INFRASTRUCTURE, True, False),
        (OSError("the database"), FailureType.INFRASTRUCTURE, True, False),
    ],
)
def test_failures_are_typed(error: Exception, kind: str, again: bool, benign: bool) -> None:
    told = application_error(error, NOW)
    assert (told.type, not told.non_retryable) == (kind, again)
    assert (told.category == ApplicationErrorCategory.BENIGN) == benign


@pytest.mark.parametrize("make", [RateLimited, ErrorLimited, Downtime])
def test_a_near_end_is_left_to_the_retry_and_a_far_one_to_the_workflow(
    make: type[RateLimited] | type[ErrorLimited] | type[Downtime],
) -> None:
    kind = FailureType.DOWNTIME if make is Downtime else FailureType.RATE_LIMITED
    near = application_error(make(NOW + timedelta(seconds=40)), NOW)
    assert (near.type, near.non_retryable, near.next_retry_delay) == (kind, False, timedelta(seconds=40))
    far = application_error(make(NOW + timedelta(seconds=400)), NOW)
    assert (far.type, far.non_retryable, far.next_retry_delay) == (kind, True, None)
    assert far.details == ((NOW + timedelta(seconds=400)).isoformat(),)
    told = application_error(make(NOW + timedelta(seconds=40)), NOW, wait_in_retries=False)
    assert (told.type, told.non_retryable, told.details) == (kind, True, near.details)
    past = application_error(make(NOW - timedelta(seconds=4)), NOW)
    assert past.next_retry_delay == timedelta(seconds=1)


def test_one_cause_is_one_line_a_minute(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("activities.errors._causes", OncePerCause(lambda: clock[0]))

    def fail(error: Exception) -> None:
        with pytest.raises(type(error)) as raised:
            raise error
        assert application_error(raised.value, NOW).type == FailureType.INFRASTRUCTURE

    for _ in range(40):
        fail(ConnectionRefusedError("postgres"))
        fail(RuntimeError("a mistake of ours"))
    refused, mistake = caplog.messages
    assert "Traceback" not in refused
    assert "test_errors.py" not in refused
    assert "test_errors.py" in mistake, "an unexpected one is logged with its place"
    clock[0] += 61
    fail(ConnectionRefusedError("postgres"))
    assert "39 more before" in caplog.messages[-1]
    fail(ConnectionResetError("postgres"))
    assert len(caplog.messages) == 4, "another cause has its own line"


@activity.defn
async def ask_a_database_that_is_away() -> None:
    raise ConnectionRefusedError("postgres")


@workflow.defn(sandboxed=False)
class Asks:
    @workflow.run
    async def run(self) -> None:
        retries = RetryPolicy(initial_interval=timedelta(milliseconds=1), maximum_attempts=5)
        await workflow.execute_activity(
            ask_a_database_that_is_away, start_to_close_timeout=timedelta(seconds=10), retry_policy=retries
        )


async def test_five_attempts_against_a_database_that_is_away_are_one_line(
    client: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.errors._causes", OncePerCause())
    worker = Worker(
        client,
        task_queue="asks",
        workflows=[Asks],
        activities=[ask_a_database_that_is_away],
        interceptors=[FailureInterceptor()],
        workflow_runner=UnsandboxedWorkflowRunner(),  # a sandbox would import all that this module does once more
    )
    async with worker:
        with pytest.raises(WorkflowFailureError):
            await client.execute_workflow(Asks.run, id="asks", task_queue="asks")
    told = [record for record in caplog.records if record.name != "temporalio.workflow"]
    assert [record.name for record in told] == ["activities.errors"]
    assert "our Postgres or Redis does not answer (ConnectionRefusedError)" in told[0].getMessage()


async def test_what_a_database_says_stays_here(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise asyncpg.UniqueViolationError(f"Key (killmail_hash)=({SECRET}) already exists.")
    except asyncpg.PostgresError as error:
        with caplog.at_level(logging.DEBUG):
            told = application_error(error, NOW)
    failure = Failure()
    await DataConverter.default.encode_failure(told, failure)
    assert SECRET not in str(failure)
    assert "UniqueViolationError" in str(failure)
    assert SECRET not in caplog.text
    assert "test_errors.py" in caplog.text, "the log says where"
