"""A null where ESI leaves a field out: no items are none, no position is none, and every reader answers."""

from __future__ import annotations

from typing import Any

from tests.api.running_site import Browser, Site
from tests.cases import case
from tests.db.bodies import body


async def test_one_odd_killmail_does_not_break_the_list_of_its_pilot(site: Site, browser: Browser) -> None:
    steps = case("null_in_a_body")
    added: list[dict[str, Any]] = [step["add"]["killmail"] for step in steps if "add" in step]
    pilot = next(step["login"] for step in steps if "login" in step)
    ids = [killmail["killmail_id"] for killmail in added]
    bodies = [body(killmail_id, victim=pilot, minute=minute) for minute, killmail_id in enumerate(ids)]
    for made, odd in zip(bodies, added, strict=True):
        made["victim"] |= odd["victim"]
    held = body(ids[-1] + 1, victim=pilot, minute=9)
    held["victim"]["items"] = [
        {
            "item_type_id": 3467,
            "flag": 5,
            "singleton": 0,
            "quantity_dropped": 1,
            "quantity_destroyed": None,
            "items": None,
        }
    ]
    await site.store(*bodies, held)
    await browser.sign_in(await site.add_pilot(pilot))
    (document,) = (step["gql"][1] for step in steps if "gql" in step)
    nodes = (await browser.data(document))["killmails"]["nodes"]
    assert {node["id"]: len(node["items"]) for node in nodes} == {**{str(one): 0 for one in ids}, str(ids[-1] + 1): 1}
    assert {node["victim"]["position"] for node in nodes} == {None}
    for killmail_id in (*ids, ids[-1] + 1):
        status, page = await browser.get(f"/killmails/{killmail_id}")
        assert (status, "Traceback" in page) == (200, False)
        assert (await browser.data("query($id: ID!) { killmail(id: $id) { eft } }", id=str(killmail_id)))["killmail"]
    for form in ("csv", "ndjson"):
        status, lines = await browser.get(f"/export/killmails.{form}")
        assert status == 200
        assert all(str(killmail_id) in lines for killmail_id in ids)
