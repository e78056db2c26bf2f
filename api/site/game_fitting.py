"""POST /killmails/{id}/fitting: save the lost ship's fitting in the game."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.caller import viewer_of
from api.orders.fittings import Saved, save_fitting
from api.orders.requests import Refusal
from api.pages import render
from api.services import services_of
from api.site.fit import is_charge
from api.site.killmail_page import read_killmail
from api.site.killmail_words import name_of, title
from api.site.page_forms import posted_form, refusal_page

Node = Mapping[str, Any]
MOST_ITEMS = 512
LONGEST_NAME, LONGEST_DESCRIPTION = 50, 500
LOGIN_FIRST = (
    "Saving fittings takes a permission of its own, for which a login is good for 20 minutes. Log in with this"
    " character, then press the button again. Everything else stays as it is."
)
_RACKS = (
    (11, 8, "LoSlot"), (19, 8, "MedSlot"), (27, 8, "HiSlot"), (92, 3, "RigSlot"), (125, 4, "SubSystemSlot"),
    (164, 8, "ServiceSlot"),
)  # fmt: skip
"""The first of EVE's inventory flags, how many ESI has names for, and what they begin with (its OpenAPI document)."""
SLOTS = {first + slot: f"{name}{slot}" for first, many, name in _RACKS for slot in range(many)}
BAYS = {87: "DroneBay", 158: "FighterBay"}


async def fitting_order(request: Request) -> Response:
    """Field: `character`, for whom.

    Raises:
        HTTPException: 404 the pilot may see no such killmail, or nothing was fitted.
    """
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    services, character_id = services_of(request), form.eve_id("character")
    killmail = await read_killmail(request, viewer_of(services, form.who), request.path_params["killmail_id"])
    items = [*_items(killmail["items"])] if killmail is not None else []
    if killmail is None or not items:
        raise HTTPException(404)
    page = f"/killmails/{killmail['id']}"
    fitting = {
        "name": name_of(killmail["victim"]["ship"], "type")[:LONGEST_NAME],
        "description": f"{title(killmail)}. {services.settings.site_url}{page}"[:LONGEST_DESCRIPTION],
        "ship_type_id": int(killmail["victim"]["ship"]["id"]),
        "items": items[:MOST_ITEMS],
    }
    outcome = await save_fitting(services, form.who, character_id, fitting)
    if isinstance(outcome, Refusal):
        return refusal_page(request, outcome.message, page)
    asked = urlencode({"fittings": "1", "character": character_id, "back": f"{page}#save-fitting"})
    answers = {
        Saved.LOGIN_FIRST: ("One more permission", LOGIN_FIRST, "Log in with EVE", f"/auth/login?{asked}"),
        Saved.DONE: ("Saved in the game", "Find it in the game among your personal fittings.", "Go back", page),
    }
    heading, happened, button, address = answers[outcome]
    return render(request, "message.html", title=heading, happened=happened, advice="", button=button, address=address)


def _items(items: list[Node]) -> Iterator[dict[str, Any]]:
    """What was fitted, each slot's module in its slot, charges in the hold, drones and fighters in their bays."""
    filled: set[int] = set()
    for one in items:
        flag, many = one["flag"], (one["quantityDestroyed"] or 0) + (one["quantityDropped"] or 0)
        place = BAYS.get(flag)
        if flag in SLOTS:
            # What is loaded lies in the hold of a saved fitting.
            loaded = flag in filled or is_charge(one)
            place = "Cargo" if loaded else SLOTS[flag]
            many = many if loaded else 1
            filled |= set() if loaded else {flag}
        if place is not None and many:
            yield {"type_id": int(one["type"]["id"]), "flag": place, "quantity": many}
