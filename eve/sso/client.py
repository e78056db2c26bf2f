"""EVE SSO: log a pilot in, keep the grant alive, give it back (OAuth 2.0; EVE docs, "SSO").

Access tokens live 20 minutes. A refresh may return a new refresh token and the old one may then be dead:
who calls stores what comes back before anything else, its verification among them, and never refreshes one grant
twice at once.
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
from prometheus_client import Gauge

from eve.answer import Answer, exchange, utc_now
from eve.decoding import decoded
from eve.errors import MalformedBody, NotAsked, Unavailable
from eve.responses import date_in, error_text, is_error_document
from eve.sso.access_token import VerifiedCharacter, verify
from eve.sso.brake import Brake
from eve.sso.documents import SsoDocuments
from eve.sso.responses import failure
from settings import Settings

REFRESH_SECONDS = 120.0
"""How long a refresh waits: gateways give up on what is behind them after 60 to 100 s."""
CLOCK_AHEAD = Gauge("killreport_clock_ahead_seconds", "How far our clock is ahead of EVE SSO's, as of its last answer.")


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


@dataclass(frozen=True, slots=True)
class Issued:
    """What a refresh gave, as it came: save it before anything is concluded from it, the old token may be dead.

    `refresh_token` None: the one that was used stays. `access_token` None: there is none that could be one.
    `until` (UTC): the access token's end, by our clock; None: SSO did not say.
    """

    access_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    until: datetime | None


class Sso:
    """The client; one per process. Nothing is retried here.

    Args:
        brake: shared by all who refresh grants; None where only people log in.
        refresh_seconds: how long a refresh waits for its answer.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: Settings,
        brake: Brake | None = None,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        self._session = session
        self._client_id = settings.eve_client_id
        self._client_secret = settings.eve_client_secret
        self._callback_url = settings.callback_url
        self._documents = SsoDocuments(session, settings.eve_sso_url)
        self._brake = brake
        self._refresh_timeout = aiohttp.ClientTimeout(total=refresh_seconds, sock_connect=10.0)

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
        # Keys first: once the code is spent, nothing may be missing to read what it bought.
        endpoint = (await self._documents.prepare()).token_endpoint
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": code_verifier}
        issued = await self._issued(endpoint, form)
        if issued.access_token is None:
            raise MalformedBody("EVE SSO's answer holds no access token.")
        if issued.refresh_token is None:
            raise MalformedBody("EVE SSO gave no refresh token: the login asked for no permission.")
        character = await self.verified(issued.access_token)
        return Grant(issued.access_token, issued.refresh_token, issued.until or character.expires_at, character)

    async def refresh(self, refresh_token: str) -> Issued:
        """A new access token, not verified yet: save what came, then call `verified`.

        Waits for the answer as long as any gateway does: SSO may have renewed the grant long before it answers.

        Raises:
            TokenRevoked: SSO takes this refresh token no more.
            ClientRejected, SsoRefused, SsoLimited, NotAsked: this attempt has changed nothing.
            Unavailable, MalformedBody: nobody knows whether the refresh token was renewed.
        """
        try:
            endpoint = (await self._documents.prepare()).token_endpoint
        except (Unavailable, MalformedBody) as error:
            raise NotAsked(str(error)) from None
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}

        async def ask() -> Issued:
            return await self._issued(endpoint, form, self._refresh_timeout)

        return await (ask() if self._brake is None else self._brake.call(ask))

    async def verified(self, access_token: str) -> VerifiedCharacter:
        """Whom an access token of ours speaks for.

        Raises:
            UntrustedAccessToken: it is not EVE's, expired, or not meant for us, or a clock is wrong.
            Unavailable, MalformedBody: the keys to check it with cannot be had.
        """
        issuers = (await self._documents.metadata()).issuers
        return await verify(access_token, self._documents.signing_key, issuers, self._client_id)

    async def revoke(self, refresh_token: str) -> None:
        """Give the grant back to EVE. Succeeds for tokens that are dead already.

        Raises:
            ClientRejected, SsoRefused, SsoLimited, Unavailable: it was not revoked.
        """
        metadata = await self._documents.metadata()
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        await self._post(metadata.revocation_endpoint, form)

    async def _issued(
        self, endpoint: str, form: dict[str, str], timeout: aiohttp.ClientTimeout | None = None
    ) -> Issued:
        sent_at = utc_now()
        body = await self._post(endpoint, form, timeout)
        told = decoded(body, _Tokens, "EVE SSO")
        if told.refresh_token is None and told.access_token is None and is_error_document(body):
            raise Unavailable(f"EVE SSO answered 200 with an error: {error_text(body)}")
        seconds, access_token = told.expires_in, told.access_token
        # Counted from our own clock when we can: EVE's and ours may differ.
        usable = type(seconds) is int and 0 < seconds <= 24 * 3600
        return Issued(
            access_token if isinstance(access_token, str) and access_token else None,
            told.refresh_token or None,
            sent_at + timedelta(seconds=seconds) if usable else None,
        )

    async def _post(self, url: str, form: dict[str, str], timeout: aiohttp.ClientTimeout | None = None) -> bytes:
        headers = {}
        secret = self._client_secret.get_secret_value()
        if secret:
            pair = f"{quote(self._client_id, safe='')}:{quote(secret, safe='')}"  # RFC 6749, 2.3.1
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form = {**form, "client_id": self._client_id}
        answer = await exchange(
            self._session, "POST", url, service="EVE SSO", headers=headers, form=form, timeout=timeout
        )
        _compare_clocks(answer)
        if answer.status // 100 != 2:
            raise failure(answer, utc_now())
        return answer.body


def _compare_clocks(answer: Answer) -> None:
    """Access tokens are good by SSO's clock, which its `Date` tells in whole seconds (RFC 9110, 6.6.1)."""
    if (theirs := date_in(answer.headers.get("Date", ""))) is not None:
        CLOCK_AHEAD.set((utc_now() - theirs).total_seconds())
