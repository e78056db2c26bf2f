"""Many killmails at once: who reads gets all of them, who does not is told to come again."""

from __future__ import annotations

import pytest

from db.intake.arrivals import record_arrivals
from db.intake.store import store_killmails
from tests.api.live.socket_client import SocketClient, open_socket
from tests.api.live.subscribing import ME, live
from tests.api.running_site import Browser, Site
from tests.db.bodies import body, raw

BURST = 500
CROWD = 80
ATTACKERS = "attackers { character { name } corporation { name } ship { name } weapon { name } damageDone finalBlow }"
ADDED = f"subscription {{ killmailAdded {{ id {' '.join(f'again{number}: {ATTACKERS}' for number in range(5))} }} }}"
"""Of a crowd this is 54 kB long: a burst of these is nearly seven times what may wait for a socket."""


async def burst(site: Site, attackers: int) -> list[str]:
    """So many killmails that arrive together; their ids."""
    numbers = list(range(1, BURST + 1))
    crowd = tuple(range(ME + 1_000, ME + 1_000 + attackers))
    await store_killmails(site.pool, [raw(body(number, victim=ME, attackers=crowd)) for number in numbers])
    await record_arrivals(site.pool, numbers)
    await site.services.live.killmails_stored(numbers, [ME])
    return [str(number) for number in numbers]


async def ids(client: SocketClient) -> list[str]:
    """The next killmails, as many as are in a burst."""
    return [(await client.receive())["payload"]["data"]["killmailAdded"]["id"] for _ in range(BURST)]


@pytest.mark.parametrize("attackers", [1, CROWD])
async def test_who_reads_is_sent_all_of_it(site: Site, browser: Browser, attackers: int) -> None:
    await browser.sign_in(await site.add_pilot(ME))
    async with open_socket(browser) as client:
        await live(site, client, query=ADDED)
        arrived = await burst(site, attackers)
        assert await ids(client) == arrived
        await client.settle()


async def test_who_does_not_read_is_told_to_come_again_and_holds_up_nobody(site: Site, browser: Browser) -> None:
    await browser.sign_in(await site.add_pilot(ME))
    async with open_socket(browser) as client, open_socket(browser) as sleeper:
        await live(site, sleeper, query=ADDED)
        await live(site, client, query=ADDED)
        arrived = await burst(site, CROWD)
        assert await ids(client) == arrived
        assert await sleeper.closed_with() == 1013
