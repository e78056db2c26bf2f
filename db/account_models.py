"""The tables of what a pilot decides about their account: API keys, and characters that leave."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity, Index, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel


class ApiKey(SQLModel, table=True):
    """A key for a program of the pilot's; its SHA-256, never the key."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("api_keys_account_id", "account_id"),)
    api_key_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    account_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False)
    )
    key_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    hint: str = Field(sa_column=Column(Text, nullable=False))  # how it begins, for its owner to know it by
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))
    last_used_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class Departure(SQLModel, table=True):
    """A character whose data is deleted, and what is still to be done elsewhere: its workflow, its grant at EVE.

    Written in the transaction that deletes the data; the row goes when all of it is done.
    """

    __tablename__ = "departures"
    __table_args__ = (Index("departures_character_id", "character_id"),)
    departure_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    character_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    refresh_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary))  # Fernet ciphertext
    corporation_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))  # followed through it
    requested_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))
