"""Who sees a board at each level, wherever killmails are shown; and that what is taken back is gone at once.

Beside the boards that are tried there is a beacon, which is public: so strangers may always ask, and the beacon's
killmail, which arrived last, says that a stream has sent everything.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace

import aiohttp
import orjson
import pytest

from api.graphql.websocket import SUBPROTOCOL
from api.orders.requests import Refusal
from api.orders.sharing import (
    CANNOT_MOVE,
    CANNOT_SHARE,
    CANNOT_SHARE_BATTLE,
    infer_sides,
    make_link,
    move_side,
    revoke_link,
)
from db.accounts.sessions import Caller, start_session
from db.accounts.share_links import NewLink, Subject
from db.corporations.directors import follow, note_role
from db.intake.arrivals import record_arrivals
from db.killmails.cursors import position_cursor
from db.universe.names import store_names, store_solar_systems
from db.visibility import Visibility, set_corporation_visibility, set_pilot_visibility
from eve.sso.scopes import CORPORATION_SCOPES, KILLMAIL_SCOPE
from sandbox.process import free_port
from tests.api.live.socket_client import SocketClient
from tests.api.running_site import Site, serve
from tests.db.bodies import body

OWNER, MEMBER, ALLY, OUTSIDER, BEACON = range(90_000_001, 90_000_006)
OURS, ALLIED, ELSEWHERE, ALLIANCE = 98_000_001, 98_000_002, 98_000_003, 99_000_001
OF_PILOT, OF_CORPORATION, OF_BEACON = 711_111_111, 722_222_222, 799_999_999
HUNTERS = {OF_PILOT: 91_000_001, OF_CORPORATION: 91_000_002, OF_BEACON: 91_000_003}
HASH = "ab12" * 10
SEES: dict[Visibility, set[int | None]] = {
    Visibility.PRIVATE: {OWNER},
    Visibility.MEMBERS: {OWNER, MEMBER},
    Visibility.ALLIANCE: {OWNER, MEMBER, ALLY},
    Visibility.LINK: {OWNER, MEMBER, ALLY},
    Visibility.PUBLIC: {OWNER, MEMBER, ALLY, OUTSIDER, None},
}
"""Whom each level lets in; None is a stranger."""
ADDED = """subscription Added($after: String) {
  killmailAdded(filter: {scope: VISIBLE}, after: $after) { id attackers { character { name } } } }"""


@dataclass
class World:
    """A site, and how each of them proves who they are."""

    site: Site
    http: aiohttp.ClientSession
    accounts: dict[int, int] = field(default_factory=dict)
    cookies: dict[int | None, dict[str, str]] = field(default_factory=lambda: {None: {}})

    async def text(self, who: int | None, path: str) -> str:
        """The answer to a GET; nothing, if it is refused."""
        async with self.http.get(f"{self.site.address}{path}", cookies=self.cookies[who]) as response:
            assert response.headers["Cache-Control"] == "no-store"
            return (await response.text()) if response.status == 200 else ""

    async def data(self, who: int | None, query: str) -> str:
        """The data that GraphQL answers, as text."""
        async with self.http.post(
            f"{self.site.address}/graphql", json={"query": query}, cookies=self.cookies[who]
        ) as response:
            answer = orjson.loads(await response.read())
            assert "errors" not in answer, answer
            return orjson.dumps(answer["data"]).decode()


@pytest.fixture(scope="module")
async def world(shared_site: Site) -> AsyncIterator[World]:
    pool = shared_site.pool
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        world = World(shared_site, http)
        for pilot, corporation, alliance in (
            (OWNER, OURS, ALLIANCE), (MEMBER, OURS, ALLIANCE), (ALLY, ALLIED, ALLIANCE), (OUTSIDER, ELSEWHERE, None),
            (BEACON, ELSEWHERE, None),
        ):  # fmt: skip
            world.accounts[pilot] = await shared_site.add_pilot(pilot)
            await pool.execute(
                "UPDATE users SET corporation_id = $2, alliance_id = $3, scopes = $4 WHERE character_id = $1",
                pilot,
                corporation,
                alliance,
                [KILLMAIL_SCOPE, *CORPORATION_SCOPES],
            )
            world.cookies[pilot] = {"killreport": await start_session(pool, world.accounts[pilot])}
        await follow(pool, OWNER)
        await note_role(pool, OURS, OWNER)
        await set_pilot_visibility(pool, world.accounts[BEACON], BEACON, Visibility.PUBLIC)
        victims = {OF_PILOT: (OWNER, ELSEWHERE), OF_CORPORATION: (90_999_999, OURS), OF_BEACON: (BEACON, ELSEWHERE)}
        for killmail_id, (victim, corporation) in victims.items():
            made = body(killmail_id, victim=victim, attackers=(HUNTERS[killmail_id],))
            made["victim"]["corporation_id"] = corporation
            # With two more like it, a battle; and all of them at once, in the same place.
            await shared_site.store(*({**made, "killmail_id": killmail_id + more} for more in range(3)))
            await record_arrivals(pool, [killmail_id])
            await pool.execute(
                "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, stored_at, hash_from)"
                " VALUES ($1, $2, $3, now(), 'esi')",
                killmail_id,
                HASH,
                OWNER,
            )
        await store_names(pool, [(hunter, "character", f"Hunter of {what}") for what, hunter in HUNTERS.items()])
        await store_names(
            pool,
            [
                (OWNER, "character", "The Owner"),
                (OURS, "corporation", "The Corporation"),
                (587, "inventory_type", "Rifter"),
            ],
        )
        await store_solar_systems(pool, [(30_000_142, 0.9, 20_000_020)])
        yield world


async def stream(world: World, who: int | None) -> str:
    """What a subscription from the very beginning sends."""
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in world.cookies[who].items())}
    async with world.http.ws_connect(
        f"{world.site.address}/graphql", protocols=[SUBPROTOCOL], headers=headers if who else {}
    ) as socket:
        client = SocketClient(socket)
        await client.initialise()
        await client.subscribe("1", ADDED, after=position_cursor(0))
        told = ""
        while str(OF_BEACON) not in told:
            message = await client.receive()
            assert message["type"] == "next", message
            told += str(message["payload"])
        return told


async def picture(world: World, who: int | None, killmail_id: int, page: str = "killmails") -> str:
    """The card of a killmail, or of its battle, said in words if it is drawn."""
    address = f"{world.site.address}/{page}/{killmail_id}/card.png"
    async with world.http.get(address, cookies=world.cookies[who]) as response:
        drawn = (await response.read()).startswith(b"\x89PNG")
        assert drawn == (response.status == 200)
    return f"Hunter of {killmail_id}" if drawn else ""


async def embedded(world: World, who: int | None, killmail_id: int) -> str:
    """What oEmbed tells of a killmail."""
    page = f"{world.site.services.settings.site_url}/killmails/{killmail_id}"
    text = await world.text(who, f"/oembed?url={page}")
    return f"Hunter of {killmail_id}" if "lost a Rifter" in text else ""


async def listed(world: World, who: int | None, killmail_id: int) -> str:
    """The sitemap, which is a stranger's whoever asks: only theirs is judged."""
    if who is not None:
        return await world.text(who, f"/killmails/{killmail_id}")
    return f"Hunter of {killmail_id}" if f"/killmails/{killmail_id}<" in await world.text(who, "/sitemap.xml") else ""


Ask = Callable[[World, int | None, int, str], Awaitable[str]]
VISIBLE = "filter=%7B%22scope%22:%22VISIBLE%22%7D"
WHERE: dict[str, Ask] = {
    "page": lambda world, who, killmail_id, _: world.text(who, f"/killmails/{killmail_id}"),
    "front page": lambda world, who, _, __: world.text(who, "/?all=1"),
    "board": lambda world, who, _, board: world.text(who, f"/{board}?days=all"),
    "GraphQL": lambda world, who, killmail_id, _: world.data(
        who, f'{{ killmail(id: "{killmail_id}") {{ finalBlow {{ character {{ name }} }} }} }}'
    ),
    "list": lambda world, who, _, __: world.data(
        who, "{ killmails(filter: {scope: VISIBLE}) { nodes { id finalBlow { character { name } } } } }"
    ),
    "statistics": lambda world, who, _, board: world.data(who, _statistics(board)),
    "battle": lambda world, who, killmail_id, _: world.text(who, f"/battles/{killmail_id}"),
    "battles": lambda world, who, _, __: world.text(who, "/battles"),
    "battle over GraphQL": lambda world, who, _, __: world.data(
        who, "{ battles { nodes { sides { pilots { character { name } } } } } }"
    ),
    "export": lambda world, who, _, __: world.text(who, f"/export/killmails.ndjson?{VISIBLE}"),
    "card": lambda world, who, killmail_id, _: picture(world, who, killmail_id),
    "card of a battle": lambda world, who, killmail_id, _: picture(world, who, killmail_id, "battles"),
    "oEmbed": lambda world, who, killmail_id, _: embedded(world, who, killmail_id),
    "sitemap": lambda world, who, killmail_id, _: listed(world, who, killmail_id),
    "subscription": lambda world, who, _, __: stream(world, who),
}


def _statistics(board: str) -> str:
    kind, _, board_id = board.partition("s/")
    return f'{{ {kind}(id: "{board_id}") {{ statistics {{ topPilots {{ character {{ name }} }} losses }} }} }}'


def _is_told(where: str, text: str, killmail_id: int) -> bool:
    if where == "battles":  # by its address: a list names the largest parties alone
        return f"/battles/{killmail_id}" in text
    return '"losses":3' in text if where == "statistics" else f"Hunter of {killmail_id}" in text


@pytest.mark.parametrize("kind", ["character", "corporation"])
async def test_each_level_shows_a_board_to_whom_it_says_wherever_they_look(world: World, kind: str) -> None:
    pool, account_id = world.site.pool, world.accounts[OWNER]
    killmail_id, board_id, name = (
        (OF_PILOT, OWNER, "Owner") if kind == "character" else (OF_CORPORATION, OURS, "Corporation")
    )
    odd: list[tuple[Visibility, int | None, str]] = []
    # Down to private again: what was seen a moment ago is gone.
    for level in (*Visibility, Visibility.PRIVATE):
        if kind == "character":
            assert await set_pilot_visibility(pool, account_id, board_id, level)
        else:
            assert await set_corporation_visibility(pool, account_id, board_id, level)
        for who in (OWNER, MEMBER, ALLY, OUTSIDER, None):
            for where, ask in WHERE.items():
                text = await ask(world, who, killmail_id, f"{kind}s/{board_id}")
                if _is_told(where, text, killmail_id) != (who in SEES[level]):
                    odd.append((level, who, where))
                if HASH in text and who != OWNER:
                    odd.append((level, who, f"{where} tells the hash"))
        async with world.http.get(f"{world.site.address}/{kind}s/{board_id}/card.png") as response:
            if (response.status == 200) != (level is Visibility.PUBLIC):
                odd.append((level, None, "card of the board"))
        for asked in (f"Hunter of {killmail_id}", f"The {name}"):
            found = await world.data(None, f'{{ search(name: "{asked}") {{ name }} }}')
            suggested = await world.text(None, f"/fragments/search?q={asked}")
            if {asked in found, asked in suggested} != {level is Visibility.PUBLIC}:
                odd.append((level, None, f"search {asked}"))
    assert odd == []
    changes = await pool.fetch(
        'SELECT by_character_id, "from", "to" FROM visibility_changes WHERE board_id = $1 ORDER BY 2', board_id
    )
    assert {row["by_character_id"] for row in changes} == {OWNER}
    assert len(changes) == 5


async def test_strangers_find_battles_and_cards_where_something_is_public(world: World) -> None:
    front = await world.text(None, "/")
    assert '<a href="/battles">Battles</a>' in front
    assert 'rel="canonical"' in front
    drawn = re.findall(r'property="og:image" content="([^"]+)"', front)
    assert drawn == [f"{world.site.services.settings.site_url}/card.png"]
    board = await world.text(None, f"/characters/{BEACON}")
    assert f'content="{world.site.services.settings.site_url}/characters/{BEACON}/card.png"' in board
    site_url = world.site.services.settings.site_url
    told = orjson.loads(await world.text(None, f"/oembed?url={site_url}/characters/{BEACON}"))
    assert told["thumbnail_url"].endswith(f"/characters/{BEACON}/card.png")
    told = orjson.loads(await world.text(None, f"/oembed?url={site_url}/battles/{OF_BEACON}"))
    assert told["title"].startswith("Battle in ")
    assert "/battles</loc>" in await world.text(None, "/sitemap.xml")


async def test_on_a_public_board_everybody_sees_everything_but_hashes(world: World) -> None:
    settings = world.site.services.settings.model_copy(update={"public_board": True, "port": free_port()})
    async with serve(settings) as site:
        public = replace(world, site=site)
        for who in (OUTSIDER, None):
            for where, ask in WHERE.items():
                text = await ask(public, who, OF_PILOT, f"characters/{OWNER}")
                assert _is_told(where, text, OF_PILOT), (who, where)
                assert HASH not in text
        assert "Hunter" in await public.data(
            None, '{ killmails(orderBy: VALUE) { nodes { id } } search(name: "Hunter") { name } }'
        )


