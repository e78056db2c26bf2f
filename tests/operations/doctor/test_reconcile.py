"""`killreport doctor --reconcile` finds what a restored database may have wrong with it, and mends what is safe."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from contracts.corporations import CorporationSyncState
from db.accounts.departures import is_here
from db.intake.arrivals import record_arrivals
from db.intake.store import store_killmails
from db.syncs.reconciliation import known_pilots
from db.values.appraisal import appraise
from operations.doctor import reconcile as reconciling
from settings import Settings
from temporal.corporation_sync import start_corporation_sync
from temporal.departure import start_departure
from temporal.running import running_pilots
from temporal.user_sync import start_or_wake
from tests.db.bodies import body, raw
from tests.logins import add_user
from tests.operations.doctor.test_gaps import killreport
from tests.workflows.waiting import eventually


async def found(settings: Settings, *arguments: str, status: int) -> dict[str, tuple[str, str]]:
    """Verdict and detail by subject."""
    result = await killreport(settings, "doctor", "--reconcile", "--json", *arguments)
    assert result.exit_code == status, result.output
    return {finding["subject"]: (finding["verdict"], finding["detail"]) for finding in json.loads(result.stdout)}


async def test_killmails_that_are_not_whole(settings: Settings, pool: asyncpg.Pool, client: Client) -> None:
    del client  # Temporal is prepared
    await store_killmails(pool, [raw(body(killmail_id)) for killmail_id in (1, 2, 3, 4, 5)])
    await appraise(pool, [1, 2, 3, 5])
    await record_arrivals(pool, [1, 3, 4, 5])
    await pool.execute("DELETE FROM killmail_bodies WHERE killmail_id = 3")
    await pool.execute("DELETE FROM participants WHERE killmail_id = 5 AND NOT is_victim")
    await pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, stored_at) VALUES (9, 'x', 1, now())"
    )
    await pool.execute("INSERT INTO summed_subjects VALUES (90000001, false, 'infinity')")
    wrong = {"Stored references": 9, "Bodies and people": 3, "Arrivals": 2, "Values and flags": 4, "Sums": 90_000_001}
    await pool.execute('UPDATE killmail_bodies SET body = body || \'{"rebuilt_from": "tables"}\' WHERE killmail_id = 1')
    before = await found(settings, status=1)
    assert {subject for subject, (verdict, _) in before.items() if verdict == "fails"} == set(wrong)
    for subject, killmail_id in wrong.items():
        assert f"for example {killmail_id}" in before[subject][1]
    assert "2 killmails without a body" in before["Bodies and people"][1]
    assert before["Rebuilt bodies"] == ("ok", "1 put together from the old system's tables, for example 1")

    mended = await found(settings, "--mend", status=1)
    assert mended.pop("Bodies and people")[0] == "fails", "nobody can make up what is lost"
    assert {subject for subject, (verdict, _) in mended.items() if verdict == "mended"} == set(wrong) - {
        "Bodies and people"
    }
    after = await found(settings, status=1)
    assert {subject for subject, (verdict, _) in after.items() if verdict == "fails"} == {"Bodies and people"}
    assert after["References without a body"] == ("warning", "1 killmails that EVE listed are not here (yet)")
    assert after["Sums"] == ("ok", "of 1 pilots and corporations, all exact")
    rebuilt = await killreport(settings, "rebuild-sums")
    assert rebuilt.stdout == "The sums of 1 of 1 busy pilots and corporations are whole.\n"
    silent = await pool.fetch("SELECT killmail_id FROM killmail_arrivals WHERE silent")
    assert [row["killmail_id"] for row in silent] == [2]


async def test_people_and_workflows_that_do_not_know_each_other(
    settings: Settings, pool: asyncpg.Pool, client: Client
) -> None:
    """No worker runs: what is said here is Temporal's own word."""
    back, doubtful, alone, nobody, corporation = 91, 92, 93, 94, 98000009
    for pilot in (back, doubtful, alone):
        await add_user(pool, pilot)
    await pool.execute(
        "UPDATE users SET token_state = 'valid', refresh_token = '\\x00', last_login_at = now() - interval '1 day'"
    )
    for pilot in (back, doubtful):
        await start_departure(client, pilot)
    for pilot in (doubtful, nobody):
        await start_or_wake(client, pilot, 900)
    await start_corporation_sync(client, CorporationSyncState(corporation, 900), reason="test")

    async def listed() -> bool:
        return (await client.count_workflows('WorkflowType != "Watchdog"')).count >= 5

    await eventually(listed)
    before = await found(settings, status=1)
    assert before["Deleted characters"][0] == "fails"
    assert before["Workflows without a pilot"][1].startswith(f"1 ({nobody})")
    assert before["Workflows without a corporation"][1].startswith(f"1 ({corporation})")
    assert before["Pilots without a workflow"] == ("fails", f"2 ({back}, {alone})")

    result = await killreport(settings, "doctor", "--reconcile", "--mend")
    assert result.exit_code == 0, result.output
    assert (await is_here(pool, back), await is_here(pool, doubtful)) == (False, True)
    assert "1 left, and have a workflow that is younger: 92" in result.stdout.replace("\n", " ")
    for workflow_id in (f"user-sync-{nobody}", f"corporation-sync-{corporation}"):
        described = await client.get_workflow_handle(workflow_id).describe()
        assert described.status is not None
        assert described.status.name == "TERMINATED"
    assert await pool.fetchval("SELECT count(*) FROM departures WHERE character_id = $1", back) == 1


