"""Links to a killmail as people copy them."""

from __future__ import annotations

import pytest

from eve.killmail import KillmailRef
from eve.killmail_links import parse_killmail_link

HASH = "0123456789abcdef0123456789abcdef01234567"
REF = KillmailRef(135_000_001, HASH)
ESI, ZKILLBOARD = "http://127.0.0.1:8000/esi", "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        (f"https://esi.evetech.net/killmails/135000001/{HASH}", REF),
        (f"https://esi.evetech.net/latest/killmails/135000001/{HASH}/?datasource=tranquility", REF),
        (f" esi.evetech.net/v1/killmails/135000001/{HASH.upper()}/ ", REF),
        (f"http://127.0.0.1:8000/esi/killmails/135000001/{HASH}/", REF),
        ("https://zkillboard.com/kill/135000001/", 135_000_001),
        ("zkillboard.com/kill/135000001#comments", 135_000_001),
        ("http://127.0.0.1:8000/kill/135000001/", 135_000_001),
        (f"killReport:135000001:{HASH}", REF),
        (f"<url=killReport:135000001:{HASH.upper()}>Kill: A Pilot (Rifter)</url>", REF),
        (f"killReport:{2**63}:{HASH}", None),
        (f"killReport:135000001:{HASH}0", None),
        (f"killReport:135000001:{HASH}/../1", None),
        ("killReport:135000001:", None),
        ("https://eve-kill.com/kill/135000001", None),
        ("", None),
        ("135000001", None),
        ("https://zkillboard.com/kill/0/", None),
        (f"https://zkillboard.com/kill/{2**63}/", None),
        ("https://zkillboard.com/character/90000001/", None),
        ("https://zkillboard.com.evil.invalid/kill/1/", None),
        (f"https://evil.invalid/killmails/1/{HASH}/", None),
        (f"https://esi.evetech.net/killmails/1/{HASH}0/", None),
        (f"https://esi.evetech.net@evil.invalid/killmails/1/{HASH}/", None),
        ("javascript://zkillboard.com/kill/1/", None),
        ("https://[zkillboard.com/kill/1/", None),
        ("https://zkillboard.com/kill/" + "1" * 600, None),
    ],
)
def test_a_link_is_read_or_refused(link: str, expected: KillmailRef | int | None) -> None:
    assert parse_killmail_link(link, ESI, ZKILLBOARD) == expected
