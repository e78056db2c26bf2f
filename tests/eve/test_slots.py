from __future__ import annotations

import pytest

from eve.slots import slot_name

EDGES = {
    "CARGO": [5],
    "LOW": [11, 18],
    "MID": [19, 26],
    "HIGH": [27, 34],
    "DRONE_BAY": [87],
    "IMPLANT": [89],
    "RIG": [92, 99],
    "SUBSYSTEM": [125, 132],
    "SPECIAL_HOLD": [90, 133, 134, 143, 148, 149, 151, 172, 176, 177, 180, 181, 183, 185, 186, 188],
    "FLEET_HANGAR": [155],
    "FIGHTER_BAY": [158],
    "FIGHTER_TUBE": [159, 163],
    "SERVICE": [164, 171],
    "FRIGATE_BAY": [179],
    "OTHER": [0, 4, 6, 10, 35, 88, 91, 100, 124, 144, 150, 156, 157, 173, 178, 184, -1, 10**9],
}


@pytest.mark.parametrize(("flag", "name"), [(flag, name) for name, flags in EDGES.items() for flag in flags])
def test_a_flag_in_words(flag: int, name: str) -> None:
    assert slot_name(flag) == name
