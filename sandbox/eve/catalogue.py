"""A slice of EVE's types: enough ships, modules, charges and cargo for killmails that look real.

Ids, names and groups are facts of the static data export that CCP publishes.
"""

from __future__ import annotations

from dataclasses import dataclass

# type id, group id, name
_TYPES = """
34 18 Tritanium
35 18 Pyerite
36 18 Mexallon
209 385 Scourge Heavy Missile
210 384 Scourge Light Missile
222 85 Antimatter Charge S
230 85 Antimatter Charge M
238 85 Antimatter Charge L
239 86 Radio S
246 86 Multifrequency S
254 86 Multifrequency M
262 86 Multifrequency L
267 89 Scourge Torpedo
380 38 Small Shield Extender II
438 46 1MN Afterburner II
447 52 Warp Scrambler I
448 52 Warp Scrambler II
519 59 Gyrostabilizer II
526 65 Stasis Webifier I
527 65 Stasis Webifier II
587 25 Rifter
597 25 Punisher
603 25 Merlin
621 26 Caracal
622 26 Stabber
626 26 Vexor
629 26 Rupture
638 27 Raven
639 27 Tempest
641 27 Megathron
645 27 Dominix
650 28 Nereus
655 28 Epithal
670 29 Capsule
687 106 Caracal Blueprint
2006 26 Omen
2046 60 Damage Control I
2048 60 Damage Control II
2185 100 Hammerhead II
2203 100 Acolyte I
2233 1025 Customs Office
2281 77 Multispectrum Shield Hardener II
2301 77 EM Shield Hardener II
2303 77 Thermal Shield Hardener II
2404 509 Light Missile Launcher II
2410 510 Heavy Missile Launcher II
2420 508 Torpedo Launcher II
2456 100 Hobgoblin II
2488 100 Warrior II
2629 655 Scourge Fury Heavy Missile
2881 55 150mm Light AutoCannon II
2889 55 200mm AutoCannon II
2897 55 220mm Vulcan AutoCannon II
2913 55 425mm AutoCannon II
2929 55 800mm Repeating Cannon II
3041 53 Small Focused Pulse Laser II
3057 53 Mega Pulse Laser II
3082 74 250mm Railgun II
3146 74 Heavy Neutron Blaster II
3178 74 Light Neutron Blaster II
3186 74 Neutron Blaster Cannon II
3244 52 Warp Disruptor II
3293 12 Medium Standard Container
3296 12 Large Standard Container
3467 340 Small Secure Container
3520 53 Heavy Pulse Laser II
3756 419 Gnosis
3831 38 Medium Shield Extender II
3841 38 Large Shield Extender II
10190 302 Magnetic Field Stabilizer II
10212 745 Neural Boost - Standard
10216 745 Ocular Filter - Standard
11026 551 Angel Crusher
11037 566 Sansha's Beast
11045 572 Serpentis Agent
11176 831 Crow
11198 831 Stiletto
11200 831 Taranis
11365 324 Vengeance
11379 324 Hawk
11400 324 Jaguar
11489 340 Giant Secure Container
11911 566 Sansha's Mutilator
11993 358 Cerberus
12005 358 Ishtar
12015 358 Muninn
12044 324 Enyo
12058 46 10MN Afterburner II
12068 46 100MN Afterburner II
12076 46 50MN Microwarpdrive II
12084 46 500MN Microwarpdrive II
12200 361 Mobile Large Warp Disruptor I
12235 365 Amarr Control Tower
12530 370 Angel Palladium Tag
12543 370 Guristas Silver Tag
13284 745 Limited Memory Augmentation
13285 745 Limited Neural Boost
16227 419 Ferox
16229 419 Brutix
16240 420 Catalyst
16242 420 Thrasher
16273 423 Liquid Ozone
16274 423 Helium Isotopes
16884 595 Gistum Predator
17478 463 Retriever
17480 463 Procurer
17715 26 Gila
17738 27 Machariel
17812 25 Republic Fleet Firetail
17843 26 Vexor Navy Issue
17930 25 Worm
17932 25 Dramiel
19720 485 Revelation
19722 485 Naglfar
20183 513 Providence
20185 513 Charon
21894 83 Republic Fleet EMP L
21896 83 Republic Fleet EMP M
21898 83 Republic Fleet EMP S
22291 367 Ballistic Control System II
22444 540 Sleipnir
22456 541 Sabre
22464 541 Flycatcher
23055 1652 Templar I
23057 1652 Dragonfly I
23061 1652 Einherji I
23561 100 Garde I
23911 547 Thanatos
23915 547 Chimera
24690 27 Hyperion
24692 27 Abaddon
24694 27 Maelstrom
24696 419 Harbinger
24698 419 Drake
24700 419 Myrmidon
24701 489 Myrmidon Blueprint
24702 419 Hurricane
25894 773 Large Trimark Armor Pump I
26088 774 Large Core Defense Field Extender I
28668 916 Nanite Repair Paste
28850 902 Ark
29984 963 Tengu
29986 963 Legion
29988 963 Proteus
29990 963 Loki
31055 773 Medium Trimark Armor Pump I
31105 782 Small Auxiliary Thrusters I
31119 782 Medium Cargohold Optimization I
31788 774 Small Core Defense Field Extender I
31790 774 Medium Core Defense Field Extender I
32880 25 Venture
33328 29 Capsule - Genolution 'Auroral' 197-variant
33468 25 Astero
33470 26 Stratios
33474 1246 Mobile Depot
33475 1250 Mobile Tractor Unit
35832 1657 Astrahus
35833 1657 Fortizar
35894 1321 Standup Cloning Center I
35922 1562 Standup Multirole Missile Launcher I
35940 1332 Standup Variable Spectrum ECM I
45586 954 Legion Defensive - Covert Reconfiguration
45595 954 Loki Defensive - Covert Reconfiguration
45598 956 Legion Offensive - Liquid Crystal Magnifiers
45599 956 Legion Offensive - Assault Optimization
45608 956 Loki Offensive - Launcher Efficiency Configuration
45611 957 Legion Propulsion - Intercalated Nanofibers
45612 957 Legion Propulsion - Wake Limiter
45619 957 Loki Propulsion - Interdiction Nullifier
45621 957 Loki Propulsion - Wake Limiter
45622 958 Legion Core - Dissolution Sequencer
45624 958 Legion Core - Energy Parasitic Complex
45632 958 Loki Core - Augmented Nuclear Reactor
45633 958 Loki Core - Immobility Drivers
56636 1089 Women's 'Crimson Harvest' T-Shirt
"""
# group id, category id, name
_GROUPS = """
12 2 Cargo Container
18 4 Mineral
25 6 Frigate
26 6 Cruiser
27 6 Battleship
28 6 Hauler
29 6 Capsule
38 7 Shield Extender
46 7 Propulsion Module
52 7 Warp Scrambler
53 7 Energy Weapon
55 7 Projectile Weapon
59 7 Gyrostabilizer
60 7 Damage Control
65 7 Stasis Web
74 7 Hybrid Weapon
77 7 Shield Hardener
83 8 Projectile Ammo
85 8 Hybrid Charge
86 8 Frequency Crystal
89 8 Torpedo
100 18 Combat Drone
106 9 Cruiser Blueprint
302 7 Magnetic Field Stabilizer
324 6 Assault Frigate
340 2 Secure Cargo Container
358 6 Heavy Assault Cruiser
361 22 Mobile Warp Disruptor
365 23 Control Tower
367 7 Ballistic Control System
370 17 Criminal Tags
384 8 Light Missile
385 8 Heavy Missile
419 6 Combat Battlecruiser
420 6 Destroyer
423 4 Ice Product
463 6 Mining Barge
485 6 Dreadnought
489 9 Battlecruiser Blueprint
508 7 Missile Launcher Torpedo
509 7 Missile Launcher Light
510 7 Missile Launcher Heavy
513 6 Freighter
540 6 Command Ship
541 6 Interdictor
547 6 Carrier
551 11 Asteroid Angel Cartel Cruiser
566 11 Asteroid Sansha's Nation Cruiser
572 11 Asteroid Serpentis Frigate
595 11 Deadspace Angel Cartel Cruiser
655 8 Advanced Heavy Missile
745 20 Cyber Learning
773 7 Rig Armor
774 7 Rig Shield
782 7 Rig Navigation
831 6 Interceptor
902 6 Jump Freighter
916 8 Nanite Repair Paste
954 32 Defensive Subsystem
956 32 Offensive Subsystem
957 32 Propulsion Subsystem
958 32 Core Subsystem
963 6 Strategic Cruiser
1025 46 Orbital Infrastructure
1089 30 Tops
1246 22 Mobile Depot
1250 22 Mobile Tractor Unit
1321 66 Structure Citadel Service Module
1332 66 Structure ECM Battery
1562 66 Structure Multirole Missile Launcher
1652 87 Light Fighter
1657 65 Citadel
"""

_CATEGORIES = {
    2: "Celestial",
    4: "Material",
    6: "Ship",
    7: "Module",
    8: "Charge",
    9: "Blueprint",
    11: "Entity",
    17: "Commodity",
    18: "Drone",
    20: "Implant",
    22: "Deployable",
    23: "Starbase",
    30: "Apparel",
    32: "Subsystem",
    46: "Orbitals",
    65: "Structure",
    66: "Structure Module",
    87: "Fighter",
}


@dataclass(frozen=True, slots=True)
class EveType:
    """A type with its group; the category follows from the group."""

    type_id: int
    group_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group of types."""

    group_id: int
    category_id: int
    name: str


def types() -> dict[int, EveType]:
    """By type id."""
    rows = (line.split(" ", 2) for line in _TYPES.strip().splitlines())
    return {int(type_id): EveType(int(type_id), int(group_id), name) for type_id, group_id, name in rows}


def groups() -> dict[int, Group]:
    """By group id."""
    rows = (line.split(" ", 2) for line in _GROUPS.strip().splitlines())
    return {int(group_id): Group(int(group_id), int(category_id), name) for group_id, category_id, name in rows}


def categories() -> dict[int, str]:
    """Names by category id."""
    return dict(_CATEGORIES)
