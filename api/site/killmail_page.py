"""GET /killmails/{id}: everything that is known of one killmail, for those who may see it."""

from __future__ import annotations

from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.caller import caller, visitor
from api.compiled.reads import Node
from api.compiled.selection import selected
from api.orders.naming import lacks_a_name, name_again
from api.orders.reimbursements import WORDS
from api.pages import render
from api.services import services_of
from api.site.attackers import shown_attackers
from api.site.battle_pages import NOTHING_AROUND, battle_around
from api.site.fit import shown_fit
from api.site.fit_ring import fit_ring
from api.site.killmail_words import sentence, title
from api.site.multibuy import multibuy
from api.site.points_of_interest import points_of_interest
from api.site.reimbursements import ORDERS, ShownClaim, claim_on
from api.site.slots import racks_of_slots
from db.accounts.beside_killmail import NOTHING_BESIDE, Beside, beside
from db.killmails.filter import Viewer
from db.killmails.rows import ByIdRead

LINES_SHOWN = 120
"""Lines of the fit, so that a freighter's or a structure's holds do not make the page slow."""
ALL_LINES = 100_000
SHOWN = selected("""
query {
    id time side solo npc awox attackerCount eft relatedKillmail { id time ship { id name } }
    nearestCelestial { name distance } slots { high mid low rig subsystem service }
    value {
        total destroyed dropped fitted ship shipPriceDate shipPriceNote priceDate priceSource pricedKinds itemKinds
    }
    solarSystem { id name security wormholeClass constellation { name } region { name } }
    victim {
        damageTaken character { id name } corporation { id name ticker } alliance { id name ticker }
        faction { id name } ship { id name group { name category { id } } }
    }
    finalBlow { ...Attacker } topDamage { ...Attacker } attackers { ...Attacker } items { ...Item }
}
fragment Attacker on Attacker {
    character { id name } corporation { id name ticker } alliance { id name ticker } faction { id name }
    ship { id name } weapon { id name } damageDone damageShare finalBlow
}
fragment Item on Item {
    type { id name group { category { id } } } flag slot quantityDestroyed quantityDropped singleton
    value priceDate priceNote items { ...Item }
}
""")
"""What the page shows of a killmail."""


async def killmail(request: Request) -> Response:
    """`attackers`: which page of them. `items=all`: all lines of the fit.

    Raises:
        HTTPException: 401 nobody is signed in and it is not public, 404 the pilot may see no such killmail.
    """
    viewer = await visitor(request)
    killmail_id: int | None = request.path_params["killmail_id"]
    found = await read_killmail(request, viewer, killmail_id)
    if found is None and viewer.is_stranger:
        raise HTTPException(401)  # whether there is one is not theirs to know
    if found is None:
        raise HTTPException(404, "This killmail is not here, or none of your characters and boards is on it.")
    around = await battle_around(request, viewer, found)
    who, claim = await caller(request), await claim_on(request, found)
    own = NOTHING_BESIDE if who is None else await beside(services_of(request).pool, who, int(found["id"]))
    return killmail_answer(request, found, own, around, claim)


async def read_killmail(request: Request, viewer: Viewer, killmail_id: int | None) -> Node | None:
    """What the page shows of a killmail; None: the viewer may see none of this id."""
    read = ByIdRead(viewer, [killmail_id] if killmail_id else [])
    page = await services_of(request).compiled.page(SHOWN, read)
    return page.killmails()[0] if page.texts else None


def killmail_answer(
    request: Request,
    found: Node,
    own: Beside = NOTHING_BESIDE,
    around: Node | None = None,
    claim: ShownClaim | None = None,
) -> Response:
    """The page of a killmail; `own` is the reader's, for whose characters its fitting can be saved in the game.

    `around`: its battle, or what was lost near it; None where that was not shared. `claim`: what the reader may do
    about its replacement.
    """
    racks = racks_of_slots(found["items"], found["slots"])
    at_most = ALL_LINES if request.query_params.get("items") == "all" else LINES_SHOWN
    answer = render(
        request,
        "killmail.html",
        killmail=found,
        title=title(found),
        sentence=sentence(found),
        points=points_of_interest(found),
        fit=shown_fit(found, racks, at_most),
        ring=fit_ring(racks),
        eft=found["eft"],
        multibuy=multibuy(found),
        neighbours=own,
        attackers=shown_attackers(found, request.query_params.get("attackers")),
        may_share=own.may_share,
        in_game_link=f"killReport:{found['id']}:{own.killmail_hash}" if own.killmail_hash else "",
        savers=own.characters,
        around=around or NOTHING_AROUND,
        claim=claim,
        claim_words=WORDS,
        claim_orders=ORDERS,
    )
    if lacks_a_name(found):
        answer.background = BackgroundTask(name_again, services_of(request), int(found["id"]))
    return answer
