"""Claims of losses: who may take which step, two at once, who sees what, and what stays of those who leave."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import asyncpg
import pytest

from db.accounts.departures import delete_account
from db.accounts.export import account_things
from db.corporations.directors import follow, note_role
from db.intake.store import store_killmails
from db.reimbursements.changes import Changed, change
from db.reimbursements.lists import Asked, claim_of, claims, directed, month_of, totals
from db.reimbursements.steps import NobodyDecides, NoStep, NotYourLoss, Overtaken, Role, State, next_states
from tests.db.bodies import body, raw
from tests.db.corporations.test_boards import add

OURS, THEIRS = 98_000_001, 98_000_002
PILOT, DIRECTOR, SECOND, PRETENDER, STRANGER, LONELY = range(90_000_001, 90_000_007)


@pytest.fixture
async def people(pool: asyncpg.Pool) -> dict[int, int]:
    """Accounts by character; ten losses of the pilot's in our corporation, one of a pilot whose directors are away."""
    accounts = {
        who: await add(pool, who, THEIRS if who == STRANGER else OURS, director=who not in (PILOT, LONELY))
        for who in (PILOT, DIRECTOR, SECOND, PRETENDER, STRANGER, LONELY)
    }
    for who in (DIRECTOR, SECOND, PRETENDER, STRANGER):
        corporation_id = await follow(pool, who)
        if who != PRETENDER:
            await note_role(pool, corporation_id, who)
    losses = [body(one, victim=PILOT, attackers=(STRANGER,), minute=one) for one in range(1, 11)]
    for one in losses:
        one["victim"]["corporation_id"] = OURS
    lonely = body(11, victim=LONELY, attackers=(STRANGER,))
    lonely["victim"]["corporation_id"] = 98_777_777
    await store_killmails(pool, [raw(one) for one in (*losses, lonely)])
    await pool.execute("UPDATE killmails SET total_value = 1000 * killmail_id")
    return accounts


async def test_each_step_is_for_whom_it_is_for_and_is_written_down(pool: asyncpg.Pool, people: dict[int, int]) -> None:
    async def step(who: int, after: State, seen: int, killmail_id: int = 1, note: str = "") -> Changed:
        return await change(pool, people[who], killmail_id, after, seen, note)

    for who in (PRETENDER, STRANGER, LONELY):
        with pytest.raises(NotYourLoss):
            await step(who, State.CLAIMED, 0)
    with pytest.raises(NobodyDecides):
        await step(LONELY, State.CLAIMED, 0, killmail_id=11)
    with pytest.raises(NoStep):
        await step(PILOT, State.CLAIMED, 3)
    assert (await step(PILOT, State.CLAIMED, 0, note="Logistics were late")).number == 1
    for after in (State.APPROVED, State.PAID, State.REFUSED, State.CLAIMED):
        with pytest.raises(NoStep):
            await step(PILOT, after, 1)
    with pytest.raises(NoStep) as wrong:
        await step(DIRECTOR, State.PAID, 1)
    assert (wrong.value.before, wrong.value.after) == (State.CLAIMED, State.PAID)
    path = (State.REFUSED, State.CLAIMED, State.APPROVED, State.PAID, State.APPROVED, State.PAID)
    for seen, after in enumerate(path, start=1):
        await step(DIRECTOR if seen % 2 else SECOND, after, seen)
    claim = await claim_of(pool, people[PILOT], 1)
    assert claim is not None
    assert (claim.state, claim.changes, claim.value, [*claim.roles]) == (State.PAID, 7, Decimal(1000), [Role.PILOT])
    assert [(one.before, one.after) for one in claim.history] == [
        (None, State.CLAIMED), (State.CLAIMED, State.REFUSED), (State.REFUSED, State.CLAIMED),
        (State.CLAIMED, State.APPROVED), (State.APPROVED, State.PAID), (State.PAID, State.APPROVED),
        (State.APPROVED, State.PAID),
    ]  # fmt: skip
    assert [(one.by_character_id, one.role) for one in claim.history[:3]] == [
        (PILOT, Role.PILOT), (DIRECTOR, Role.DIRECTOR), (SECOND, Role.DIRECTOR)
    ]  # fmt: skip
    assert next_states(claim.state, claim.roles) == []
    assert next_states(State.CLAIMED, frozenset({Role.DIRECTOR})) == [State.APPROVED, State.REFUSED]


