"""What each caller sees of the killmails, and what they may ask for."""

from __future__ import annotations

import asyncpg
import pytest

from tests.api.running_site import Browser, Site
from tests.db.bodies import body

ME, FRIEND, STRANGER, VICTIM = 90_000_010, 90_000_011, 90_000_020, 90_000_030
FEED = """
query Feed($first: Int = 50, $after: String, $filter: KillmailFilter) {
  killmails(first: $first, after: $after, filter: $filter) {
    nodes { id } edges { cursor node { id } } pageInfo { hasNextPage endCursor }
  }
}
"""


@pytest.fixture
async def me(site: Site, browser: Browser) -> int:
    """Signed in, with two characters; returns the account."""
    account_id = await site.add_pilot(ME, name="Ada Lovelace")
    await site.add_pilot(FRIEND, account_id, name="Second Pilot")
    await browser.sign_in(account_id)
    return account_id


async def ids(browser: Browser, **variables: object) -> list[str]:
    feed = (await browser.data(FEED, **variables))["killmails"]
    assert [edge["node"] for edge in feed["edges"]] == feed["nodes"]
    return [node["id"] for node in feed["nodes"]]


@pytest.mark.usefixtures("me")
async def test_a_pilot_sees_own_kills_and_losses_and_no_others(site: Site, browser: Browser) -> None:
    await site.store(
        body(1, victim=ME),
        body(2, victim=VICTIM, attackers=(STRANGER, FRIEND)),
        body(3, victim=VICTIM, attackers=(STRANGER,)),
    )
    assert await ids(browser) == ["2", "1"]
    seen = await browser.data('{ hers: killmail(id: "1") { id } theirs: killmail(id: "3") { id } }')
    assert seen == {"hers": {"id": "1"}, "theirs": None}


@pytest.mark.usefixtures("me")
async def test_the_feed_is_filtered_by_character_and_side(site: Site, browser: Browser) -> None:
    await site.store(body(1, victim=ME, attackers=(FRIEND,)), body(2, attackers=(ME,)), body(3, attackers=(FRIEND,)))
    assert await ids(browser, filter={"characterId": str(ME)}) == ["2", "1"]
    assert await ids(browser, filter={"side": "VICTIM"}) == ["1"]
    assert await ids(browser, filter={"characterId": str(ME), "side": "ATTACKER"}) == ["2"]


@pytest.mark.usefixtures("me")
async def test_pages_follow_one_another_without_gap_or_repetition(site: Site, browser: Browser) -> None:
    await site.store(*(body(number, victim=ME) for number in range(1, 8)))
    seen: list[str] = []
    after = None
    while True:
        page = (await browser.data(FEED, first=3, after=after))["killmails"]
        seen += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["7", "6", "5", "4", "3", "2", "1"]


@pytest.mark.usefixtures("me")
async def test_characters_asked_for_twice_have_what_each_asks_for(site: Site, browser: Browser) -> None:
    await site.store(body(1, victim=ME), body(2, victim=ME))
    few, many = "killmails(first: 1) { nodes { id } }", "killmails(first: 5) { nodes { attackerCount } }"
    me = (await browser.data(f"{{ me {{ few: characters {{ {few} }} many: characters {{ {many} }} }} }}"))["me"]
    assert me["few"][0]["killmails"]["nodes"] == [{"id": "2"}]
    assert me["many"][0]["killmails"]["nodes"] == [{"attackerCount": 1}, {"attackerCount": 1}]


@pytest.mark.usefixtures("me")
async def test_attackers_and_items_are_there_in_whatever_way_they_are_selected(site: Site, browser: Browser) -> None:
    killmail = body(1, victim=ME, attackers=(STRANGER, FRIEND))
    killmail["victim"]["items"] = [
        {"item_type_id": 34, "flag": 5, "singleton": 0, "quantity_dropped": 3_000_000_000, "items": []},
    ]
    await site.store(killmail)
    query = """
    { nodes: killmails { nodes { ...All } } edges: killmails { edges { node { ... on Killmail { ...All } } } }
      one: killmail(id: "1") { ...All } }
    fragment All on Killmail { attackers { character { id } } items { type { id } quantityDropped quantityDestroyed } }
    """
    seen = await browser.data(query)
    expected = {
        "attackers": [{"character": {"id": str(STRANGER)}}, {"character": {"id": str(FRIEND)}}],
        "items": [{"type": {"id": "34"}, "quantityDropped": 3_000_000_000, "quantityDestroyed": None}],
    }
    assert seen == {"nodes": {"nodes": [expected]}, "edges": {"edges": [{"node": expected}]}, "one": expected}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ killmails(first: 0) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ killmails(first: 101) { nodes { id } } }", "BAD_USER_INPUT"),
        ("{ killmails(first: null) { nodes { id } } }", "BAD_USER_INPUT"),
        ('{ killmails(after: "nonsense") { nodes { id } } }', "BAD_USER_INPUT"),
        ('{ killmails(filter: {characterId: "me"}) { nodes { id } } }', "BAD_USER_INPUT"),
        ('{ killmail(id: "99999999999999999999") { id } }', "BAD_USER_INPUT"),
        ('{ killmail(id: "-1") { id } }', "BAD_USER_INPUT"),
    ],
)
async def test_senseless_arguments_are_refused_in_words(
    shared_site: Site, visitor: Browser, query: str, code: str
) -> None:
    account_id = await shared_site.pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", ME)
    await visitor.sign_in(account_id or await shared_site.add_pilot(ME))
    (error,) = (await visitor.graphql(query))["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"].endswith(".")


