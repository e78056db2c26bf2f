"""Ship replacement by hand: a pilot claims, directors decide, both read what became of it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

from db.corporations.directors import follow, note_role
from eve.sso.scopes import CORPORATION_SCOPES
from tests.api.running_site import Browser, Site, open_browser
from tests.db.bodies import body

PILOT, FIRST, SECOND, CORPORATION, LOSS = 90_000_010, 90_000_011, 90_000_012, 98_000_001, 4_711
LIST = f"/reimbursements?corporation={CORPORATION}&month=all"
ORDER = """
mutation Order($seen: Int!) { changeReimbursement(killmailId: "4711", state: PAID, seen: $seen, note: "sent") {
  reimbursement { state changes nextStates history { by { id } note } } userErrors { code message } } }
"""


async def order(browser: Browser, page: str, name: str, note: str) -> tuple[int, str]:
    """Press a button of the claim's form as it stands on this page."""
    form = re.search(r'<form class="orders claim".*?</form>', page, re.DOTALL)
    assert form is not None
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
    assert f'value="{name}"' in form[0]
    return await browser.post("/reimbursements", {**fields, "order": name, "note": note})


async def test_a_pilot_claims_and_of_two_directors_the_second_is_told(site: Site, browser: Browser) -> None:
    accounts = {who: await site.add_pilot(who, name=f"Pilot {who}") for who in (PILOT, FIRST, SECOND)}
    await site.pool.execute("UPDATE users SET corporation_id = $1, scopes = $2", CORPORATION, [*CORPORATION_SCOPES])
    for who in (FIRST, SECOND):
        await follow(site.pool, who)
        await note_role(site.pool, CORPORATION, who)
    loss = body(LOSS, victim=PILOT)
    loss["victim"]["corporation_id"] = CORPORATION
    await site.store(loss)
    await site.pool.execute("UPDATE killmails SET total_value = 12345678")

    async with open_browser(site) as first, open_browser(site) as second:
        for one, who in ((browser, PILOT), (first, FIRST), (second, SECOND)):
            await one.sign_in(accounts[who])
        _, page = await browser.get(f"/killmails/{LOSS}")
        await order(browser, page, "claimed", "=cmd|' /C calc'!A0")
        _, page = await browser.get("/reimbursements")
        assert "=cmd|" in page
        assert 'class="orders claim"' not in page, "the rest is for directors"
        assert (await browser.get(LIST))[0] == 404

        (_, seen_first), (_, seen_second) = [await one.get(LIST) for one in (first, second)]
        await order(first, seen_first, "approved", "doctrine fit")
        status, told = await order(second, seen_second, "refused", "no fleet")
        assert status == 409
        assert f"Pilot {FIRST} marked this as approved on" in told
        assert "doctrine fit" in told
        _, page = await second.get(LIST)
        assert "no fleet" not in page
        _, told = await browser.post("/reimbursements", {"killmail": str(LOSS), "order": "paid", "seen": "2"})
        assert "You cannot mark as paid what is approved." in told

        paid = (await second.data(ORDER, seen=2))["changeReimbursement"]
        assert paid["userErrors"] == []
        assert (paid["reimbursement"]["state"], paid["reimbursement"]["changes"]) == ("PAID", 3)
        assert [one["note"] for one in paid["reimbursement"]["history"]][1:] == ["doctrine fit", "sent"]
        again = (await second.data(ORDER, seen=2))["changeReimbursement"]
        assert [one["code"] for one in again["userErrors"]] == ["CHANGED_MEANWHILE"]

        _, text = await first.get(LIST.replace("?", ".csv?"))
        [line] = csv.DictReader(io.StringIO(text))
        assert (line["killmail_id"], line["state"], line["value"]) == (str(LOSS), "paid", "12345678.00")
        assert line["note"] == "sent"
        _, text = await browser.get("/reimbursements.csv?state=claimed")
        assert text.count("\n") == 1
        found = await first.data(
            "query Claims($id: ID!) { reimbursements(corporationId: $id) { totals { state count value } } }",
            id=str(CORPORATION),
        )
        assert found["reimbursements"]["totals"] == [{"state": "PAID", "count": 1, "value": "12345678.00"}]


async def test_a_month_that_is_none_is_refused_and_none_is_offered_that_has_not_begun(
    site: Site, browser: Browser
) -> None:
    await browser.sign_in(await site.add_pilot(PILOT))
    for wrong in ("month=2031-13", "month=2026-1", "month=yesterday", "state=lost"):
        for page in ("/reimbursements", "/reimbursements.csv"):
            status, told = await browser.get(f"{page}?{wrong}")
            assert status == 400, wrong
            assert ("A month is written as 2026-11" if "month" in wrong else "A state is one of claimed") in told
    status, page = await browser.get("/reimbursements?month=2025-12")
    assert status == 200
    assert re.findall(r">(\d{4}-\d\d)</a>", page) == ["2025-11", "2025-12", "2026-01"]
    now = datetime.now(UTC)
    before = now.replace(day=1) - timedelta(days=1)
    for address in ("/reimbursements", "/reimbursements?month=all", f"/reimbursements?month={now:%Y-%m}"):
        _, page = await browser.get(address)
        assert re.findall(r">(\d{4}-\d\d)</a>", page) == [f"{before:%Y-%m}", f"{now:%Y-%m}"], address
