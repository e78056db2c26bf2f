"""Arguments as strangers send them, made into what `db` takes."""

from __future__ import annotations

from typing import Any

from api.graphql.errors import Code, Refused
from db.killmails import KillmailFilter, Side, Viewer
from db.sessions import Caller

LARGEST_ID = 2**63 - 1
MAX_PAGE = 100


def eve_id(value: str) -> int:
    """An EVE id.

    Raises:
        Refused: it is not a positive integer of 64 bits.
    """
    if not (value.isascii() and value.isdigit() and len(value) < 20 and 0 < int(value) <= LARGEST_ID):
        raise Refused(Code.BAD_USER_INPUT, "An EVE id is a positive whole number.")
    return int(value)


def page_size(first: int | None) -> int:
    """Killmails of one page.

    Raises:
        Refused: more or fewer than a page may have.
    """
    if first is None or not 1 <= first <= MAX_PAGE:
        raise Refused(Code.BAD_USER_INPUT, f"`first` must be 1 to {MAX_PAGE}.")
    return first


def killmail_filter(given: dict[str, Any] | None, caller: Caller) -> KillmailFilter:
    """The filter.

    Raises:
        Refused: it names a character or corporation that is not the caller's, or both.
    """
    given = given or {}
    character_id = eve_id(given["characterId"]) if given.get("characterId") is not None else None
    if character_id is not None and character_id not in caller.character_ids:
        raise Refused(Code.FORBIDDEN, "`characterId` must be a character of your account.")
    corporation_id = eve_id(given["corporationId"]) if given.get("corporationId") is not None else None
    if corporation_id is not None and corporation_id not in caller.corporation_ids:
        raise Refused(Code.FORBIDDEN, "`corporationId` must be a corporation whose board you may see.")
    if character_id is not None and corporation_id is not None:
        raise Refused(Code.BAD_USER_INPUT, "Give `characterId` or `corporationId`, not both.")
    side: Side | None = given.get("side")
    return KillmailFilter(character_id, corporation_id, side)


def viewer(caller: Caller) -> Viewer:
    """Whose killmails the caller may see."""
    return Viewer(caller.character_ids, caller.corporation_ids)
