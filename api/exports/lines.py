"""A list of killmails as CSV or NDJSON, page by page: whoever reads it to the end needs no more memory than one page.

Every line carries the cursor that continues after it, so a reader who lost the connection asks for the rest.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, Literal

from api.compiled.reads import CompiledReads, KillmailPage
from api.compiled.selection import selected
from api.compiled.whole import EXPORTED
from db.killmails.filter import KillmailFilter, Order, Viewer
from db.killmails.rows import FeedRead

Node = Mapping[str, Any]
Format = Literal["csv", "ndjson"]
MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson"}
PAGE_SIZE = 200
COLUMNS = (
    *("id", "time", "side", "solar_system_id", "solar_system", "security", "region"),
    *("ship_type_id", "ship", "ship_group"),
    *("victim_id", "victim", "victim_corporation_id", "victim_corporation", "victim_alliance_id", "victim_alliance"),
    *("final_blow_id", "final_blow", "final_blow_corporation_id", "final_blow_corporation"),
    *("final_blow_alliance_id", "final_blow_alliance", "final_blow_ship_type_id", "final_blow_ship"),
    *("attackers", "destroyed", "dropped", "fitted", "total", "price_date", "solo", "npc", "awox", "cursor"),
)
OF_A_LINE = selected("""
query {
    id time side solarSystem { id name security region { name } }
    victim { ship { id name group { name } } character { id name } corporation { id name } alliance { id name } }
    finalBlow { ship { id name } character { id name } corporation { id name } alliance { id name } }
    attackerCount value { destroyed dropped fitted total priceDate } solo npc awox cursor
}
""")
_FORMULA = re.compile(r"""(^|[;,|\t\r\n"])(?=\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])|^(?=[\t\r\n])""")
"""Where a spreadsheet would take text for a formula (OWASP, "CSV Injection"): at its beginning, and after what may part
cells. A spreadsheet whose language writes decimal commas parts them at semicolons, which our quotes do not cover. The
last four are the wide forms of = + - @."""


async def killmail_lines(
    compiled: CompiledReads,
    viewer: Callable[[], Awaitable[Viewer]],
    chosen: KillmailFilter,
    order: Order,
    after: str | None,
    form: Format,
    *,
    header: bool = True,
) -> AsyncIterator[bytes]:
    """The list from `after` on, some lines at a time; of CSV the first is the `header`.

    Args:
        viewer: asked before each page, because a long export outlives permissions.

    Raises:
        InvalidCursor: `after` is not a cursor of this order.
    """
    while True:
        read = FeedRead(await viewer(), PAGE_SIZE, after, chosen, order)
        page = await compiled.page(OF_A_LINE if form == "csv" else EXPORTED, read)
        yield _csv(page, header=header) if form == "csv" else _ndjson(page)
        if not page.has_more:
            return
        after, header = page.cursors[-1], False


def _ndjson(page: KillmailPage) -> bytes:
    """Each killmail as `schema.graphql` has it, on one line."""
    return "".join(f"{text}\n" for text in page.texts).encode()


def _csv(page: KillmailPage, *, header: bool) -> bytes:
    """RFC 4180, one line for each killmail."""
    text = io.StringIO()
    writer = csv.writer(text)
    if header:
        writer.writerow(COLUMNS)
    for node in page.killmails():
        writer.writerow([*map(cell, _values(node)), node["cursor"]])
    return text.getvalue().encode()


def _values(node: Node) -> Iterator[object]:
    """In the order of `COLUMNS`, without the cursor."""
    system, victim, final_blow = node["solarSystem"], node["victim"], node["finalBlow"] or {}
    yield from (node["id"], node["time"], node["side"])
    # A number, though it may be below zero.
    yield from (system["id"], system["name"], _Number(system["security"]), _name(system["region"]))
    yield from (victim["ship"]["id"], victim["ship"]["name"], _name(victim["ship"]["group"]))
    for who in (victim, final_blow):
        for kind in ("character", "corporation", "alliance"):
            one = who.get(kind)
            yield from (one["id"], one["name"]) if one else (None, None)
    ship = final_blow.get("ship")
    yield from (ship["id"], ship["name"]) if ship else (None, None)
    value = node["value"] or {}
    yield node["attackerCount"]
    yield from (value.get(part) for part in ("destroyed", "dropped", "fitted", "total", "priceDate"))
    yield from (node["solo"], node["npc"], node["awox"])


class _Number(str):
    """Text that is a number."""


def cell(value: object) -> object:
    """What stands in a cell of CSV: never what a spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and not isinstance(value, _Number):
        return _FORMULA.sub(r"\1'", value)
    return value


def _name(one: Node | None) -> str | None:
    return None if one is None else one["name"]
