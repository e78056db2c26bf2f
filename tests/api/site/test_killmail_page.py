"""A killmail's page: what happened, the fit as pilots read it, the attackers, and who may not see it."""

from __future__ import annotations

import re

import pytest

from tests.api.running_site import Browser as Visitor
from tests.api.site.furnished import FurnishedSite
from tests.api.site.furniture import BATTLE_ATTACKERS, BATTLE_ID, PACKED_ID


def text_of(page: str) -> str:
    """What one reads: without markup, in single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


async def test_one_sentence_says_what_happened(visitor: Visitor, furnished: FurnishedSite) -> None:
    body = furnished.eve.killmail(furnished.there.loss_id)
    _, page = await visitor.get(f"/killmails/{furnished.there.loss_id}")
    (sentence,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert sentence.startswith(f"{furnished.eve.pilots[0].name} lost a")
    assert " ISK in " in sentence
    assert f'<meta name="description" content="{sentence}">' in page
    assert f'<meta property="og:description" content="{sentence}">' in page
    assert f"{body['victim']['damage_taken']:,}" in page


async def test_charges_are_at_their_modules_and_containers_are_opened(visitor: Visitor) -> None:
    _, page = await visitor.get(f"/killmails/{PACKED_ID}")
    text = text_of(page)
    assert "200mm AutoCannon II Antimatter Charge S \u00d7200 \u00d72 destroyed" in text, (
        "two guns with what both had loaded"
    )
    assert text.index("High slots") < text.index("Mid slots") < text.index("Cargo hold")
    assert "Show 254 more" in text
    _, page = await visitor.get(f"/killmails/{PACKED_ID}?items=all")
    assert re.search('<li class="dropped in-1">.*?Tritanium.*?\u00d71,234,567', page, re.S), "what a container held"
    assert "more</a>" not in page


async def test_thousands_of_attackers_come_a_page_at_a_time(visitor: Visitor) -> None:
    _, page = await visitor.get(f"/killmails/{BATTLE_ID}")
    assert f'<h2 id="attackers-title">{BATTLE_ATTACKERS:,} attackers</h2>' in page
    named = re.findall(r"Unknown character (9500[0-9]{4})", page.partition("attacker-list")[2])
    assert named[:3] == ["95003699", "95000000", "95000001"], "final blow, top damage, then by damage"
    assert page.count("final blow</span>") == page.count("top damage</span>") == 1
    assert f">{BATTLE_ATTACKERS:,}</td>" in page, "the groups count all of them, not only a page's"
    seen = set(named)
    for number in (2, 74):
        _, page = await visitor.get(f"/killmails/{BATTLE_ID}?attackers={number}")
        named = re.findall(r"Unknown character (9500[0-9]{4})", page.partition("attacker-list")[2])
        assert len(named) == 50
        assert seen.isdisjoint(named)
        seen.update(named)
    for beyond in ("75", "0", "-1", "x", "9" * 30):
        status, _ = await visitor.get(f"/killmails/{BATTLE_ID}?attackers={beyond}")
        assert status == 200


@pytest.mark.parametrize("killmail_id", ["1", "9223372036854775808", "99999999999999999999999"])
async def test_what_one_may_not_see_is_not_there(visitor: Visitor, killmail_id: str) -> None:
    status, page = await visitor.get(f"/killmails/{killmail_id}")
    assert status == 404
    assert "This killmail is not here, or none of your characters and boards is on it." in page


async def test_a_stranger_learns_nothing_but_how_to_log_in(stranger: Visitor, furnished: FurnishedSite) -> None:
    status, page = await stranger.get(f"/killmails/{furnished.there.loss_id}")
    assert status == 401
    assert "Log in with EVE Online" in page
    assert furnished.eve.pilots[0].name not in page
