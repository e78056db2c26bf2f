"""The tables of the one-time imports of a character's history from zKillboard."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from db.tables.columns import count, time


class ZkillboardImport(SQLModel, table=True):
    """A character's newest import: what was expected, how far it is, and its account once it is over."""

    __tablename__ = "zkillboard_imports"
    character_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("users.character_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    state: str = Field(sa_column=Column(Text, nullable=False))  # contracts.imports.ImportState
    until: datetime | None = Field(default=None, sa_column=time(nullable=True))  # when a waiting one goes on
    failure: str | None = Field(default=None, sa_column=Column(Text))  # FailureType of why it waits or failed
    started_at: datetime = Field(sa_column=time(now=True))
    finished_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    # The estimate; null until it is made.
    expected: int | None = Field(default=None, sa_column=Column(Integer))  # killmails zKillboard lists
    expected_new: int | None = Field(default=None, sa_column=Column(Integer))  # of them not here yet
    expected_pages: int | None = Field(default=None, sa_column=Column(Integer))
    expected_seconds: int | None = Field(default=None, sa_column=Column(Integer))
    at_least: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    # What was read so far, and once it is over: listed = stored + pending + failed.
    listed: int = Field(sa_column=count())
    new: int = Field(sa_column=count())  # of `stored`: here since the import began
    stored: int = Field(sa_column=count())
    pending: int = Field(sa_column=count())
    failed: int = Field(sa_column=count())
    unusable: int = Field(sa_column=count())  # entries of zKillboard's without a true hash; not in `listed`
    cut_off: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    failures: dict[str, int] = Field(
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )  # of `failed`, how many by reason


class ZkillboardImportPage(SQLModel, table=True):
    """What a page of zKillboard's list held when the newest import read it. Year and month 0: of the undated list."""

    __tablename__ = "zkillboard_import_pages"
    character_id: int = Field(
        sa_column=Column(
            BigInteger,
            ForeignKey("zkillboard_imports.character_id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        )
    )
    year: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    month: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    page: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    killmail_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
    unusable: int = Field(sa_column=count())
