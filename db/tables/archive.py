"""The tables of what is published of everybody: days of the killmail archive, and zKillboard's stream."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, ForeignKey, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.tables.columns import time


class ArchiveDay(SQLModel, table=True):
    """A day of the archive that was read to its end, as it was the last time."""

    __tablename__ = "archive_days"
    day: date = Field(sa_column=Column(Date, primary_key=True))
    etag: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    last_modified: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    begun_at: datetime = Field(sa_column=time())  # whoever is newer may be on it unseen
    read_at: datetime = Field(sa_column=time(now=True))
    expected: int | None = Field(default=None, sa_column=Column(Integer))  # by the archive's totals
    taken: int = Field(sa_column=Column(Integer, nullable=False))  # killmails in it
    wanted: int = Field(sa_column=Column(Integer, nullable=False))  # of these, with somebody of ours
    new: int = Field(sa_column=Column(Integer, nullable=False))  # of these, that came here by it
    refused: dict[str, int] = Field(  # members that were not taken, by reason (`eve.archive.members.Refusal`)
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )
    everything: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))  # all was kept


class HistoryRequest(SQLModel, table=True):
    """An account that wants its whole history from the archive. `finished_at` null: it waits."""

    __tablename__ = "history_requests"
    account_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("accounts.account_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    asked_at: datetime = Field(sa_column=time(now=True))
    reached: date | None = Field(default=None, sa_column=Column(Date))  # all days from this one on were read
    finished_at: datetime | None = Field(default=None, sa_column=time(nullable=True))


class KillmailStream(SQLModel, table=True):
    """How far zKillboard's stream was read: one row, or none before it was followed."""

    __tablename__ = "killmail_stream"
    __table_args__ = (CheckConstraint("only_one", name="killmail_stream_only_one"),)
    only_one: bool = Field(sa_column=Column(Boolean, primary_key=True, server_default=text("true")))
    sequence: int | None = Field(default=None, sa_column=Column(BigInteger))  # handled last
    read_at: datetime = Field(sa_column=time(now=True))
    uploaded_at: datetime | None = Field(default=None, sa_column=time(nullable=True))  # as zKillboard says
    caught_up_at: datetime | None = Field(default=None, sa_column=time(nullable=True))  # there was nothing newer
    trouble: str | None = Field(default=None, sa_column=Column(Text))  # the failure that is not over
    trouble_since: datetime | None = Field(default=None, sa_column=time(nullable=True))
    missed: int = Field(sa_column=Column(BigInteger, nullable=False, server_default="0"))  # gone before they were read
    missed_from: datetime | None = Field(default=None, sa_column=time(nullable=True))
    missed_until: datetime | None = Field(default=None, sa_column=time(nullable=True))
