"""The settings page as a browser without script sees it."""

from __future__ import annotations

import re

from db.corporations.directors import note_role
from eve.sso.scopes import CORPORATION_SCOPES, FITTINGS_SCOPE, KILLMAIL_SCOPE
from tests.api.running_site import Browser, Site
from tests.api.site.document import Document
from tests.db.bodies import body

ME = 90_000_010
CORPORATION, SCOPES = 98_000_001, [KILLMAIL_SCOPE, *CORPORATION_SCOPES]


async def test_the_settings_are_linked_and_say_what_each_character_may_read(site: Site, browser: Browser) -> None:
    account_id = await site.add_pilot(ME, name="Ada <Lovelace>")
    await site.add_pilot(ME + 1, account_id, name="Grace")
    await site.pool.execute(
        "UPDATE users SET scopes = $2 WHERE character_id = $1",
        ME + 1,
        [
            "esi-killmails.read_killmails.v1",
            "esi-killmails.read_corporation_killmails.v1",
            "esi-characters.read_corporation_roles.v1",
        ],
    )
    await browser.sign_in(account_id)
    _, home = await browser.get("/")
    assert any(link["href"] == "/settings" for link in Document(home).of("a"))
    status, page = await browser.get("/settings")
    assert status == 200
    document = Document(page)
    ids = [attributes["id"] for _, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "Ada &lt;Lovelace&gt;" in page
    assert page.count("can read this character's killmails.") == 1
    assert page.count("for a director, the corporation's killmails.") == 1
    assert "No killmail yet." in page
    assert re.search(r"The rest is in the archive, of which [0-9,]+ days are not read yet\.", page)
    await site.store(body(1, victim=ME))
    _, page = await browser.get("/settings#sources")
    assert page.count("No killmail yet.") == 1, "Grace's"


async def test_a_stranger_is_sent_to_the_front_page(anonymous: Browser) -> None:
    async with anonymous.http.get(f"{anonymous.site.address}/settings", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")


SWITCH = """
mutation Switch($id: ID!, $enabled: Boolean!) { setCorporationSync(corporationId: $id, enabled: $enabled) {
  corporation { state message directors { standing character { id } } } userErrors { code } } }
"""
PUBLISH = """
mutation Publish($id: ID!, $published: Boolean!) { setCorporationPublishing(corporationId: $id, published: $published) {
  corporation { published } userErrors { code } } }
"""


async def add_to_corporation(site: Site, character_id: int, scopes: list[str]) -> int:
    account_id = await site.add_pilot(character_id, name=f"Pilot {character_id}")
    await site.pool.execute(
        "UPDATE users SET corporation_id = $2, scopes = $3 WHERE character_id = $1", character_id, CORPORATION, scopes
    )
    return account_id


async def test_a_director_follows_and_publishes_and_a_member_may_only_look(site: Site, browser: Browser) -> None:
    director = await add_to_corporation(site, ME, SCOPES)
    member = await add_to_corporation(site, ME + 1, [KILLMAIL_SCOPE])
    foreign = body(1, victim=ME + 5)
    await site.store(foreign)
    await browser.sign_in(director)
    order = {"corporation_id": str(CORPORATION), "order": "follow"}
    assert (await browser.post("/settings/corporation", order, headers={"Origin": "https://evil.invalid"}))[0] == 403
    status, page = await browser.post("/settings/corporation", order)
    assert status == 202, "no Temporal in this test: it is saved, and said so"
    assert "within minutes" in page
    _, page = await browser.get("/settings")
    Document(page)
    assert (
        "The corporation&#39;s sync is about to start." in page or "The corporation's sync is about to start." in page
    )
    assert "Pilot 90000010: Waiting for EVE to confirm the Director role" in page
    assert "killmail-1" not in (await browser.get(f"/?corporation={CORPORATION}"))[1], "anybody may say so"
    await note_role(site.pool, CORPORATION, ME)
    assert "Pilot 90000010: Active" in (await browser.get("/settings"))[1]
    _, board = await browser.get(f"/?corporation={CORPORATION}")
    assert "killmail-1" in board
    assert "killmail-1" not in (await browser.get("/"))[1], "the own feed stays the own"

    await browser.sign_in(member)
    assert "killmail-1" not in (await browser.get(f"/?corporation={CORPORATION}"))[1]
    for order_name in ("follow", "unfollow"):
        refused, _ = await browser.post("/settings/corporation", order | {"order": order_name})
        assert refused == 409
    opened = {"kind": "corporation", "id": str(CORPORATION), "visibility": "members"}
    assert (await browser.post("/settings/visibility", opened))[0] == 409
    assert not await site.pool.fetchval("SELECT published FROM corporations_followed")

    await browser.sign_in(director)
    _, preview = await browser.get(f"/settings/preview?kind=corporation&id={CORPORATION}&visibility=public")
    assert "Strangers and search engines see 1 killmail," in preview
    assert "killmail-1" in preview
    _, preview = await browser.get(f"/settings/preview?kind=corporation&id={CORPORATION}&visibility=members")
    assert "Strangers see nothing of it." in preview
    assert "killmail-1" not in preview
    await browser.post("/settings/visibility", opened)
    _, page = await browser.get("/settings")
    assert re.search(
        r'value="members" checked> Members who log in here.*Last changed [^<]* by Pilot 90000010', page, re.S
    )
    await browser.sign_in(member)
    assert "killmail-1" in (await browser.get(f"/?corporation={CORPORATION}"))[1]
    _, page = await browser.get("/settings")
    assert "Pilot 90000010" not in page, "who the directors are is theirs to know"


async def test_the_same_over_graphql(site: Site, browser: Browser) -> None:
    director = await add_to_corporation(site, ME, SCOPES)
    nobody = await browser.data(SWITCH, id=str(CORPORATION), enabled=True)
    assert nobody["setCorporationSync"]["userErrors"] == [{"code": "UNAUTHENTICATED"}]
    await browser.sign_in(director)
    early = await browser.data(PUBLISH, id=str(CORPORATION), published=True)
    assert early["setCorporationPublishing"]["userErrors"] == [{"code": "NOT_A_DIRECTOR"}]
    other = await browser.data(SWITCH, id=str(CORPORATION + 1), enabled=True)
    assert other["setCorporationSync"]["userErrors"] == [{"code": "NOT_YOUR_CORPORATION"}]
    switched = await browser.data(SWITCH, id=str(CORPORATION), enabled=True)
    assert switched["setCorporationSync"]["userErrors"] == [{"code": "SYNC_UNAVAILABLE"}], "no Temporal here"
    too_early = await browser.data(PUBLISH, id=str(CORPORATION), published=True)
    assert too_early["setCorporationPublishing"]["userErrors"] == [{"code": "NOT_A_DIRECTOR"}]
    await note_role(site.pool, CORPORATION, ME)
    published = await browser.data(PUBLISH, id=str(CORPORATION), published=True)
    assert published["setCorporationPublishing"] == {"corporation": {"published": True}, "userErrors": []}
    found = await browser.data("{ me { corporations { id state published directors { standing } } } }")
    assert found["me"]["corporations"] == [
        {"id": str(CORPORATION), "state": "STARTING", "published": True, "directors": [{"standing": "GOOD"}]}
    ]


async def test_who_must_log_in_again_is_asked_for_what_they_gave(site: Site, browser: Browser) -> None:
    """Leave to save fittings is none for the corporation."""
    account_id = await site.add_pilot(ME)
    await browser.sign_in(account_id)
    for scopes, asked in (([KILLMAIL_SCOPE, FITTINGS_SCOPE], "/auth/login"), (SCOPES, "/auth/login?corporation=1")):
        await site.pool.execute(
            "UPDATE users SET scopes = $1, token_state = 'revoked', sync_state = 'needs_login'", scopes
        )
        for path in ("/", "/settings"):
            _, page = await browser.get(path)
            again = [link["href"] for link in Document(page).of("a") if link["href"].startswith("/auth/login")]
            assert asked in again, path
            assert len({*again} & {"/auth/login", "/auth/login?corporation=1"}) == 1, path
