"""`discover_corporation_killmails`: a corporation's list, read with the token of the director whose turn it is.

Whoever cannot be asked with (any more) is marked, with the reason their pilot reads, and the next one is asked
at once: one director who lost the role costs the corporation nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import asyncpg
from temporalio import activity

from activities.access_tokens import AccessTokens
from activities.errors import CharacterRemoved, CorporationNotFollowed, NoDirector
from activities.looks import Look, conclude, etags_to_send
from contracts.call_classes import CallClass
from contracts.corporations import DirectorStanding, DiscoverCorporation, FinishCorporationRun, RecordCorporationState
from contracts.sync import Discovery, EnsureAccessToken, RunAccount, SyncState
from db.accounts.vault import TokenVault, VaultError
from db.corporations.directors import (
    Director,
    directors_in_turn,
    good_among,
    mark,
    members,
    note_affiliation,
    note_role,
    note_turn,
)
from db.syncs.looks import Standing, finish_run, record_state, standing
from db.syncs.subjects import Subject, a_corporation
from eve.errors import (
    AccessTokenRejected,
    ClientRejected,
    DoubtfulRefusal,
    EveError,
    Forbidden,
    NotFound,
    NotInCorporation,
    OwnerChanged,
    RateLimited,
    RedisUnreachable,
    RoleMissing,
    TokenRevoked,
    Unavailable,
    UntrustedAccessToken,
)
from eve.esi.client import Esi
from eve.esi.killmail_list import KillmailWalk
from eve.sso.scopes import CORPORATION_SCOPES, DIRECTOR_ROLE
from live import LiveEvents


class NoTokenNow(Unavailable):
    """There is no access token of this director's at the moment; another one may have one."""


class _ScopeMissing(Exception):
    """The grant does not carry the permission for corporations any more."""


STANDING_AFTER: dict[type[Exception], DirectorStanding] = {
    RoleMissing: DirectorStanding.ROLE_LOST,
    NotInCorporation: DirectorStanding.LEFT,
    TokenRevoked: DirectorStanding.NEEDS_LOGIN,
    OwnerChanged: DirectorStanding.OWNER_CHANGED,
    _ScopeMissing: DirectorStanding.SCOPE_MISSING,
}
"""What ends a director's part. Anything else, e.g. an outage of EVE's SSO, says nothing about the director."""
ENDS_A_PART: tuple[type[Exception], ...] = (*STANDING_AFTER, CharacterRemoved)
CONCERNS_ONE = (DoubtfulRefusal, NoTokenNow, NotFound, UntrustedAccessToken, VaultError)
"""What says nothing of the other directors. `NotFound`: the character was deleted, if ESI is right; it has been wrong.
`VaultError`: no key opens this director's tokens now."""


