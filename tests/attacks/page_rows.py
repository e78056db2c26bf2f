"""The rows of HTTP: each route of the application, asked for what is Ada's or a board's."""

from __future__ import annotations

from typing import Any

from db.accounts.sessions import Scope
from tests.attacks.belongings import (
    ME,
    all_private,
    battle_links_of_ada,
    claim_of_ada,
    claim_of_closed,
    digests_of_ada,
    feeds_of_ada,
    filters_of_ada,
    keys_of_ada,
    links_of_ada,
    no_webhooks,
    sessions_of_ada,
    webhooks_of_ada,
)
from tests.attacks.callers import ADA, BOARD, CLOSED, DIRECTORS, SIGNED_IN, THE_OPERATOR
from tests.attacks.graphql_rows import APPROVED, MOVED, boards_again, import_again
from tests.attacks.rows import DONE, FORBIDDEN, NOT_FOUND, OWN, REFUSED, SHOWN, Page
from tests.attacks.world import (
    ADAS,
    ADAS_SECOND,
    ALLIANCE,
    ALT,
    CLOSED_CORPORATION,
    OF_CLOSED,
    OF_OPEN,
    OPEN,
    SHIP,
    SYSTEM,
    World,
)


def page(what: str, door: str, path: str = "", **more: Any) -> Page:
    """A page that is read. Another site may send a browser here, and reads nothing of it."""
    given = {"allowed": ADA, "secret": ADAS, "others": OWN, "other_site": SHOWN, **more}
    return Page(what=what, door=f"GET {door}", path=path or door, **given)


def form(what: str, door: str, fields: dict[str, str], **more: Any) -> Page:
    """A form that is sent."""
    given = {"allowed": ADA, "success": DONE, "others": REFUSED, **more}
    return Page(what=what, door=f"POST {door}", path=door, form=fields, **given)


def same_for_all(outcome: str, door: str, path: str = "") -> Page:
    return page("", door, path, allowed=frozenset(), others=outcome, nobody=outcome, keys=outcome)


def of_board(what: str, door: str, path: str, *, closed: bool, **more: Any) -> Page:
    allowed, secret = (CLOSED, OF_CLOSED) if closed else (BOARD, OF_OPEN)
    return page(what, door, path, allowed=allowed, secret=secret, **more)


