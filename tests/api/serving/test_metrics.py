"""Operators' figures: for a scraper on this machine and for operators, and for nobody else."""

from __future__ import annotations

import asyncpg
import redis.asyncio
from multidict import CIMultiDict, CIMultiDictProxy
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from contracts.call_classes import CallClass
from db.syncs.figures import killmails_stored
from eve.answer import Answer
from eve.esi.budget import Budget
from eve.esi.routes import CHARACTER_KILLMAILS, KILLMAIL
from settings import Settings
from tests.api.running_site import Browser, Site, open_browser, serve


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_users_by_state_gaps_and_every_bucket(site: Site, browser: Browser, redis_url: str) -> None:
    await site.pool.execute("INSERT INTO accounts DEFAULT VALUES")
    await site.pool.execute(
        "INSERT INTO users (character_id, account_id, name, owner_hash, scopes, token_state, sync_state,"
        "                   last_killmail_sync_at, sync_detail)"
        " SELECT n, (SELECT max(account_id) FROM accounts), 'A', 'o', '{}', 'valid', state, now() - ago::interval,"
        "        jsonb_build_object('until', now() + due::interval)"
        "   FROM (VALUES (1, 'ok', '1 minute', '14 minutes'), (2, 'ok', '2 hours', '-105 minutes'),"
        "                (3, 'ok', '5 hours', '1 hour'), (4, 'needs_login', '9 days', '0')) AS u (n, state, ago, due)"
    )
    await site.pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, parked_at)"
        " VALUES (1, '', 1, NULL), (2, '', 1, NULL), (3, '', 1, now())"
    )
    await site.pool.execute(
        "INSERT INTO webhooks (account_id, subject, subject_id, name, target_host, max_age_seconds, burst, bookmark,"
        "                      paused_reason)"
        " SELECT (SELECT max(account_id) FROM accounts), 'character', 1, 'x', 'example.com', 7200, 10, 0, reason"
        "   FROM unnest('{NULL,gone}'::text[]) AS reason"
    )
    await site.pool.execute(
        "INSERT INTO webhook_deliveries (webhook_id, state, created_at)"
        " SELECT webhook_id, 'waiting', now() - interval '20 minutes' FROM webhooks"
    )
    client = redis.asyncio.from_url(redis_url)
    budget = Budget(client)
    headers = {"X-Ratelimit-Group": "killmail", "X-Ratelimit-Limit": "3600/15m", "X-Ratelimit-Remaining": "3598"}
    spent = await budget.reserve(KILLMAIL, None, CallClass.LIVE)
    await budget.settle(spent, Answer(200, CIMultiDictProxy(CIMultiDict(headers)), b"{}"))
    await client.aclose()

    status, text = await browser.get("/metrics")
    assert status == 200
    found = values(text)
    assert found["killreport_esi_tokens_spent", "killmail", "live"] == 2
    assert found["killreport_users", "ok"] == 3
    assert [found["killreport_webhooks", state] for state in ("well", "behind", "given_up")] == [0, 1, 1]
    assert found["killreport_users", "needs_login"] == 1
    assert found["killreport_users", "paused"] == 0
    assert found["killreport_users_late",] == 1, "an idle pilot who is looked at every six hours is not late"
    assert found["killreport_references_pending",] == 2
    assert found["killreport_references_failed",] == 1
    assert 5 * 3600 <= found["killreport_sync_lag_seconds",] < 5 * 3600 + 60
    assert found["killreport_esi_tokens_left", "killmail"] == 3598
    assert found["killreport_esi_tokens_limit", "killmail"] == 3600
    assert found["killreport_tokens", "valid"] == 4
    assert found["killreport_table_bytes", "killmail_refs"] > 0
    up = {service: found["killreport_service_up", service] for service in ("postgres", "redis", "temporal")}
    assert up == {"postgres": 1, "redis": 1, "temporal": 0}
    assert not any(name.startswith("killreport_task_queue") for name, *_ in found), "Temporal does not say"


async def test_killmails_that_somebody_has_locked_hold_up_nothing_else(site: Site, browser: Browser) -> None:
    async with site.pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE killmails IN ACCESS EXCLUSIVE MODE")
        _, text = await browser.get("/metrics")
    found = values(text)
    assert found["killreport_service_up", "postgres"] == 1
    assert found["killreport_users_late",] == 0
    assert not {"killreport_killmails", "killreport_table_bytes"} & {name for name, *_ in found}
    assert values((await browser.get("/metrics"))[1])["killreport_killmails",] == 0


async def test_a_million_killmails_are_not_counted(pool: asyncpg.Pool) -> None:
    assert await killmails_stored(pool) == 0
    await pool.execute("UPDATE pg_class SET reltuples = 31234567 WHERE oid = 'killmails'::regclass")
    assert await killmails_stored(pool) == 31_234_000


async def test_a_bucket_of_a_pilot_is_no_series_of_its_own(browser: Browser, redis_url: str) -> None:
    client = redis.asyncio.from_url(redis_url)
    budget = Budget(client)
    for pilot, calls in ((2_119_000_001, 1), (2_119_000_002, 3)):
        for _ in range(calls):
            spent = await budget.reserve(CHARACTER_KILLMAILS, f"us:{pilot}", CallClass.LIVE)
            await budget.settle(spent, Answer(200, CIMultiDictProxy(CIMultiDict()), b"[]"))
    await client.aclose()
    _, text = await browser.get("/metrics")
    found = values(text)
    assert "2119000" not in text
    assert found["killreport_esi_buckets", "char-killmail"] == 2
    assert found["killreport_esi_tokens_left", "char-killmail"] == 30 - 6, "of who has least"
    assert found["killreport_esi_tokens_spent", "char-killmail", "live"] == 8


async def test_what_was_asked_is_counted_by_names_of_ours(browser: Browser) -> None:
    await browser.graphql("query Mine { killmails(first: 1) { nodes { id } } }")
    await browser.graphql("{ nonsense }")
    for path in ("/nowhere/at/all", "/static/nothing.css", "/killmails/12"):
        await browser.get(path)
    found = values((await browser.get("/metrics"))[1])
    assert found["killreport_graphql_operation_seconds_count", "query killmails"] >= 1
    assert found["killreport_graphql_operation_cost_count", "query killmails"] >= 1
    assert found["killreport_graphql_errors_total", "GRAPHQL_VALIDATION_FAILED"] >= 1
    routes = {label for name, *labels in found if name == "killreport_http_request_seconds_count" for label in labels}
    assert {"none", "404", "/static", "/graphql", "/killmails/{killmail_id:eve_id}"} <= routes
    assert "nowhere" not in str(routes)


async def test_a_token_opens_the_page_from_elsewhere(lone_settings: Settings) -> None:
    settings = lone_settings.model_copy(update={"metrics_token": SecretStr("a long secret")})
    async with serve(settings) as site, open_browser(site) as browser:
        elsewhere = {"X-Forwarded-For": "203.0.113.7"}
        for sent, status in (("Bearer a long secret", 200), ("Bearer a long secre", 404), ("Bearer ", 404)):
            assert (await browser.get("/metrics", headers={**elsewhere, "Authorization": sent}))[0] == status


async def test_from_elsewhere_there_is_no_such_page(visitor: Browser) -> None:
    for headers in ({"X-Forwarded-For": "203.0.113.7"}, {"Host": "killreport.example"}, {"X-Real-IP": "203.0.113.7"}):
        status, text = await visitor.get("/metrics", headers=headers)
        assert status == 404
        assert "killreport_" not in text
