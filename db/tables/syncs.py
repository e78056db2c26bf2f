"""The tables of syncing: what EVE listed, every reference it ever showed us, and the account of each run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Identity, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from db.tables.columns import bigint, string, time


class KillmailList(SQLModel, table=True):
    """What ESI said of each page of a killmail list: for If-None-Match. Keyed by whose list and whose token asked."""

    __tablename__ = "killmail_lists"
    list_of: int = Field(sa_column=bigint(primary_key=True))  # a character or a corporation
    character_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("users.character_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    page: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    etag: str = Field(sa_column=string())
    listed: int = Field(sa_column=Column(Integer, nullable=False))  # references on that page
    killmail_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False, server_default="{}"))  # they


class KillmailRef(SQLModel, table=True):
    """Every reference ESI, zKillboard or an archive ever showed us; `stored_at` is null until its body is stored."""

    __tablename__ = "killmail_refs"
    __table_args__ = (Index("killmail_refs_pending", "first_seen_by", postgresql_where=text("stored_at IS NULL")),)
    killmail_id: int = Field(sa_column=bigint(primary_key=True))
    killmail_hash: str = Field(sa_column=string())
    # esi | zkillboard | legacy | archive: whose word the hash is. ESI's own replaces any other.
    hash_from: str = Field(sa_column=Column(Text, nullable=False, server_default="esi"))
    first_seen_at: datetime = Field(sa_column=time(now=True))
    first_seen_by: int = Field(sa_column=bigint())  # whose list: a character's or a corporation's id
    claimed_until: datetime | None = Field(default=None, sa_column=time(nullable=True))
    # A `contracts.claimants.Claimant`; null: the watchdog.
    claimed_by: int | None = Field(default=None, sa_column=bigint(nullable=True))
    attempts: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    last_error: str | None = Field(default=None, sa_column=string(nullable=True))
    next_attempt_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    parked_at: datetime | None = Field(default=None, sa_column=time(nullable=True))  # given up, by `last_error`
    stored_at: datetime | None = Field(default=None, sa_column=time(nullable=True))


class SyncRun(SQLModel, table=True):
    """The account of one run that had something to do; an idle look leaves none."""

    __tablename__ = "sync_runs"
    __table_args__ = (
        Index("sync_runs_character_id", "character_id", text("run_id DESC")),
        Index("sync_runs_finished_at", "finished_at"),
        Index("sync_runs_corporation_id", "corporation_id", text("run_id DESC")),
        CheckConstraint("num_nonnulls(character_id, corporation_id) = 1", name="sync_runs_one_subject"),
    )
    run_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    character_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("users.character_id", ondelete="CASCADE"))
    )
    corporation_id: int | None = Field(
        default=None,
        sa_column=Column(BigInteger, ForeignKey("corporations_followed.corporation_id", ondelete="CASCADE")),
    )
    kind: str = Field(sa_column=string())  # first | incremental | full
    started_at: datetime = Field(sa_column=time(now=True))
    finished_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    listed: int = Field(sa_column=Column(Integer, nullable=False))  # = stored + pending + failed, once it is finished
    killmail_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))  # to store in this run
    new: int = Field(sa_column=Column(Integer, nullable=False))
    stored: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    pending: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    failed: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    failures: dict[str, int] = Field(  # how many by reason; together `failed`
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )
