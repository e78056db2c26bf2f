"""The tables. SQLModel declares them, Alembic migrates them, hot paths speak SQL to them through asyncpg.

EVE ids are BIGINT, times are UTC, `character_id` and the like are EVE's own ids. A killmail's hash stands
in `killmail_refs` alone and is never shown to anyone.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

import db.account_models
import db.admin_models
import db.corporation_models
import db.import_models
import db.price_models
import db.universe_models  # noqa: F401 - tables of the same metadata


def _bigint(*, primary_key: bool = False, nullable: bool = False) -> Column[Any]:
    return Column(BigInteger, primary_key=primary_key, nullable=nullable, autoincrement=False)


def _time(*, nullable: bool = False, now: bool = False) -> Column[Any]:
    return Column(DateTime(timezone=True), nullable=nullable, server_default=func.now() if now else None)


def _text(*, nullable: bool = False) -> Column[Any]:
    return Column(Text, nullable=nullable)


class Account(SQLModel, table=True):
    """A person: one or more characters that logged in."""

    __tablename__ = "accounts"
    account_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    created_at: datetime = Field(sa_column=_time(now=True))


class User(SQLModel, table=True):
    """One EVE character that logged in, its encrypted grant and where its sync stands."""

    __tablename__ = "users"
    __table_args__ = (Index("users_account_id", "account_id"),)
    character_id: int = Field(sa_column=_bigint(primary_key=True))
    account_id: int = Field(sa_column=Column(BigInteger, ForeignKey("accounts.account_id"), nullable=False))
    name: str = Field(sa_column=_text())
    owner_hash: str = Field(sa_column=_text())
    corporation_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    # The grant. Both tokens are Fernet ciphertext (`db/vault.py`), null once destroyed.
    access_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    refresh_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    expires_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    token_state: str = Field(sa_column=_text())  # valid | revoked | owner_changed
    token_version: int = Field(sa_column=Column(Integer, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_column=_time(now=True))
    last_login_at: datetime = Field(sa_column=_time(now=True))
    # The sync.
    last_killmail_sync_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    killmail_list_fresh_until: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    first_synced_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    last_full_sync_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))  # accounted for
    last_new_killmail_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))  # when it happened
    sync_state: str = Field(sa_column=Column(Text, nullable=False, server_default="starting"))
    sync_detail: dict[str, Any] = Field(
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )  # {"until": RFC 3339} where the state has an end


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
    created_at: datetime = Field(sa_column=_time(now=True))
    last_seen_at: datetime = Field(sa_column=_time(now=True))
    expires_at: datetime = Field(sa_column=_time())


class LoginAttempt(SQLModel, table=True):
    """A login on its way through EVE SSO; deleted when its state comes back, so a state works once."""

    __tablename__ = "login_attempts"
    state_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    browser_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    code_verifier: bytes = Field(sa_column=Column(LargeBinary, nullable=False))  # Fernet ciphertext
    account_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))  # adding a character
    created_at: datetime = Field(sa_column=_time(now=True))
    expires_at: datetime = Field(sa_column=_time())


class LoginEvent(SQLModel, table=True):
    """Who logged in or failed to, and why; for the pilot and the operator."""

    __tablename__ = "login_events"
    __table_args__ = (Index("login_events_at", "at"),)
    login_event_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = Field(sa_column=_time(now=True))
    character_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    outcome: str = Field(sa_column=_text())
    network: str | None = Field(default=None, sa_column=_text(nullable=True))  # from where, without the host


class KillmailList(SQLModel, table=True):
    """What ESI said of each page of a killmail list: for If-None-Match. Keyed by whose list and whose token asked."""

    __tablename__ = "killmail_lists"
    list_of: int = Field(sa_column=_bigint(primary_key=True))  # a character or a corporation
    character_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("users.character_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    page: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    etag: str = Field(sa_column=_text())
    listed: int = Field(sa_column=Column(Integer, nullable=False))  # references on that page
    killmail_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False, server_default="{}"))  # they


class KillmailRef(SQLModel, table=True):
    """Every reference ESI or zKillboard ever showed us; `stored_at` is null until its body is stored."""

    __tablename__ = "killmail_refs"
    __table_args__ = (Index("killmail_refs_pending", "first_seen_by", postgresql_where=text("stored_at IS NULL")),)
    killmail_id: int = Field(sa_column=_bigint(primary_key=True))
    killmail_hash: str = Field(sa_column=_text())
    first_seen_at: datetime = Field(sa_column=_time(now=True))
    first_seen_by: int = Field(sa_column=_bigint())  # whose list: a character's or a corporation's id
    claimed_until: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    # Whose look, or the import of `contracts.imports.claimant`; null: the watchdog's.
    claimed_by: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    attempts: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    last_error: str | None = Field(default=None, sa_column=_text(nullable=True))
    next_attempt_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    parked_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))  # given up, by `last_error`
    stored_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))


class Killmail(SQLModel, table=True):
    """A killmail in the columns the feed needs. What ESI said never changes; its appraisal may (`db/appraisal.py`)."""

    __tablename__ = "killmails"
    __table_args__ = (
        Index("killmails_time", text("killmail_time DESC"), text("killmail_id DESC")),
        Index("killmails_created_at", "created_at"),
        Index("killmails_unvalued", "killmail_id", postgresql_where=text("price_date IS NULL")),
        # One entry per killmail each: what a filter may be rarer by than its viewer.
        Index("killmails_solar_system", "solar_system_id", text("killmail_time DESC"), text("killmail_id DESC")),
        Index(
            "killmails_value",
            text("total_value DESC"),
            text("killmail_id DESC"),
            postgresql_where=text("total_value IS NOT NULL"),
        ),
        Index("killmails_awox", text("killmail_time DESC"), text("killmail_id DESC"), postgresql_where=text("awox")),
    )
    killmail_id: int = Field(sa_column=_bigint(primary_key=True))
    killmail_time: datetime = Field(sa_column=_time())
    solar_system_id: int = Field(sa_column=_bigint())
    attacker_count: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: datetime = Field(sa_column=_time(now=True))
    # The appraisal. ISK; null until there are prices.
    destroyed_value: Decimal | None = Field(default=None, sa_column=Column(Numeric))
    dropped_value: Decimal | None = Field(default=None, sa_column=Column(Numeric))
    fitted_value: Decimal | None = Field(default=None, sa_column=Column(Numeric))
    total_value: Decimal | None = Field(default=None, sa_column=Column(Numeric))
    price_date: date | None = Field(default=None, sa_column=Column(Date))  # of the snapshot used
    priced_kinds: int | None = Field(default=None, sa_column=Column(Integer))
    item_kinds: int | None = Field(default=None, sa_column=Column(Integer))
    # The classification; null until the killmail was looked at.
    solo: bool | None = Field(default=None, sa_column=Column(Boolean))
    npc: bool | None = Field(default=None, sa_column=Column(Boolean))
    awox: bool | None = Field(default=None, sa_column=Column(Boolean))
    damage_done: int | None = Field(default=None, sa_column=_bigint(nullable=True))  # by all attackers
    top_damage_ordinal: int | None = Field(default=None, sa_column=Column(Integer))  # in `participants`


class KillmailArrival(SQLModel, table=True):
    """The order in which killmails became ready to be shown: what live subscriptions follow (`db/arrivals.py`)."""

    __tablename__ = "killmail_arrivals"
    arrival: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    killmail_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("killmails.killmail_id", ondelete="CASCADE"), nullable=False, unique=True
        )
    )
    silent: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))  # told to nobody


class KillmailBody(SQLModel, table=True):
    """The body as ESI gave it; items are read from it."""

    __tablename__ = "killmail_bodies"
    killmail_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("killmails.killmail_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    body: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class Participant(SQLModel, table=True):
    """One victim or attacker of a killmail. `ordinal` 0 is the victim, then the attackers in ESI's order."""

    __tablename__ = "participants"
    __table_args__ = (
        *(
            Index(
                f"participants_{kind}",
                f"{kind}_id",
                text("killmail_time DESC"),
                text("killmail_id DESC"),
                postgresql_where=text(f"{kind}_id IS NOT NULL"),
            )
            for kind in ("character", "corporation", "alliance")
        ),
        # A pilot's losses are a needle among their kills.
        Index(
            "participants_character_losses",
            "character_id",
            text("killmail_time DESC"),
            text("killmail_id DESC"),
            postgresql_where=text("is_victim AND character_id IS NOT NULL"),
        ),
        # Of victims alone: what attackers fly has no index, an entry for each of them would cost a third again.
        Index(
            "participants_ship_losses",
            "ship_type_id",
            text("killmail_time DESC"),
            text("killmail_id DESC"),
            postgresql_where=text("is_victim"),
        ),
    )
    killmail_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("killmails.killmail_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
        )
    )
    ordinal: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    killmail_time: datetime = Field(sa_column=_time())
    is_victim: bool
    character_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    corporation_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    alliance_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    faction_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    ship_type_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    weapon_type_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    damage: int = Field(sa_column=_bigint())  # taken by the victim, done by an attacker
    final_blow: bool
    security_status: float | None = Field(default=None, sa_column=Column(Double))


