"""Headers that no server should send: left out of account, and never an error that nobody expects."""

from __future__ import annotations

from datetime import timedelta

import pytest

from eve.esi.freshness import LONGEST, fresh_until
from eve.esi.limit_headers import limit_seen
from eve.responses import MAX_WAIT_SECONDS, error_text, etag_in, retry_after
from tests.eve.conftest import QUIET_HOUR
from tests.eve.esi.budget_calls import answer
from tests.eve.servers import tokens

BEYOND = ("Sun, 06 Nov 1994 08:49:37 +99999999999999999999", "Sun, 06 Nov 99999999999999999999 08:49:37 GMT")
"""Dates that no calendar holds: an OverflowError, and not a ValueError."""


@pytest.mark.parametrize("date", [*BEYOND, "Sun, 06 Nov 1994 08:49:37", "soon", ""])
def test_a_date_that_is_none_says_nothing(date: str) -> None:
    assert retry_after(answer(429, {"Retry-After": date}), QUIET_HOUR) is None
    assert fresh_until(answer(headers={"Expires": date}), QUIET_HOUR) is None
    assert fresh_until(answer(headers={"Expires": "Fri, 31 Dec 9999 23:59:59 -1400", "Date": date}), QUIET_HOUR) == (
        QUIET_HOUR + LONGEST
    )


def test_the_end_of_the_calendar_is_no_later_than_the_longest_wait() -> None:
    last = {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -1400"}
    assert retry_after(answer(429, last), QUIET_HOUR) == MAX_WAIT_SECONDS


@pytest.mark.parametrize("age", ["9" * 5_000, "9" * 12])
def test_what_is_older_than_any_cache_is_not_fresh(age: str) -> None:
    headers = {"Cache-Control": "max-age=300", "Age": age}
    assert fresh_until(answer(headers=headers), QUIET_HOUR) == QUIET_HOUR
    assert fresh_until(answer(headers=headers | {"Age": "60"}), QUIET_HOUR) == QUIET_HOUR + timedelta(minutes=4)


@pytest.mark.parametrize("etag", ["\udcff", "\x01", '"e\u0301"', "a b", '"' + "e" * 9_000 + '"'])
def test_an_etag_that_cannot_be_sent_back_or_kept_is_none(etag: str) -> None:
    assert etag_in(answer(headers={"ETag": etag})) == ""
    assert etag_in(answer(headers={"ETag": 'W/"abc"'})) == 'W/"abc"'


@pytest.mark.parametrize(
    ("group", "limit"),
    [
        ("\udcff", "150/15m"),
        ("g" * 5_000, "150/15m"),
        ("a:b", "150/15m"),
        ("killmail", "1/999999d"),
        ("killmail", "1/25h"),
    ],
)
def test_a_budget_that_cannot_be_kept_or_makes_everybody_wait_for_ages_is_not_believed(group: str, limit: str) -> None:
    assert limit_seen(tokens(0, group=group, limit=limit)) is None
    assert limit_seen(tokens(0, limit="150/24h")) is not None


def test_what_a_service_says_is_wrong_stays_on_one_line_and_can_be_stored() -> None:
    assert error_text(b"no\r\n2026-01-01T00:00:00Z INFO all is well\x00\x1b[2J") == (
        "no  2026-01-01T00:00:00Z INFO all is well  [2J"
    )
    assert error_text(b'{"error": "no\\u0000\\u202e"}') == "no"
