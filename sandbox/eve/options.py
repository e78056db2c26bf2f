"""What a sandbox EVE is started with, from code or from `SANDBOX_*` variables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sandbox.eve.people import PILOT_COUNT, STRANGER_COUNT


@dataclass(frozen=True)
class SandboxOptions:
    """Every knob. Each field is also the variable `SANDBOX_<FIELD>`."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free port."""
    seed: int = 1
    """Universes of one seed are equal."""
    pilots: int = PILOT_COUNT
    """How many characters can log in; `LEAST` says how few may. Another number makes another universe."""
    strangers: int = STRANGER_COUNT
    """How many others they meet; `LEAST` says how few may. Another number makes another universe."""
    history: bool = True
    """False: nobody has a killmail yet."""
    state_directory: Path | None = None
    """Where grants, keys and made killmails survive a kill; None: nowhere."""
    killmails_directory: Path | None = None
    """Real bodies to serve as well, one `<killmail_id>.json` each with its `killmail_hash` added."""
    killmails_per_hour: float = 0
    """How fast the universe fights on by itself."""
    battles_per_hour: float = 0
    """And how many fleets meet, as long as it does."""
    list_cache_seconds: float = 300
    """How long a killmail list is served from cache (ESI's OpenAPI document, x-server-cache-ttl)."""
    access_token_seconds: int = 1200
    latency_seconds: float = 0.0
    """Added to every ESI, SSO and zKillboard answer."""
    window_seconds: int = 0
    """The window of every token bucket, its size unchanged; 0: ESI's real ones, 15 minutes."""
    first_killmails: int = 150
    """How many killmails the first pilot has within 90 days."""
    client_ids: tuple[str, ...] = ()
    """Applications known to SSO; none named: any."""
    client_secret: str = ""
    """What HTTP Basic must carry; empty: anything."""
    strict_rotation: bool = False
    """True: a refresh token dies when it is used. False: when its successor is used."""
    unknown_fields: bool = False
    """True: ESI's objects carry a field that no document describes yet."""
    zkillboard_bodies: bool = True
    """False: zKillboard lists ids with their `zkb` block alone, as it did from 2018 to 2026."""
    issuer: str = ""
    """The `iss` claim and the metadata's issuer; empty: the server's URL."""


LEAST = {"pilots": 16, "strangers": 60}
"""Of fewer, a corporation may have nobody who could be its CEO."""
_ALIASES = {"SANDBOX_KILLMAILS_DIR": "killmails_directory"}


def options_from(environment: Mapping[str, str] = os.environ) -> SandboxOptions:
    """Options from `SANDBOX_*` variables; an empty one counts as unset.

    Raises:
        ValueError: a number does not parse, or is too small; names the variable.
    """
    values: dict[str, Any] = {}
    by_variable = {f"SANDBOX_{field.name.upper()}": field.name for field in fields(SandboxOptions)} | _ALIASES
    defaults = SandboxOptions()
    for variable, name in by_variable.items():
        if text := environment.get(variable, ""):
            try:
                values[name] = _parsed(text, name, getattr(defaults, name))
            except ValueError as error:
                raise ValueError(f"{variable} cannot be used: {error}") from error
            if values[name] < LEAST.get(name, values[name]):
                raise ValueError(f"{variable} cannot be used: {text} are too few, {LEAST[name]} are the least.")
    return SandboxOptions(**values)


def _parsed(text: str, name: str, default: object) -> object:
    if name.endswith("_directory"):
        return Path(text)
    if isinstance(default, bool):
        return text.lower() in ("1", "true", "yes")
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if name.endswith(("_hour", "_seconds")) and name not in ("access_token_seconds", "window_seconds"):
        return float(text)
    return int(text) if isinstance(default, int) else text