KILLMAIL, EXPORT = "/killmails/{killmail_id:eve_id}", "/export/killmails.{form}"
BATTLE = "/battles/{killmail_id:eve_id}"
CODEC = "/temporal/codec/"
READ = [
    page("the feed", "/", nobody=OWN, keys=OWN),
    page("all that may be seen", "/", f"/?all=1&character={ME}", nobody=OWN, keys=OWN),
    of_board("a published board", "/", f"/?corporation={OPEN}", closed=False, nobody=OWN, keys=OWN),
    of_board("a closed board", "/", f"/?corporation={CLOSED_CORPORATION}", closed=True, nobody=OWN, keys=OWN),
    page("her characters", "/fragments/characters"),
    page("the list", "/fragments/feed"),
    of_board("a closed board", "/fragments/feed", f"/fragments/feed?corporation={CLOSED_CORPORATION}", closed=True),
    page("suggestions", "/fragments/search", "/fragments/search?q=Pilot", allowed=frozenset()),
    page("names for a filter", "/fragments/names", "/fragments/names?kind=pilot&q=Pilot", allowed=frozenset()),
    page("names", "/search", "/search?q=Pilot", allowed=frozenset()),
    page("Ada's killmail", KILLMAIL, f"/killmails/{ADAS.killmail_id}", others=NOT_FOUND),
    of_board("of a board", KILLMAIL, f"/killmails/{OF_OPEN.killmail_id}", closed=False, others=NOT_FOUND),
    of_board("of a closed board", KILLMAIL, f"/killmails/{OF_CLOSED.killmail_id}", closed=True, others=NOT_FOUND),
    page("battles", "/battles", others=OWN),
    page("Ada's battle", BATTLE, f"/battles/{ADAS.killmail_id}", others=NOT_FOUND),
    page("Ada's battle by another's loss", BATTLE, f"/battles/{ADAS_SECOND}", others=NOT_FOUND),
    page("battles there", "/battles", f"/battles?system={SYSTEM}", others=OWN),
    page("Ada", "/characters/{entity_id:eve_id}", f"/characters/{ME}?days=all"),
    of_board(
        "a closed board", "/corporations/{entity_id:eve_id}", f"/corporations/{CLOSED_CORPORATION}?days=all",
        closed=True,
    ),
    page("an alliance", "/alliances/{entity_id:eve_id}", f"/alliances/{ALLIANCE}?days=all"),
    page("a system", "/systems/{entity_id:eve_id}", f"/systems/{SYSTEM}?days=all"),
    page("a ship", "/types/{entity_id:eve_id}", f"/types/{SHIP}?days=all"),
    page("the settings", "/settings"),
    page(
        "Ada's board before it is opened", "/settings/preview",
        f"/settings/preview?kind=character&id={ME}&visibility=public", others=NOT_FOUND,
    ),
    page("her webhooks", "/settings/webhooks"),
    page("her feeds", "/settings/feeds"),
    page("her digests", "/settings/digests", target=digests_of_ada),
    same_for_all(NOT_FOUND, "/s/{token}/mail", f"/s/{'A' * 43}/mail"),
    Page(
        what="a stranger's mail", door="POST /s/{token}/mail", path=f"/s/{'A' * 43}/mail", body=b"order=confirm",
        others=NOT_FOUND, nobody=NOT_FOUND, keys=NOT_FOUND, other_site=SHOWN,
    ),
    *(
        row
        for door in ("/reimbursements", "/reimbursements.csv")
        for row in (
            page("Ada's claims", door, target=claim_of_ada),
            page(
                "a corporation's claims", door, f"{door}?corporation={CLOSED_CORPORATION}&month=all",
                target=claim_of_closed, allowed=CLOSED, secret=OF_CLOSED, others=NOT_FOUND,
            ),
        )
    ),
    same_for_all(NOT_FOUND, "/feed.{form}", "/feed.atom"),
    same_for_all(NOT_FOUND, "/s/{token}/feed.{form}", f"/s/{'A' * 43}/feed.json"),
    same_for_all(NOT_FOUND, "/s/{token}", f"/s/{'A' * 43}"),
    same_for_all(NOT_FOUND, "/s/{token}/killmails/{killmail_id:eve_id}", f"/s/{'A' * 43}/killmails/{ADAS.killmail_id}"),
    page(
        "a picture of Ada's killmail", f"{KILLMAIL}/card.png", f"/killmails/{ADAS.killmail_id}/card.png", success=OWN,
        others=NOT_FOUND,
    ),
    page(
        "a picture of Ada's battle", f"{BATTLE}/card.png", f"/battles/{ADAS.killmail_id}/card.png", success=OWN,
        others=NOT_FOUND,
    ),
    page(
        "a battle that Ada shares", "/settings/links/{link_id:eve_id}", "/settings/links/{target}",
        target=battle_links_of_ada, others=NOT_FOUND,
    ),
    same_for_all(OWN, "/card.png"),
    *(
        page(f"a picture of {name}", f"/{kinds}/{{entity_id:eve_id}}/card.png", f"/{kinds}/{one}/card.png", success=OWN)
        for name, kinds, one in (
            ("Ada", "characters", ME), ("a board", "corporations", CLOSED_CORPORATION), ("hers", "alliances", ALLIANCE),
        )
    ),
    same_for_all(NOT_FOUND, "/s/{token}/card.png", f"/s/{'A' * 43}/card.png"),
    same_for_all(
        NOT_FOUND, "/s/{token}/killmails/{killmail_id:eve_id}/card.png",
        f"/s/{'A' * 43}/killmails/{ADAS.killmail_id}/card.png",
    ),
    same_for_all(NOT_FOUND, "/oembed", "/oembed?url=https://evil.invalid/killmails/1"),
    same_for_all(OWN, "/robots.txt"),
    same_for_all(NOT_FOUND, "/sitemap.xml"),
    page("her imports", "/fragments/imports"),
    page(
        "the operators' page", "/admin", allowed=THE_OPERATOR, others=FORBIDDEN,
        tells=(str(ALT), "Adas Other Face"),
    ),
    page("all of hers", "/settings/export"),
    *(
        page(
            f"Ada's as {form_}", EXPORT, f"/export/killmails.{form_}?orderBy=VALUE", keys=None, scope=Scope.READ
        )
        for form_ in ("csv", "ndjson")
    ),
    *(
        of_board(
            f"a closed board as {form_}", EXPORT,
            f"/export/killmails.{form_}?filter=%7B%22corporationId%22:%22{CLOSED_CORPORATION}%22%7D",
            closed=True, keys=None, scope=Scope.READ,
        )
        for form_ in ("csv", "ndjson")
    ),
    page(
        "by a GET", "/graphql", "/graphql?query=%7Bme%7Bcharacters%7Bname%7D%7D%7D", keys=None, scope=Scope.READ,
        nobody=OWN, other_site=FORBIDDEN,
    ),
    page(
        "figures", "/metrics", allowed=THE_OPERATOR, success=OWN, others=NOT_FOUND, nobody=NOT_FOUND, keys=NOT_FOUND
    ),
    same_for_all(OWN, "/status"),
    same_for_all(OWN, "/healthz"),
    same_for_all(OWN, "/readyz"),
    same_for_all("503", "/auth/login"),  # SSO is not there
    same_for_all("400", "/auth/callback", "/auth/callback?state=x&code=y"),
    same_for_all(OWN, "/static", "/static/site.css"),
    *(same_for_all(OWN, door) for door in ("/favicon.ico", "/apple-touch-icon.png", "/site.webmanifest")),
    *(
        Page(
            what="what workflows say", door=f"POST {CODEC}{word}", path=f"{CODEC}{word}", body=b'{"payloads": []}',
            allowed=THE_OPERATOR, success=OWN, others=FORBIDDEN, keys=None,
        )
        for word in ("encode", "decode")
    ),
    *(
        Page(
            what="what browsers may ask", door=f"OPTIONS {CODEC}{word}", path=f"{CODEC}{word}",
            others=OWN, nobody=OWN, keys=OWN, other_site=SHOWN,
        )
        for word in ("encode", "decode")
    ),
]  # fmt: skip