async def test_me_tells_the_characters_and_where_their_syncs_stand(site: Site, browser: Browser, me: int) -> None:
    await site.store(body(1), body(2))
    await site.pool.execute(
        """
        INSERT INTO sync_runs (character_id, kind, listed, killmail_ids, new) VALUES ($1, 'first', 3, '{1,2,3}', 3)
        """,
        ME,
    )
    await site.pool.execute("UPDATE users SET sync_state = 'first_sync' WHERE character_id = $1", ME)
    await site.pool.execute(
        """UPDATE users SET sync_state = 'rate_limited', sync_detail = '{"until": "2026-11-23T18:04:05+00:00"}',
           last_killmail_sync_at = '2026-11-23T18:00:00.5Z', corporation_id = 98000001 WHERE character_id = $1""",
        FRIEND,
    )
    seen = await browser.data(
        """{ me { id characters { id name corporation { id name } lastKillmailSyncAt
             syncStatus { state message until progress { done total } } } } }"""
    )
    ada, second = seen["me"]["characters"]
    assert seen["me"]["id"] == str(me)
    assert ada == {
        "id": str(ME),
        "name": "Ada Lovelace",
        "corporation": None,
        "lastKillmailSyncAt": None,
        "syncStatus": {
            "state": "FIRST_SYNC",
            "message": "Fetching your killmails: 2 of 3 so far.",
            "until": None,
            "progress": {"done": 2, "total": 3},
        },
    }
    assert second["corporation"] == {"id": "98000001", "name": None}
    assert second["lastKillmailSyncAt"] == "2026-11-23T18:00:00Z"
    assert second["syncStatus"]["until"] == "2026-11-23T18:04:05Z"
    assert second["syncStatus"]["message"].endswith("continuing at 18:04:05 EVE time.")


@pytest.mark.usefixtures("me")
async def test_orders_are_refused_in_words(site: Site, browser: Browser) -> None:
    query = "mutation Order($id: ID!) { syncNow(characterId: $id) { status { state } userErrors { code message } } }"

    async def refusal(character_id: int) -> str:
        answer = (await browser.data(query, id=str(character_id)))["syncNow"]
        assert answer["status"] is None
        (error,) = answer["userErrors"]
        assert error["message"]
        return str(error["code"])

    assert await refusal(STRANGER) == "NOT_YOUR_CHARACTER"
    assert await refusal(ME) == "SYNC_UNAVAILABLE", "nobody listens where Temporal should be"
    await site.pool.execute("UPDATE users SET sync_state = 'paused' WHERE character_id = $1", ME)
    assert await refusal(ME) == "PAUSED"
    await site.pool.execute("UPDATE users SET token_state = 'revoked' WHERE character_id = $1", ME)
    assert await refusal(ME) == "NEEDS_LOGIN"


@pytest.mark.usefixtures("me")
async def test_worker_status_says_when_temporal_is_away(browser: Browser) -> None:
    (error,) = (await browser.graphql("{ workerStatus { queueName messageCount } }"))["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"


@pytest.mark.new_database
@pytest.mark.usefixtures("me")
async def test_what_goes_wrong_inside_is_not_told(
    site: Site, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    await site.pool.execute("DROP TABLE killmail_bodies")
    async with browser.http.post(
        f"{site.address}/graphql", json={"query": "{ me { id } killmails { nodes { items { flag } } } }"}
    ) as response:
        answer = await response.json()
    (error,) = answer["errors"]
    assert error["message"] == "Something went wrong on our side."
    assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR", "requestId": response.headers["X-Request-Id"]}
    assert error["path"] == ["killmails"]
    logged = next(record for record in caplog.records if record.exc_info)
    assert response.headers["X-Request-Id"] in logged.getMessage()
    assert logged.exc_info is not None
    assert isinstance(logged.exc_info[1], asyncpg.UndefinedTableError)


async def test_a_session_that_ended_is_anonymous(site: Site, browser: Browser, me: int) -> None:
    assert (await browser.data("{ me { id } }"))["me"] == {"id": str(me)}
    await site.pool.execute("UPDATE sessions SET expires_at = now() - interval '1 second'")
    assert (await browser.data("{ me { id } }"))["me"] is None


async def test_a_visit_slides_the_session_but_writes_rarely(site: Site, browser: Browser, me: int) -> None:
    async def visited() -> object:
        await browser.data("{ me { id } }")
        return await site.pool.fetchval("SELECT expires_at FROM sessions WHERE account_id = $1", me)

    first = await visited()
    assert await visited() == first
    await site.pool.execute("UPDATE sessions SET last_seen_at = now() - interval '1 day', expires_at = now() + '1 day'")
    slid = await visited()
    assert slid != first
    assert await visited() == slid