async def test_for_how_long_temporal_remembers_who_left_is_its_own_word(settings: Settings, client: Client) -> None:
    del client  # Temporal is prepared, and its namespace older than KillReport
    remembered = "Temporal remembers 0 that left, and its namespace keeps them for"
    less = f"{remembered} 24 hours, less than TEMPORAL_RETENTION_DAYS: who left before that may be back unseen"
    assert (await found(settings, status=0))["Deleted characters"] == ("warning", less)
    told = (await killreport(settings, "doctor", "--json")).stdout
    (retention,) = [one for one in json.loads(told) if one["subject"] == "Retention"]
    assert (retention["verdict"], retention["mend"]) == ("warning", "Run `killreport migrate`.")
    assert "are kept for 24 hours, not for the 3 days of TEMPORAL_RETENTION_DAYS" in retention["detail"]

    assert (await killreport(settings, "migrate")).exit_code == 0
    assert (await found(settings, status=0))["Deleted characters"] == (
        "ok",
        f"{remembered} 3 days; none of them is here",
    )
    told = (await killreport(settings, "doctor", "--json")).stdout
    assert [one["verdict"] for one in json.loads(told) if one["subject"] == "Retention"] == ["ok"]


async def test_who_logs_in_meanwhile_is_left_alone(
    settings: Settings, pool: asyncpg.Pool, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    pilot = 95

    async def listed() -> bool:
        return (await client.count_workflows('WorkflowType = "UserSync"')).count == 1

    def followed_by_a_login(reading: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
        async def read(of: Any) -> Any:
            found = await reading(of)
            if not await is_here(pool, pilot):
                await add_user(pool, pilot)
                await start_or_wake(client, pilot, 900)
                await eventually(listed)
            return found

        return read

    for name, reading in (("known_pilots", known_pilots), ("running_pilots", running_pilots)):
        monkeypatch.setattr(reconciling, name, followed_by_a_login(reading))
    await reconciling.reconcile(settings, mend=True)
    described = await client.get_workflow_handle(f"user-sync-{pilot}").describe()
    assert described.status is WorkflowExecutionStatus.RUNNING


async def test_postgres_that_goes_away_meanwhile_is_blamed(
    settings: Settings, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    del client  # Temporal is prepared

    async def refused(_pool: asyncpg.Pool) -> None:
        raise ConnectionRefusedError("Connection refused")

    monkeypatch.setattr(reconciling, "known_pilots", refused)
    result = await killreport(settings, "doctor", "--reconcile")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Postgres at ")


async def test_mend_alone_is_a_usage_error(settings: Settings) -> None:
    assert (await killreport(settings, "doctor", "--mend")).exit_code == 2
