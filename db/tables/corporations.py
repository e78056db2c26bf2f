"""The tables of corporations that are followed, and of the directors who let us."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.tables.columns import time


class FollowedCorporation(SQLModel, table=True):
    """A corporation that a director once let us follow. The sync's columns are named like those of `users`."""

    __tablename__ = "corporations_followed"
    corporation_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    published: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))  # to its members
    audience: str = Field(sa_column=Column(Text, nullable=False, server_default="members"))  # once it is published
    created_at: datetime = Field(sa_column=time(now=True))
    last_killmail_sync_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    killmail_list_fresh_until: datetime | None = Field(default=None, sa_column=time(nullable=True))
    first_synced_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    last_full_sync_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    last_new_killmail_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    sync_state: str = Field(sa_column=Column(Text, nullable=False, server_default="starting"))
    sync_detail: dict[str, Any] = Field(
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )  # {"until": RFC 3339} where the state has an end


class CorporationDirector(SQLModel, table=True):
    """A character whose pilot switched on the sync of its corporation. The row goes when they switch it off."""

    __tablename__ = "corporation_directors"
    __table_args__ = (Index("corporation_directors_character_id", "character_id"),)
    corporation_id: int = Field(
        sa_column=Column(
            BigInteger,
            ForeignKey("corporations_followed.corporation_id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        )
    )
    character_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("users.character_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    standing: str = Field(sa_column=Column(Text, nullable=False, server_default="good"))  # a DirectorStanding
    marked_at: datetime = Field(sa_column=time(now=True))  # when it got this standing
    role_seen_at: datetime | None = Field(default=None, sa_column=time(nullable=True))  # EVE said: a director of it
    used_at: datetime | None = Field(default=None, sa_column=time(nullable=True))  # the longest unused goes next
