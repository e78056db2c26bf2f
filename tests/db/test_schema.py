"""How old a database is, told without Alembic as Alembic tells it."""

from __future__ import annotations

import logging

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from db.migrate import MIGRATIONS
from db.pool import open_pool
from db.schema import DatabaseIsOlder, Schema, known_revisions


def test_revisions_are_known_in_alembics_order() -> None:
    newest_first = [revision.revision for revision in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert list(known_revisions()) == newest_first[::-1]


async def test_a_database_that_is_new_enough_is_remembered(pool: asyncpg.Pool) -> None:
    schema = Schema()
    assert not schema.is_here
    await schema.check(pool)
    assert schema.is_here


async def test_one_without_tables_is_told_once(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "db.schema")
    schema = Schema()
    async with await open_pool(f"{postgres_url.rpartition('/')[0]}/postgres") as empty:
        for _ in range(2):
            with pytest.raises(DatabaseIsOlder, match=r"^The database has no tables yet, and this version needs r"):
                await schema.check(empty)
    assert not schema.is_here
    assert len(caplog.records) == 1
