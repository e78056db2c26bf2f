"""Pilots, corporations, alliances, systems, types and the account: their killmails and what they come to."""

from __future__ import annotations

from typing import Any

import pytest

from db.sums.build import build_piece, choose_subjects, unfinished
from db.universe.names import store_names, store_solar_systems
from tests.api.running_site import Browser, Site
from tests.db.bodies import body

ME, FRIEND, STRANGER, VICTIM = 90_000_010, 90_000_011, 90_000_020, 90_000_030
ALLIANCE, SYSTEM, RIFTER = 99_000_001, 30_000_142, 587
IN = "killmails(filter: $filter, first: 2) { nodes { id } totalCount } statistics { kills losses iskDestroyed iskLost }"


@pytest.fixture
async def mine(site: Site, browser: Browser) -> None:
    """Signed in with two characters; the fourth killmail is a stranger's own."""
    account_id = await site.add_pilot(ME)
    await site.add_pilot(FRIEND, account_id)
    await browser.sign_in(account_id)
    allied = body(3, victim=VICTIM, attackers=(ME, FRIEND, STRANGER))
    allied["attackers"][2]["alliance_id"] = ALLIANCE
    await site.store(
        body(1, victim=ME, attackers=(STRANGER,)),
        body(2, victim=STRANGER, attackers=(ME,), solar_system_id=30_002_187),
        allied,
        body(4, victim=STRANGER, attackers=(VICTIM,)),
    )
    await site.pool.execute(
        "UPDATE killmails SET total_value = killmail_id * 1000.5, destroyed_value = 0, dropped_value = 0,"
        " fitted_value = 0, price_date = '2026-01-01', solo = killmail_id = 2"
    )
    await store_names(
        site.pool,
        [
            (STRANGER, "character", "Stranger"),
            (98_000_002, "corporation", "Attackers"),
            (SYSTEM, "solar_system", "Jita"),
            (RIFTER, "inventory_type", "Rifter"),
        ],
    )
    await store_solar_systems(site.pool, [(SYSTEM, 0.945913, 20_000_020)])


async def asked(browser: Browser, field: str, identity: int, chosen: dict[str, Any] | None = None) -> dict[str, Any]:
    query = f"query Q($id: ID!, $filter: KillmailFilter) {{ it: {field}(id: $id) {{ id name {IN} }} }}"
    found = (await browser.data(query, id=str(identity), filter=chosen or {}))["it"]
    assert found["id"] == str(identity)
    return {
        "name": found["name"],
        "ids": " ".join(node["id"] for node in found["killmails"]["nodes"]),
        "count": found["killmails"]["totalCount"],
        "statistics": [*found["statistics"].values()],
    }


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("field", "identity", "name", "ids", "count", "statistics"),
    [
        ("character", STRANGER, "Stranger", "3 2", 3, [2, 1, "4002.00", "2001.00"]),
        ("character", ME, None, "3 2", 3, [2, 1, "5002.50", "1000.50"]),
        ("corporation", 98_000_002, "Attackers", "3 2", 3, [3, 0, "6003.00", "0.00"]),
        ("alliance", ALLIANCE, None, "3", 1, [1, 0, "3001.50", "0.00"]),
        ("solarSystem", SYSTEM, "Jita", "3 1", 2, [2, None, "4002.00", None]),
        ("solarSystem", 30_002_187, None, "2", 1, [1, None, "2001.00", None]),
        ("type", RIFTER, "Rifter", "3 2", 3, [0, 3, "0.00", "6003.00"]),
    ],
)
async def test_profiles_hold_what_the_caller_may_see(
    browser: Browser, field: str, identity: int, name: str | None, ids: str, count: int, statistics: list[Any]
) -> None:
    found = await asked(browser, field, identity)
    assert found == {"name": name, "ids": ids, "count": count, "statistics": statistics}


