from __future__ import annotations

import orjson

from tests.api.running_site import Browser


async def test_the_process_lives_whatever_is_away(browser: Browser) -> None:
    assert await browser.get("/healthz") == (200, "ok\n")


async def test_ready_without_what_it_can_do_without(browser: Browser) -> None:
    status, text = await browser.get("/readyz")
    found = orjson.loads(text)
    assert status == 200
    assert (found["postgres"], found["redis"]) == ("ok", "ok")
    assert found["temporal"].startswith("temporal does not answer")
