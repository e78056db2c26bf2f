"""What has no honest price: no market ever has it, or what is asked for it says nothing. Published in
docs/classification.md. Type ids are EVE's, with the names of its static data.
"""

from __future__ import annotations

SKIN_CATEGORY = 91
"""EVE's category of SKIN licences: what is asked for one is a collector's fancy."""
# fmt: off
MUTATED = (
    47408, 47702, 47732, 47736, 47740, 47745, 47749, 47753, 47757, 47769, 47773, 47777, 47781, 47785, 47789,
    47793, 47800, 47804, 47808, 47812, 47817, 47820, 47824, 47828, 47832, 47836, 47838, 47840, 47842, 47844,
    47846, 48419, 48423, 48427, 48431, 48435, 48439, 49722, 49726, 49730, 49734, 49738, 52227, 52230, 56303,
    56304, 56305, 56306, 56307, 56308, 56309, 56310, 56311, 56312, 56313, 60478, 60479, 60480, 60481, 60482,
    60483, 78621, 84434, 84435, 84436, 84437, 84438, 84439, 84440, 84441, 84442, 84443, 84444, 84445, 90460,
    90467, 90474, 90483, 90487, 90493, 90498, 90502, 90524, 90529, 90593, 90614, 90618, 90621, 90622,
)
# fmt: on
"""Abyssal modules and mutated drones of 2026: each one is different, and no market takes them."""
UNIQUE_SHIPS = (
    635,  # Opux Luxury Yacht
    2834,  # Utu
    2836,  # Adrestia
    3516,  # Malice
    3518,  # Vangel
    9860,  # Polaris
    11011,  # Guardian-Vexor
    11019,  # Cockroach
    11936,  # Apocalypse Imperial Issue
    11938,  # Armageddon Imperial Issue
    11940,  # Gold Magnate
    11942,  # Silver Magnate
    13202,  # Megathron Federate Issue
    25560,  # Opux Dragoon Yacht
    26840,  # Raven State Issue
    26842,  # Tempest Tribal Issue
    32207,  # Freki
    32209,  # Mimir
    32788,  # Cambion
    32790,  # Etana
    33395,  # Moracha
    33397,  # Chremoas
    33673,  # Whiptail
    33675,  # Chameleon
    35779,  # Imp
    35781,  # Fiend
    42245,  # Rabisu
    42246,  # Caedes
    45530,  # Virtuoso
    45531,  # Victor
    48635,  # Tiamat
    48636,  # Hydra
    60764,  # Laelaps
    60765,  # Raiju
    74141,  # Geri
    74316,  # Bestla
    77726,  # Cybele
    78414,  # Shapash
)
"""Prizes of tournaments and events, of which there are a few each: they change hands by contract, if at all."""
