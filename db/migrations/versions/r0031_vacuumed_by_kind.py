"""When each busy table is vacuumed and analyzed: by what happens to its rows, not by a fifth of them.

The lock of `ALTER TABLE … SET` stops neither readers nor writers, only a vacuum, so one revision is enough for all.
"""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op

revision = "r0031"
down_revision = "r0030"
branch_labels = None
depends_on = None

GROWS = {
    # Reads by index alone need pages known as visible to all, and the newest pages are the ones that feeds read: by a
    # fifth of ten million killmails, nineteen million rows would wait. Freezing is done in small portions, too.
    "autovacuum_vacuum_insert_scale_factor": "0.01",
    # The newest times must be in the histogram, or the planner takes a page of today for empty.
    "autovacuum_analyze_scale_factor": "0.02",
}
IS_APPRAISED = {
    # An appraisal leaves a dead row of each killmail, with an entry in every index.
    "autovacuum_vacuum_scale_factor": "0.02",
}
WAITS = {
    # A queue is short, and what has left it lies before what is next: its size says nothing, so a number does.
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "5000",
    "autovacuum_analyze_scale_factor": "0",
    "autovacuum_analyze_threshold": "5000",
}
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "participants": GROWS,
    "killmails": {**GROWS, **IS_APPRAISED},
    "killmail_arrivals": GROWS,
    # Nobody reads bodies by an index alone, and statistics about them serve nobody: only to freeze them by and by.
    "killmail_bodies": {"autovacuum_vacuum_insert_scale_factor": "0.05"},
    # Claimed once, stored once: two dead rows each, and the partial index of what is pending is read all the time.
    "killmail_refs": {**GROWS, **IS_APPRAISED},
    # Folding writes each row of today and of all time again and again.
    "killmail_sums": {
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_vacuum_insert_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.05",
    },
    "unfolded_sums": WAITS,
    "webhook_deliveries": WAITS,
    "details_wanted": WAITS,
}


def upgrade() -> None:
    for table, settings in SETTINGS.items():
        told = ", ".join(f"{name} = {value}" for name, value in settings.items())
        op.execute(f"ALTER TABLE {table} SET ({told})")


def downgrade() -> None:
    for table, settings in SETTINGS.items():
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")
