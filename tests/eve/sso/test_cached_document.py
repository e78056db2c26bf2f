import asyncio

import pytest

from eve.errors import Unavailable
from eve.sso.cached_document import CachedDocument


class Server:
    def __init__(self) -> None:
        self.version = 1
        self.fetches = 0
        self.fails = False
        self.now = 0.0

    async def fetch(self) -> str:
        self.fetches += 1
        await asyncio.sleep(0)
        if self.fails:
            raise Unavailable("down")
        return f"version {self.version}"

    def document(self) -> CachedDocument[str]:
        return CachedDocument(self.fetch, clock=lambda: self.now)


async def test_many_callers_share_one_fetch_and_an_hour_of_it() -> None:
    server = Server()
    document = server.document()
    assert set(await asyncio.gather(*(document.get() for _ in range(20)))) == {"version 1"}
    server.now, server.version = 3599, 2
    assert await document.get() == "version 1"
    server.now = 3601
    assert set(await asyncio.gather(*(document.get() for _ in range(20)))) == {"version 2"}
    assert server.fetches == 2


async def test_an_old_copy_serves_a_day_of_outage_without_hammering() -> None:
    server = Server()
    document = server.document()
    await document.get()
    server.fails = True
    for server.now in (3700, 3701, 3750, 86_000):
        assert await document.get() == "version 1"
    assert server.fetches == 3
    server.now = 86_500
    with pytest.raises(Unavailable):
        await document.get()


async def test_without_a_copy_callers_share_a_failure() -> None:
    server = Server()
    server.fails = True
    document = server.document()
    outcomes = await asyncio.gather(*(document.get() for _ in range(20)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert server.fetches == 1
    server.fails, server.now = False, 2
    assert await document.get() == "version 1"


async def test_a_newer_copy_is_fetched_once_a_minute_at_most() -> None:
    server = Server()
    document = server.document()
    seen = await document.get()
    assert await document.newer_than(seen) == seen
    server.now, server.version = 61, 2
    assert set(await asyncio.gather(*(document.newer_than(seen) for _ in range(20)))) == {"version 2"}
    assert server.fetches == 2
    seen = await document.get()
    server.now, server.fails = 122, True
    with pytest.raises(Unavailable):
        await document.newer_than(seen)
    assert await document.get() == "version 2"
