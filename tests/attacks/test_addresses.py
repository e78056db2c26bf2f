"""Whoever says to come from elsewhere: an address is believed of a proxy that we know, and of it only what it saw."""

from __future__ import annotations

import pytest

from settings import Settings
from tests.api.running_site import open_browser, serve, settings_for

PAGES = 3
"""That a stranger may open in a minute here."""


@pytest.fixture
def narrow(database_url: str, redis_url: str) -> Settings:
    return settings_for(database_url, redis_url).model_copy(update={"graphql_anonymous_requests_per_minute": PAGES})


SAID = {
    "192.0.2.1": {  # nobody we know says it
        "198.51.100.{}": PAGES,
        "198.51.100.{}, 192.0.2.1": PAGES,
    },
    "127.0.0.1": {  # our proxy says it
        "198.51.100.7": PAGES,  # of one visitor
        "198.51.100.{}": 8,  # of eight
        "198.51.100.{}, 203.0.113.9": PAGES,  # and passes on what one made up
        "127.0.0.{}, 203.0.113.9": PAGES,
        "2001:db8::{}": PAGES,  # of one household
        "nonsense-{}": PAGES,
    },
    "127.0.0.1,192.0.2.1": {"198.51.100.{}, 203.0.113.9, 192.0.2.1": PAGES},  # two proxies in a row
}


@pytest.mark.parametrize("trusted", SAID)
async def test_nobody_makes_up_new_buckets(narrow: Settings, trusted: str) -> None:
    settings = narrow.model_copy(update={"forwarded_allow_ips": trusted})
    for says, granted in SAID[trusted].items():
        async with serve(settings) as site, open_browser(site) as visitor:
            await site.services.redis.flushall()
            statuses = []
            for number in range(8):
                headers = {"X-Forwarded-For": says.format(number), "X-Real-IP": f"198.51.100.{number}"}
                headers |= {"Forwarded": f"for=198.51.100.{number}", "Client-IP": f"198.51.100.{number}"}
                statuses.append((await visitor.get("/", headers=headers))[0])
        assert statuses == [200] * granted + [429] * (8 - granted), says


async def test_nobody_comes_from_this_machine_by_saying_so(narrow: Settings) -> None:
    """The figures of pilots and budgets are for who asks on this machine, and directly."""
    async with serve(narrow) as site, open_browser(site) as visitor:
        for headers in (
            *({"X-Forwarded-For": address} for address in ("127.0.0.1", "::1", "127.0.0.1, 203.0.113.9")),
            {"X-Forwarded-For": "203.0.113.9, 127.0.0.1"},
            {"Forwarded": "for=127.0.0.1"},
            {"X-Real-IP": "127.0.0.1"},
            *({"Host": host} for host in ("killreport.invalid", "127.0.0.1.killreport.invalid", "localhost.invalid")),
        ):
            assert (await visitor.get("/metrics", headers=headers))[0] == 404, headers
        assert (await visitor.get("/metrics"))[0] == 200
