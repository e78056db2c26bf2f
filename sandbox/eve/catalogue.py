"""A slice of EVE's types: enough ships, modules, charges and cargo for killmails that look real.

Ids, names and groups are facts of the static data export that CCP publishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_TYPES = Path(__file__).with_name("types.txt")
"""A line each: type id, group id, name."""
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
41 7 Remote Shield Booster
46 7 Propulsion Module
52 7 Warp Scrambler
53 7 Energy Weapon
54 7 Mining Laser
55 7 Projectile Weapon
59 7 Gyrostabilizer
60 7 Damage Control
61 7 Capacitor Battery
62 7 Armor Repair Unit
65 7 Stasis Web
67 7 Remote Capacitor Transmitter
68 7 Energy Nosferatu
71 7 Energy Neutralizer
74 7 Hybrid Weapon
76 7 Capacitor Booster
77 7 Shield Hardener
78 7 Reinforced Bulkhead
83 8 Projectile Ammo
85 8 Hybrid Charge
86 8 Frequency Crystal
87 8 Capacitor Booster Charge
89 8 Torpedo
90 8 Bomb
98 7 Armor Coating
100 18 Combat Drone
106 9 Cruiser Blueprint
205 7 Heat Sink
211 7 Tracking Enhancer
212 7 Sensor Booster
213 7 Tracking Computer
291 7 Weapon Disruptor
302 7 Magnetic Field Stabilizer
315 7 Warp Core Stabilizer
324 6 Assault Frigate
325 7 Remote Armor Repairer
326 7 Energized Armor Membrane
328 7 Armor Hardener
329 7 Armor Plate
330 7 Cloaking Device
339 7 Auxiliary Power Core
340 2 Secure Cargo Container
358 6 Heavy Assault Cruiser
361 22 Mobile Warp Disruptor
365 23 Control Tower
367 7 Ballistic Control System
370 17 Criminal Tags
372 8 Advanced Autocannon Ammo
373 8 Advanced Railgun Charge
374 8 Advanced Beam Laser Crystal
375 8 Advanced Pulse Laser Crystal
377 8 Advanced Blaster Charge
379 7 Target Painter
384 8 Light Missile
385 8 Heavy Missile
386 8 Cruise Missile
387 8 Rocket
407 7 Fighter Support Unit
419 6 Combat Battlecruiser
420 6 Destroyer
423 4 Ice Product
463 6 Mining Barge
464 7 Strip Miner
479 8 Scanner Probe
481 7 Scan Probe Launcher
483 7 Frequency Mining Laser
485 6 Dreadnought
489 9 Battlecruiser Blueprint
506 7 Missile Launcher Cruise
507 7 Missile Launcher Rocket
508 7 Missile Launcher Torpedo
509 7 Missile Launcher Light
510 7 Missile Launcher Heavy
511 7 Missile Launcher Rapid Light
513 6 Freighter
538 7 Data Miners
540 6 Command Ship
541 6 Interdictor
546 7 Mining Upgrade
547 6 Carrier
548 8 Interdiction Probe
551 11 Asteroid Angel Cartel Cruiser
566 11 Asteroid Sansha's Nation Cruiser
572 11 Asteroid Serpentis Frigate
589 7 Interdiction Sphere Launcher
595 11 Deadspace Angel Cartel Cruiser
640 18 Logistic Drone
645 7 Drone Damage Modules
646 7 Drone Tracking Modules
647 7 Drone Control Range Module
648 8 Advanced Rocket
654 8 Advanced Heavy Assault Missile
655 8 Advanced Heavy Missile
656 8 Advanced Cruise Missile
657 8 Advanced Torpedo
745 20 Cyber Learning
762 7 Inertial Stabilizer
763 7 Nanofiber Internal Structure
765 7 Expanded Cargohold
766 7 Power Diagnostic System
767 7 Capacitor Power Relay
771 7 Missile Launcher Heavy Assault
772 8 Heavy Assault Missile
773 7 Rig Armor
774 7 Rig Shield
775 7 Rig Energy Weapon
779 7 Rig Launcher
781 7 Rig Core
782 7 Rig Navigation
831 6 Interceptor
832 6 Logistics
834 6 Stealth Bomber
862 7 Missile Launcher Bomb
894 6 Heavy Interdiction Cruiser
899 7 Warp Disrupt Field Generator
902 6 Jump Freighter
906 6 Combat Recon Ship
907 8 Tracking Script
910 8 Sensor Booster Script
916 8 Nanite Repair Paste
954 32 Defensive Subsystem
956 32 Offensive Subsystem
957 32 Propulsion Subsystem
958 32 Core Subsystem
963 6 Strategic Cruiser
1025 46 Orbital Infrastructure
1089 30 Tops
1199 7 Ancillary Armor Repairer
1201 6 Attack Battlecruiser
1233 7 Rig Scanning
1246 22 Mobile Depot
1250 22 Mobile Tractor Unit
1292 7 Drone Tracking Enhancer
1305 6 Tactical Destroyer
1321 66 Structure Citadel Service Module
1332 66 Structure ECM Battery
1537 87 Support Fighter
1562 66 Structure Multirole Missile Launcher
1652 87 Light Fighter
1657 65 Citadel
1706 7 Capital Sensor Array
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
    rows = (line.split(" ", 2) for line in _TYPES.read_text().splitlines())
    return {int(type_id): EveType(int(type_id), int(group_id), name) for type_id, group_id, name in rows}


def groups() -> dict[int, Group]:
    """By group id."""
    rows = (line.split(" ", 2) for line in _GROUPS.strip().splitlines())
    return {int(group_id): Group(int(group_id), int(category_id), name) for group_id, category_id, name in rows}


def categories() -> dict[int, str]:
    """Names by category id."""
    return dict(_CATEGORIES)
