"""The tables of the universe: names, what types are and cost, where systems lie, what ESI tells of people.

Names of types, systems, people and their organizations are in `entities`. Ids of groups and categories start at
1 again, so their names are here. A row without content and with `misses`: the source did not know the id.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from db.tables.columns import bigint, count, string, time


def _by_ticker(name: str) -> Index:
    """For `db.universe.search`: a prefix is a range of it."""
    return Index(name, func.lower(text("ticker")).label("low"), postgresql_ops={"low": "text_pattern_ops"})


class Entity(SQLModel, table=True):
    """A name for an id, as `POST /universe/names` gave it. `name` null: ESI does not know the id (asked then)."""

    __tablename__ = "entities"
    __table_args__ = (  # for db.universe.search
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
    entity_id: int = Field(sa_column=bigint(primary_key=True))
    category: str | None = Field(default=None, sa_column=string(nullable=True))
    name: str | None = Field(default=None, sa_column=string(nullable=True))
    fetched_at: datetime = Field(sa_column=time(now=True))
    misses: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))


class SolarSystem(SQLModel, table=True):
    """Where a killmail happened; its name is in `entities`."""

    __tablename__ = "solar_systems"
    __table_args__ = (Index("solar_systems_constellation_id", "constellation_id"),)
    solar_system_id: int = Field(sa_column=bigint(primary_key=True))
    security_status: float = Field(sa_column=Column(Double, nullable=False))
    constellation_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    wormhole_class: int | None = Field(default=None, sa_column=Column(Integer))  # by the static data export
    fetched_at: datetime = Field(sa_column=time(now=True))


class Celestial(SQLModel, table=True):
    """What can be flown to in a solar system; metres from its star. From the static data export alone."""

    __tablename__ = "celestials"
    __table_args__ = (Index("celestials_solar_system_id", "solar_system_id"),)
    celestial_id: int = Field(sa_column=bigint(primary_key=True))
    solar_system_id: int = Field(sa_column=bigint())
    x: float = Field(sa_column=Column(Double, nullable=False))
    y: float = Field(sa_column=Column(Double, nullable=False))
    z: float = Field(sa_column=Column(Double, nullable=False))
    name: str = Field(sa_column=string())


class Type(SQLModel, table=True):
    """What can be lost, shot with or carried."""

    __tablename__ = "types"
    __table_args__ = (Index("types_group_id", "group_id"),)
    type_id: int = Field(sa_column=bigint(primary_key=True))
    group_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    fetched_at: datetime = Field(sa_column=time(now=True))
    misses: int = Field(sa_column=count())


class HullSlots(SQLModel, table=True):
    """How many slots of each kind a hull has, or a subsystem adds. From the static data export alone."""

    __tablename__ = "hull_slots"
    type_id: int = Field(sa_column=bigint(primary_key=True))
    high: int = Field(sa_column=Column(SmallInteger, nullable=False))
    mid: int = Field(sa_column=Column(SmallInteger, nullable=False))
    low: int = Field(sa_column=Column(SmallInteger, nullable=False))
    rig: int = Field(sa_column=Column(SmallInteger, nullable=False))
    subsystem: int = Field(sa_column=Column(SmallInteger, nullable=False))
    service: int = Field(sa_column=Column(SmallInteger, nullable=False))


class TypeGroup(SQLModel, table=True):
    """A group of types: Frigate, Capsule, Shield Extender…"""

    __tablename__ = "type_groups"
    group_id: int = Field(sa_column=bigint(primary_key=True))
    category_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    name: str | None = Field(default=None, sa_column=Column(Text))
    fetched_at: datetime = Field(sa_column=time(now=True))
    misses: int = Field(sa_column=count())


class TypeCategory(SQLModel, table=True):
    """A category of groups: Ship, Module, Structure…"""

    __tablename__ = "type_categories"
    category_id: int = Field(sa_column=bigint(primary_key=True))
    name: str | None = Field(default=None, sa_column=Column(Text))
    fetched_at: datetime = Field(sa_column=time(now=True))
    misses: int = Field(sa_column=count())


class Constellation(SQLModel, table=True):
    """Some neighbouring solar systems. `wormhole_class` is told by the static data export alone."""

    __tablename__ = "constellations"
    __table_args__ = (Index("constellations_region_id", "region_id"),)
    constellation_id: int = Field(sa_column=bigint(primary_key=True))
    region_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    name: str | None = Field(default=None, sa_column=Column(Text))
    wormhole_class: int | None = Field(default=None, sa_column=Column(Integer))
    fetched_at: datetime = Field(sa_column=time(now=True))
    misses: int = Field(sa_column=count())


class Region(SQLModel, table=True):
    """Some neighbouring constellations."""

    __tablename__ = "regions"
    region_id: int = Field(sa_column=bigint(primary_key=True))
    name: str | None = Field(default=None, sa_column=Column(Text))
    wormhole_class: int | None = Field(default=None, sa_column=Column(Integer))
    fetched_at: datetime = Field(sa_column=time(now=True))
    misses: int = Field(sa_column=count())


class CharacterDetail(SQLModel, table=True):
    """What ESI tells anyone of a character."""

    __tablename__ = "character_details"
    character_id: int = Field(sa_column=bigint(primary_key=True))
    birthday: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    security_status: float | None = Field(default=None, sa_column=Column(Double))
    fetched_at: datetime = Field(sa_column=time(now=True))
    misses: int = Field(sa_column=count())


class CorporationDetail(SQLModel, table=True):
    """What ESI tells anyone of a corporation. `ceo_id`: a character; null of NPCs', and where it was not asked yet."""

    __tablename__ = "corporation_details"
    __table_args__ = (_by_ticker("corporation_details_ticker"),)
    corporation_id: int = Field(sa_column=bigint(primary_key=True))
    ticker: str | None = Field(default=None, sa_column=Column(Text))
    ceo_id: int | None = Field(default=None, sa_column=bigint(nullable=True))
    member_count: int | None = Field(default=None, sa_column=bigint(nullable=True))
    fetched_at: datetime = Field(sa_column=time(now=True))
    misses: int = Field(sa_column=count())


