"""The tables of webhooks: where killmails are told on, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.tables.columns import bigint, count, string, time


class Webhook(SQLModel, table=True):
    """Whose killmails are told to which address. It is active while `paused_reason` is null."""

    __tablename__ = "webhooks"
    __table_args__ = (
        Index("webhooks_account_id", "account_id"),
        Index("webhooks_active", "subject_id", postgresql_where=text("paused_reason IS NULL")),
    )
    webhook_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    account_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False)
    )
    subject: str = Field(sa_column=string())  # character | corporation | installation
    subject_id: int = Field(sa_column=bigint())  # 0 of the installation
    name: str = Field(sa_column=string())
    filter: dict[str, Any] = Field(
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )  # db.killmails.filter_json
    # Fernet ciphertext (`db/accounts/vault.py`), null once no key opens it: an address of Discord's is a secret, too.
    target: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    target_host: str = Field(sa_column=string())
    max_age_seconds: int = Field(sa_column=Column(Integer, nullable=False))
    burst: int = Field(sa_column=Column(Integer, nullable=False))  # more than so many waiting become one message
    quiet_from: int | None = Field(default=None, sa_column=Column(Integer))  # minutes of the day (UTC)
    quiet_until: int | None = Field(default=None, sa_column=Column(Integer))
    tells: str = Field(sa_column=Column(Text, nullable=False, server_default="killmails"))  # db.webhooks.hooks.Tells
    bookmark: int = Field(sa_column=bigint())  # arrivals to here were looked at
    created_at: datetime = Field(sa_column=time(now=True))
    failing_since: datetime | None = Field(default=None, sa_column=time(nullable=True))
    failures: int = Field(sa_column=count())  # in a row
    next_attempt_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    paused_reason: str | None = Field(default=None, sa_column=Column(Text))  # db.webhooks.hooks.Pause
    paused_at: datetime | None = Field(default=None, sa_column=time(nullable=True))


class WebhookDelivery(SQLModel, table=True):
    """A killmail and a webhook that it concerns: once, whatever happens. Without any of the three: a test."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("webhook_deliveries_killmail", "webhook_id", "killmail_id", unique=True),
        Index("webhook_deliveries_of_hook", "webhook_id", "webhook_delivery_id"),
        Index(
            "webhook_deliveries_waiting",
            "webhook_id",
            "webhook_delivery_id",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("webhook_deliveries_settled", "settled_at", postgresql_where=text("settled_at IS NOT NULL")),
    )
    webhook_delivery_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    webhook_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("webhooks.webhook_id", ondelete="CASCADE"), nullable=False)
    )
    killmail_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("killmails.killmail_id", ondelete="CASCADE"))
    )
    reimbursement_change_id: int | None = Field(default=None, sa_column=Column(BigInteger))  # it stands for this alone
    digest_edition_id: int | None = Field(default=None, sa_column=Column(BigInteger))  # or for this
    message_id: str | None = Field(default=None, sa_column=Column(Text))  # its `webhook-id`; a digest's is that of many
    state: str = Field(sa_column=string())  # waiting | sent | skipped | failed
    reason: str | None = Field(default=None, sa_column=Column(Text))  # why it was not sent, or is not yet
    status: int | None = Field(default=None, sa_column=Column(Integer))  # the target's last answer
    attempts: int = Field(sa_column=count())
    created_at: datetime = Field(sa_column=time(now=True))
    settled_at: datetime | None = Field(default=None, sa_column=time(nullable=True))


class KillmailFeed(SQLModel, table=True):
    """A feed that its token opens to whoever has it; the token's SHA-256, never the token."""

    __tablename__ = "killmail_feeds"
    __table_args__ = (Index("killmail_feeds_account_id", "account_id"),)
    feed_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    account_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False)
    )
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    subject: str = Field(sa_column=string())  # character | corporation | installation
    subject_id: int = Field(sa_column=bigint())
    name: str = Field(sa_column=string())
    filter: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb")))
    created_at: datetime = Field(sa_column=time(now=True))
    last_used_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
