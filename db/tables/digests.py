"""The tables of digests: when a webhook sends one, what was sent, and who may be sent mail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Identity, Index, LargeBinary, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.tables.columns import bigint, string, time


def _webhook(*, primary_key: bool = False) -> Column[Any]:
    return Column(
        BigInteger,
        ForeignKey("webhooks.webhook_id", ondelete="CASCADE"),
        primary_key=primary_key,
        nullable=False,
        autoincrement=False,
    )


class Digest(SQLModel, table=True):
    """When a webhook sends a summary of its board (`db.webhooks.schedule`)."""

    __tablename__ = "digests"
    __table_args__ = (Index("digests_next_at", "next_at"),)
    webhook_id: int = Field(sa_column=_webhook(primary_key=True))
    every: str = Field(sa_column=string())  # day | week
    hour: int = Field(sa_column=Column(SmallInteger, nullable=False))  # UTC
    weekday: int | None = Field(default=None, sa_column=Column(SmallInteger))  # 1: Monday
    even_if_empty: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    next_at: datetime = Field(sa_column=time())


class DigestEdition(SQLModel, table=True):
    """A period of a digest: once, whatever happens. Its delivery says what became of it."""

    __tablename__ = "digest_editions"
    __table_args__ = (Index("digest_editions_of_webhook", "webhook_id", "begins_at", unique=True),)
    edition_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    webhook_id: int = Field(sa_column=_webhook())
    begins_at: datetime = Field(sa_column=time())
    ends_at: datetime = Field(sa_column=time())
    late_after: datetime = Field(sa_column=time())  # then it is left out
    told: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))  # at each attempt the same


class MailRecipient(SQLModel, table=True):
    """The letter box of a webhook; nothing is sent to it before it is confirmed."""

    __tablename__ = "mail_recipients"
    webhook_id: int = Field(sa_column=_webhook(primary_key=True))
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    confirmed_at: datetime | None = Field(default=None, sa_column=time(nullable=True))


class ConfirmationMail(SQLModel, table=True):
    """That an address was asked to confirm: kept for a day, so that none is asked too often. Outlives accounts."""

    __tablename__ = "confirmation_mails"
    __table_args__ = (
        Index("confirmation_mails_of_address", "address_hash"),
        Index("confirmation_mails_of_account", "account_id"),
        Index("confirmation_mails_asked_at", "asked_at"),
    )
    confirmation_mail_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    account_id: int = Field(sa_column=bigint())
    address_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    asked_at: datetime = Field(sa_column=time(now=True))