async def test_of_two_at_once_the_second_is_told_what_the_first_did(pool: asyncpg.Pool, people: dict[int, int]) -> None:
    made = await asyncio.gather(
        *(change(pool, people[who], 1, State.CLAIMED, 0, str(who)) for who in (PILOT, DIRECTOR, SECOND)),
        return_exceptions=True,
    )
    [first] = [one for one in made if isinstance(one, Changed)]
    assert first.number == 1
    told = [one.last.note for one in made if isinstance(one, Overtaken)]
    assert len(told) == 2
    claim = await claim_of(pool, people[DIRECTOR], 1)
    assert claim is not None
    assert [one.note for one in claim.history] == [told[0]] == [told[1]]

    decided = await asyncio.gather(
        change(pool, people[DIRECTOR], 1, State.APPROVED, 1, "yes"),
        change(pool, people[SECOND], 1, State.REFUSED, 1, "no"),
        return_exceptions=True,
    )
    [second] = [one for one in decided if isinstance(one, Overtaken)]
    claim = await claim_of(pool, people[DIRECTOR], 1)
    assert claim is not None
    assert second.last == claim.history[-1]
    assert (claim.changes, len(claim.history)) == (2, 2)


async def test_the_month_is_for_directors_and_pilots_and_what_is_left_of_those_who_go(
    pool: asyncpg.Pool, people: dict[int, int]
) -> None:
    for one in range(1, 11):
        await change(pool, people[PILOT], one, State.CLAIMED, 0, f"claim {one}")
    for one in range(1, 4):
        await change(pool, people[DIRECTOR], one, State.APPROVED, 1, "")
    time = await pool.fetchval("SELECT killmail_time FROM killmails WHERE killmail_id = 1")
    month = month_of(f"{time:%Y-%m}")
    assert month is not None
    assert month_of("2026-13") is None
    of_ours = Asked(OURS, month)
    seen: list[int] = []
    after, more = None, True
    while more:
        page, more = await claims(pool, people[SECOND], of_ours, 4, after)
        seen += [one.killmail_id for one in page]
        after = page[-1].cursor
    assert seen == [*range(10, 0, -1)]
    assert [(one.state, one.count, one.value) for one in await totals(pool, people[SECOND], of_ours)] == [
        (State.CLAIMED, 7, Decimal(49_000)), (State.APPROVED, 3, Decimal(6_000))
    ]  # fmt: skip
    approved, _ = await claims(pool, people[SECOND], Asked(OURS, month, State.APPROVED), 10)
    assert [one.killmail_id for one in approved] == [3, 2, 1]
    assert (await claims(pool, people[SECOND], Asked(OURS, month_of("2001-01")), 10))[0] == []
    for who in (PILOT, PRETENDER, STRANGER):
        assert await claims(pool, people[who], of_ours, 10) == ([], False)
        assert await totals(pool, people[who], of_ours) == []
    assert len((await claims(pool, people[PILOT], Asked(), 100))[0]) == 10
    assert (await claims(pool, people[DIRECTOR], Asked(), 100))[0] == []
    assert await claim_of(pool, people[PRETENDER], 1) is None
    assert await directed(pool, people[SECOND]) == [(OURS, None)]
    assert await directed(pool, people[PRETENDER]) == []

    kinds = [one["kind"] async for one in account_things(pool, people[PILOT])]
    changes = await pool.fetchval("SELECT count(*) FROM reimbursement_changes")
    assert (kinds.count("reimbursement"), kinds.count("reimbursement_change")) == (10, changes), "the directors' too"
    await delete_account(pool, people[PILOT])
    left = await claim_of(pool, people[DIRECTOR], 1)
    assert left is not None
    assert (left.state, left.history[0].note) == (State.APPROVED, "")
    await pool.execute("UPDATE corporation_directors SET standing = 'left'")
    assert await claim_of(pool, people[DIRECTOR], 1) is None, "whoever is no director any more sees nothing"
