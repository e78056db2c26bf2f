"""EVE SSO: log a pilot in, keep the grant alive, give it back (OAuth 2.0; EVE docs, "SSO").

Access tokens live 20 minutes. A refresh may return a new refresh token and the old one may then be dead:
who calls stores what comes back before anything else, and never refreshes one grant twice at once.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import msgspec

from eve.answer import exchange, utc_now
from eve.decoding import decoded
from eve.errors import MalformedBody
from eve.sso.access_token import VerifiedCharacter, verify
from eve.sso.documents import SsoDocuments
from eve.sso.responses import failure
from settings import Settings


class _Tokens(msgspec.Struct, frozen=True):
    """The token endpoint's answer (RFC 6749, 5.1). Only the refresh token is insisted on in its form."""

    access_token: Any = None
    refresh_token: str | None = None
    expires_in: Any = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a pilot gave us. `expires_at` (UTC) is the access token's; the tokens are kept out of `repr`."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime
    character: VerifiedCharacter


class Sso:
    """The client; one per process. Nothing is retried here."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._client_id = settings.eve_client_id
        self._client_secret = settings.eve_client_secret
        self._callback_url = settings.callback_url
        self._documents = SsoDocuments(session, settings.eve_sso_url)

    async def authorization_url(self, state: str, code_challenge: str, scopes: Collection[str]) -> str:
        """Where to send the browser.

        Raises:
            Unavailable, MalformedBody: EVE SSO cannot be asked where that is.
        """
        endpoint = (await self._documents.metadata()).authorization_endpoint
        parameters = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._callback_url,
            "scope": " ".join(sorted(scopes)),
            "state": state,
            "code_challenge": code_challenge,
            "code_challenge_method": "S256",
        }
        return endpoint + ("&" if "?" in endpoint else "?") + urlencode(parameters, quote_via=quote)

    async def exchange_code(self, code: str, code_verifier: str) -> Grant:
        """Redeem the code of a login. The code is good for one attempt: never call again with it.

        Raises:
            TokenRevoked: the code is wrong, used or too old; the pilot logs in again.
            MalformedBody: the answer is not a grant; `UntrustedAccessToken` when its token does not verify.
            ClientRejected, SsoRefused, SsoLimited, Unavailable: see `eve/errors.py`.
        """
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": code_verifier}
        grant = await self._grant(form)
        if grant.refresh_token is None:
            raise MalformedBody("EVE SSO gave no refresh token: the login asked for no permission.")
        return grant

    async def refresh(self, refresh_token: str) -> Grant:
        """A new access token. The grant's `refresh_token` is the one to keep from now on.

        Raises:
            TokenRevoked: the pilot or EVE withdrew the grant.
            MalformedBody, ClientRejected, SsoRefused, SsoLimited, Unavailable: the grant may still be good.
        """
        return await self._grant({"grant_type": "refresh_token", "refresh_token": refresh_token}, kept=refresh_token)

    async def revoke(self, refresh_token: str) -> None:
        """Give the grant back to EVE. Succeeds for tokens that are dead already.

        Raises:
            ClientRejected, SsoRefused, SsoLimited, Unavailable: it was not revoked.
        """
        metadata = await self._documents.metadata()
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        await self._post(metadata.revocation_endpoint, form)

    async def _grant(self, form: dict[str, str], kept: str | None = None) -> Grant:
        # Keys first: once the code or token is spent, nothing may be missing to read what it bought.
        metadata = await self._documents.prepare()
        sent_at = utc_now()
        told = decoded(await self._post(metadata.token_endpoint, form), _Tokens, "EVE SSO")
        access_token, refresh_token = told.access_token, told.refresh_token or kept
        if not isinstance(access_token, str) or not access_token:
            raise MalformedBody("EVE SSO's answer holds no access token.")
        character = await verify(access_token, self._documents.signing_key, metadata.issuers, self._client_id)
        seconds = told.expires_in
        # Counted from our own clock when we can: EVE's and ours may differ.
        usable = type(seconds) is int and 0 < seconds <= 24 * 3600
        expires_at = sent_at + timedelta(seconds=seconds) if usable else character.expires_at
        return Grant(access_token, refresh_token, expires_at, character)

    async def _post(self, url: str, form: dict[str, str]) -> bytes:
        headers = {}
        secret = self._client_secret.get_secret_value()
        if secret:
            pair = f"{quote(self._client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749, 2.3.1
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form = {**form, "client_id": self._client_id}
        answer = await exchange(self._session, "POST", url, service="EVE SSO", headers=headers, form=form)
        if answer.status // 100 != 2:
            raise failure(answer, utc_now())
        return answer.body
