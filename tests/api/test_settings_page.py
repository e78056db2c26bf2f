"""The settings page as a browser without script sees it."""

from __future__ import annotations

from tests.api.site import Browser, Site
from tests.api.test_pages import Document

ME = 90_000_010


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
    assert page.count("May read its own killmails.") == 1
    assert page.count("its corporation&#39;s killmails") + page.count("its corporation's killmails") == 1


async def test_a_stranger_is_sent_to_the_front_page(visitor: Browser) -> None:
    async with visitor.http.get(f"{visitor.site.address}/settings", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")
