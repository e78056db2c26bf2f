"""The tables of people: accounts, their characters and grants, logins, sessions, keys, and what operators did."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from db.tables.columns import bigint, string, time


class Account(SQLModel, table=True):
    """A person: one or more characters that logged in."""

    __tablename__ = "accounts"
    account_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    created_at: datetime = Field(sa_column=time(now=True))


class User(SQLModel, table=True):
    """One EVE character that logged in, its encrypted grant and where its sync stands."""

    __tablename__ = "users"
    __table_args__ = (
        Index("users_account_id", "account_id"),
        # Of boards that somebody opened.
        Index("users_open", "corporation_id", postgresql_where=text("visibility <> 'private'")),
    )
    character_id: int = Field(sa_column=bigint(primary_key=True))
    account_id: int = Field(sa_column=Column(BigInteger, ForeignKey("accounts.account_id"), nullable=False))
    name: str = Field(sa_column=string())
    owner_hash: str = Field(sa_column=string())
    corporation_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    alliance_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    visibility: str = Field(sa_column=Column(Text, nullable=False, server_default="private"))  # db.visibility
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    # The grant. Both tokens are Fernet ciphertext (`db/accounts/vault.py`), null once destroyed.
    access_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    refresh_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    expires_at: datetime | None = Field(default=None, sa_column=time(nullable=True))  # null: not verified yet
    token_state: str = Field(sa_column=string())  # valid | revoked | owner_changed | lost | unreadable
    token_version: int = Field(sa_column=Column(Integer, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_column=time(now=True))
    last_login_at: datetime = Field(sa_column=time(now=True))
    # The sync.
    last_killmail_sync_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    killmail_list_fresh_until: datetime | None = Field(default=None, sa_column=time(nullable=True))
    first_synced_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    last_full_sync_at: datetime | None = Field(default=None, sa_column=time(nullable=True))  # accounted for
    last_new_killmail_at: datetime | None = Field(default=None, sa_column=time(nullable=True))  # when it happened
    sync_state: str = Field(sa_column=Column(Text, nullable=False, server_default="starting"))
    sync_detail: dict[str, Any] = Field(
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )  # {"until": RFC 3339} where the state has an end


class RefreshLease(SQLModel, table=True):
    """Who may refresh a character's grant, and whether an answer of SSO is missing."""

    __tablename__ = "refresh_leases"
    character_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("users.character_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    holder: str = Field(sa_column=string())
    held_until: datetime = Field(sa_column=time())
    unanswered_at: datetime | None = Field(default=None, sa_column=time(nullable=True))
    refused_at: datetime | None = Field(default=None, sa_column=time(nullable=True))


class Session(SQLModel, table=True):
    """A browser's session; the cookie's SHA-256, never the cookie."""

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_account_id", "account_id"),)
    session_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    account_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False)
    )
    session_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), unique=True, nullable=False))
    client: str = Field(sa_column=Column(Text, nullable=False, server_default=""))  # "Firefox on Linux"
    created_at: datetime = Field(sa_column=time(now=True))
    last_seen_at: datetime = Field(sa_column=time(now=True))
    expires_at: datetime = Field(sa_column=time())


class LoginAttempt(SQLModel, table=True):
    """A login on its way through EVE SSO; deleted when its state comes back, so a state works once."""

    __tablename__ = "login_attempts"
    state_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    browser_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    code_verifier: bytes = Field(sa_column=Column(LargeBinary, nullable=False))  # Fernet ciphertext
    account_id: int | None = Field(default=None, sa_column=bigint(nullable=True))  # adding a character
    created_at: datetime = Field(sa_column=time(now=True))
    expires_at: datetime = Field(sa_column=time())


class LoginEvent(SQLModel, table=True):
    """Who logged in or failed to, and why; for the pilot and the operator."""

    __tablename__ = "login_events"
    __table_args__ = (Index("login_events_at", "at"),)
    login_event_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=time(now=True))
    character_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    outcome: str = Field(sa_column=string())
    network: str | None = Field(default=None, sa_column=string(nullable=True))  # from where, without the host


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


class VisibilityChange(SQLModel, table=True):
    """Who opened or closed a board, and how far. `board_id`: a character or a corporation; their ids never coincide."""

    __tablename__ = "visibility_changes"
    __table_args__ = (Index("visibility_changes_board_id", "board_id"),)
    visibility_change_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=time(now=True))
    by_character_id: int = Field(sa_column=bigint())
    board_id: int = Field(sa_column=bigint())
    before: str = Field(sa_column=Column("from", Text, nullable=False))
    after: str = Field(sa_column=Column("to", Text, nullable=False))


class ShareLink(SQLModel, table=True):
    """A link that opens a killmail, a battle or a board to whoever has it; its token's SHA-256, never the token.

    `sides`: of a battle, by party, once somebody moved one by hand.
    """

    __tablename__ = "share_links"
    __table_args__ = (Index("share_links_account_id", "account_id"),)
    share_link_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    account_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False)
    )
    token_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    subject: str = Field(sa_column=Column(Text, nullable=False))  # killmail | battle | character | corporation
    subject_id: int = Field(sa_column=bigint())
    sides: dict[str, int] | None = Field(default=None, sa_column=Column(JSONB))
    created_at: datetime = Field(sa_column=time(now=True))
    last_used_at: datetime | None = Field(default=None, sa_column=time(nullable=True))


class SavedFilter(SQLModel, table=True):
    """A filter of the feed under a name: a query string."""

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("account_id", "name"),)
    saved_filter_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    account_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False)
    )
    name: str = Field(sa_column=Column(Text, nullable=False))
    query: str = Field(sa_column=Column(Text, nullable=False))


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


class AdminAction(SQLModel, table=True):
    """An order of an operator; kept for good. `by_character_id` stays when that character leaves."""

    __tablename__ = "admin_actions"
    admin_action_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))
    by_character_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    action: str = Field(sa_column=Column(Text, nullable=False))  # the signal's name
    subject: str = Field(sa_column=Column(Text, nullable=False))  # a workflow's id, or "all"
    outcome: str = Field(sa_column=Column(Text, nullable=False))  # "under way" until it is known
