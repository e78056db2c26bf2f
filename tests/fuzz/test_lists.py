"""Lists in which some entries are odd: the good ones are kept, whatever stands beside them, and the others counted."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import msgspec
import orjson
from hypothesis import given
from hypothesis import strategies as st

from eve.decoding import SomeId, entries
from eve.errors import EveError, MalformedBody
from eve.esi.documents import NamedId
from eve.esi.killmail_list import FEW, walk
from eve.esi.market_prices import market_prices
from eve.killmail import Hash
from eve.sso.documents import SigningKey
from eve.zkillboard.client import _page
from tests.db.bodies import body
from tests.eve.conftest import QUIET_HOUR
from tests.eve.esi.budget_calls import answer
from tests.fuzz.doors import door
from tests.fuzz.odd_json import damaged, mutated, values, written


class Reference(msgspec.Struct):
    killmail_id: SomeId
    killmail_hash: Hash


def reference(number: int) -> dict[str, Any]:
    return {"killmail_id": number, "killmail_hash": f"{number:040x}"}


def listed(number: int) -> dict[str, Any]:
    return {
        **body(number, minute=number % 99),
        "zkb": {"hash": f"{number:040x}", "totalValue": 1.5, "labels": ["solo"]},
    }


def written_list(entry: Any, odd: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[list[int], list[str], str]]:
    """Numbers of good entries, odd ones, and the list of both, in some order."""

    @st.composite
    def drawn(draw: st.DrawFn) -> tuple[list[int], list[str], str]:
        good = draw(st.lists(st.integers(1, 2**40), max_size=6, unique=True))
        bad = draw(st.lists(odd, max_size=6))
        both = [written(entry(number)) for number in good] + bad
        random.Random(draw(st.integers(0, 99))).shuffle(both)  # noqa: S311 - a draw to repeat
        return good, bad, "[" + ",".join(both) + "]"

    return drawn()


def is_json(text: str) -> bool:
    """Whether the whole list stays one if this stands in it."""
    try:
        msgspec.json.decode(f"[0,{text}]".encode(), type=list[msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


references = st.one_of(values.map(written), mutated(st.just(reference(7)))).filter(is_json)
killmails = st.one_of(values.map(written), mutated(st.just(listed(7)))).filter(is_json)


@door("lists of ESI", short=120)
@given(drawn=written_list(reference, references))
async def test_the_good_references_are_kept(drawn: tuple[list[int], list[str], str]) -> None:
    good, odd, text = drawn

    async def page(number: int, etag: str) -> Any:
        del number, etag
        return answer(body=text.encode("utf-8", "surrogatepass"), headers={"X-Pages": "1"})

    try:
        found = await walk(page, {}, lambda: QUIET_HOUR)
    except MalformedBody:
        assert not good and len(odd) > FEW  # noqa: PT018 - nothing of it can be read
        return
    told = {ref.killmail_id: ref.killmail_hash for ref in found.refs}
    odd_ids = set(told) - set(good)
    assert set(good) <= set(told)
    assert all(told[number] in (f"{number:040x}", *_hashes(odd)) for number in good)
    assert len(odd_ids) <= len(odd)
    assert sum(found.unusable.values()) <= len(odd)
    assert sum(found.unusable.values()) + len(told) <= len(good) + 2 * len(odd)


def _hashes(odd: list[str]) -> list[str]:
    """Hashes in odd entries, which may name the id of a good one."""
    return [part for text in odd for part in text.split('"') if len(part) == 40]


@door("lists of zKillboard", short=60)
@given(drawn=written_list(listed, killmails))
def test_the_good_killmails_of_zkillboard_are_kept(drawn: tuple[list[int], list[str], str]) -> None:
    good, odd, text = drawn
    page = _page(text.encode("utf-8", "surrogatepass"))
    kept = {one.ref.killmail_id: one for one in page.killmails}
    assert set(good) <= set(kept)
    alone = [number for number in good if not any(str(number) in one for one in odd)]
    assert all(kept[number].body is not None for number in alone)
    assert len(kept) + page.unusable <= len(good) + len(odd)
    for one in page.killmails:
        assert one.body is None or orjson.loads(one.body)["killmail_id"] == one.ref.killmail_id


READERS = (
    lambda raw: entries(raw, Reference, "ESI"),
    lambda raw: entries(raw, NamedId, "ESI"),
    lambda raw: entries(raw, SigningKey, "EVE SSO"),
    lambda raw: market_prices(answer(body=raw)),
    _page,
)
LISTS = st.sampled_from(
    [
        [reference(1), reference(2)],
        [{"id": 1, "category": "character", "name": "A"}],
        [{"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB"}],
        [{"type_id": 34, "average_price": 5.01, "adjusted_price": 4}],
        [listed(1), listed(2)],
    ]
)


@door("bytes where a list should be", short=150)
@given(raw=damaged(mutated(LISTS)), read=st.sampled_from(READERS))
def test_any_bytes_are_a_list_or_a_failure_that_is_expected(raw: bytes, read: Any) -> None:
    with contextlib.suppress(EveError):
        read(raw)
