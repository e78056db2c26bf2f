"""The picture that a crawler shows beside a link: 1200 by 630 pixels (Open Graph), drawn from an SVG of ours.

`resvg` draws it (resvg-py) with the letters of Source Sans Pro, so a machine needs no fonts. What was drawn is kept by
its words: whoever may not see a killmail never comes so far.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import resvg_py
from font_source_sans_pro import font_files_ttf
from jinja2 import Environment

from api.site.battle_words import opponents, where
from api.site.killmail_words import name_of, outcome, party, party_name
from api.site.labels import short_isk
from api.site.times import eve_clock, eve_time
from contracts.plurals import counted

Node = Mapping[str, Any]
WIDTH, HEIGHT = 1200, 630
KEPT = 200
"""Pictures of a process; some forty kilobytes each."""
LOSS, KILL, NEITHER = "#ff6b5e", "#5ec8a8", "#8b98a9"
COLOURS = {"Loss": LOSS, "Kill": KILL, "Killmail": NEITHER}
"""Of a killmail, by what it is called (`outcome`)."""
_FONTS = [font_files_ttf["SourceSansPro"], font_files_ttf["SourceSansProBold"]]
_TITLE_SIZES = ((18, 104), (26, 76), (36, 56))
"""Up to so many letters, so large; what is longer is cut."""
_LONGEST_LINE = 62


@dataclass(frozen=True, slots=True)
class Card:
    """What stands on it, from top to bottom. `colour`: of its edge and first line."""

    above: str
    title: str
    below: str
    amount: str
    lines: tuple[str, ...]
    colour: str

    @property
    def title_size(self) -> int:
        """In pixels, so that the title fits."""
        return next((size for letters, size in _TITLE_SIZES if len(self.title) <= letters), _TITLE_SIZES[-1][1])


def killmail_card(killmail: Node) -> Card:
    """Ship, victim, ISK, place, time and final blow."""
    victim, system, blow = killmail["victim"], killmail["solarSystem"], killmail["finalBlow"]
    kind, who = party(victim)
    pilot = "" if kind == "type" else name_of(who, kind)
    company = [
        one["name"] for one in (victim["corporation"], victim["alliance"]) if one and one is not who and one["name"]
    ]
    region = f", {system['region']['name']}" if system["region"] and system["region"]["name"] else ""
    others = killmail["attackerCount"] - 1
    more = f" and {counted(others, 'other')}" if others > 0 else ""
    by = f"Final blow: {party_name(blow)}{more}" if blow else counted(killmail["attackerCount"], "attacker")
    return _cut(
        Card(
            above=outcome(killmail).upper(),
            title=name_of(victim["ship"], "type"),
            below=" · ".join(filter(None, [pilot, *company])),
            amount=f"{short_isk(killmail['value']['total'])} ISK" if killmail["value"] else "Not priced yet",
            lines=(
                f"{name_of(system, 'system')} {system['security']}{region} · {eve_time(killmail['time'])} EVE time",
                by,
            ),
            colour=COLOURS[outcome(killmail)],
        )
    )


FRONT = Card(
    above="KILLBOARD",
    title="Your killmails, kept for you",
    below="Log in once with EVE Online",
    amount="KillReport",
    lines=(
        "Kills and losses with every name, module and price,",
        "battles, statistics, and links to share them",
    ),
    colour=KILL,
)
"""Of the front page, whoever asks."""


def battle_card(battle: Node) -> Card:
    """Place, who fought whom, ISK, losses and pilots, time."""
    return _cut(
        Card(
            above="BATTLE",
            title=where(battle),
            below=" ".join(opponents(battle)),
            amount=f"{short_isk(battle['iskDestroyed'])} ISK destroyed",
            lines=(
                f"{counted(battle['killmailCount'], 'loss')}, {counted(battle['pilotCount'], 'pilot')}",
                f"{eve_time(battle['startedAt'])} to {eve_clock(battle['endedAt'])} EVE time",
            ),
            colour=KILL,
        )
    )


def board_card(name: str, told: Node) -> Card:
    """A pilot's or a corporation's name and its numbers (`Statistics`)."""
    lines = (f"{short_isk(told['iskDestroyed'])} ISK destroyed, {short_isk(told['iskLost'])} ISK lost",)
    return _cut(
        Card(
            above="KILLBOARD",
            title=name,
            below=counted(told["kills"] + told["losses"], "killmail"),
            amount=f"{counted(told['kills'], 'kill')}, {told['losses']:,} lost",
            lines=lines,
            colour=KILL,
        )
    )


def _cut(card: Card) -> Card:
    longest = _TITLE_SIZES[-1][0]
    return Card(
        card.above,
        _shortened(card.title, longest),
        _shortened(card.below, 50),
        card.amount,
        tuple(_shortened(line, _LONGEST_LINE) for line in card.lines),
        card.colour,
    )


def _shortened(text: str, letters: int) -> str:
    text = "".join(letter for letter in text if letter.isprintable())
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


class Cards:
    """Draws them, one at a time, and keeps the last few."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._turn = asyncio.Semaphore(1)

    async def png(self, templates: Environment, card: Card) -> bytes:
        """The picture."""
        svg = templates.get_template("card.svg").render(card=card)
        key = hashlib.sha256(svg.encode()).digest()
        if key not in self._kept:
            async with self._turn:
                self._kept[key] = await asyncio.to_thread(_draw, svg)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _draw(svg: str) -> bytes:
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True, font_files=_FONTS))
