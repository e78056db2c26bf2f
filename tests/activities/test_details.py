"""Details of what killmails mention: asked for once, after the names, as gently as the settings say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.details import BLAMELESS_ATTEMPTS
from contracts.call_classes import CallClass
from contracts.sync import NameEntities
from contracts.universe import Described, RefreshedNames, RefreshNames
from db.intake.store import store_killmails
from db.universe.exported import static_rows
from db.universe.names import ASK_AGAIN_AFTER
from db.universe.static_data import load_static_data
from eve.errors import Unavailable
from eve.esi.client import Names
from eve.esi.universe import Lookup, Told
from eve.static_data import StaticData
from sandbox.eve.server import SandboxEve
from sandbox.eve.static_builds import exported
from tests.activities.universe import Universe, column, run
from tests.db.bodies import raw
from tests.operations.universe.static_data_export import write_directory


async def test_each_person_and_thing_is_asked_for_once(universe: Universe) -> None:
    request = await universe.stored()
    told = await universe.enrich(request)
    assert told.unknown == 0
    people = await column(
        universe.pool, "SELECT DISTINCT character_id FROM participants WHERE character_id IS NOT NULL"
    )
    asked = universe.asked()
    assert asked["/universe/names"] == 2, "what the killmails mention, and the CEOs"
    assert asked["/characters/{character_id}"] == len(people)
    assert asked["/corporations/{corporation_id}"] == await universe.pool.fetchval(
        "SELECT count(DISTINCT corporation_id) FROM participants"
    )
    for table, columns in {
        "character_details": "birthday",
        "corporation_details": "ticker",
        "alliance_details": "ticker",
        "types": "group_id",
        "type_groups": "name",
        "type_categories": "name",
        "constellations": "name",
        "regions": "name",
    }.items():
        assert await universe.pool.fetchval(f"SELECT count(*) FILTER (WHERE {columns} IS NULL) FROM {table}") == 0  # noqa: S608
        assert await universe.pool.fetchval(f"SELECT count(*) FROM {table}") > 0, table  # noqa: S608
    assert await universe.pool.fetchval("SELECT count(*) FROM details_wanted") == 0
    assert universe.woken
    universe.woken.clear()
    assert await universe.enrich(request) == Described()
    assert universe.asked() == {}
    assert universe.woken == []


async def test_names_come_first_and_do_not_wait_for_details(universe: Universe) -> None:
    request = await universe.stored()
    await ActivityEnvironment().run(universe.enrichment.name_entities, request)
    await ActivityEnvironment().run(universe.enrichment.describe_solar_systems, request)
    assert set(universe.asked()) == {"/universe/names", "/universe/systems/{system_id}"}


async def test_after_the_static_data_was_loaded_esi_is_asked_for_none_of_it(
    universe: Universe, eve: SandboxEve, tmp_path: Path
) -> None:
    with StaticData(write_directory(exported(eve.world.universe), tmp_path / "sde")) as export:
        await load_static_data(universe.pool, static_rows(export, lambda *_: None), 1)
    request = await universe.stored(30)
    await universe.enrich(request)
    static = {route for route in universe.asked() if route.startswith("/universe/") and route != "/universe/names"}
    assert static == set()
    # Not even when it has grown old: it stands until the next export.
    await universe.pool.execute(
        "UPDATE types SET fetched_at = 'epoch'; UPDATE entities SET fetched_at = now() - '60d'::interval"
    )
    await universe.pool.execute(
        "UPDATE entities SET fetched_at = now() WHERE category IN ('character', 'corporation', 'alliance')"
    )
    await ActivityEnvironment().run(universe.names.refresh_names, RefreshNames())
    await universe.enrich(request)
    assert universe.asked() == {}


async def test_unknown_ids_are_not_asked_for_again_soon(universe: Universe) -> None:
    """A type beyond 31 bits, and a character that is no more: shown by their ids, everything else is named."""
    reference = universe.eve.references(universe.eve.pilots[0].character_id)[0]
    body = universe.eve.killmail(reference.killmail_id)
    body["attackers"][0] |= {"character_id": 2_112_999_999, "weapon_type_id": 3_000_000_000}
    request = NameEntities(await store_killmails(universe.pool, [raw(body)]))
    assert (await universe.enrich(request)).unknown == 2
    names = {row[0]: row[1] for row in await universe.pool.fetch("SELECT entity_id, name FROM entities")}
    assert {key for key, name in names.items() if name is None} == {2_112_999_999, 3_000_000_000}
    universe.asked()
    assert await universe.enrich(request) == Described()
    assert universe.asked() == {}
    for later in (ASK_AGAIN_AFTER[0] - timedelta(seconds=30), timedelta(seconds=31)):
        await universe.pool.execute("UPDATE types SET fetched_at = fetched_at - $1::interval WHERE misses > 0", later)
        await universe.enrich(request)
    assert universe.asked()["/universe/types/{type_id}"] == 1


async def test_one_thing_that_fails_for_ever_stands_in_nobodys_way(universe: Universe) -> None:
    request = await universe.stored()
    await universe.enrich(request)
    await universe.pool.execute("UPDATE corporation_details SET fetched_at = now() - interval '31 days'")
    corporations = await column(universe.pool, "SELECT corporation_id FROM corporation_details ORDER BY 1")
    broken = corporations[0]
    real = universe.details._esi.look_up

    async def look_up(lookup: Lookup, entity_id: int, call_class: CallClass) -> Any:
        if entity_id == broken:
            raise Unavailable("ESI failed (500): 'name' is required")
        return await real(lookup, entity_id, call_class)

    universe.details._esi.look_up = look_up  # type: ignore[method-assign]
    await run(universe.enrichment.name_entities, request)
    described = await run(universe.details.describe_corporations)
    assert (described.told, described.unknown) == (len(corporations) - 1, 1)
    assert await universe.pool.fetchval("SELECT count(*) FROM details_wanted WHERE kind = 'corporation'") == 0
    # Alone it is tried again a few times at once, for ESI may be at fault, and then put off like the others.
    await universe.pool.execute("INSERT INTO details_wanted (kind, id) VALUES ('corporation', $1)", broken)
    with pytest.raises(Unavailable):
        await run(universe.details.describe_corporations, attempt=BLAMELESS_ATTEMPTS)
    assert (await run(universe.details.describe_corporations, attempt=BLAMELESS_ATTEMPTS + 1)).unknown == 1
    assert await universe.pool.fetchval("SELECT count(*) FROM details_wanted WHERE kind = 'corporation'") == 0


async def test_who_the_bulk_route_denies_is_named_by_their_own(universe: Universe) -> None:
    request = await universe.stored()
    esi = universe.enrichment._esi
    real = esi.names
    denied = (await column(universe.pool, "SELECT character_id FROM participants WHERE character_id > 0 ORDER BY 1"))[0]

    async def names(ids: Collection[int], call_class: CallClass) -> Names:
        told = await real(ids, call_class)
        found = tuple(named for named in told.found if named.id != denied)
        return replace(told, found=found, unknown=told.unknown | {int(str(denied))})

    esi.names = names  # type: ignore[method-assign]
    await run(universe.enrichment.name_entities, request)
    query = "SELECT name FROM entities WHERE entity_id = $1"
    assert await universe.pool.fetchval(query, denied) is None
    await universe.describe()
    assert await universe.pool.fetchval(query, denied) == universe.eve.world.universe.characters[int(str(denied))].name


async def test_what_is_known_outlives_esis_knowledge_and_a_failure_loses_nothing(universe: Universe) -> None:
    request = await universe.stored()
    await universe.enrich(request)
    await universe.pool.execute("UPDATE corporation_details SET fetched_at = now() - interval '31 days'")
    tickers = await column(universe.pool, "SELECT ticker FROM corporation_details ORDER BY 1")
    universe.asked()
    fault = universe.eve.add_fault("status", route="/corporations/{corporation_id}", status=502)
    await ActivityEnvironment().run(universe.enrichment.name_entities, request)
    with pytest.raises(Exception, match="ESI failed"):
        await ActivityEnvironment().run(universe.details.describe_corporations)
    wanted = await universe.pool.fetchval("SELECT count(*) FROM details_wanted WHERE kind = 'corporation'")
    assert wanted == len(tickers)
    universe.eve.remove_faults()
    assert fault is not None
    universe.eve.forget_spending()
    universe.eve.world.universe.corporations.clear()
    assert (await universe.describe()).unknown == len(tickers)
    assert await column(universe.pool, "SELECT ticker FROM corporation_details ORDER BY 1") == tickers


async def test_no_more_lookups_are_under_way_than_the_settings_say(universe: Universe) -> None:
    esi = universe.details._esi
    under_way: Counter[str] = Counter()
    most: Counter[str] = Counter()
    look_up = esi.look_up

    async def counted(lookup: Lookup, entity_id: int, call_class: CallClass) -> Told:
        kind = lookup.route.template
        assert call_class is CallClass.REFRESH
        under_way[kind] += 1
        most[kind] = max(most[kind], under_way[kind])
        try:
            return await look_up(lookup, entity_id, call_class)
        finally:
            under_way[kind] -= 1

    esi.look_up = counted  # type: ignore[method-assign]
    await universe.enrich(await universe.stored(20))
    assert most["/characters/{character_id}"] == 10
    assert most["/corporations/{corporation_id}"] == 5
    assert 1 <= most["/alliances/{alliance_id}"] <= 3
    assert most["/universe/types/{type_id}"] == 10


async def test_aged_names_are_refreshed_in_bulk_and_then_are_fresh(universe: Universe) -> None:
    await universe.enrich(await universe.stored())
    names = await universe.pool.fetchval("SELECT count(*) FROM entities")
    universe.asked()
    assert await ActivityEnvironment().run(universe.names.refresh_names, RefreshNames()) == RefreshedNames()
    assert universe.asked() == {}, "nothing has aged"
    await universe.pool.execute("UPDATE entities SET fetched_at = now() - interval '31 days'")
    corporation = await universe.pool.fetchval("SELECT min(entity_id) FROM entities WHERE category = 'corporation'")
    pilot = await universe.pool.fetchval("SELECT min(entity_id) FROM entities WHERE category = 'character'")
    known = universe.eve.world.universe
    known.corporations[corporation] = replace(known.corporations[corporation], name="Renamed")
    del known.characters[pilot]  # one bad id in a call of all
    refreshed = await ActivityEnvironment().run(universe.names.refresh_names, RefreshNames())
    assert (refreshed.asked, refreshed.changed, refreshed.unknown, refreshed.done) == (names, 1, 1, True)
    assert await universe.pool.fetchval("SELECT name FROM entities WHERE entity_id = $1", corporation) == "Renamed"
    assert await universe.pool.fetchval("SELECT name FROM entities WHERE entity_id = $1", pilot), "kept"
    assert set(universe.asked()) == {"/universe/names"}
    again = await ActivityEnvironment().run(universe.names.refresh_names, RefreshNames())
    assert again == RefreshedNames()
    assert universe.asked() == {}, "what stands was confirmed"


async def test_aged_tickers_become_wanted_at_night(universe: Universe) -> None:
    await universe.enrich(await universe.stored())
    await universe.pool.execute(
        "UPDATE corporation_details SET fetched_at = now() - interval '31 days';"
        "UPDATE character_details SET fetched_at = now() - interval '31 days'"
    )
    universe.asked()
    await ActivityEnvironment().run(universe.names.refresh_names, RefreshNames())
    await universe.describe()
    assert set(universe.asked()) == {"/corporations/{corporation_id}"}, "pilots when they are met again"
