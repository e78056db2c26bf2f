"""Real killmail bodies from a directory: ESI's JSON, one file each, with `killmail_hash` added."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from sandbox.eve.killmails import Killmail


def real_killmails(directory: Path) -> Iterator[tuple[Killmail, dict[str, Any]]]:
    """Each killmail with its body. They are listed to their pilots whatever their age.

    Raises:
        FileNotFoundError: there is no such directory.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"{directory} is not a directory of killmails")
    for killmail_hash, body, raw in _read(directory):
        yield real_killmail(killmail_hash, body, raw), body


def real_killmail(killmail_hash: str, body: dict[str, Any], raw: bytes) -> Killmail:
    """The killmail of a body that was not made here."""
    victim = body["victim"]
    final = next(attacker for attacker in body["attackers"] if attacker["final_blow"])
    if "character_id" not in final:
        # An NPC had the final blow: who of the players was last to do damage is not in the body.
        final = {}
    return Killmail(
        body["killmail_id"],
        killmail_hash,
        datetime.fromisoformat(body["killmail_time"]).timestamp(),
        (victim.get("character_id"), victim.get("corporation_id")),
        (final.get("character_id"), final.get("corporation_id")),
        body.copy,
        always_listed=True,
        raw=raw,
    )


@lru_cache(maxsize=2)
def _read(directory: Path) -> list[tuple[str, dict[str, Any], bytes]]:
    read = []
    for path in sorted(directory.glob("*.json")):
        if path.stem.isdigit():
            body = orjson.loads(path.read_bytes())
            killmail_hash = body.pop("killmail_hash")
            read.append((killmail_hash, body, orjson.dumps(body)))
    return read