class Entity(SQLModel, table=True):
    """A name for an id, as `POST /universe/names` gave it. `name` null: ESI does not know the id (asked then)."""

    __tablename__ = "entities"
    __table_args__ = (  # for db.search
        Index(
            "entities_name",
            "category",
            func.lower(text("name")).label("low"),
            postgresql_ops={"low": "text_pattern_ops"},
        ),
        Index(
            "entities_words",
            text("array_to_tsvector(array_remove(string_to_array(lower(name), ' '), ''))"),
            postgresql_using="gin",
        ),
    )
    entity_id: int = Field(sa_column=_bigint(primary_key=True))
    category: str | None = Field(default=None, sa_column=_text(nullable=True))
    name: str | None = Field(default=None, sa_column=_text(nullable=True))
    fetched_at: datetime = Field(sa_column=_time(now=True))
    misses: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))


class SolarSystem(SQLModel, table=True):
    """Where a killmail happened; its name is in `entities`."""

    __tablename__ = "solar_systems"
    __table_args__ = (Index("solar_systems_constellation_id", "constellation_id"),)
    solar_system_id: int = Field(sa_column=_bigint(primary_key=True))
    security_status: float = Field(sa_column=Column(Double, nullable=False))
    constellation_id: int | None = Field(default=None, sa_column=_bigint(nullable=True))
    wormhole_class: int | None = Field(default=None, sa_column=Column(Integer))  # by the static data export
    fetched_at: datetime = Field(sa_column=_time(now=True))


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
    kind: str = Field(sa_column=_text())  # first | incremental | full
    started_at: datetime = Field(sa_column=_time(now=True))
    finished_at: datetime | None = Field(default=None, sa_column=_time(nullable=True))
    listed: int = Field(sa_column=Column(Integer, nullable=False))  # = stored + pending + failed, once it is finished
    killmail_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))  # to store in this run
    new: int = Field(sa_column=Column(Integer, nullable=False))
    stored: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    pending: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    failed: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    failures: dict[str, int] = Field(  # how many by reason; together `failed`
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )
