import asyncio
from collections.abc import Collection

import orjson
import pytest
from aiohttp import web

from contracts.call_classes import CallClass
from eve.errors import (
    BadRequest,
    Downtime,
    ErrorLimited,
    EveError,
    InvalidHash,
    MalformedBody,
    NotFound,
    RateLimited,
    Unavailable,
)
from eve.esi.client import Affiliation, NamedId, ServerStatus, SolarSystem
from eve.esi.universe import CHARACTER, CORPORATION
from eve.killmail import KillmailRef
from eve.session import COMPATIBILITY_DATE
from settings import VERSION
from tests.eve.conftest import OpenEsi
from tests.eve.servers import CHARACTER_ID, errors_left, tokens
from tests.eve.smallest_killmail import SMALLEST

HASH = "0123456789abcdef0123456789abcdef01234567"
REF = KillmailRef(7, HASH)
ALL_IDS_OR_NOTHING = {"error": "Ensure all IDs are valid before resolving."}


class NamesRoute:
    """/universe/names, all or nothing: knows every id but the bad ones."""

    def __init__(self, bad: Collection[int] = ()) -> None:
        self.bad = set(bad)
        self.batches: list[list[int]] = []
        self.at_once = self.most_at_once = self.failed = 0

    async def __call__(self, request: web.Request) -> web.Response:
        assert request.method == "POST"
        assert "Authorization" not in request.headers
        batch = await request.json()
        self.batches.append(batch)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0.002)
        self.at_once -= 1
        if self.bad & set(batch) or len(batch) > 1000 or len(set(batch)) != len(batch):
            self.failed += 1
            return web.json_response(ALL_IDS_OR_NOTHING, status=404, headers=errors_left(100 - self.failed))
        body = [{"id": i, "category": "character", "name": f"Pilot {i}"} for i in reversed(batch)]
        return web.json_response(body, headers=errors_left(100 - self.failed))


async def test_requests_say_who_asks_and_which_esi_is_meant(open_esi: OpenEsi) -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"players": 31415, "server_version": "3650286", "vip": False})

    async with open_esi(handler) as esi:
        assert await esi.server_status() == ServerStatus(31415, "3650286")
    assert seen[0].path == "/eve/status"  # a base URL may carry a path
    assert seen[0].headers["User-Agent"] == f"KillReport/{VERSION} (pilot@example.com)"
    assert seen[0].headers["X-Compatibility-Date"] == COMPATIBILITY_DATE == "2026-07-21"


async def test_a_killmail_comes_as_esi_sent_it(open_esi: OpenEsi) -> None:
    raw = orjson.dumps(SMALLEST, option=orjson.OPT_INDENT_2)

    async def handler(request: web.Request) -> web.Response:
        assert request.path == f"/eve/killmails/7/{HASH}"
        return web.Response(body=raw, content_type="application/json", headers=tokens(3598))

    async with open_esi(handler) as esi:
        assert await esi.killmail(REF, CallClass.LIVE) == raw


