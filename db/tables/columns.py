"""Kinds of columns that many tables have. EVE's ids are BIGINT, times are UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Integer, Text, func


def bigint(*, primary_key: bool = False, nullable: bool = False) -> Column[Any]:
    """An id of EVE's or another whole number that may pass 32 bits."""
    return Column(BigInteger, primary_key=primary_key, nullable=nullable, autoincrement=False)


def time(*, nullable: bool = False, now: bool = False) -> Column[datetime]:
    """A time with its zone; `now`: the database's clock where a row gives none."""
    return Column(DateTime(timezone=True), nullable=nullable, server_default=func.now() if now else None)


def string(*, nullable: bool = False) -> Column[Any]:
    """Text of any length."""
    return Column(Text, nullable=nullable)


def count() -> Column[int]:
    """A number of things; 0 at first."""
    return Column(Integer, nullable=False, server_default="0")
