"""A zKillboard whose pages a test sets."""

from __future__ import annotations

from eve.errors import EveError, NotFound
from eve.killmail import KillmailRef
from eve.zkillboard.client import Month, Zkillboard, ZkillboardKillmail, ZkillboardPage
from tests.db.bodies import Body, raw

PageKey = tuple[int, int, int]


class StandInZkillboard(Zkillboard):
    """`pages` by (year, month, page), year and month 0 for the whole list; others are beyond the end."""

    def __init__(self) -> None:
        self.pages: dict[PageKey, ZkillboardPage | EveError] = {}
        self.requests: list[PageKey] = []

    async def character_killmails(self, character_id: int, page: int, month: Month | None = None) -> ZkillboardPage:
        del character_id
        key = (month.year, month.month, page) if month else (0, 0, page)
        self.requests.append(key)
        answer = self.pages.get(key, ZkillboardPage(()))
        if isinstance(answer, EveError):
            raise answer
        return answer

    async def killmail(self, killmail_id: int, patience_seconds: float = 0) -> ZkillboardKillmail:
        del patience_seconds
        raise NotFound(f"zKillboard does not have killmail {killmail_id}.")


def listed(*bodies: Body, with_body: bool = True) -> tuple[ZkillboardKillmail, ...]:
    """Entries of a page, under the hashes of `tests.activities.world`."""
    return tuple(
        ZkillboardKillmail(
            KillmailRef(body["killmail_id"], f"{body['killmail_id']:040x}"), raw(body) if with_body else None
        )
        for body in bodies
    )
