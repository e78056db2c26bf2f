"""What `killreport doctor` finds in a database that refuses it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
from yarl import URL

from operations.doctor.checks import EXAMINATIONS, examine
from operations.doctor.finding import Verdict
from settings import Settings


@pytest.fixture
async def url_without_rights(database_url: str) -> AsyncIterator[str]:
    """The same database, for a role that may log in, and read none of its tables."""
    role = f"nobody_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(database_url)
    await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'a-secret'")
    yield str(URL(database_url).with_user(role).with_password("a-secret"))
    await connection.execute(f"DROP ROLE {role}")
    await connection.close()


async def test_a_role_without_rights_is_told_what_it_lacks_and_the_rest_is_looked_at(
    settings: Settings, url_without_rights: str
) -> None:
    found = await examine(settings.model_copy(update={"database_url": url_without_rights}))
    findings = {finding.subject: finding for finding in found}
    assert {examination.subject for examination in EXAMINATIONS} <= set(findings)
    assert findings["Postgres"].verdict is Verdict.GOOD
    migrations = findings["Migrations"]
    assert (migrations.verdict, migrations.detail) == (
        Verdict.FAILS,
        "cannot be looked up: permission denied for table alembic_version",
    )
    assert migrations.mend.startswith("Set DATABASE_URL to the role that owns KillReport's tables")
