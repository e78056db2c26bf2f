"""The tables of market prices: a snapshot a day, and of each only what changed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKey, Integer, Numeric, Text, func
from sqlmodel import Field, SQLModel


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
