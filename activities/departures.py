"""`finish_departure`: what is left to do elsewhere for a character whose data is deleted."""

from __future__ import annotations

import asyncpg
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts.imports import zkillboard_import_id
from contracts.sync import user_sync_id
from contracts.upkeep import LeavingCharacter
from db.accounts.departures import Departure, departures_of, finish_departure, is_here
from db.accounts.vault import TokenVault, VaultError
from eve.errors import EveError
from eve.sso.client import Sso
from temporal.connection import CALL_TIMEOUT
from temporal.corporation_sync import signal_corporation_sync
from temporal.handles import WorkflowNotRunning


class Departures:
    """Idempotent: each step may be done twice, and a character that came back meanwhile keeps its sync."""

    def __init__(self, pool: asyncpg.Pool, client: Client, sso: Sso, vault: TokenVault) -> None:
        self._pool = pool
        self._client = client
        self._sso = sso
        self._vault = vault

    @activity.defn
    async def finish_departure(self, leaving: LeavingCharacter) -> None:
        """End the sync, wake the corporations that were followed through the character, revoke its grant.

        Raises:
            EveError: SSO did not take a grant back; it is tried again.
            VaultError: no key opens a grant now; the same, for another worker may have the key, or it comes back.
        """
        failure: EveError | VaultError | None = None
        for departure in await departures_of(self._pool, leaving.character_id):
            await self._end_sync(departure.character_id)
            for corporation_id in departure.corporation_ids:
                await self._wake(corporation_id)
            try:
                await self._revoke(departure)
            except (EveError, VaultError) as error:
                if not departure.given_up:
                    failure = error
                    continue
                activity.logger.error("The grant of %d is thrown away: %s", departure.character_id, error)
            await finish_departure(self._pool, departure.departure_id)
        if failure is not None:
            raise failure

    async def _end_sync(self, character_id: int) -> None:
        if await is_here(self._pool, character_id):
            return  # it logged in again: the sync is its new one's
        for workflow_id in (user_sync_id(character_id), zkillboard_import_id(character_id)):
            handle = self._client.get_workflow_handle(workflow_id)
            try:
                # Not cancelled: a paused or a wedged workflow would not hear it.
                await handle.terminate(reason="the pilot removed the character", rpc_timeout=CALL_TIMEOUT)
            except RPCError as error:
                if error.status != RPCStatusCode.NOT_FOUND:
                    raise

    async def _wake(self, corporation_id: int) -> None:
        try:
            await signal_corporation_sync(self._client, corporation_id, "director_granted", "a director left")
        except WorkflowNotRunning:
            return

    async def _revoke(self, departure: Departure) -> None:
        if departure.refresh_token is None:
            return
        await self._sso.revoke(self._vault.decrypt(departure.refresh_token))
