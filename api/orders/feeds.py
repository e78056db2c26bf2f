"""What an account may order about its feeds."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.orders.requests import NOBODYS_SIDE, Refusal
from api.orders.sharing import LINKS_AT
from api.services import Services
from db.accounts.sessions import Caller
from db.killmails.filter import KillmailFilter
from db.webhooks.feeds import (
    MOST_FEEDS,
    ShownFeed,
    TooManyFeeds,
    account_feeds,
    create_feed,
    is_a_name,
    revoke_feed,
)
from db.webhooks.hooks import LONGEST_NAME, NotYours
from db.webhooks.subjects import Subject, is_nobodys_side

NOT_YOURS = Refusal(
    "NOT_YOURS",
    "A feed tells of your own characters' killmails, of a corporation's that you direct, or of all of them if you are"
    " an operator.",
)
TOO_MANY = Refusal("TOO_MANY", f"You have {MOST_FEEDS} feeds; revoke one first.")
NOT_FOUND = Refusal("NOT_FOUND", "There is no such feed in your account.")
NO_NAME = Refusal("NAME_INVALID", f"Give the feed a name of 1 to {LONGEST_NAME} characters.")


@dataclass(frozen=True, slots=True)
class MadeFeed:
    """A feed that was just made; its address is shown now and never again, `.atom` or `.json` behind it."""

    feed_id: int
    name: str
    address: str = field(repr=False)


async def make_feed(
    services: Services, caller: Caller, subject: Subject, subject_id: int, name: str, chosen: KillmailFilter
) -> MadeFeed | Refusal:
    """Make a feed."""
    name, operators = " ".join(name.split()), services.settings.admin_character_ids
    if not is_a_name(name):
        return NO_NAME
    if is_nobodys_side(subject, chosen):
        return NOBODYS_SIDE
    try:
        made = await create_feed(services.pool, caller.account_id, subject, subject_id, name, chosen, operators)
    except NotYours:
        return NOT_YOURS
    except TooManyFeeds:
        return TOO_MANY
    return MadeFeed(made.feed_id, name, f"{services.settings.site_url}{LINKS_AT}{made.token}/feed")


async def take_back_feed(services: Services, caller: Caller, feed_id: int) -> Refusal | None:
    """Revoke a feed; None: done."""
    return None if await revoke_feed(services.pool, caller.account_id, feed_id) else NOT_FOUND


async def feeds_of(services: Services, caller: Caller) -> list[ShownFeed]:
    """The account's feeds."""
    return await account_feeds(services.pool, caller.account_id, services.settings.admin_character_ids)
