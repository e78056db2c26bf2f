"""The capsuleers, corporations and alliances of a seed: who can log in, and the strangers they meet.

Ids lie in the ranges that CCP publishes (ESI docs, "ID ranges").
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

from sandbox.eve.places import NPC_CORPORATIONS

PILOT_COUNT = 36
STRANGER_COUNT = 640

_GIVEN_NAMES = """
Aika Bram Celes Dorn Eshe Fenn Gaia Harl Isra Jorund Kaede Lyr Mirek Nadia Oskar Petra Quill Rhea Sorin Tamsin Ulric
Vesna Wren Xan Ysolde Zora Anselm Brigid Corvin Delphi Evander Farah Gideon Hesper Imre Juno Aldous Belen Caspar Dagny
Elowen Fausto Greer Hakon Ilse Jarek Kirra Leif Maren Niko Odile Piers Runa Saoirse Teodor Una Viggo Yarik Zelda
Ansa Wilma Bohdan Cyra Dimitri Esra Ferran Gwen Hiro Ines Joss
"""
_FAMILY_NAMES = """
Aldane Berrick Cassel Draven Ekholm Farrow Grieve Halloran Ivarsen Jaskel Kessrin Lorne Marak Noven Okaru Pryde Rask
Saarin Tolvan Umber Vantage Wolde Yarrow Zephyr Ashgrove Blackwell Coldwater Duskfall Emberline Frost Abernathy Brandt
Corso Dellane Eastmarch Falk Garrow Hale Isarn Jovic Kestrel Lindqvist Morrow Nightingale Ostrava Penhallow Quist
Redfern Sato Thorne Ueda Varga Whitlock Xiang Yates Zoric
"""
_CORPORATIONS = (
    ("Cold Ember Salvage", "CEMB"),
    ("Third Moon Cartography", "3MOON"),
    ("Quiet Signal Industries", "QSIG"),
    ("Lanternwake", "LNTN"),
    ("Iron Larder Logistics", "IRLA"),
    ("Ninth Gate Irregulars", "9GATE"),
    ("Saltglass Foundry", "SALT"),
    ("Wayward Compass", "WAYC"),
)
_ALLIANCES = (("Ember Concord", "EMBR"), ("Pale Meridian", "PALE"), ("Far Lantern Accord", "FARL"))
_STRANGER_CORPORATIONS = (
    ("Gatecamp Weather Service", "GCWS"),
    ("Unpaid Overtime", "UNPD"),
    ("Bubble Wrap Enthusiasts", "BUBL"),
    ("Ratting Pension Fund", "RPF"),
    ("Probably Friendly", "PFRND"),
    ("Null Tax Haven", "NTAX"),
    ("Wormhole Estate Agents", "WHEA"),
    ("Last Seen In Tama", "LSIT"),
)
_STRANGER_ALLIANCES = (("Borrowed Time Coalition", "BTC."), ("Sovereignty Optional", "SVOPT"))


@dataclass(frozen=True, slots=True)
class Character:
    """As it was founded; corporation and owner of a pilot may change later (`roster.py`)."""

    character_id: int
    name: str
    corporation_id: int
    security_status: float
    faction_id: int | None = None


@dataclass(frozen=True, slots=True)
class Corporation:
    """`ceo_id` is None for those of NPCs."""

    corporation_id: int
    name: str
    ticker: str
    alliance_id: int | None = None
    ceo_id: int | None = None


@dataclass(frozen=True, slots=True)
class Alliance:
    alliance_id: int
    name: str
    ticker: str
    executor_corporation_id: int


@dataclass(frozen=True)
class People:
    """Everybody of one seed. The first pilots of `pilots` are their corporations' directors."""

    pilots: tuple[Character, ...]
    strangers: tuple[Character, ...]
    corporations: dict[int, Corporation]
    alliances: dict[int, Alliance]

    @property
    def directors(self) -> tuple[Character, ...]:
        """Two of each player corporation."""
        return self.pilots[: 2 * len(_CORPORATIONS)]


