"""A battle that a share link opens: of the killmails that whoever made it could share one by one, and what is public.

So it is what its maker sees of it, without what others' boards show them: those are not theirs to share.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import asyncpg
import orjson

from db.accounts.share_links import Shared, Subject, first_to_share, link_of_account, sharers_eyes
from db.battles.moved import move
from db.battles.read import Battle, battle_of
from db.battles.tally import shown_sides
from db.killmails.filter import Viewer


def eyes_of_link(shared: Shared, *, everything: bool) -> Viewer:
    """With which the reader of a link to a battle sees. `everything`: the installation is a public board."""
    return replace(shared.viewer, sight="ALL" if everything else "PUBLIC")


async def shared_battle(pool: asyncpg.Pool, shared: Shared, *, everything: bool) -> Battle | None:
    """The battle of a link, its sides as they were moved; None: too little of it is left to be one."""
    found = await battle_of(pool, eyes_of_link(shared, everything=everything), shared.subject_id)
    return None if found is None else replace(found, moved=shared.sides)


async def move_party(
    pool: asyncpg.Pool, account_id: int, share_link_id: int, party: int, side: int, *, everything: bool
) -> bool:
    """Put a party of a battle that the account shares on a side; False if it cannot be."""
    shared = await link_of_account(pool, account_id, share_link_id)
    if shared is None or shared.subject is not Subject.BATTLE:
        return False
    battle = await shared_battle(pool, shared, everything=everything)
    if battle is None:
        return False
    shown = await asyncio.to_thread(shown_sides, battle.group.killmails, battle.moved)
    if (after := move(shown, party, side)) is None:
        return False
    await pool.execute(
        "UPDATE share_links SET sides = $2 WHERE share_link_id = $1",
        share_link_id,
        orjson.dumps({str(one): there for one, there in after.items()}).decode(),
    )
    return True


async def battle_to_share(
    pool: asyncpg.Pool, account_id: int, viewer: Viewer, killmail_id: int, *, everything: bool
) -> int | None:
    """The killmail by which the account can share the battle that this one is of; None: too little of it is theirs."""
    found = await battle_of(pool, viewer, killmail_id)
    if found is None:
        return None
    ids = [one.killmail_id for one in found.group.killmails]
    anchor = await first_to_share(pool, account_id, [killmail_id, *ids])
    if anchor is None:
        return None
    theirs = await sharers_eyes(pool, account_id)
    battle = await battle_of(pool, replace(theirs, sight="ALL" if everything else "PUBLIC"), anchor)
    return None if battle is None else anchor


async def infer_again(pool: asyncpg.Pool, account_id: int, share_link_id: int) -> bool:
    """Forget what was moved by hand; False if the account shares no such battle."""
    done = await pool.fetchval(
        "UPDATE share_links SET sides = NULL WHERE account_id = $1 AND share_link_id = $2 AND subject = 'battle'"
        " RETURNING true",
        account_id,
        share_link_id,
    )
    return done is not None
