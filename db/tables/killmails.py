"""The tables of killmails: the columns of the feed, the bodies, who was on them, and the order of arrival."""

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
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from db.tables.columns import bigint, time


class Killmail(SQLModel, table=True):
    """A killmail in the columns the feed needs. What ESI said never changes; its appraisal may."""

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
    killmail_id: int = Field(sa_column=bigint(primary_key=True))
    killmail_time: datetime = Field(sa_column=time())
    solar_system_id: int = Field(sa_column=bigint())
    attacker_count: int = Field(sa_column=Column(Integer, nullable=False))
    created_at: datetime = Field(sa_column=time(now=True))
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
    damage_done: int | None = Field(default=None, sa_column=bigint(nullable=True))  # by all attackers
    top_damage_ordinal: int | None = Field(default=None, sa_column=Column(Integer))  # in `participants`


class KillmailArrival(SQLModel, table=True):
    """The order in which killmails became ready to be shown: what live subscriptions follow."""

    __tablename__ = "killmail_arrivals"
    arrival: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    killmail_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("killmails.killmail_id", ondelete="CASCADE"), nullable=False, unique=True
        )
    )
    silent: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("false")))  # told to nobody
    source: int | None = Field(default=None, sa_column=Column(SmallInteger))  # `db.intake.sources.Brought`


class KillmailNaming(SQLModel, table=True):
    """How far that order was gone through for names: one row, or none before the first time."""

    __tablename__ = "killmail_naming"
    __table_args__ = (CheckConstraint("only_one", name="killmail_naming_only_one"),)
    only_one: bool = Field(sa_column=Column(Boolean, primary_key=True, server_default=text("true")))
    arrival: int = Field(sa_column=Column(BigInteger, nullable=False))  # the last


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
    killmail_time: datetime = Field(sa_column=time())
    is_victim: bool
    character_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    corporation_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    alliance_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    faction_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    ship_type_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    weapon_type_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    damage: int = Field(sa_column=bigint())  # taken by the victim, done by an attacker
    final_blow: bool
    security_status: float | None = Field(default=None, sa_column=Column(Double))
