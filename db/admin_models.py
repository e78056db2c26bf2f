"""The table of what operators did to the syncs of others."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, Identity, Text, func
from sqlmodel import Field, SQLModel


class AdminAction(SQLModel, table=True):
    """An order of an operator; kept for good. `by_character_id` stays when that character leaves."""

    __tablename__ = "admin_actions"
    admin_action_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))
    by_character_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    action: str = Field(sa_column=Column(Text, nullable=False))  # the signal's name
    subject: str = Field(sa_column=Column(Text, nullable=False))  # a workflow's id, or "all"
    outcome: str = Field(sa_column=Column(Text, nullable=False))  # "under way" until it is known