async def test_who_has_a_link_sees_what_it_opens_and_no_more_until_it_is_taken_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    services, pool = world.site.services, world.site.pool
    owner, member = Caller(world.accounts[OWNER], (OWNER,)), Caller(world.accounts[MEMBER], (MEMBER,))
    made = [
        await make_link(services, owner, subject, subject_id)
        for subject, subject_id in (
            (Subject.KILLMAIL, OF_PILOT), (Subject.KILLMAIL, OF_CORPORATION), (Subject.CHARACTER, OWNER)
        )
    ]  # fmt: skip
    pilot, corporation, private = made
    assert private == CANNOT_SHARE, "a private board is opened by no link"
    assert await make_link(services, member, Subject.KILLMAIL, OF_PILOT) == CANNOT_SHARE, "nor by anybody else's"
    assert isinstance(pilot, NewLink)
    assert isinstance(corporation, NewLink)
    assert f"Hunter of {OF_PILOT}" in await world.text(None, f"/s/{pilot.token}")
    assert f"Hunter of {OF_CORPORATION}" in await world.text(None, f"/s/{corporation.token}")
    async with world.http.get(f"{world.site.address}/s/{pilot.token}") as response:
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in response.headers["X-Robots-Tag"]
    # Uvicorn's own lines are switched off where the program serves (`api.serving.patience`).
    told = [one.getMessage() for one in caplog.records if one.name != "uvicorn.access"]
    assert any("GET '/s/" in line for line in told)
    assert not any(pilot.token in line for line in told)
    assert await world.text(None, f"/s/{pilot.token}/killmails/{OF_CORPORATION}") == ""
    assert await world.text(None, f"/killmails/{OF_PILOT}") == ""
    await pool.execute("UPDATE users SET token_state = 'owner_changed' WHERE character_id = $1", OWNER)
    assert await world.text(None, f"/s/{pilot.token}") == "", "it is its maker's no more"
    await pool.execute("UPDATE users SET token_state = 'valid' WHERE character_id = $1", OWNER)
    assert isinstance(await revoke_link(services, member, pilot.shown.share_link_id), Refusal)
    assert await revoke_link(services, owner, pilot.shown.share_link_id) is None
    assert await world.text(None, f"/s/{pilot.token}") == ""

    await _battle_behind_a_link(world, owner, member)
    await set_pilot_visibility(pool, owner.account_id, OWNER, Visibility.LINK)
    board = await make_link(services, owner, Subject.CHARACTER, OWNER)
    assert isinstance(board, NewLink)
    page = await world.text(None, f"/s/{board.token}?days=all")
    assert f"/s/{board.token}/killmails/{OF_PILOT}" in page
    assert f"Hunter of {OF_PILOT}" in await world.text(None, f"/s/{board.token}/killmails/{OF_PILOT}")
    assert await world.text(None, f"/s/{board.token}/killmails/{OF_CORPORATION}") == ""
    await set_pilot_visibility(pool, owner.account_id, OWNER, Visibility.PRIVATE)
    assert await world.text(None, f"/s/{board.token}") == ""


async def _battle_behind_a_link(world: World, owner: Caller, member: Caller) -> None:
    services = world.site.services
    assert await make_link(services, member, Subject.BATTLE, OF_BEACON) == CANNOT_SHARE_BATTLE, "seen, but not theirs"
    link = await make_link(services, owner, Subject.BATTLE, OF_PILOT)
    assert isinstance(link, NewLink)
    link_id, path = link.shown.share_link_id, f"/s/{link.token}"
    page = await world.text(None, path)
    assert f"{path}/killmails/{OF_PILOT + 2}" in page
    assert 'name="move"' not in page
    assert "corrected by hand" not in page
    assert f"Hunter of {OF_PILOT}" in await world.text(None, f"{path}/killmails/{OF_PILOT}")
    assert await world.text(OWNER, f"/killmails/{OF_CORPORATION}"), "its maker's"
    assert await world.text(None, f"{path}/killmails/{OF_CORPORATION}") == "", "but not of this battle"
    assert await world.text(MEMBER, f"/settings/links/{link_id}") == ""
    assert await move_side(services, member, link_id, ELSEWHERE, 0) == CANNOT_MOVE
    answer = await world.data(
        OWNER,
        f'mutation {{ moveBattleSide(id: "{link_id}", partyId: "{ELSEWHERE}", side: 0)'
        " { battle { sidesMoved sides { parties { id } } } userErrors { code } } }",
    )
    both = [{"parties": [{"id": str(ALLIED)}, {"id": str(ELSEWHERE)}]}]
    moved = {"moveBattleSide": {"battle": {"sidesMoved": True, "sides": both}, "userErrors": []}}
    assert orjson.loads(answer) == moved
    assert "corrected by hand" in await world.text(None, path)
    assert await infer_sides(services, member, link_id) == CANNOT_MOVE
    assert await infer_sides(services, owner, link_id) is None
    assert "corrected by hand" not in await world.text(None, path)
    assert await revoke_link(services, owner, link_id) is None
    assert await world.text(None, path) == ""
