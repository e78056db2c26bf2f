"""The tables. SQLModel declares them, Alembic migrates them, hot paths speak SQL to them through asyncpg.

`character_id` and the like are EVE's own ids. A killmail's hash stands in `killmail_refs` alone and is never shown
to anyone. Importing this room fills `SQLModel.metadata`.
"""

from db.tables import (
    accounts,
    archive,
    corporations,
    digests,
    imports,
    killmails,
    reimbursements,
    sums,
    syncs,
    universe,
    webhooks,
)

__all__ = [
    "accounts",
    "archive",
    "corporations",
    "digests",
    "imports",
    "killmails",
    "reimbursements",
    "sums",
    "syncs",
    "universe",
    "webhooks",
]
