"""The logins of late, and what is odd about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

SHOWN = 50
WITHIN = timedelta(hours=1)
MANY_FAILURES = 10
"""Failed logins from one network within `WITHIN`: somebody tries something, or something is broken for them."""
MANY_NETWORKS = 3
"""Networks from which one account logged in within `WITHIN`: a person has one or two."""
_SUCCESSES = ("logged_in", "owner_changed")


@dataclass(frozen=True, slots=True)
class ShownLogin:
    """How a login ended. `network`: from where, as `login_network` keeps it."""

    at: datetime
    outcome: str
    character_id: int | None
    name: str | None
    network: str | None


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Something odd, in a sentence, with how often it was seen."""

    sentence: str
    times: int


async def latest_logins(pool: asyncpg.Pool) -> list[ShownLogin]:
    """The newest logins, failed ones too, newest first."""
    rows = await pool.fetch(
        "SELECT e.at, e.outcome, e.character_id, users.name, e.network FROM login_events e"
        " LEFT JOIN users USING (character_id) ORDER BY e.at DESC, e.login_event_id DESC LIMIT $1",
        SHOWN,
    )
    return [ShownLogin(**dict(row)) for row in rows]


async def suspicions(pool: asyncpg.Pool) -> list[Suspicion]:
    """What is odd about the last hour, the worst first."""
    failures = await pool.fetch(
        "SELECT network, count(*) AS times FROM login_events"
        " WHERE at > now() - $1::interval AND network IS NOT NULL AND outcome <> ALL ($2)"
        " GROUP BY network HAVING count(*) >= $3",
        WITHIN,
        list(_SUCCESSES),
        MANY_FAILURES,
    )
    wanderers = await pool.fetch(
        "SELECT users.account_id, min(users.name) AS name, count(DISTINCT e.network) AS times"
        " FROM login_events e JOIN users USING (character_id)"
        " WHERE e.at > now() - $1::interval AND e.outcome = ANY ($2)"
        " GROUP BY users.account_id HAVING count(DISTINCT e.network) >= $3",
        WITHIN,
        list(_SUCCESSES),
        MANY_NETWORKS,
    )
    found = [
        Suspicion(f"{row['times']} failed logins from {row['network']} in an hour", row["times"]) for row in failures
    ]
    found += [
        Suspicion(
            f"The account of {row['name']} logged in from {row['times']} networks in an hour",
            row["times"],
        )
        for row in wanderers
    ]
    return sorted(found, key=lambda one: -one.times)
