"""GET /killmails/{id}: everything that is known of one killmail, for those who may see it."""

from __future__ import annotations

import orjson
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.caller import caller, visitor
from api.compiled.reads import Node
from api.compiled.selection import selected
from api.orders.naming import lacks_a_name, name_again
from api.orders.reimbursements import WORDS
from api.pages import killmails_at, render
from api.services import services_of
from api.site.battle_pages import NOTHING_AROUND, battle_around
from api.site.killmail_story import Asked, Story, draw_story, story_of
from api.site.reimbursements import ORDERS, ShownClaim, claim_on
from db.accounts.beside_killmail import NOTHING_BESIDE, Beside, beside
from db.killmails.filter import Viewer
from db.killmails.rows import ByIdRead

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
    text = await _text(request, viewer, killmail_id)
    if text is None and viewer.is_stranger:
        raise HTTPException(401)  # whether there is one is not theirs to know
    if text is None:
        raise HTTPException(404, "This killmail is not here, or none of your characters and boards is on it.")
    found = orjson.loads(text)
    around = await battle_around(request, viewer, found)
    who, claim = await caller(request), await claim_on(request, found)
    own = NOTHING_BESIDE if who is None else await beside(services_of(request).pool, who, int(found["id"]))
    story = story_of(request.app.state.templates, text, _asked(request))
    return _answer(request, found, story, own, around, claim)


async def read_killmail(request: Request, viewer: Viewer, killmail_id: int | None) -> Node | None:
    """What the page shows of a killmail; None: the viewer may see none of this id."""
    text = await _text(request, viewer, killmail_id)
    return None if text is None else orjson.loads(text)


def shared_killmail(request: Request, found: Node) -> Response:
    """The page of a killmail for whoever has its link: nothing around it was shared."""
    story = draw_story(request.app.state.templates, found, _asked(request))
    return _answer(request, found, story, NOTHING_BESIDE, NOTHING_AROUND, None)


async def _text(request: Request, viewer: Viewer, killmail_id: int | None) -> str | None:
    read = ByIdRead(viewer, [killmail_id] if killmail_id else [])
    page = await services_of(request).compiled.page(SHOWN, read)
    return page.texts[0] if page.texts else None


def _asked(request: Request) -> Asked:
    query = request.query_params
    images = services_of(request).settings.eve_images_url
    return Asked(query.get("items") == "all", query.get("attackers"), images, killmails_at(request))


def _answer(
    request: Request, found: Node, story: Story, own: Beside, around: Node, claim: ShownClaim | None
) -> Response:
    """`own` is the reader's, for whose characters its fitting can be saved in the game. `around`: its battle, or what
    was lost near it. `claim`: what the reader may do about its replacement.
    """
    answer = render(
        request,
        "killmail.html",
        killmail=found,
        story=story,
        eft=found["eft"],
        neighbours=own,
        may_share=own.may_share,
        in_game_link=f"killReport:{found['id']}:{own.killmail_hash}" if own.killmail_hash else "",
        savers=own.characters,
        around=around,
        claim=claim,
        claim_words=WORDS,
        claim_orders=ORDERS,
    )
    if lacks_a_name(found):
        answer.background = BackgroundTask(name_again, services_of(request), int(found["id"]))
    return answer
