"""`killreport import-archive` names what failed: the file, or the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from db.intake.public import PublicIntake
from operations.failure import OperationFailed
from operations.imports.archive import import_files
from sandbox.eve.archive import pack_day
from settings import Settings


@pytest.fixture
def days(tmp_path: Path) -> list[Path]:
    """Two without a killmail, the newest first."""
    files = [tmp_path / f"killmails-2020-01-0{day}.tar.bz2" for day in (2, 1)]
    for file in files:
        file.write_bytes(pack_day([]))
    return files


def nothing(*_: object) -> None:
    pass


@pytest.mark.usefixtures("pool")
async def test_a_file_that_cannot_be_read_is_named(settings: Settings, days: list[Path]) -> None:
    def gone(_sentence: str, done: int, _total: int) -> None:
        assert done == 1
        days[1].unlink()

    with pytest.raises(OperationFailed) as raised:
        await import_files(settings, [str(days[0].parent)], gone)
    assert str(raised.value) == f"{days[1]} cannot be read: No such file or directory."


async def test_a_service_that_fails_is_blamed_and_no_other(
    settings: Settings, pool: asyncpg.Pool, days: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    del pool  # the database is there

    async def refused(*_: Any) -> None:
        raise ConnectionRefusedError("Connection refused")

    monkeypatch.setattr(PublicIntake, "read", refused)
    with pytest.raises(OperationFailed, match=r"^Postgres at .* cannot be used: Connection refused"):
        await import_files(settings, [str(days[0])], nothing)
    for address, words in (("http://redis", "^REDIS_URL is not redis://"), ("redis://127.0.0.1:1/0", "^Redis at ")):
        with pytest.raises(OperationFailed, match=words):
            await import_files(settings.model_copy(update={"redis_url": address}), [str(days[0])], nothing)
