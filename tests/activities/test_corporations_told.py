"""Who leads a corporation and how many are in it: asked of ESI with its ticker, and kept."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from eve.errors import Unavailable
from eve.esi.client import Names
from sandbox.eve.server import SandboxEve
from tests.activities.universe import Universe, run


async def test_a_corporation_has_a_ceo_with_a_name_and_members(universe: Universe, eve: SandboxEve) -> None:
    request = await universe.stored()
    real = universe.details._esi.names

    async def names(*_: Any) -> Names:
        raise Unavailable("ESI failed (502)")

    await ActivityEnvironment().run(universe.enrichment.name_entities, request)
    universe.details._esi.names = names  # type: ignore[method-assign, assignment]
    with pytest.raises(Unavailable):
        await run(universe.details.describe_corporations)
    universe.details._esi.names = real  # type: ignore[method-assign]
    await run(universe.details.describe_corporations)  # those whose CEO had no name are wanted still
    rows = await universe.pool.fetch(
        "SELECT corporation_id, ceo_id, member_count, ceo.name, ceo.category FROM corporation_details"
        " LEFT JOIN entities AS ceo ON ceo.entity_id = ceo_id"
    )
    known = eve.world.universe
    assert {row["corporation_id"]: row["ceo_id"] for row in rows} == {
        row["corporation_id"]: known.corporations[row["corporation_id"]].ceo_id for row in rows
    }, "of NPCs' corporations none"
    led = [row for row in rows if row["ceo_id"] is not None]
    assert led
    assert {(row["name"], row["category"]) for row in led} == {
        (known.characters[row["ceo_id"]].name, "character") for row in led
    }
    assert all(row["member_count"] is not None for row in rows)


async def test_of_a_corporation_known_before_members_were_kept_they_are_asked_with_its_next_killmail(
    universe: Universe,
) -> None:
    request = await universe.stored()
    await universe.enrich(request)
    some = "SELECT min(corporation_id) FROM corporation_details WHERE ceo_id IS NOT NULL"
    await universe.pool.execute(
        f"UPDATE corporation_details SET ceo_id = NULL, member_count = NULL WHERE corporation_id = ({some})"  # noqa: S608
    )
    universe.asked()
    await universe.enrich(request)
    assert universe.asked() == {"/corporations/{corporation_id}": 1}
    assert await universe.pool.fetchval("SELECT count(*) FROM corporation_details WHERE member_count IS NULL") == 0
