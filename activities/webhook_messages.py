"""What is sent: JSON signed as Standard Webhooks say, or an embed as Discord takes it.

Sources: the specification of Standard Webhooks 1.0; Discord's developer documentation, "Execute Webhook" and "Embed
Limits".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from standardwebhooks import Webhook

from contracts.plurals import counted, with_article
from db.webhooks.told import Told

LISTED = 10
"""Killmails of a digest that Discord shows, the most valuable first; the others are counted."""
_RED, _GREEN, _GREY = 0xB3382C, 0x3C8C4A, 0x5A6570
_MARKDOWN = re.compile(r"([\\*_~`|>\[\]()#@:<-])")
_REIMBURSED = {"CLAIMED": "Claimed", "APPROVED": "Approved", "PAID": "Paid", "REFUSED": "Refused"}
_UNITS = ((1e12, "t"), (1e9, "b"), (1e6, "m"), (1e3, "k"))


def plain(name: str, longest: int = 100) -> str:
    """A name that is no markup, no link and calls nobody."""
    return _MARKDOWN.sub(r"\\\1", name[:longest])


def standard_body(told: Sequence[Told], site_url: str, *, digest: bool) -> bytes:
    """One killmail, or a digest of several. The same bytes for the same killmails."""
    newest = max(one["time"] for one in told)
    if not digest:
        return orjson.dumps({"type": "killmail.new", "timestamp": newest, "data": told[0]})
    together = sum(one["value"] or 0 for one in told)
    data = {"count": len(told), "value": together, "url": site_url, "killmails": told}
    return orjson.dumps({"type": "killmail.digest", "timestamp": newest, "data": data})


def reimbursement_body(change: Told) -> bytes:
    """A change of a claim. The same bytes for the same change."""
    return orjson.dumps({"type": "reimbursement.changed", "timestamp": change["changedAt"], "data": change})


def test_body(name: str) -> bytes:
    """What the test button sends."""
    return orjson.dumps({"type": "test", "timestamp": datetime.now(UTC).isoformat(), "data": {"webhook": name}})


def signed(secret: str, message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers of a signed message, sent at `now`."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
    }


def discord_test(name: str) -> bytes:
    """What the test button sends to Discord."""
    return discord({"embeds": [{"title": "It works", "description": f"KillReport: {plain(name)}", "color": _GREY}]})


def discord_body(told: Sequence[Told], images_url: str, site_url: str, *, digest: bool) -> bytes:
    """One killmail with its picture, or a digest of several."""
    if not digest:
        return discord({"embeds": [_embed(told[0], images_url)]})
    by_value = sorted(told, key=lambda one: one["value"] or 0, reverse=True)
    lines = [f"[{title_of(one)}]({one['url']}), {isk(one['value'])}" for one in by_value[:LISTED]]
    if len(told) > LISTED:
        lines.append(f"and {len(told) - LISTED} more")
    together = isk(sum(one["value"] or 0 for one in told))
    embed = {
        "title": f"{counted(len(told), 'killmail')}, {together}",
        "url": site_url,
        "description": "\n".join(lines)[:4000],
        "color": _GREY,
        "timestamp": max(one["time"] for one in told),
    }
    return discord({"embeds": [embed]})


def discord_reimbursement(change: Told, images_url: str) -> bytes:
    """A change of a claim, with the picture of what was lost."""
    killmail = change["killmail"]
    embed = {
        **_embed(killmail, images_url),
        "title": f"{_REIMBURSED[change['state']]}: {title_of(killmail)}"[:250],
        "color": {"REFUSED": _RED, "PAID": _GREEN}.get(change["state"], _GREY),
        "timestamp": change["changedAt"],
    }
    if change["note"]:
        embed["description"] = plain(change["note"], 500)
    by = {"name": "By", "value": plain(change["by"]["name"] or f"Character {change['by']['id']}"), "inline": True}
    embed["fields"] = [*embed["fields"][:2], by]
    return discord({"embeds": [embed]})


def _embed(one: Told, images_url: str) -> dict[str, Any]:
    place, ship = one["solarSystem"], one["victim"]["ship"]
    region = f", {plain(place['region']['name'])}" if place["region"] and place["region"]["name"] else ""
    where = f"{plain(place['name'] or 'Unknown system')} ({place['security']}){region}"
    embed: dict[str, Any] = {
        "title": title_of(one),
        "url": one["url"],
        "color": {"LOSS": _RED, "KILL": _GREEN}.get(one["kind"] or "", _GREY),
        "timestamp": one["time"],
        "fields": [
            {"name": {"LOSS": "Loss", "KILL": "Kill"}.get(one["kind"] or "", "Killmail"), "value": isk(one["value"]),
             "inline": True},
            {"name": "Place", "value": where, "inline": True},
            {"name": "Final blow", "value": _final_blow(one), "inline": True},
        ],
    }  # fmt: skip
    if ship is not None:
        embed["thumbnail"] = {"url": f"{images_url}/types/{ship['id']}/render?size=128"}
    return embed


def title_of(one: Told, *, marked: bool = True) -> str:
    """Who lost what; `marked`: for readers who take markup."""
    ship = one["victim"]["ship"]
    spell = plain if marked else str
    return f"{_who(one['victim'], spell)} lost {with_article(spell((ship and ship['name']) or 'ship'))}"[:250]


def _final_blow(one: Told) -> str:
    others = one["attackerCount"] - 1
    return f"{_who(one['finalBlow'])}{f' and {others} more' if others > 0 else ''}"


def _who(party: Told, spell: Callable[[str], str] = plain) -> str:
    for kind in ("character", "corporation", "faction", "ship"):
        if party[kind] is not None:
            return spell(party[kind]["name"] or f"Unknown {kind}")
    return "Nobody"


def isk(value: float | None) -> str:
    """An amount in a few letters."""
    if value is None:
        return "no value yet"
    for least, unit in _UNITS:
        if value >= least:
            return f"{value / least:.2f}{unit} ISK"
    return f"{value:.0f} ISK"


def discord(message: dict[str, Any]) -> bytes:
    """A message as Discord takes it, which calls nobody."""
    return orjson.dumps({"username": "KillReport", "allowed_mentions": {"parse": []}, **message})
