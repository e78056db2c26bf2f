"""What a digest by the calendar says: to a program, to Discord, and in a mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from activities.webhook_mail import Letter, digest_letter
from activities.webhook_messages import discord, isk, plain, title_of
from contracts.plurals import counted, kills_and_losses
from db.webhooks.told import Told

_GREY, _GREEN, _RED = 0x5A6570, 0x3C8C4A, 0xB3382C


def digest_json(told: dict[str, Any]) -> bytes:
    """For a program."""
    return orjson.dumps({"type": "board.digest", "timestamp": told["end"], "data": told})


def discord_digest(told: dict[str, Any]) -> bytes:
    """An embed: green if more was destroyed than lost."""
    fields = [{"name": name, "value": value, "inline": inline} for name, value, inline in _facts(told, _linked)]
    color = _GREEN if told["iskDestroyed"] > told["iskLost"] else _RED if told["iskLost"] else _GREY
    embed = {
        "title": plain(_title(told), 250),
        "url": told["url"],
        "description": _sums(told),
        "color": color,
        "timestamp": told["end"],
        "fields": fields,
    }
    return discord({"embeds": [embed]})


def mailed_digest(message_id: str, told: dict[str, Any]) -> Letter:
    """A letter of plain lines."""
    lines = [_sums(told), *(f"{name}: {value}" for name, value, _ in _facts(told, _spelled))]
    return digest_letter(message_id, told, _title(told), lines)


def _title(told: dict[str, Any]) -> str:
    begin, end = (datetime.fromisoformat(told[name]) for name in ("begin", "end"))
    word = "day" if told["every"] == "DAY" else "week"
    who = told["subject"]["name"] or f"{told['subject']['kind'].title()} {told['subject']['id']}"
    return f"The {word} of {who}: {begin:%d %b %H:%M} to {end:%d %b %H:%M} EVE time"


def _sums(told: dict[str, Any]) -> str:
    if not told["kills"] and not told["losses"]:
        return "Nothing happened."
    efficient = "" if told["efficiency"] is None else f", efficiency {told['efficiency']:.0%}"
    both = kills_and_losses(told["kills"], told["losses"])
    return f"{both}; {isk(told['iskDestroyed'])} destroyed, {isk(told['iskLost'])} lost{efficient}"


def _facts(told: dict[str, Any], spell: Any) -> list[tuple[str, str, bool]]:
    facts = [
        (name, spell(told[key]), True)
        for name, key in (("Best kill", "bestKill"), ("Worst loss", "worstLoss"))
        if told[key] is not None
    ]
    if told["topPilots"]:
        pilots = (
            f"{one['name'] or 'Character ' + one['id']} ({counted(one['killmails'], 'kill')}, {isk(one['isk'])})"
            for one in told["topPilots"]
        )
        facts.append(("Top pilots", ", ".join(plain(one) if spell is _linked else one for one in pilots)[:1000], False))
    return facts


def _linked(one: Told) -> str:
    return f"[{title_of(one)}]({one['url']}), {isk(one['value'])}"


def _spelled(one: Told) -> str:
    return f"{title_of(one, marked=False)}, {isk(one['value'])}, {one['url']}"
