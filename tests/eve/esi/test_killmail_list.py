import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from aiohttp import web

from contracts.call_classes import CallClass
from eve.errors import (
    EveError,
    MalformedBody,
    RateLimited,
    Unavailable,
)
from eve.esi.client import Esi
from eve.esi.killmail_list import KillmailWalk, PageSeen
from eve.killmail import KillmailRef
from tests.eve.conftest import OpenEsi
from tests.eve.servers import CHARACTER_ID, tokens

TOKEN = "eyJhbGciOiJSUzI1NiJ9.the-access-token-of-a-pilot.signature"
NO_SUCH_PAGE = {"error": "Requested page does not exist!"}


def ref(number: int) -> dict[str, object]:
    return {"killmail_id": number, "killmail_hash": f"{number:040x}"}


class Listing:
    """A killmail list in pages; every answer can be bent."""

    def __init__(self, *pages: list[int]) -> None:
        self.pages = [list(page) for page in pages]
        self.headers: dict[str, str] = {"Last-Modified": "Mon, 23 Nov 2026 12:00:00 GMT"}
        self.asked: list[tuple[int, str | None, int]] = []
        self.before: Callable[[int], None] = lambda _page: None
        self.says_total: Callable[[], str | None] = lambda: str(max(1, len(self.pages)))
        self.cost = 0

    async def __call__(self, request: web.Request) -> web.Response:
        number = int(request.query.get("page", "1"))
        self.before(number)
        etag = request.headers.get("If-None-Match")
        status, body = 200, b""
        headers = dict(self.headers)
        if number > len(self.pages):
            status, body = 404, orjson.dumps(NO_SUCH_PAGE)
        else:
            ours = f'"{hash(tuple(self.pages[number - 1])) & 0xFFFFFF:x}"'
            headers["ETag"] = ours
            total = self.says_total()
            headers |= {"X-Pages": total} if total is not None else {}
            if etag == ours:
                status = 304
            else:
                body = orjson.dumps([ref(i) for i in self.pages[number - 1]])
        self.cost += {200: 2, 304: 1}.get(status, 5)
        headers |= tokens(30 - self.cost, group="char-killmail", limit="30/15m")
        self.asked.append((number, etag, status))
        return web.Response(status=status, body=body, headers=headers, content_type="application/json")


async def walk(esi: Esi, etags: dict[int, str] | None = None, goes_on_at: int = 1) -> KillmailWalk:
    return await esi.character_killmails(CHARACTER_ID, TOKEN, etags or {}, CallClass.LIVE, goes_on_at)


def ids(found: KillmailWalk) -> list[int]:
    return [reference.killmail_id for reference in found.refs]


async def test_every_page_is_read_and_remembered(open_esi: OpenEsi) -> None:
    listing = Listing([5, 4], [3, 2], [1])
    async with open_esi(listing) as esi:
        found = await walk(esi)
    assert ids(found) == [5, 4, 3, 2, 1]
    assert found.refs[0] == KillmailRef(5, f"{5:040x}")
    assert {number: page.listed for number, page in found.pages.items()} == {1: 2, 2: 2, 3: 1}
    assert not found.unchanged


async def test_an_unchanged_list_costs_one_304_a_page(open_esi: OpenEsi) -> None:
    listing = Listing([3, 2], [1])
    async with open_esi(listing) as esi:
        etags = {number: page.etag for number, page in (await walk(esi)).pages.items()}
        listing.asked.clear()
        again = await walk(esi, etags)
    assert again.unchanged
    assert again.refs == ()
    assert again.pages == {1: PageSeen(etags[1], None), 2: PageSeen(etags[2], None)}
    assert [status for _, _, status in listing.asked] == [304, 304]


async def test_only_changed_pages_give_references(open_esi: OpenEsi) -> None:
    listing = Listing([3, 2], [1])
    async with open_esi(listing) as esi:
        etags = {number: page.etag for number, page in (await walk(esi)).pages.items()}
        listing.pages[0].insert(0, 4)
        again = await walk(esi, etags)
    assert ids(again) == [4, 3, 2]
    assert not again.unchanged
    assert again.pages[2] == PageSeen(etags[2], None)


async def test_an_empty_history_may_be_an_empty_list_or_404(open_esi: OpenEsi) -> None:
    for listing in (Listing([]), Listing()):
        async with open_esi(listing) as esi:
            found = await walk(esi)
        assert found.refs == ()
        assert not found.unchanged


