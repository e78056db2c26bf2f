"""Whether the database has been brought to the revision that this program needs. It must not be older; newer is fine:
the version before goes on while the next one migrates, and after a way back.

`db/migrate.py` brings it there. A program that serves asks here without Alembic, which it does not need otherwise.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from pathlib import Path

import asyncpg

log = logging.getLogger(__name__)

REVISIONS = Path(__file__).with_name("migrations") / "versions"
_NAME = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)


class DatabaseIsOlder(Exception):
    """The message is a sentence for everybody."""


@cache
def known_revisions() -> tuple[str, ...]:
    """What databases remember of each revision of this program, oldest first: the files' names are in that order."""
    return tuple(
        found[1] for file in sorted(REVISIONS.glob("r*.py")) if (found := _NAME.search(file.read_text())) is not None
    )


class Schema:
    """Of one database. `is_here`: it was found to be new enough, and is not asked again."""

    def __init__(self) -> None:
        self.is_here = False
        self._told = ""

    async def check(self, pool: asyncpg.Pool) -> None:
        """One statement, and a line in the log when the answer is another one.

        Raises:
            DatabaseIsOlder: until somebody migrates it.
            db.failures.DATABASE_FAILURES: it does not answer.
        """
        try:
            found: str | None = await pool.fetchval("SELECT version_num FROM alembic_version")
        except asyncpg.UndefinedTableError:
            found = None
        *older, newest = known_revisions()
        if found is None or found in older:
            where = "has no tables yet" if found is None else f"is at revision {found}"
            sentence = f"The database {where}, and this version needs {newest}: run `killreport migrate`."
            if sentence != self._told:
                log.warning("%s Until then this process is not ready.", sentence)
                self._told = sentence
            raise DatabaseIsOlder(sentence)
        if self._told:
            log.warning("The database was migrated.")
        self.is_here = True
