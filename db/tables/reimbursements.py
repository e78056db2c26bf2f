"""The tables of ship replacement: claims, and what changed them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, Text
from sqlmodel import Field, SQLModel

from db.tables.columns import bigint, string, time


class Reimbursement(SQLModel, table=True):
    """A loss that was claimed. The corporation is the one that the pilot was in when they lost the ship."""

    __tablename__ = "reimbursements"
    __table_args__ = (
        Index("reimbursements_of_corporation", "corporation_id", "killmail_time", "killmail_id"),
        Index("reimbursements_of_character", "character_id", "killmail_time", "killmail_id"),
    )
    killmail_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("killmails.killmail_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    character_id: int = Field(sa_column=bigint())
    corporation_id: int = Field(sa_column=bigint())
    killmail_time: datetime = Field(sa_column=time())  # as in `killmails`, to list by
    state: str = Field(sa_column=string())  # db.reimbursements.steps.State
    changes: int = Field(sa_column=Column(Integer, nullable=False))  # how many there were
    changed_at: datetime = Field(sa_column=time(now=True))


class ReimbursementChange(SQLModel, table=True):
    """Who took a claim to which state, and when. Nothing of it is ever changed, but for the note of one who left."""

    __tablename__ = "reimbursement_changes"
    __table_args__ = (Index("reimbursement_changes_of_killmail", "killmail_id", "number", unique=True),)
    change_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    killmail_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("reimbursements.killmail_id", ondelete="CASCADE"), nullable=False)
    )
    number: int = Field(sa_column=Column(Integer, nullable=False))
    before: str | None = Field(default=None, sa_column=Column(Text))  # null: the claim was made
    after: str = Field(sa_column=string())
    note: str = Field(sa_column=Column(Text, nullable=False, server_default=""))
    by_character_id: int = Field(sa_column=bigint())
    role: str = Field(sa_column=string())  # pilot | director
    changed_at: datetime = Field(sa_column=time(now=True))