class AllianceDetail(SQLModel, table=True):
    """An alliance's ticker."""

    __tablename__ = "alliance_details"
    __table_args__ = (_by_ticker("alliance_details_ticker"),)
    alliance_id: int = Field(sa_column=bigint(primary_key=True))
    ticker: str | None = Field(default=None, sa_column=Column(Text))
    fetched_at: datetime = Field(sa_column=time(now=True))
    misses: int = Field(sa_column=count())


class DetailWanted(SQLModel, table=True):
    """An id whose details are to be asked for. `kind`: a key of `db/universe/details.py`'s `KINDS`."""

    __tablename__ = "details_wanted"
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    id: int = Field(sa_column=bigint(primary_key=True))


class StaticDataLoad(SQLModel, table=True):
    """A load of the static data export. From the first one on, static rows stand until the next."""

    __tablename__ = "static_data_loads"
    load_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    loaded_at: datetime = Field(sa_column=time(now=True))
    build_number: int | None = Field(default=None, sa_column=Column(BigInteger))


class PriceSnapshot(SQLModel, table=True):
    """ESI's list of prices as seen on a day (UTC)."""

    __tablename__ = "price_snapshots"
    day: date = Field(sa_column=Column(Date, primary_key=True))
    taken_at: datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))
    etag: str = Field(sa_column=Column(Text, nullable=False))
    listed: int = Field(sa_column=Column(Integer, nullable=False))  # types in the list
    changed: int = Field(sa_column=Column(Integer, nullable=False))  # rows of `market_prices` of this day


class MarketPrice(SQLModel, table=True):
    """A type's prices in ISK from this day until its next row. Both null: it left the list."""

    __tablename__ = "market_prices"
    type_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    day: date = Field(sa_column=Column(Date, ForeignKey("price_snapshots.day"), primary_key=True))
    average_price: Decimal | None = Field(default=None, sa_column=Column(Numeric))
    adjusted_price: Decimal | None = Field(default=None, sa_column=Column(Numeric))


class MarketDay(SQLModel, table=True):
    """A day of The Forge's market that was asked for. `outcome`: read, missing, or refused for what it held."""

    __tablename__ = "market_days"
    day: date = Field(sa_column=Column(Date, primary_key=True))
    outcome: str = Field(sa_column=Column(Text, nullable=False))
    types: int = Field(sa_column=Column(Integer, nullable=False))  # traded that day
    read_at: datetime = Field(sa_column=time(now=True))


class MarketHistory(SQLModel, table=True):
    """What The Forge paid for a type, on average, in a month: hundredths of ISK, from its first day to a 31st.

    Null: it was not traded on that day, or the day was not asked for.
    """

    __tablename__ = "market_history"
    type_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    month: date = Field(sa_column=Column(Date, primary_key=True))  # its first day
    averages: list[int | None] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