@pytest.mark.usefixtures("mine")
async def test_a_profiles_killmails_are_filtered_further(browser: Browser) -> None:
    for field, identity, chosen, ids in (
        ("character", STRANGER, {"side": "VICTIM"}, "2"),
        ("character", STRANGER, {"victim": {"characterId": str(ME)}}, "1"),
        ("solarSystem", SYSTEM, {"side": "VICTIM", "scope": "ACCOUNT"}, "1"),
        ("type", RIFTER, {"side": "VICTIM", "minAttackers": 3}, "3"),
        ("type", RIFTER, {"side": "ATTACKER"}, ""),
        ("type", RIFTER, {"characterId": str(ME), "side": "VICTIM"}, "1"),
        ("corporation", 98_000_002, {"characterId": str(STRANGER)}, "3 1"),
    ):
        assert (await asked(browser, field, identity, chosen))["ids"] == ids, (field, chosen)


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("field", "chosen"),
    [
        ("character", {"characterId": "1"}),
        ("corporation", {"corporationId": "1"}),
        ("alliance", {"allianceId": "1"}),
        ("solarSystem", {"solarSystemId": "1"}),
        ("type", {"participant": {"shipTypeId": "1"}}),
    ],
)
async def test_a_profile_is_not_named_twice(browser: Browser, field: str, chosen: dict[str, Any]) -> None:
    identity = {"character": STRANGER, "alliance": ALLIANCE, "solarSystem": SYSTEM, "type": RIFTER}.get(
        field, 98_000_002
    )
    query = (
        f"query Q($f: KillmailFilter) {{ {field}(id: {identity}) {{ killmails(filter: $f) {{ nodes {{ id }} }} }} }}"
    )
    (error,) = (await browser.graphql(query, f=chosen))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.usefixtures("mine")
async def test_an_id_of_another_kind_has_no_profile(browser: Browser) -> None:
    seen = await browser.data(
        f"""{{ a: character(id: 98000002) {{ id }} b: corporation(id: {STRANGER}) {{ id }} c: alliance(id: 1) {{ id }}
        d: solarSystem(id: {RIFTER}) {{ id }} e: type(id: {SYSTEM}) {{ id }} f: character(id: 404) {{ id }} }}"""
    )
    assert set(seen.values()) == {None}


@pytest.mark.usefixtures("mine")
async def test_statistics_in_full(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await browser.data(
        f"""{{ character(id: {ME}) {{ statistics(since: "2026-01-01T00:00:00Z", top: 1) {{
            efficiency soloKills soloShare
            topShips {{ ship {{ id }} killmails isk }} topShipsDestroyed {{ ship {{ id name }} killmails isk }}
            topSystems {{ solarSystem {{ id name security }} killmails isk }}
            topVictims {{ character {{ id name }} killmails isk }} topPilots {{ character {{ id }} killmails }}
            activity {{ weekday hour kills losses }} daily {{ day kills losses iskDestroyed iskLost }}
        }} }} }}"""
    )
    assert seen["character"]["statistics"] == {
        "efficiency": 5002.5 / 6003,
        "soloKills": 1,
        "soloShare": 0.5,
        "topShips": [{"ship": {"id": "24692"}, "killmails": 2, "isk": "5002.50"}],
        "topShipsDestroyed": [{"ship": {"id": str(RIFTER), "name": "Rifter"}, "killmails": 2, "isk": "5002.50"}],
        "topSystems": [
            {"solarSystem": {"id": str(SYSTEM), "name": "Jita", "security": "0.9"}, "killmails": 2, "isk": "4002.00"}
        ],
        "topVictims": [{"character": {"id": str(VICTIM), "name": None}, "killmails": 1, "isk": "3001.50"}],
        "topPilots": [{"character": {"id": str(ME)}, "killmails": 2}],
        "activity": [{"weekday": 4, "hour": 0, "kills": 2, "losses": 1}],
        "daily": [{"day": "2026-01-01", "kills": 2, "losses": 1, "iskDestroyed": "5002.50", "iskLost": "1000.50"}],
    }
    completed: list[str] = []
    monkeypatch.setattr("api.compiled.executor.note_completed", lambda _, __, type_: completed.append(type_))
    days = await browser.data(
        f"""query ($no: Boolean = false) {{ character(id: {ME}) {{ statistics(since: "2026-01-01T00:00:00Z") {{
            days: daily {{ ...Told date: day iskLost @include(if: $no) ...Told kills }}
            activity {{ __typename lost: losses hour @skip(if: true) ... on ActiveHour {{ weekday }} }}
        }} }} }} fragment Told on DayOfKillmails {{ kind: __typename won: kills }}"""
    )
    assert days["character"]["statistics"] == {
        "days": [{"kind": "DayOfKillmails", "won": 2, "date": "2026-01-01", "kills": 2}],
        "activity": [{"__typename": "ActiveHour", "lost": 1, "weekday": 4}],
    }
    assert completed == ["CharacterProfile", "Statistics"], "days are not completed one by one"
    assert list(days["character"]["statistics"]["days"][0]) == ["kind", "won", "date", "kills"]
    for arguments in ("top: 0", "top: 101", 'since: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z"'):
        (error,) = (await browser.graphql(f"{{ me {{ statistics({arguments}) {{ kills }} }} }}"))["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.usefixtures("mine")
async def test_days_of_sums_are_told_like_those_that_are_counted(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = f"""
    {{ character(id: {ME}) {{ statistics {{
        daily {{ ...Told kills losses iskDestroyed iskLost }} days: daily {{ won: kills }} kinds: daily {{ __typename }}
    }} }} }} fragment Told on DayOfKillmails {{ kind: __typename date: day }}"""
    await site.pool.execute("UPDATE killmails SET damage_done = 0")
    counted = (await browser.data(query))["character"]["statistics"]
    monkeypatch.setattr("db.killmails.statistics.ADDED_UP_FROM", 1)
    await choose_subjects(site.pool, at_least=1)
    for subject_id in await unfinished(site.pool):
        while await build_piece(site.pool, subject_id, 100):
            pass
    assert (await browser.data(query))["character"]["statistics"] == counted
    assert counted["days"] == [{"won": 2}]
    await site.pool.execute("UPDATE killmail_sums SET kills = 7 WHERE subject_id = $1", ME)
    assert (await browser.data(query))["character"]["statistics"]["days"] == [{"won": 7}], "they are read"
    await site.pool.execute("DELETE FROM killmail_sums WHERE subject_id = $1", ME)
    assert (await browser.data(query))["character"]["statistics"]["daily"] == []


@pytest.mark.usefixtures("mine")
async def test_the_accounts_characters_merged_and_apart(site: Site, browser: Browser) -> None:
    await site.pool.execute(
        """INSERT INTO sync_runs (character_id, kind, started_at, finished_at, listed, killmail_ids, new, stored)
        SELECT $1, 'full', '2026-01-01Z', CASE WHEN n < 25 THEN '2026-01-02Z'::timestamptz END, 2, '{}', n, 2
        FROM generate_series(1, 25) AS n""",
        ME,
    )
    seen = await browser.data(
        """{ me { statistics { kills losses } characters { id runs { new startedAt finishedAt }
        killmails(first: 2) { nodes { id attackers { damageDone } } totalCount pageInfo { hasNextPage endCursor } }
        newest: killmails(first: 1) { edges { node { id items { flag } } } } } } }"""
    )
    me = seen["me"]
    assert me["statistics"] == {"kills": 2, "losses": 1}
    one, other = me["characters"]
    assert [node["id"] for node in one["killmails"]["nodes"]] == ["3", "2"]
    assert len(one["killmails"]["nodes"][0]["attackers"]) == 3
    assert one["killmails"]["totalCount"] == 3
    assert one["newest"]["edges"] == [{"node": {"id": "3", "items": []}}]
    assert [node["id"] for node in other["killmails"]["nodes"]] == ["3"]
    assert other["killmails"]["pageInfo"]["hasNextPage"] is False
    assert [run["new"] for run in one["runs"]] == [*range(24, 4, -1)]
    assert one["runs"][0]["startedAt"] == "2026-01-01T00:00:00Z"
    assert other["runs"] == []
    rest = await browser.data(
        "query Q($after: String, $id: ID) { killmails(after: $after, filter: {characterId: $id}) { nodes { id } } }",
        after=one["killmails"]["pageInfo"]["endCursor"],
        id=str(ME),
    )
    assert rest["killmails"]["nodes"] == [{"id": "1"}]