@pytest.mark.parametrize(
    ("status", "body", "content_type", "error"),
    [
        (422, {"error": f"Invalid killmail_id and/or killmail_hash {HASH}"}, "application/json", InvalidHash),
        (404, {"error": "no"}, "application/json", NotFound),
        (400, {"error": "no"}, "application/json", BadRequest),
        (302, {}, "application/json", BadRequest),
        (420, "This software has exceeded the error limit for ESI.", "text/plain", ErrorLimited),
        (429, "", "text/plain", RateLimited),
        (502, "<html><h1>Bad Gateway</h1></html>", "text/html", Unavailable),
        (503, {"error": "The datasource tranquility is temporarily unavailable"}, "application/json", Unavailable),
        (504, {"error": "Timeout contacting tranquility", "timeout": 10}, "application/json", Unavailable),
        (520, "ConStopSpamming", "text/plain", Unavailable),
        (200, "<html>Log in to the hotel's network</html>", "text/html", Unavailable),
        (200, '{"killmail_id": 7, "victim', "application/json", Unavailable),
        (200, {"killmail_id": 7}, "application/json", MalformedBody),
        (200, {"error": "Timeout contacting tranquility"}, "application/json", Unavailable),
        (200, [], "application/json", MalformedBody),
    ],
)
async def test_every_bad_answer_has_its_error_and_none_shows_the_hash(
    open_esi: OpenEsi, status: int, body: object, content_type: str, error: type[EveError]
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        text = body if isinstance(body, str) else orjson.dumps(body).decode()
        headers = {"Location": "http://elsewhere.example/"} if status == 302 else {}
        return web.Response(status=status, text=text, content_type=content_type, headers=headers)

    async with open_esi(handler) as esi:
        with pytest.raises(error) as raised:
            await esi.killmail(REF, CallClass.LIVE)
    assert type(raised.value) is error
    chain = f"{raised.value!s} {raised.value!r} {raised.value.__cause__!r}"
    assert HASH not in chain


async def test_a_broken_connection_and_a_cut_body_are_transient(open_esi: OpenEsi) -> None:
    async def reset(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"killmail_id": 7,')
        assert request.transport is not None
        request.transport.close()
        return response

    for handler in (reset, cut):
        async with open_esi(handler) as esi:
            with pytest.raises(Unavailable) as raised:
                await esi.killmail(REF, CallClass.LIVE)
        assert HASH not in f"{raised.value!s} {raised.value.__cause__!r}"


async def test_a_slow_answer_is_unavailable(open_esi: OpenEsi, monkeypatch: pytest.MonkeyPatch) -> None:
    released = asyncio.Event()
    monkeypatch.setattr("eve.session.TOTAL_SECONDS", 0.2)

    async def handler(_request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with open_esi(handler) as esi:
        with pytest.raises(Unavailable):
            await esi.server_status()
        released.set()


async def test_a_body_without_end_is_not_read_to_the_end(open_esi: OpenEsi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eve.answer.MAX_BODY_BYTES", 100_000)

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65536)
        except ConnectionError:
            return response

    async with open_esi(handler) as esi:
        with pytest.raises(MalformedBody):
            await esi.killmail(REF, CallClass.LIVE)


async def test_a_token_is_not_carried_to_where_a_redirect_points(open_esi: OpenEsi) -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=301, headers={"Location": str(request.url.with_path("/eve/elsewhere"))})

    async with open_esi(handler) as esi:
        with pytest.raises(BadRequest):
            await esi.character_killmails(CHARACTER_ID, "token", {}, CallClass.LIVE)
    assert asked == [f"/eve/characters/{CHARACTER_ID}/killmails/recent"]


async def test_many_failures_at_once_open_the_circuit_for_all(open_esi: OpenEsi) -> None:
    requests = 0

    async def handler(_request: web.Request) -> web.Response:
        nonlocal requests
        requests += 1
        return web.Response(status=503, text="down")

    async with open_esi(handler) as esi:
        outcomes = []
        for number in range(30):
            # More than one kind of thing fails.
            call = (
                esi.solar_system(30000142, CallClass.LIVE)
                if number % 2
                else esi.killmail(KillmailRef(1, "0" * 40), CallClass.LIVE)
            )
            with pytest.raises(EveError) as raised:
                await call
            outcomes.append(type(raised.value))
        assert outcomes == [Unavailable] * 9 + [Downtime] * 21
        assert requests == 10
        with pytest.raises(Downtime):
            await esi.server_status()
        assert requests == 11  # that one still asks whether EVE is back


async def test_a_downtime_said_with_200_is_one_too(open_esi: OpenEsi) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"error": "ESI is currently in maintenance mode. Please try again later."})

    async with open_esi(handler) as esi:
        outcomes = []
        for _ in range(5):
            with pytest.raises(EveError) as raised:
                await esi.solar_system(30000142, CallClass.LIVE)
            outcomes.append(type(raised.value))
    assert outcomes == [Unavailable] * 4 + [Downtime]


async def test_names_are_asked_for_once_each_a_thousand_at_a_time(open_esi: OpenEsi) -> None:
    route = NamesRoute()
    wanted = [*range(90_000_001, 90_002_501), 90_000_001]
    async with open_esi(route) as esi:
        names = await esi.names(wanted, CallClass.LIVE)
    assert [len(batch) for batch in route.batches] == [1000, 1000, 500]
    assert {named.id for named in names.found} == set(wanted)
    assert NamedId(90_000_001, "character", "Pilot 90000001") in names.found
    assert names.unknown == names.unresolved == frozenset()


async def test_ids_that_esi_cannot_name_are_not_sent(open_esi: OpenEsi) -> None:
    route = NamesRoute()
    hopeless = {-1, 0, 40_009_077, 50_000_056, 1_035_466_617_946}
    async with open_esi(route) as esi:
        names = await esi.names([*hopeless, 60_003_760], CallClass.LIVE)
        assert await esi.names(hopeless, CallClass.LIVE)
        assert (await esi.names([], CallClass.LIVE)).found == ()
    assert route.batches == [[60_003_760]]
    assert names.unknown == hopeless


