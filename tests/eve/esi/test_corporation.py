"""A corporation's list and its directors' roles, against the sandbox EVE at its real limits."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from contracts.call_classes import CallClass
from eve.errors import Forbidden, NotInCorporation, RoleMissing, Unavailable
from eve.esi.budget import Budget
from eve.esi.client import Esi
from eve.session import open_session
from eve.sso.scopes import CORPORATION_KILLMAIL_SCOPE, CORPORATION_ROLES_SCOPE, DIRECTOR_ROLE, KILLMAIL_SCOPE
from sandbox.eve.server import SandboxEve
from tests.eve.servers import CLIENT_ID, settings_for

LIST = "/corporations/{corporation_id}/killmails/recent"


@pytest.fixture
async def esi(eve: SandboxEve, budget: Budget) -> AsyncIterator[Esi]:
    async with open_session(settings_for(eve.url)) as session:
        yield Esi(session, budget, eve.url, CLIENT_ID)


def token(eve: SandboxEve, character_id: int, *scopes: str) -> str:
    return eve.access_token(
        character_id, *(scopes or (CORPORATION_KILLMAIL_SCOPE, CORPORATION_ROLES_SCOPE)), client_id=CLIENT_ID
    )


async def test_a_list_of_several_pages_draws_on_the_directors_own_bucket(
    eve: SandboxEve, esi: Esi, budget: Budget
) -> None:
    director = eve.pilots[0]
    eve.add_killmails(director.character_id, 1100)
    walk = await esi.corporation_killmails(
        director.corporation_id, director.character_id, token(eve, director.character_id), {}, CallClass.BACKFILL
    )
    listed = {reference.killmail_id for reference in eve.corporation_references(director.corporation_id)}
    assert {ref.killmail_id for ref in walk.refs} == listed
    assert len(walk.pages) >= 2
    spent = {bucket.key: bucket.spent for bucket in await budget.buckets() if bucket.group == "corp-killmail"}
    assert spent == {f"{CLIENT_ID}:{director.character_id}": 2 * len(walk.pages)}


async def test_roles_are_told_and_every_refusal_is_told_apart(eve: SandboxEve, esi: Esi) -> None:
    director, member = eve.pilots[0], next(pilot for pilot in eve.pilots if not pilot.director)
    mine, theirs = director.character_id, member.character_id
    assert DIRECTOR_ROLE in await esi.character_roles(mine, token(eve, mine), CallClass.LIVE)
    assert await esi.character_roles(theirs, token(eve, theirs), CallClass.LIVE) == frozenset()

    async def ask(character_id: int, corporation_id: int, *scopes: str) -> None:
        access_token = token(eve, character_id, *scopes)
        await esi.corporation_killmails(corporation_id, character_id, access_token, {}, CallClass.BACKFILL)

    with pytest.raises(RoleMissing):
        await ask(theirs, member.corporation_id)
    with pytest.raises(NotInCorporation):
        await ask(mine, member.corporation_id + 1)
    with pytest.raises(Forbidden) as refused:
        await ask(mine, director.corporation_id, KILLMAIL_SCOPE)
    assert type(refused.value) is Forbidden, "the scope is missing: no word of a role"
    eve.add_fault("status", route=LIST, status=403, body={"error": "unexpected end of JSON", "sso_status": 503})
    with pytest.raises(Unavailable):
        await ask(mine, director.corporation_id)
