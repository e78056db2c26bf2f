"""The task queues: separate for what must not wait on what. A worker process serves them all."""

from __future__ import annotations

SYNC_QUEUE = "sync"
"""Workflows, and the activities that decide a look (token, list, run)."""
KILLMAILS_QUEUE = "killmails"
"""Killmail bodies."""
ENRICHMENT_QUEUE = "enrichment"
"""Names and places."""
DETAILS_QUEUE = "details"
"""What is nice to know: details and aged names. Never takes a slot from what a pilot waits for."""
BACKFILL_QUEUE = "backfill"
"""Pages of zKillboard's list, days of the archive. Who waits here for one request a second takes no other slot."""
TASK_QUEUES = (SYNC_QUEUE, KILLMAILS_QUEUE, ENRICHMENT_QUEUE, DETAILS_QUEUE, BACKFILL_QUEUE)
