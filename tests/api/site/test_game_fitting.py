"""A lost ship's fitting is saved in the game, by a permission that nothing else depends on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape

from eve.sso.scopes import CORPORATION_SCOPES, FITTINGS_SCOPE, KILLMAIL_SCOPE
from tests.api.login.browser_login import begin
from tests.api.running_site import Browser as Visitor
from tests.api.running_site import Site
from tests.api.site.furnished import FurnishedSite
from tests.api.site.furniture import PACKED_ID
from tests.db.bodies import body


async def grant(furnished: FurnishedSite, character_id: int, scopes: Sequence[str], minutes: int = 19) -> None:
    """As a login with these scopes does."""
    site, eve = furnished.site, furnished.eve
    await site.pool.execute(
        "UPDATE users SET access_token = $2, expires_at = $3, scopes = $4 WHERE character_id = $1",
        character_id,
        site.services.vault.encrypt(eve.access_token(character_id, *scopes)),
        datetime.now(UTC) + timedelta(minutes=minutes),
        list(scopes),
    )


async def test_a_fit_is_saved_for_whom_the_pilot_says_and_asks_for_leave_first(
    visitor: Visitor, furnished: FurnishedSite
) -> None:
    pilot, eve = furnished.there.pilot_id, furnished.eve
    path, form = f"/killmails/{PACKED_ID}/fitting", {"character": str(pilot)}
    _, page = await visitor.get(f"/killmails/{PACKED_ID}")
    assert f'<option value="{pilot}">' in page
    await grant(furnished, pilot, [KILLMAIL_SCOPE, *sorted(CORPORATION_SCOPES)])
    try:
        for minutes, fittings in ((19, []), (0, [FITTINGS_SCOPE])):
            await grant(furnished, pilot, [KILLMAIL_SCOPE, *sorted(CORPORATION_SCOPES), *fittings], minutes)
            status, page = await visitor.post(path, form)
            assert (status, "One more permission" in page) == (200, True)
            assert eve.world.fittings == {}
        (address,) = re.findall(r'href="(/auth/login[^"]+)"', page)
        asked = await begin(visitor, f"{unescape(address)}&moved=1")
        wanted = {KILLMAIL_SCOPE, FITTINGS_SCOPE, *CORPORATION_SCOPES}
        assert set(asked["scope"].split()) == wanted, "nothing that was granted before is lost"
        assert FITTINGS_SCOPE not in (await begin(visitor, "/auth/login?moved=1"))["scope"], "nobody else is asked"

        await grant(furnished, pilot, sorted(wanted))
        status, page = await visitor.post(path, form)
        assert (status, "Saved in the game" in page) == (200, True)
        (fitting,) = eve.world.fittings[pilot]
        assert fitting["ship_type_id"] == eve.killmail(furnished.there.killmail_ids[0])["victim"]["ship_type_id"]
        assert [(one["type_id"], one["flag"], one["quantity"]) for one in fitting["items"]] == [
            (2889, "HiSlot0", 1), (222, "Cargo", 90), (2889, "HiSlot1", 1), (222, "Cargo", 110), (438, "MedSlot0", 1),
        ]  # fmt: skip
        for status, words in ((400, "did not take the fitting"), (502, "not responding")):
            eve.add_fault("status", route="/characters/{character_id}/fittings", status=status, count=1)
            answer, page = await visitor.post(path, form)
            assert (answer, words in page) == (409, True)
        states = await furnished.site.pool.fetch(
            "SELECT token_state, sync_state FROM users WHERE token_state <> 'valid'"
        )
        assert states == [], "whatever becomes of it, the sync's permission stands"
    finally:
        eve.world.fittings.clear()
        await furnished.site.pool.execute(
            "UPDATE users SET access_token = NULL, expires_at = NULL, scopes = $2 WHERE character_id = $1",
            pilot,
            [KILLMAIL_SCOPE],
        )


async def test_a_fit_with_modules_of_an_unknown_category_can_be_saved(site: Site, browser: Visitor) -> None:
    """ESI told the group's name and not its category yet."""
    await browser.sign_in(await site.add_pilot(90_000_010))
    await site.pool.execute("INSERT INTO types (type_id, group_id) VALUES (2889, 55)")
    await site.pool.execute("INSERT INTO type_groups (group_id) VALUES (55)")
    lost = body(1, victim=90_000_010)
    lost["victim"]["items"] = [{"item_type_id": 2889, "flag": 27, "singleton": 0, "quantity_dropped": 1}]
    await site.store(lost)
    status, page = await browser.post("/killmails/1/fitting", {"character": "90000010"})
    assert (status, "One more permission" in page) == (200, True)
