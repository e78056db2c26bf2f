"""What an account may order about who sees its killmails: how far a board is open, and share links."""

from __future__ import annotations

from api.caller import viewer_of
from api.orders.access_notices import boards_changed
from api.orders.requests import Refusal
from api.services import Services
from db.accounts.boards import BoardKind
from db.accounts.sessions import Caller
from db.accounts.share_links import (
    MOST_LINKS,
    NewLink,
    NotYoursToShare,
    Subject,
    TooManyLinks,
    create_share_link,
    link_of_account,
    revoke_share_link,
)
from db.accounts.shared_battles import battle_to_share, infer_again, move_party, shared_battle
from db.battles.read import Battle
from db.visibility import Visibility, set_corporation_visibility, set_pilot_visibility

NOT_YOURS = Refusal("NOT_YOUR_CHARACTER", "This character is not in your account.")
NOT_A_DIRECTOR = Refusal("NOT_A_DIRECTOR", "Only an active director can decide who sees the board.")
CANNOT_SHARE = Refusal(
    "NOT_YOURS_TO_SHARE",
    "You can share killmails with one of your characters on them, killmails of a corporation that you direct, and"
    " boards of yours that are open to whoever has a link.",
)
CANNOT_SHARE_BATTLE = Refusal(
    "NOT_YOURS_TO_SHARE",
    "Too little of this battle is yours to share: you can share its killmails with one of your characters on them, and"
    " those of a corporation that you direct.",
)
CANNOT_MOVE = Refusal("NOT_FOUND", "There is no such battle among your share links, or nobody to move there.")
TOO_MANY_LINKS = Refusal("TOO_MANY", f"You have {MOST_LINKS} share links; revoke one first.")
NO_SUCH_LINK = Refusal("NOT_FOUND", "There is no such share link in your account.")
LINKS_AT = "/s/"


async def open_board(
    services: Services, caller: Caller, kind: BoardKind, board_id: int, level: Visibility
) -> Refusal | None:
    """Choose who sees a board; None: done."""
    of_pilot = kind == "character"
    choose = set_pilot_visibility if of_pilot else set_corporation_visibility
    if not await choose(services.pool, caller.account_id, board_id, level):
        return NOT_YOURS if of_pilot else NOT_A_DIRECTOR
    await boards_changed(services)
    return None


async def make_link(services: Services, caller: Caller, subject: Subject, subject_id: int) -> NewLink | Refusal:
    """Make a share link; of a battle by any of its killmails."""
    if subject is Subject.BATTLE:
        anchor = await battle_to_share(
            services.pool,
            caller.account_id,
            viewer_of(services, caller),
            subject_id,
            everything=services.settings.public_board,
        )
        if anchor is None:
            return CANNOT_SHARE_BATTLE
        subject_id = anchor
    try:
        return await create_share_link(services.pool, caller.account_id, subject, subject_id)
    except NotYoursToShare:
        return CANNOT_SHARE
    except TooManyLinks:
        return TOO_MANY_LINKS


async def battle_of_link(services: Services, caller: Caller, share_link_id: int) -> Battle | None:
    """The battle that the caller shares with this link, as its readers see it."""
    shared = await link_of_account(services.pool, caller.account_id, share_link_id)
    if shared is None or shared.subject is not Subject.BATTLE:
        return None
    return await shared_battle(services.pool, shared, everything=services.settings.public_board)


async def move_side(services: Services, caller: Caller, share_link_id: int, party: int, side: int) -> Refusal | None:
    """Put a party of a shared battle on another side; None: done."""
    everything = services.settings.public_board
    done = await move_party(services.pool, caller.account_id, share_link_id, party, side, everything=everything)
    return None if done else CANNOT_MOVE


async def infer_sides(services: Services, caller: Caller, share_link_id: int) -> Refusal | None:
    """Take back what was moved by hand; None: done."""
    return None if await infer_again(services.pool, caller.account_id, share_link_id) else CANNOT_MOVE


async def revoke_link(services: Services, caller: Caller, share_link_id: int) -> Refusal | None:
    """Take a share link back; None: done."""
    return None if await revoke_share_link(services.pool, caller.account_id, share_link_id) else NO_SUCH_LINK


def address_of(services: Services, link: NewLink) -> str:
    """What its maker gives to others."""
    return f"{services.settings.site_url}{LINKS_AT}{link.token}"
