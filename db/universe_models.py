"""The tables of the universe: what types are, where systems lie, and what ESI tells of people beyond their names.

Names of types, systems, people and their organizations are in `entities`; groups and categories count their
ids anew, so their names stand here. A row without content and with `misses`: the source did not know the id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Double, Identity, Index, Integer, Text, func, text
from sqlmodel import Field, SQLModel


def _id() -> Column[Any]:
    return Column(BigInteger, primary_key=True, autoincrement=False)


def _fetched_at() -> Column[Any]:
    return Column(DateTime(timezone=True), nullable=False, server_default=func.now())


def _misses() -> Column[Any]:
    return Column(Integer, nullable=False, server_default="0")


def _by_ticker(name: str) -> Index:
    """For `db.search`: a prefix is a range of it."""
    return Index(name, func.lower(text("ticker")).label("low"), postgresql_ops={"low": "text_pattern_ops"})


class Type(SQLModel, table=True):
    """What can be lost, shot with or carried."""

    __tablename__ = "types"
    __table_args__ = (Index("types_group_id", "group_id"),)
    type_id: int = Field(sa_column=_id())
    group_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    fetched_at: datetime = Field(sa_column=_fetched_at())
    misses: int = Field(sa_column=_misses())


class TypeGroup(SQLModel, table=True):
    """A group of types: Frigate, Capsule, Shield Extender…"""

    __tablename__ = "type_groups"
    group_id: int = Field(sa_column=_id())
    category_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    name: str | None = Field(default=None, sa_column=Column(Text))
    fetched_at: datetime = Field(sa_column=_fetched_at())
    misses: int = Field(sa_column=_misses())


class TypeCategory(SQLModel, table=True):
    """A category of groups: Ship, Module, Structure…"""

    __tablename__ = "type_categories"
    category_id: int = Field(sa_column=_id())
    name: str | None = Field(default=None, sa_column=Column(Text))
    fetched_at: datetime = Field(sa_column=_fetched_at())
    misses: int = Field(sa_column=_misses())


class Constellation(SQLModel, table=True):
    """Some neighbouring solar systems. `wormhole_class` is told by the static data export alone."""

    __tablename__ = "constellations"
    __table_args__ = (Index("constellations_region_id", "region_id"),)
    constellation_id: int = Field(sa_column=_id())
    region_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    name: str | None = Field(default=None, sa_column=Column(Text))
    wormhole_class: int | None = Field(default=None, sa_column=Column(Integer))
    fetched_at: datetime = Field(sa_column=_fetched_at())
    misses: int = Field(sa_column=_misses())


class Region(SQLModel, table=True):
    """Some neighbouring constellations."""

    __tablename__ = "regions"
    region_id: int = Field(sa_column=_id())
    name: str | None = Field(default=None, sa_column=Column(Text))
    wormhole_class: int | None = Field(default=None, sa_column=Column(Integer))
    fetched_at: datetime = Field(sa_column=_fetched_at())
    misses: int = Field(sa_column=_misses())


class CharacterDetail(SQLModel, table=True):
    """What ESI tells anyone of a character."""

    __tablename__ = "character_details"
    character_id: int = Field(sa_column=_id())
    birthday: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    security_status: float | None = Field(default=None, sa_column=Column(Double))
    fetched_at: datetime = Field(sa_column=_fetched_at())
    misses: int = Field(sa_column=_misses())


class CorporationDetail(SQLModel, table=True):
    """A corporation's ticker."""

    __tablename__ = "corporation_details"
    __table_args__ = (_by_ticker("corporation_details_ticker"),)
    corporation_id: int = Field(sa_column=_id())
    ticker: str | None = Field(default=None, sa_column=Column(Text))
    fetched_at: datetime = Field(sa_column=_fetched_at())
    misses: int = Field(sa_column=_misses())


class AllianceDetail(SQLModel, table=True):
    """An alliance's ticker."""

    __tablename__ = "alliance_details"
    __table_args__ = (_by_ticker("alliance_details_ticker"),)
    alliance_id: int = Field(sa_column=_id())
    ticker: str | None = Field(default=None, sa_column=Column(Text))
    fetched_at: datetime = Field(sa_column=_fetched_at())
    misses: int = Field(sa_column=_misses())


class DetailWanted(SQLModel, table=True):
    """An id whose details are to be asked for. `kind`: a key of `db/details.py`'s `KINDS`."""

    __tablename__ = "details_wanted"
    kind: str = Field(sa_column=Column(Text, primary_key=True))
    id: int = Field(sa_column=_id())


class StaticDataLoad(SQLModel, table=True):
    """A load of the static data export. From the first one on, static rows stand until the next."""

    __tablename__ = "static_data_loads"
    load_id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    loaded_at: datetime = Field(sa_column=_fetched_at())
    build_number: int | None = Field(default=None, sa_column=Column(BigInteger))
