"""Redis as hosters run it: encrypted, with users of its own, and a replica that takes the primary's place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.asyncio import Redis

from contracts.call_classes import CallClass
from eve.esi.budget import Budget
from eve.esi.routes import KILLMAIL
from live import LiveEvents
from redis_client import REDIS_IS_AWAY, BadRedisUrl, open_redis
from sandbox.process import RunningPart, free_port
from sandbox.valkey import valkey
from tests.fixtures.relay import authority, relay

PASSWORD = "p@ss/wo:rd#?"  # a password of all that URLs take for their own


def moved(url: str, port: int, host: str = "127.0.0.1", scheme: str = "redis") -> str:
    """The same server at another address."""
    parts = urlsplit(url)
    return f"{scheme}://{parts.netloc.rpartition('@')[0]}@{host}:{port}/0"


@asynccontextmanager
async def server(directory: Path) -> AsyncIterator[str]:
    part, url = valkey(directory, free_port())
    running = await RunningPart.start(part)
    try:
        yield url
    finally:
        await running.stop()


async def works(client: Redis) -> None:
    """What the processes do with it: scripts, keys, the stream of live events."""
    reserved = await Budget(client).reserve(KILLMAIL, None, CallClass.LIVE)
    assert await Budget(client).settle(reserved, None) is None
    async with aclosing(LiveEvents(client).subscribe()) as events:
        waiting = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(20):
            while not waiting.done():
                await LiveEvents(client).sync_changed(7)
                await asyncio.wait([waiting], timeout=0.1)
        assert (await waiting).character_ids == (7,)


async def test_tls_with_an_authority_of_ones_own(redis_url: str, tmp_path: Path) -> None:
    file, serving = authority(tmp_path)
    async with relay(urlsplit(redis_url).port or 0, tls=serving) as encrypted:
        url = moved(redis_url, encrypted.port, "localhost", "rediss")
        async with aclosing(open_redis(f"{url}?ssl_ca_certs={quote(str(file))}")) as client:
            await works(client)
        async with aclosing(open_redis(url)) as stranger:
            with pytest.raises(REDIS_IS_AWAY, match="certificate verify failed"):
                await stranger.ping()


async def test_a_user_who_may_touch_our_keys_alone(redis_url: str) -> None:
    parts = urlsplit(redis_url)
    async with Redis.from_url(redis_url) as operator:
        await command(
            operator,
            "ACL",
            "SETUSER",
            "board",
            "on",
            f">{PASSWORD}",
            "~killreport:*",
            "+@all",
            "-@admin",
            "-@dangerous",
        )
        try:
            url = f"redis://board:{quote(PASSWORD, safe='')}@127.0.0.1:{parts.port}/0"
            async with aclosing(open_redis(url)) as client:
                await works(client)
            async with aclosing(open_redis(url.replace("board", "stranger"))) as stranger:
                with pytest.raises(REDIS_IS_AWAY, match="invalid username-password pair"):
                    await stranger.ping()
        finally:
            await command(operator, "ACL", "DELUSER", "board")


async def test_a_replica_that_was_promoted_is_found(tmp_path: Path) -> None:
    async with server(tmp_path / "one") as one, server(tmp_path / "two") as two:
        ports, password = [urlsplit(url).port or 0 for url in (one, two)], urlsplit(one).password or ""
        async with (
            relay(ports[0]) as name,
            Redis.from_url(one) as first,
            Redis.from_url(two) as second,
            aclosing(open_redis(moved(one, name.port))) as client,
        ):
            # A hoster's servers have the same password.
            await second.config_set("requirepass", password)
            for either in (first, second):
                await either.config_set("masterauth", password)
            await command(second, "REPLICAOF", "127.0.0.1", ports[0])
            await works(client)
            await command(second, "REPLICAOF", "NO", "ONE")
            name.target = ports[1]
            await command(first, "REPLICAOF", "127.0.0.1", ports[1])
            # Its connections are still open, and lead to what is a replica now.
            await works(client)


async def command(client: Redis, *words: str | int) -> None:
    await client.execute_command(*words)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "url",
    [
        "http://:a-secret@h/0",
        "redis://:a-secret/more@h:1/0",
        "redis://:a-secret@h:port/0",
        "redis://:a-secret@h/0?no_such_option=1",
        "redis://:a-secret@[::1/0",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadRedisUrl) as refused:
        open_redis(url)
    assert "secret" not in str(refused.value)


@given(
    st.one_of(
        st.text(),
        st.builds(
            "{}://{}:{}@{}/{}?{}={}".format,
            st.sampled_from(["redis", "rediss", "unix"]),
            *(st.text(max_size=10) for _ in range(4)),
            st.sampled_from(["db", "ssl_ca_certs", "ssl_cert_reqs", "protocol", "socket_timeout", "ssl_min_version"]),
            st.text(max_size=10),
        ),
    )
)
@example("redis://h/0?protocol=9")
@example("rediss://h/0?ssl_cert_reqs=sometimes")
@example("redis://h/0?connection_class=none")
def test_any_text_is_a_client_or_is_refused(url: str) -> None:
    try:
        client = open_redis(url)
    except BadRedisUrl:
        return
    assert isinstance(client, Redis)
