"""What is Ada's or a board's, made anew to be asked for: it may be gone after the asking."""

from __future__ import annotations

from db.accounts.api_keys import create_api_key
from db.accounts.front_page import front_page
from db.accounts.saved_filters import save_filter
from db.accounts.sessions import Scope, account_sessions, start_session
from db.accounts.share_links import Subject, create_share_link
from db.killmails.filter import EVERYTHING
from db.webhooks.feeds import create_feed
from db.webhooks.hooks import NewWebhook, Tells, create_webhook
from db.webhooks.schedule import Every, Schedule
from db.webhooks.subjects import Subject as Subjects
from tests.attacks.callers import Caller
from tests.attacks.world import ADAS, CHARACTERS, CLOSED_CORPORATION, ELSEWHERE, OF_CLOSED, Secret, World

ME = CHARACTERS[Caller.PILOT]


async def keys_of_ada(world: World) -> int:
    await world.site.pool.execute("DELETE FROM api_keys WHERE name = 'spare'")
    made = await create_api_key(world.site.pool, world.ada, "spare", {Scope.READ})
    return made.shown.api_key_id


async def links_of_ada(world: World) -> int:
    made = await create_share_link(world.site.pool, world.ada, Subject.KILLMAIL, ADAS.killmail_id)
    return made.shown.share_link_id


async def battle_links_of_ada(world: World) -> int:
    made = await create_share_link(world.site.pool, world.ada, Subject.BATTLE, ADAS.killmail_id)
    return made.shown.share_link_id


async def filters_of_ada(world: World) -> int:
    await save_filter(world.site.pool, world.ada, "Adas filter", "side=losses")
    return (await front_page(world.site.pool, world.ada)).saved_filters[0].saved_filter_id


async def webhooks_of_ada(world: World) -> int:
    services = world.site.services
    await no_webhooks(world)
    new = NewWebhook(Subjects.CHARACTER, ME, "Adas program", EVERYTHING, "https://example.com/x", "example.com")
    return await create_webhook(services.pool, services.vault, world.ada, new, "whsec_c2VjcmV0", ())


async def digests_of_ada(world: World) -> int:
    services = world.site.services
    await no_webhooks(world)
    new = NewWebhook(
        Subjects.CHARACTER, ME, "Adas program", EVERYTHING, "https://example.com/x", "example.com",
        tells=Tells.DIGESTS, digest=Schedule(Every.DAY, 11),
    )  # fmt: skip
    return await create_webhook(services.pool, services.vault, world.ada, new, "whsec_c2VjcmV0", ())


async def feeds_of_ada(world: World) -> int:
    pool = world.site.pool
    await pool.execute("DELETE FROM killmail_feeds")
    return (await create_feed(pool, world.ada, Subjects.CHARACTER, ME, "Adas program", EVERYTHING, ())).feed_id


async def claim_of_closed(world: World) -> int:
    """A member's claim of the loss on the closed board, not decided yet."""
    return await _claim(world, OF_CLOSED, 90_999_002, CLOSED_CORPORATION)


async def claim_of_ada(world: World) -> int:
    return await _claim(world, ADAS, ME, ELSEWHERE)


async def _claim(world: World, loss: Secret, character_id: int, corporation_id: int) -> int:
    pool = world.site.pool
    await pool.execute("DELETE FROM reimbursements")
    await pool.execute(
        "INSERT INTO reimbursements (killmail_id, character_id, corporation_id, killmail_time, state, changes)"
        " SELECT $1, $2, $3, killmail_time, 'claimed', 1 FROM killmails WHERE killmail_id = $1",
        loss.killmail_id,
        character_id,
        corporation_id,
    )
    await pool.execute(
        "INSERT INTO reimbursement_changes (killmail_id, number, after, note, by_character_id, role)"
        " VALUES ($1, 1, 'claimed', $2, $3, 'pilot')",
        loss.killmail_id,
        loss.hunter,
        character_id,
    )
    return loss.killmail_id


async def no_webhooks(world: World) -> None:
    await world.site.pool.execute("DELETE FROM webhooks")


async def all_private(world: World) -> None:
    await world.site.pool.execute("UPDATE users SET visibility = 'private'")


async def sessions_of_ada(world: World) -> int:
    await start_session(world.site.pool, world.ada)
    return max(one.session_id for one in await account_sessions(world.site.pool, world.ada))
