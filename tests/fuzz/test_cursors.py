"""Cursors and links as strangers make them up: refused in a sentence, or another spelling of none that we write."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from db.killmails.cursors import (
    InvalidCursor,
    cursor_position,
    decode_cursor,
    decode_value_cursor,
    encode_cursor,
    encode_value_cursor,
    position_cursor,
)
from eve.killmail import KillmailRef
from eve.killmail_links import parse_killmail_link
from tests.api.running_site import Browser
from tests.fuzz.doors import door

INT64 = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]))
LAST = int((datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6)
FIRST = -62_135_596_800_000_000
"""Microseconds of the first moment that Python has."""
TIMES = st.one_of(INT64, st.integers(FIRST - 2, FIRST + 2), st.integers(LAST - 2, LAST + 2))
DIGITS = st.from_regex(rb"-?[0-9]{0,41}(\.[0-9]{0,41})?", fullmatch=True)


def _text(packed: bytes) -> str:
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def _packed(layout: str) -> Callable[..., str]:
    return lambda *parts: _text(struct.pack(layout, *parts))


VERSIONS = st.integers(0, 3)
cursors = st.one_of(
    st.builds(_packed(">Bqq"), VERSIONS, TIMES, INT64),
    st.builds(lambda number, digits: _text(struct.pack(">Bq", 2, number) + digits), INT64, DIGITS),
    st.builds(_packed(">BQ"), VERSIONS, st.integers(0, 2**64 - 1)),
    st.binary(max_size=40).map(_text),
    st.text(max_size=30),
)
SPELLINGS: tuple[tuple[Callable[[str], Any], Callable[..., str]], ...] = (
    (decode_cursor, encode_cursor),
    (decode_value_cursor, encode_value_cursor),
    (lambda cursor: (cursor_position(cursor),), position_cursor),
)


@door("cursors", short=400)
@given(cursors, st.sampled_from(SPELLINGS))
def test_a_cursor_is_one_that_we_write_or_none(
    cursor: str, spelling: tuple[Callable[[str], Any], Callable[..., str]]
) -> None:
    decode, encode = spelling
    try:
        told = decode(cursor)
    except InvalidCursor:
        return
    assert encode(*told) == cursor


@door("cursors in a query", short=60)
@given(cursors, st.sampled_from(["TIME", "VALUE"]))
@example(encode_cursor(datetime.max.replace(tzinfo=UTC), 2**63 - 1), "TIME")
@example(encode_cursor(datetime.min.replace(tzinfo=UTC), -(2**63)), "TIME")
@example(encode_value_cursor(Decimal("9" * 40), 1), "VALUE")
async def test_a_list_goes_on_after_any_cursor(pilot: Browser, cursor: str, order: str) -> None:
    query = (
        "query ($after: String, $order: KillmailOrder) { killmails(after: $after, orderBy: $order) { nodes { id } } }"
    )
    answer = await pilot.graphql(query, after=cursor.encode("utf-8", "replace").decode(), by=order)
    assert [error["extensions"]["code"] for error in answer.get("errors", [])] in ([], ["BAD_USER_INPUT"]), answer


HASH = "0123456789abcdef0123456789abcdef01234567"
ESI, ZKILLBOARD = "esi.evetech.net", "zkillboard.com"
PIECES = (
    *(
        "https://",
        "http://",
        "//",
        "esi.evetech.net",
        "zkillboard.com",
        "/latest",
        "/killmails/",
        "/kill/",
        "1",
        "123",
        HASH,
    ),
    *(
        "/",
        "?",
        "#",
        "@",
        ":",
        "[",
        "<url=killReport:",
        "killReport:",
        ">",
        " ",
        "\\",
        "9" * 400,
        "\0",
        "é",
        "%2f",
        "٣",
    ),
)
links = st.one_of(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), st.text(max_size=80))


@door("links to killmails", short=300)
@given(links)
@example(f"https://esi.evetech.net/latest/killmails/1/{HASH}/")
def test_a_link_is_a_killmails_or_none(link: str) -> None:
    found = parse_killmail_link(link, "https://esi.evetech.net", "https://zkillboard.com")
    if isinstance(found, KillmailRef):
        assert HASH in link
        assert 0 < found.killmail_id < 2**63
    else:
        assert found is None or 0 < found < 2**63