@lru_cache(maxsize=8)
def people(seed: int, pilot_count: int = PILOT_COUNT, stranger_count: int = STRANGER_COUNT) -> People:
    """The people of this seed, so many pilots and strangers among them; equal arguments give equal people."""
    dice = random.Random(f"people {seed}")
    taken: set[int] = set()
    names = [f"{given} {family}" for given in _GIVEN_NAMES.split() for family in _FAMILY_NAMES.split()]
    dice.shuffle(names)
    # More people than names: some are called as others are, with a number.
    names = [f"{name} {number}" for number in range(2, 100) for name in names][: pilot_count + stranger_count] + names
    own = [_unused(dice, taken, 98_000_000, 98_999_999) for _ in _CORPORATIONS]
    other = [_unused(dice, taken, 98_000_000, 98_999_999) for _ in _STRANGER_CORPORATIONS]
    pilots = tuple(
        Character(
            character_id=_capsuleer_id(dice, taken, number),
            name=names.pop(),
            # One is in no player corporation, as most of a real day's newcomers.
            corporation_id=1_000_166 if number == pilot_count - 1 else own[number % len(own)],
            security_status=round(dice.uniform(-6, 5), 1),
            faction_id=500_002 if number % 9 == 4 else None,
        )
        for number in range(pilot_count)
    )
    strangers = tuple(
        Character(
            character_id=_capsuleer_id(dice, taken, number),
            name=names.pop(),
            corporation_id=dice.choice([1_000_167, 1_000_168, 1_000_170]) if number % 11 == 0 else dice.choice(other),
            security_status=round(dice.uniform(-10, 5), 1),
            faction_id=500_003 if number % 17 == 0 else None,
        )
        for number in range(stranger_count)
    )
    alliances: dict[int, Alliance] = {}
    corporations = {
        corporation_id: Corporation(corporation_id, name, _npc_ticker(name))
        for corporation_id, name in NPC_CORPORATIONS.items()
    }
    for ids, corporation_names, alliance_names, members in (
        (own, _CORPORATIONS, _ALLIANCES, pilots),
        (other, _STRANGER_CORPORATIONS, _STRANGER_ALLIANCES, strangers),
    ):
        made = [_unused(dice, taken, 99_000_000, 99_013_999) for _ in alliance_names]
        for number, (alliance_id, (name, ticker)) in enumerate(zip(made, alliance_names, strict=True)):
            alliances[alliance_id] = Alliance(alliance_id, name, ticker, ids[number])
        for number, (corporation_id, (name, ticker)) in enumerate(zip(ids, corporation_names, strict=True)):
            # The last two of eight stand alone.
            alliance = made[number % len(made)] if number < len(ids) - 2 else None
            ceo = next(member.character_id for member in members if member.corporation_id == corporation_id)
            corporations[corporation_id] = Corporation(corporation_id, name, ticker, alliance, ceo)
    return People(pilots, strangers, corporations, alliances)


def made_up_name(entity_id: int) -> str:
    """A person's name for a real character whose own is not at hand; always the same one."""
    dice = random.Random(f"name {entity_id}")
    return f"{dice.choice(_GIVEN_NAMES.split())} {dice.choice(_FAMILY_NAMES.split())} {entity_id % 1000:03d}"


def _npc_ticker(name: str) -> str:
    return "".join(word[0] for word in name.split()).upper()[:5]


def _capsuleer_id(dice: random.Random, taken: set[int], number: int) -> int:
    ranges = ((90_000_000, 97_999_999), (2_112_000_000, 2_123_999_999), (100_000_000, 2_099_999_999))
    return _unused(dice, taken, *ranges[number % len(ranges)])


def _unused(dice: random.Random, taken: set[int], low: int, high: int) -> int:
    while (made := dice.randint(low, high)) in taken:
        pass
    taken.add(made)
    return made
