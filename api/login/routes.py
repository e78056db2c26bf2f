"""Log in with EVE SSO: authorization code with PKCE (docs of EVE SSO; RFC 7636), a state bound to the browser."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.arguments import id_or_none
from api.caller import caller, caller_by_now, session_token
from api.login.client_names import client_name
from api.login.cookies import forget_session, keep_login_browser, keep_session, login_browser
from api.login.network import login_network
from api.login.outcomes import (
    DENIED,
    FOREIGN_REQUEST,
    NO_KILLMAIL_SCOPE,
    NO_REFRESH_TOKEN,
    OTHER_BROWSER,
    OWNER_CHANGED,
    SSO_AWAY,
    SSO_REFUSED,
    STATE_EXPIRED,
    STATE_UNKNOWN,
    Outcome,
    outcome_of,
    outcome_page,
)
from api.login.return_to import forget_page, page_to_return_to, remember_address
from api.orders.access_notices import access_changed, boards_changed
from api.services import Services, services_of
from api.serving.request_guard import comes_from_us, origin_of
from contracts.call_classes import CallClass
from db.accounts.grants import GrantedAccount, grant_character
from db.accounts.sessions import (
    Caller,
    LoginInProgress,
    end_session,
    new_secret,
    record_login_event,
    start_login,
    start_session,
    take_login,
)
from db.accounts.tokens import load_token
from db.corporations.directors import followed_by
from eve.errors import EveError
from eve.esi.client import Affiliation
from eve.sso.client import Grant
from eve.sso.scopes import CORPORATION_SCOPES, FITTINGS_SCOPE, KILLMAIL_SCOPE

log = logging.getLogger(__name__)

CHARACTER_SCOPES = frozenset({KILLMAIL_SCOPE})
AFFILIATION_SECONDS = 3.0
"""How long a login waits to learn the corporation; the sync learns it later otherwise."""


class LoginFailed(Exception):
    """The login ends here; `outcome` is the page to show."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome


