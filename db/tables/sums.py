"""The tables of sums: what a busy pilot or corporation did, by day, by month and in all; what is still to be added."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Boolean, Column, Date, Index, Numeric, SmallInteger, text
from sqlmodel import Field, SQLModel

from db.tables.columns import bigint, count, time


class SummedSubject(SQLModel, table=True):
    """A pilot or a corporation of whom there are sums, of the killmails up to `counted_until`."""

    __tablename__ = "summed_subjects"
    subject_id: int = Field(sa_column=bigint(primary_key=True))
    is_corporation: bool = Field(sa_column=Column(Boolean, nullable=False))
    # Null: old sums are being taken away; `infinity`: all killmails are in them.
    counted_until: datetime | None = Field(default=None, sa_column=time(nullable=True))
    # Whether there are sums by month; of all that were begun before this was asked.
    by_month: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))


class KillmailSum(SQLModel, table=True):
    """One sum: of a subject, of a kind (`db.sums.rows.Kind`), of a span, of what the kind tells apart."""

    __tablename__ = "killmail_sums"
    __table_args__ = (
        # `span = 2` is `Span.EVER`. It is of counts, so Postgres updates no row in place, whatever its span.
        Index(
            "killmail_sums_ranked",
            "subject_id",
            "kind",
            text("(kills + losses) DESC"),
            postgresql_where=text("span = 2"),
        ),
    )
    subject_id: int = Field(sa_column=bigint(primary_key=True))
    kind: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    span: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    first_day: date = Field(sa_column=Column(Date, primary_key=True))
    entity_id: int = Field(sa_column=bigint(primary_key=True))
    kills: int = Field(sa_column=count())
    losses: int = Field(sa_column=count())
    solo: int = Field(sa_column=count())
    destroyed: Decimal = Field(sa_column=Column(Numeric, nullable=False))
    lost: Decimal = Field(sa_column=Column(Numeric, nullable=False))


class UnfoldedSum(SQLModel, table=True):
    """What of a killmail is not in a subject's sums yet: killmails (1; 0 if it is there already), ISK, solo kills."""

    __tablename__ = "unfolded_sums"
    subject_id: int = Field(sa_column=bigint(primary_key=True))
    killmail_id: int = Field(sa_column=bigint(primary_key=True))
    killmails: int = Field(sa_column=Column(SmallInteger, nullable=False))
    value: Decimal = Field(sa_column=Column(Numeric, nullable=False))
    solo: int = Field(sa_column=Column(SmallInteger, nullable=False))