def of_her_sync(door: str, **fields: str) -> Page:
    return form("Ada's sync", door, {"character_id": str(ME), **fields})


FORMS = [
    of_her_sync("/sync", order="pause"),
    of_her_sync("/settings/characters", order="sync_now"),
    form(
        "Ada's character", "/settings/characters", {"character_id": "{target}", "order": "remove"},
        target=World.spare_character, gone="SELECT NOT EXISTS (SELECT FROM users WHERE character_id = $1)",
    ),
    form(
        "Ada's session", "/settings/sessions", {"session_id": "{target}", "order": "end"}, target=sessions_of_ada,
        gone="SELECT NOT EXISTS (SELECT FROM sessions WHERE session_id = $1)",
    ),
    form(
        "Ada's key", "/settings/api-keys", {"api_key_id": "{target}", "order": "revoke"}, target=keys_of_ada,
        gone="SELECT NOT EXISTS (SELECT FROM api_keys WHERE api_key_id = $1)",
    ),
    form(
        "a key", "/settings/api-keys", {"order": "create", "name": "x", "read": "yes"}, throw_away=True,
        allowed=SIGNED_IN,
    ),
    form("the caller's account", "/settings/delete", {"confirm": "yes"}, throw_away=True, allowed=SIGNED_IN),
    *(
        form("Ada's import", "/settings/zkillboard", {"character_id": str(ME), "order": order}, restore=import_again)
        for order in ("estimate", "start", "cancel")
    ),
    form(
        "Ada's killmail", "/settings/killmail", {"link": f"https://zkillboard.com/kill/{ADAS.killmail_id}/"},
    ),
    form(
        "a board", "/settings/corporation", {"corporation_id": str(OPEN), "order": "follow"}, restore=boards_again,
        allowed=DIRECTORS,
    ),
    form(
        "a closed board", "/settings/visibility",
        {"kind": "corporation", "id": str(CLOSED_CORPORATION), "visibility": "public"}, restore=boards_again,
        allowed=CLOSED,
        gone=f"SELECT published FROM corporations_followed"  # noqa: S608
        f" WHERE corporation_id = {CLOSED_CORPORATION} AND $1::text IS NULL",
    ),
    form(
        "Ada's board", "/settings/visibility", {"kind": "character", "id": str(ME), "visibility": "public"},
        restore=all_private,
    ),
    form(
        "Ada's killmail", "/settings/links", {"order": "create", "subject": "killmail", "id": str(ADAS.killmail_id)},
    ),
    form(
        "Ada's link", "/settings/links", {"order": "revoke", "id": "{target}"}, target=links_of_ada,
        gone="SELECT NOT EXISTS (SELECT FROM share_links WHERE share_link_id = $1)",
    ),
    Page(
        what="the sides of Ada's battle", door="POST /settings/links/{link_id:eve_id}", path="/settings/links/{target}",
        form={"move": f"{ALLIANCE}:1"}, allowed=ADA, success=DONE, others=REFUSED,
        target=battle_links_of_ada, gone=MOVED,
    ),
    Page(
        what="the fit of Ada's killmail", door="POST /killmails/{killmail_id:eve_id}/fitting", allowed=ADA,
        path=f"/killmails/{ADAS.killmail_id}/fitting", form={"character": str(ME)}, others=NOT_FOUND, success=OWN,
    ),
    form(
        "Ada's filter", "/filters", {"order": "delete", "id": "{target}"}, target=filters_of_ada,
        gone="SELECT NOT EXISTS (SELECT FROM saved_filters WHERE saved_filter_id = $1)",
    ),
    form("the caller's history", "/settings/history", {}, allowed=SIGNED_IN, throw_away=True),
    form(
        "a feed of Ada's killmails", "/settings/feeds",
        {"order": "create", "name": "x", "subject": f"character:{ME}"},
    ),
    form(
        "Ada's feed", "/settings/feeds", {"order": "revoke", "id": "{target}"}, target=feeds_of_ada,
        gone="SELECT NOT EXISTS (SELECT FROM killmail_feeds WHERE feed_id = $1)",
    ),
    form(
        "a member's claim", "/reimbursements", {"killmail": "{target}", "order": "approved", "seen": "1"},
        target=claim_of_closed, allowed=CLOSED, gone=APPROVED,
    ),
    form(
        "a digest of Ada's board", "/settings/digests",
        {"name": "x", "target": "https://example.com/x", "subject": f"character:{ME}", "hour": "11"},
        restore=no_webhooks,
    ),
    form(
        "a webhook of Ada's killmails", "/settings/webhooks",
        {"order": "create", "name": "x", "url": "https://example.com/x", "subject": f"character:{ME}", "minutes": "120",
         "burst": "10"}, restore=no_webhooks,
    ),
    form(
        "Ada's webhook", "/settings/webhooks", {"order": "delete", "id": "{target}"}, target=webhooks_of_ada,
        gone="SELECT NOT EXISTS (SELECT FROM webhooks WHERE webhook_id = $1)",
    ),
    *(
        form("every sync", "/admin/order", {"order": "pause", "whom": whom}, allowed=THE_OPERATOR, others=FORBIDDEN)
        for whom in ("all", str(ME))
    ),
    form("the looks", "/theme", {"theme": "dark"}, allowed=SIGNED_IN, nobody=DONE, keys=DONE),
    form("logging out", "/auth/logout", {}, allowed=SIGNED_IN, nobody=DONE, keys=DONE, throw_away=True),
]  # fmt: skip