class Corporations:
    """Reads for `CorporationSync`, and writes what it cannot."""

    def __init__(self, pool: asyncpg.Pool, esi: Esi, tokens: AccessTokens, vault: TokenVault, live: LiveEvents) -> None:
        self._pool = pool
        self._esi = esi
        self._tokens = tokens
        self._vault = vault
        self._live = live

    @activity.defn
    async def discover_corporation_killmails(self, request: DiscoverCorporation) -> Discovery:
        """Ask for the list unless ESI's cache still holds what we have, remember what is new, claim what is due.

        Raises:
            NoDirector: nobody is left to ask with; the page says so already.
            CorporationNotFollowed: nobody has it switched on any more; the same.
            EveError, VaultError: the list cannot be read now, with anybody.
        """
        subject = a_corporation(request.corporation_id)
        directors = await directors_in_turn(self._pool, request.corporation_id)
        before = await standing(self._pool, subject, None)
        if directors is None or before is None:
            await self._show(subject, SyncState.REMOVED)
            raise CorporationNotFollowed
        asked_by, walk = None, None
        if not before.is_fresh or not directors:
            asked_by, before, walk = await self._in_turn(request, subject, directors)
        look = Look(subject, asked_by, before, request.full, request.first, request.next_sync_at)
        return await conclude(self._pool, self._live, look, walk)

    @activity.defn
    async def finish_corporation_run(self, request: FinishCorporationRun) -> RunAccount:
        """Account for a run; an interrupted one stays open and is gone on with at the next look."""
        account = await finish_run(
            self._pool,
            request.run_id,
            a_corporation(request.corporation_id),
            interrupted=request.interrupted,
            next_sync_at=request.next_sync_at,
        )
        await self._live.sync_changed(request.corporation_id)
        return account

    @activity.defn
    async def record_corporation_state(self, request: RecordCorporationState) -> None:
        """Show the directors a state that only the workflow knows: paused, waiting, degraded."""
        await self._show(a_corporation(request.corporation_id), request.state, request)

    async def _in_turn(
        self, request: DiscoverCorporation, subject: Subject, directors: list[Director]
    ) -> tuple[int, Standing, KillmailWalk]:
        put_off: EveError | VaultError | None = None  # by what does not end anybody's part
        for director in directors:
            try:
                before, walk = await self._ask_with(director, request, subject)
            except ENDS_A_PART as error:
                await self._end_part(request.corporation_id, director, error)
            except CONCERNS_ONE as error:
                await note_turn(self._pool, request.corporation_id, director.character_id)
                put_off = _sooner(put_off, error)
            except (AccessTokenRejected, RateLimited) as error:
                put_off = _sooner(put_off, error)
            else:
                await note_turn(self._pool, request.corporation_id, director.character_id)
                return director.character_id, before, walk
        if put_off is not None:
            raise put_off
        await self._show(subject, SyncState.NO_DIRECTOR)
        raise NoDirector

    async def _ask_with(
        self, director: Director, request: DiscoverCorporation, subject: Subject
    ) -> tuple[Standing, KillmailWalk]:
        if not director.scopes >= CORPORATION_SCOPES:
            raise _ScopeMissing
        await self._ensure_access_token(director)
        try:
            return await self._read(director, request, subject)
        except AccessTokenRejected:
            # Once: a token that is rejected twice is not mended by a third.
            await self._ensure_access_token(director, refresh_even_if_valid=True)
            return await self._read(director, request, subject)
        except (RoleMissing, NotInCorporation):
            raise
        except Forbidden as error:
            # Of the permission only SSO can speak.
            with _no_token_now():
                await self._tokens.confirm(director.character_id)
            raise DoubtfulRefusal(f"{error} EVE SSO says that the permission stands.") from None

    async def _ensure_access_token(self, director: Director, *, refresh_even_if_valid: bool = False) -> None:
        with _no_token_now():
            await self._tokens.ensure_access_token(EnsureAccessToken(director.character_id, refresh_even_if_valid))

    async def _read(
        self, director: Director, request: DiscoverCorporation, subject: Subject
    ) -> tuple[Standing, KillmailWalk]:
        before = await standing(self._pool, subject, director.character_id)
        if before is None or before.access_token is None or not before.token_is_usable:
            raise AccessTokenRejected("There is no access token that is still good.")
        access_token = self._vault.decrypt(before.access_token)
        if director.role_is_due:
            await self._probe(director.character_id, request.corporation_id, access_token)
        # The list's own bucket is the director's, and nobody else draws on it.
        walk = await self._esi.corporation_killmails(
            request.corporation_id,
            director.character_id,
            access_token,
            etags_to_send(before, full=request.full, goes_on_at=request.goes_on_at),
            CallClass.LIVE,
            request.goes_on_at,
        )
        return before, walk

    async def _probe(self, character_id: int, corporation_id: int, access_token: str) -> None:
        """Ask for what costs little first: a refusal of the list costs a sixth of what may be spent on it.

        In the same call ESI tells where the corporation's other users are by now: who left sees its board no more, and
        if they were a director, decides nothing there any more.
        """
        elsewhere, moved = [], False
        for known in await self._esi.affiliations(await members(self._pool, corporation_id), CallClass.LIVE):
            if await note_affiliation(self._pool, known.character_id, known.corporation_id, known.alliance_id):
                moved = True
            if known.corporation_id != corporation_id:
                elsewhere.append(known.character_id)
        for director in await good_among(self._pool, corporation_id, elsewhere):
            await mark(self._pool, corporation_id, director, DirectorStanding.LEFT)
        if moved:
            await self._live.boards_changed()  # who moved sees other boards, and is seen by others
        if character_id in elsewhere:
            raise NotInCorporation("The character is in another corporation.")
        if DIRECTOR_ROLE not in await self._esi.character_roles(character_id, access_token, CallClass.LIVE):
            raise RoleMissing("The character is not a director.")
        if await note_role(self._pool, corporation_id, character_id):
            await self._live.boards_changed()

    async def _end_part(self, corporation_id: int, director: Director, error: Exception) -> None:
        kind = next((kind for kind in STANDING_AFTER if isinstance(error, kind)), None)
        if kind is None:
            return  # the character was removed, and with it what it had switched on
        await mark(self._pool, corporation_id, director.character_id, STANDING_AFTER[kind])
        activity.logger.warning("A director of %d ends their part: %s", corporation_id, STANDING_AFTER[kind])

    async def _show(self, subject: Subject, state: SyncState, request: RecordCorporationState | None = None) -> None:
        await record_state(self._pool, subject, state, request.until if request else None)
        await self._live.sync_changed(subject.id)


@contextlib.contextmanager
def _no_token_now() -> Iterator[None]:
    """SSO's trouble with one director is no reason not to ask with the next."""
    try:
        yield
    except (TokenRevoked, OwnerChanged, ClientRejected, RateLimited, RedisUnreachable, UntrustedAccessToken):
        raise
    except EveError as error:
        raise NoTokenNow(str(error)) from None


def _sooner(first: EveError | VaultError | None, second: EveError | VaultError) -> EveError | VaultError:
    """Of what put two directors off, what is over sooner; a limit has an end, and a lost key may have none."""
    if isinstance(first, RateLimited):
        return second if isinstance(second, RateLimited) and second.until < first.until else first
    return first if first is not None and isinstance(second, (NotFound, VaultError)) else second
