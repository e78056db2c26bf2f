"""The routes of ESI that we call, and the budget each is believed to draw on.

The groups and sizes are those of ESI's OpenAPI document of 2026-07-21 (`x-rate-limit`). They are a first
guess: `eve/esi/budget.py` learns the group and its size from the headers of each answer.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate-limit group: `tokens` that may be spent in any `window_seconds`."""

    group: str
    tokens: int
    window_seconds: int


@dataclass(frozen=True, slots=True)
class Route:
    """Method and path template; `limit` None: counted by the legacy error limit."""

    method: str
    template: str
    limit: Limit | None


CHARACTER_KILLMAILS = Route("GET", "/characters/{character_id}/killmails/recent", Limit("char-killmail", 30, 15 * 60))
CORPORATION_KILLMAILS = Route(
    "GET", "/corporations/{corporation_id}/killmails/recent", Limit("corp-killmail", 30, 15 * 60)
)
CHARACTER_ROLES = Route("GET", "/characters/{character_id}/roles", Limit("char-detail", 600, 15 * 60))
SAVE_FITTING = Route("POST", "/characters/{character_id}/fittings", Limit("fitting", 150, 15 * 60))
KILLMAIL = Route("GET", "/killmails/{killmail_id}/{killmail_hash}", Limit("killmail", 3600, 15 * 60))
SERVER_STATUS = Route("GET", "/status", Limit("status", 600, 15 * 60))
NAMES = Route("POST", "/universe/names", None)
AFFILIATION = Route("POST", "/characters/affiliation", None)
MARKET_PRICES = Route("GET", "/markets/prices", None)
SOLAR_SYSTEM = Route("GET", "/universe/systems/{system_id}", None)

ERROR_LIMIT = Limit("error-limit", 100, 60)
"""The legacy limit of all routes outside the groups: this many failed answers a minute, then 420 on every route."""