async def test_a_list_that_shifts_while_read_loses_nothing(open_esi: OpenEsi) -> None:
    listing = Listing([6, 5], [4, 3], [2, 1])

    def shift(page: int) -> None:
        if page == 2 and len(listing.asked) == 1:
            listing.pages = [[7, 6], [5, 4], [3, 2], [1]]
            listing.headers["Last-Modified"] = "Mon, 23 Nov 2026 12:05:00 GMT"

    listing.before = shift
    async with open_esi(listing) as esi:
        found = await walk(esi)
    assert sorted(ids(found)) == [1, 2, 3, 4, 5, 6, 7]
    assert len(found.pages) == 4
    assert len(listing.asked) == 8  # two passes; what stood still answered 304 the second time
    assert {status for _, _, status in listing.asked[5:]} == {304}


async def test_a_killmail_that_a_shift_hid_is_found_by_the_second_pass(open_esi: OpenEsi) -> None:
    listing = Listing([4, 3], [2, 1])

    def shift(page: int) -> None:
        if page == 2 and len(listing.asked) == 1:
            listing.pages = [[4, 2], [1]]  # 3 grew too old: 2 moved to the page read before
            listing.headers["Last-Modified"] = "Mon, 23 Nov 2026 12:05:00 GMT"

    listing.before = shift
    async with open_esi(listing) as esi:
        found = await walk(esi)
    assert sorted(ids(found)) == [1, 2, 3, 4]


async def test_a_list_that_never_stands_still_is_given_up_with_all_that_was_seen(open_esi: OpenEsi) -> None:
    listing = Listing([1], [2])

    def shift(page: int) -> None:
        if page == 2:
            listing.headers["Last-Modified"] = f"moment {len(listing.asked)}"

    listing.before = shift
    async with open_esi(listing) as esi:
        found = await walk(esi)
    assert sorted(ids(found)) == [1, 2]
    assert len(listing.asked) == 6


async def test_a_list_that_shrinks_while_read_ends_at_the_404(open_esi: OpenEsi) -> None:
    listing = Listing([4], [3], [2])

    def shrink(page: int) -> None:
        if page == 2 and len(listing.asked) == 1:
            listing.pages = [[4, 3]]

    listing.before = shrink
    async with open_esi(listing) as esi:
        found = await walk(esi)
    assert sorted(ids(found)) == [3, 4]
    assert list(found.pages) == [1]


async def test_duplicates_and_empty_pages_are_tolerated(open_esi: OpenEsi) -> None:
    listing = Listing([3, 2], [], [2, 1, 1])
    async with open_esi(listing) as esi:
        found = await walk(esi)
    assert sorted(ids(found)) == [1, 2, 3]


@pytest.mark.parametrize("total", [None, "", "many", "0", "-1"])
async def test_without_a_usable_page_count_one_short_page_is_the_list(open_esi: OpenEsi, total: str | None) -> None:
    listing = Listing([2, 1])
    listing.says_total = lambda: total
    async with open_esi(listing) as esi:
        assert ids(await walk(esi)) == [2, 1]


async def test_without_a_page_count_full_pages_are_followed(open_esi: OpenEsi) -> None:
    listing = Listing(list(range(1, 1001)), [1001])
    listing.says_total = lambda: None
    async with open_esi(listing) as esi:
        assert len((await walk(esi)).refs) == 1001


async def test_a_budget_that_runs_out_on_the_way_keeps_what_was_read(open_esi: OpenEsi) -> None:
    listing = Listing(*[[n] for n in range(1, 21)])
    async with open_esi(listing) as esi:
        found = await walk(esi)
        assert found.rest_due_at is not None
        assert not found.unchanged
        assert ids(found) == list(range(1, 14))
        assert sorted(found.pages) == list(range(1, 14))
        assert (found.rest_from, found.ends_at) == (14, None)
        with pytest.raises(RateLimited):
            await walk(esi)
    assert all(status == 200 for _, _, status in listing.asked)  # ESI never had to refuse


@pytest.mark.parametrize("says_total", [True, False])
async def test_a_walk_goes_on_where_the_one_before_had_to_stop(open_esi: OpenEsi, *, says_total: bool) -> None:
    listing = Listing(*[list(range(n, n + 1000)) for n in range(1, 4000, 1000)], [9000])
    if not says_total:
        listing.says_total = lambda: None
    async with open_esi(listing) as esi:
        found = await walk(esi, goes_on_at=4)
        assert [page for page, _, _ in listing.asked] == [1, 4, 5]
        assert (found.rest_from, found.rest_due_at, found.ends_at) == (None, None, 5)
        assert (len(found.refs), sorted(found.pages)) == (2001, [1, 4, 5])
        if says_total:
            del listing.pages[2:]  # most of it grew too old meanwhile
            shorter = await walk(esi, goes_on_at=4)
            assert (listing.asked[3:], shorter.ends_at) == ([(1, None, 200)], 2)