async def login(request: Request) -> Response:
    """GET /auth/login: on to EVE SSO. `corporation=1` asks for the corporation's killmails too; `fittings=1` for
    leave to save fittings, beside all that `character` has granted; `back` is the page to come back to.

    Signed in, it adds the character to the account.
    """
    services = services_of(request)
    if (moved := _at_the_registered_host(request)) is not None:
        return moved
    scopes = CHARACTER_SCOPES
    if request.query_params.get("corporation") == "1":
        scopes |= CORPORATION_SCOPES
    who = await caller(request)
    if request.query_params.get("fittings") == "1":
        scopes |= {FITTINGS_SCOPE} | await _granted(request, who)
    # Kept when there is one: two tabs may each have a login on the way.
    browser = login_browser(request) or new_secret()
    started = await start_login(services.pool, services.vault, browser, who.account_id if who else None)
    try:
        address = await services.sso.authorization_url(started.state, started.code_challenge, scopes)
    except EveError as error:
        log.warning("a login could not begin: %s", error)
        return outcome_page(request, outcome_of(error))
    response = RedirectResponse(address, 302, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    keep_login_browser(response, services.settings, browser)
    if back := request.query_params.get("back"):
        remember_address(request, response, back)
    return response


async def _granted(request: Request, who: Caller | None) -> frozenset[str]:
    """What we ask for of all that the pilot's character has granted: a new grant takes the place of the one before."""
    character_id = id_or_none(request.query_params.get("character", ""))
    if who is None or character_id not in who.listed_ids:
        return frozenset()
    token = await load_token(services_of(request).pool, character_id)
    return frozenset() if token is None else token.scopes & (CHARACTER_SCOPES | CORPORATION_SCOPES)


async def callback(request: Request) -> Response:
    """GET /auth/callback: EVE SSO sent the browser back, with a code or a refusal."""
    services = services_of(request)
    try:
        attempt = await _attempt(request, services)
        grant = await _grant(request, services, attempt)
    except LoginFailed as failed:
        if failed.outcome is not STATE_UNKNOWN:
            await record_login_event(services.pool, failed.outcome.name, network=login_network(request))
        return outcome_page(request, failed.outcome)
    granted = await _store(request, services, attempt, grant)
    await services.sync_requests.token_granted(granted.character_id)
    for corporation_id in await followed_by(services.pool, granted.character_id):
        await services.sync_requests.directors_changed(corporation_id)
    token = await start_session(
        services.pool,
        granted.account_id,
        replacing=session_token(request),
        client=client_name(request.headers.get("user-agent", "")),
    )
    await access_changed(services, granted.account_id)
    await boards_changed(services)  # those that its grant opens to others
    await record_login_event(
        services.pool,
        OWNER_CHANGED.name if granted.owner_changed else "logged_in",
        granted.character_id,
        login_network(request),
    )
    response: Response
    if granted.owner_changed:
        response = outcome_page(request, OWNER_CHANGED)
    else:
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        response = RedirectResponse(page_to_return_to(request), 303, headers)
    forget_page(request, response)
    keep_session(response, services.settings, token)
    return response


async def logout(request: Request) -> Response:
    """POST /auth/logout: the session ends here and in the database. Syncs go on."""
    services = services_of(request)
    if not comes_from_us(request.headers, services.settings.site_url, require_proof=True):
        return outcome_page(request, FOREIGN_REQUEST)
    if (token := session_token(request)) is not None:
        who = await caller(request)
        await end_session(services.pool, token)
        if who is not None:
            await access_changed(services, who.account_id)
    response = RedirectResponse("/", 303)
    forget_session(response, services.settings)
    return response


def _at_the_registered_host(request: Request) -> Response | None:
    """EVE sends the browser back to the registered host: the cookie must be set there, not on another name of ours.

    Only once: behind a proxy that rewrites Host the names never agree.
    """
    home = services_of(request).settings.callback_url
    if request.headers.get("host") == urlsplit(home).netloc or "moved" in request.query_params:
        return None
    known = ("corporation", "fittings", "character", "back")
    asked = {name: value for name, value in request.query_params.items() if name in known}
    return RedirectResponse(f"{origin_of(home)}/auth/login?{urlencode({**asked, 'moved': '1'})}", 302)


async def _attempt(request: Request, services: Services) -> LoginInProgress:
    attempt = await take_login(
        services.pool, services.vault, request.query_params.get("state", ""), login_browser(request) or ""
    )
    if attempt is None:
        raise LoginFailed(STATE_UNKNOWN)
    if not attempt.same_browser:
        raise LoginFailed(OTHER_BROWSER)
    if not attempt.in_time:
        raise LoginFailed(STATE_EXPIRED)
    return attempt


async def _grant(request: Request, services: Services, attempt: LoginInProgress) -> Grant:
    refusal, code = request.query_params.get("error"), request.query_params.get("code")
    if refusal == "access_denied":
        raise LoginFailed(DENIED)
    if refusal in ("server_error", "temporarily_unavailable"):
        raise LoginFailed(SSO_AWAY)
    if refusal or not code:
        raise LoginFailed(SSO_REFUSED)
    try:
        grant = await services.sso.exchange_code(code, attempt.code_verifier)
    except EveError as error:
        log.warning("a login failed: %s", error)
        raise LoginFailed(outcome_of(error)) from error
    if KILLMAIL_SCOPE not in grant.character.scopes:
        raise LoginFailed(NO_KILLMAIL_SCOPE)
    if grant.refresh_token is None:
        raise LoginFailed(NO_REFRESH_TOKEN)
    return grant


async def _store(request: Request, services: Services, attempt: LoginInProgress, grant: Grant) -> GrantedAccount:
    who = await caller_by_now(request)
    # Added only to the account that asked for it: its owner may have logged out, or in as someone else, meanwhile.
    account_id = who.account_id if who is not None and who.account_id == attempt.account_id else None
    known = await _affiliation(services, grant.character.character_id)
    corporation_id, alliance_id = (None, None) if known is None else (known.corporation_id, known.alliance_id)
    return await grant_character(services.pool, services.vault, grant, account_id, corporation_id, alliance_id)


async def _affiliation(services: Services, character_id: int) -> Affiliation | None:
    try:
        async with asyncio.timeout(AFFILIATION_SECONDS):
            found = await services.esi.affiliations([character_id], CallClass.LIVE)
    except (EveError, TimeoutError) as error:
        log.warning("the corporation of %d is not known yet: %s", character_id, error or "no answer in time")
        return None
    return next((one for one in found if one.character_id == character_id), None)
