"""Atom (RFC 4287) and JSON Feed 1.1 of killmails: the newest fifty of a filter, told as webhooks tell them.

GET /feed.atom and /feed.json: what is public, with the parameters of a list's address. GET /s/TOKEN/feed.atom and
.json: what a feed's token, or a share link of a board, opens. The token is in the path, and written down nowhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import asyncpg
import orjson
from starlette.requests import Request
from starlette.responses import Response

from contracts.plurals import counted
from db.killmails.filter import KillmailFilter, Viewer
from db.killmails.rows import FeedRead, Wanted
from db.webhooks.subjects import Subject, of_subject
from db.webhooks.told import Told, told_of

ENTRIES = 50
ATOM = "http://www.w3.org/2005/Atom"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed to be written. `address`: its own; `killmails_at`: before a killmail's id."""

    title: str
    address: str
    home: str
    killmails_at: str
    entries: list[Told]

    @property
    def updated(self) -> str:
        """When its newest killmail happened."""
        return max((one["time"] for one in self.entries), default="2003-05-06T00:00:00Z")  # the day EVE began


async def read_feed(
    pool: asyncpg.Pool, viewer: Viewer, chosen: KillmailFilter, subject: Subject, subject_id: int, site_url: str
) -> list[Told]:
    """The newest that the viewer sees of it, newest first. Three statements."""
    async with pool.acquire() as connection:
        rows = await FeedRead(viewer, ENTRIES, None, of_subject(chosen)).read(connection, Wanted())
    return await told_of(pool, [row["killmail_id"] for row in rows.killmails], subject, subject_id, site_url)


def atom(feed: Feed) -> bytes:
    """The feed as Atom."""
    root = Element("feed", xmlns=ATOM)

    def add(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
        element = SubElement(parent, name, attributes)
        element.text = _NOT_IN_XML.sub("?", text) or None
        return element

    add(root, "id", feed.address)
    add(root, "title", feed.title)
    add(root, "updated", feed.updated)
    add(root, "link", rel="self", type="application/atom+xml", href=feed.address)
    add(root, "link", rel="alternate", type="text/html", href=feed.home)
    add(add(root, "author"), "name", "KillReport")
    for one in feed.entries:
        entry = add(root, "entry")
        add(entry, "id", f"{feed.home}/killmails/{one['id']}")
        add(entry, "title", title_of(one))
        add(entry, "updated", one["time"])
        add(entry, "published", one["time"])
        add(entry, "link", rel="alternate", type="text/html", href=f"{feed.killmails_at}{one['id']}")
        add(entry, "summary", summary_of(one))
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def json_feed(feed: Feed) -> bytes:
    """The feed as JSON Feed 1.1; `_killmail` of an item has what a webhook sends."""
    items: list[dict[str, Any]] = [
        {
            "id": f"{feed.home}/killmails/{one['id']}",
            "url": f"{feed.killmails_at}{one['id']}",
            "title": title_of(one),
            "content_text": summary_of(one),
            "date_published": one["time"],
            "_killmail": one,
        }
        for one in feed.entries
    ]
    return orjson.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.title,
            "home_page_url": feed.home,
            "feed_url": feed.address,
            "items": items,
        }
    )


FORMS: dict[str, tuple[Callable[[Feed], bytes], str]] = {
    "atom": (atom, "application/atom+xml"),
    "json": (json_feed, "application/feed+json"),
}


def answer(request: Request, feed: Feed, form: str, *, public: bool) -> Response:
    """The feed, or 304 to a reader that has it."""
    write, media_type = FORMS[form]
    body = write(feed)
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'  # weak: it may be compressed on the way
    headers = {
        # No Last-Modified: killmails come late, and boards are closed, without a change of when the newest happened.
        "ETag": etag,
        # Asked for again each time: what is taken back is gone with the next request.
        "Cache-Control": "public, no-cache" if public else "private, no-cache",
        "X-Robots-Tag": "noindex",
        "Referrer-Policy": "no-referrer",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def title_of(one: Told) -> str:
    """Who lost what, where."""
    ship = one["victim"]["ship"]
    lost = (ship and ship["name"]) or "a ship"
    return f"{_who(one['victim'])} lost {lost} in {one['solarSystem']['name'] or 'an unknown system'}"


def summary_of(one: Told) -> str:
    """What it was worth, and by whom."""
    worth = "No value yet" if one["value"] is None else f"{one['value']:,.0f} ISK"
    return f"{worth}. Final blow: {_who(one['finalBlow'])}, of {counted(one['attackerCount'], 'attacker')}."


def _who(party: Told) -> str:
    for kind in ("character", "corporation", "faction", "ship"):
        if party[kind] is not None:
            return str(party[kind]["name"] or f"unknown {kind}")
    return "nobody"