async def test_a_page_that_fails_again_and_again_does_not_hold_up_those_before_it(open_esi: OpenEsi) -> None:
    listing = Listing([4], [3], [2], [1])

    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=503) if request.query.get("page") == "3" else await listing(request)

    async with open_esi(handler) as esi:
        assert (await walk(esi)).rest_from == 3
        assert (await walk(esi, goes_on_at=3)).rest_from == 1


BAD_ENTRIES: list[object] = [
    7,
    None,
    {"killmail_id": 7},
    {"killmail_id": "7", "killmail_hash": "a" * 40},
    {"killmail_id": True, "killmail_hash": "a" * 40},
    {"killmail_id": 0, "killmail_hash": "a" * 40},
    {"killmail_id": 10**30, "killmail_hash": "a" * 40},
    {"killmail_id": 7, "killmail_hash": ""},
    {"killmail_id": 7, "killmail_hash": "CCP VERIFIED"},
    {"killmail_id": 7, "killmail_hash": "a" * 39 + "/"},
    {"killmail_id": 7, "killmail_hash": "a" * 41},
    {"killmail_id": 7, "killmail_hash": "\ud800"},
]


async def test_a_bad_entry_costs_only_itself(open_esi: OpenEsi, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps([ref(5), *BAD_ENTRIES, ref(4)])

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json", headers={"ETag": '"one"'})

    async with open_esi(handler) as esi:
        found = await walk(esi)
    assert ids(found) == [5, 7, 4]
    assert found.refs[1].killmail_hash == "", "known by its id, without a hash to ask with"
    assert found.unusable.total() == len(BAD_ENTRIES)
    assert found.pages[1].killmail_ids == (5, 7, 4)
    assert "are left out" in caplog.text
    assert "a" * 39 not in caplog.text


async def test_an_entry_without_a_hash_does_not_hide_the_one_with_it(open_esi: OpenEsi) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response([{"killmail_id": 5}, ref(5), {"killmail_id": 5, "killmail_hash": ""}])

    async with open_esi(handler) as esi:
        (found,) = (await walk(esi)).refs
    assert found == KillmailRef(5, f"{5:040x}")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"killmails": []}, MalformedBody),
        ([7] * 6, MalformedBody),  # not one odd entry: another list than the one agreed on
        ({"error": "ESI is currently in maintenance mode. Please try again later."}, Unavailable),
    ],
)
async def test_a_page_that_is_no_list_is_refused(open_esi: OpenEsi, body: object, error: type[EveError]) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(body)

    async with open_esi(handler) as esi:
        with pytest.raises(error):
            await walk(esi)


async def test_304_to_a_request_without_etag_is_refused(open_esi: OpenEsi) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=304)

    async with open_esi(handler) as esi:
        with pytest.raises(EveError):
            await walk(esi)


async def test_what_page_one_showed_is_kept_when_page_two_fails(open_esi: OpenEsi) -> None:
    listing = Listing([3, 2], [1])

    async def handler(request: web.Request) -> web.Response:
        if request.query.get("page") == "2":
            return web.Response(status=503, text="down")
        return await listing(request)

    async with open_esi(handler) as esi:
        found = await walk(esi)
        assert ids(found) == [3, 2]
        assert sorted(found.pages) == [1], "nothing is remembered of a page that never came"
        assert found.rest_due_at is not None
        with pytest.raises(Unavailable):  # nothing new this time: the failure is what there is to tell
            await walk(esi, {1: found.pages[1].etag})


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "private, max-age=300"}, 300),
        ({"Cache-Control": "public, max-age=300", "Age": "120"}, 180),
        ({"Cache-Control": "max-age=300", "Age": "999"}, 0),
        # ESI's clock is two years off; only the difference counts
        ({"Date": "Sat, 23 Nov 2024 12:00:00 GMT", "Expires": "Sat, 23 Nov 2024 12:04:00 GMT"}, 240),
        # cached by events: it may change in a minute all the same
        ({"Cache-Control": "private, max-age=2592000"}, 600),
        ({"Date": "Sat, 23 Nov 2024 12:00:00 GMT", "Expires": "Mon, 23 Dec 2024 12:00:00 GMT"}, 600),
        ({"Expires": "soon"}, None),
        ({}, None),
    ],
)
async def test_freshness_is_a_few_minutes_and_needs_no_two_clocks_that_agree(
    open_esi: OpenEsi, headers: dict[str, str], seconds: int | None
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response([], headers=headers)

    async with open_esi(handler) as esi:
        fresh_until = (await walk(esi)).fresh_until
    if seconds is None:
        assert fresh_until is None
    else:
        assert fresh_until is not None
        assert abs(fresh_until - datetime.now(UTC) - timedelta(seconds=seconds)) < timedelta(seconds=5)