async def test_a_bad_id_is_isolated_and_the_others_named(open_esi: OpenEsi) -> None:
    bad = 90_000_777
    route = NamesRoute([bad])
    wanted = range(90_000_000, 90_001_000)
    async with open_esi(route) as esi:
        names = await esi.names(wanted, CallClass.LIVE)
    assert names.unknown == {bad}
    assert len(names.found) == 999
    assert route.failed <= 11


async def test_many_bad_ids_never_endanger_the_error_limit(open_esi: OpenEsi) -> None:
    bad = set(range(90_000_000, 90_001_000, 7))
    route = NamesRoute(bad)
    left = set(range(90_000_000, 90_001_000))
    async with open_esi(route) as esi:
        names = await esi.names(left, CallClass.LIVE)
    assert route.failed <= 22
    assert names.unknown <= bad
    assert names.unknown
    assert names.unresolved == left - names.unknown - {named.id for named in names.found}


async def test_halving_stops_where_the_error_limit_comes_near(open_esi: OpenEsi) -> None:
    route = NamesRoute(range(90_000_000, 90_000_100))
    route.failed = 70  # somebody else's
    async with open_esi(route) as esi:
        names = await esi.names(range(90_000_000, 90_000_100), CallClass.LIVE)
        assert names.unresolved
        with pytest.raises(ErrorLimited):
            await esi.names(names.unresolved, CallClass.LIVE)
    assert route.failed <= 81


async def test_an_odd_name_does_not_hide_the_others(open_esi: OpenEsi) -> None:
    async def handler(_: web.Request) -> web.Response:
        odd = [
            r'{"id": 90000001, "category": "character", "name": "half \ud83d of one"}',
            r'{"id": "90000002", "category": "character", "name": "Two"}',
            r'{"id": 90000003, "category": "character", "name": "Three \\ud800 \ud83d\ude80"}',
        ]
        return web.Response(text=f"[{','.join(odd)}]", content_type="application/json", headers=errors_left(100))

    async with open_esi(handler) as esi:
        names = await esi.names([90_000_001, 90_000_002, 90_000_003], CallClass.LIVE)
    assert {named.id: named.name for named in names.found} == {
        90_000_001: "half \N{REPLACEMENT CHARACTER} of one",
        90_000_003: "Three \\ud800 \N{ROCKET}",
    }
    assert names.unknown == {90_000_002}


async def test_bulk_lookups_go_one_at_a_time(open_esi: OpenEsi) -> None:
    route = NamesRoute()
    async with open_esi(route) as esi:
        await asyncio.gather(*(esi.names([90_000_000 + n], CallClass.LIVE) for n in range(8)))
    assert route.most_at_once == 1
    assert len(route.batches) == 8


async def test_affiliations_survive_characters_that_are_gone(open_esi: OpenEsi) -> None:
    gone = {95_000_003: 404, 95_000_011: 400}

    async def handler(request: web.Request) -> web.Response:
        batch = await request.json()
        for character_id, status in gone.items():
            if character_id in batch:
                return web.json_response({"error": "Invalid character ID"}, status=status)
        body = [{"character_id": i, "corporation_id": 98000001, "alliance_id": 99000001} for i in batch]
        return web.json_response(body)

    async with open_esi(handler) as esi:
        found = await esi.affiliations(range(95_000_000, 95_000_016), CallClass.LIVE)
    assert len(found) == 14
    assert Affiliation(95_000_000, 98000001, 99000001, None) in found


async def test_a_solar_system(open_esi: OpenEsi) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path != "/eve/universe/systems/30000142":
            return web.json_response({"error": "Solar system not found"}, status=404)
        return web.json_response(
            {"system_id": 30000142, "name": "Jita", "security_status": 0.9459, "constellation_id": 20000020}
        )

    async with open_esi(handler) as esi:
        assert await esi.solar_system(30000142, CallClass.LIVE) == SolarSystem(30000142, "Jita", 0.9459, 20000020)
        with pytest.raises(NotFound):
            await esi.solar_system(1, CallClass.LIVE)


@pytest.mark.parametrize("birthday", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
def test_a_birthday_that_cannot_be_read_back_is_not_stored(birthday: str) -> None:
    told = {"name": "A Pilot", "birthday": birthday}
    with pytest.raises(MalformedBody):
        CHARACTER.read(orjson.dumps(told))
    assert CHARACTER.read(orjson.dumps(told | {"birthday": "2003-05-06T00:00:00Z"})).name == "A Pilot"


def test_a_ticker_is_no_longer_than_an_index_takes() -> None:
    told = {"name": "A", "ticker": "<T>" * 9_000, "ceo_id": 1, "member_count": 1}
    ticker, *_ = CORPORATION.read(orjson.dumps(told)).columns
    assert ticker == ("<T>" * 9_000)[:200]
