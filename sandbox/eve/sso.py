"""EVE SSO v2: metadata, consent, tokens, revocation, keys (EVE docs, "Single Sign-On"; RFC 6749, 7009, 7636, 8414)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlencode

import orjson
from aiohttp import web

from sandbox.eve.answers import JSON, Refusal
from sandbox.eve.authorize_page import authorize_page
from sandbox.eve.gateway import Gateway
from sandbox.eve.grants import CODE_SECONDS, Code, Grant, challenge_of
from sandbox.eve.killmails import ListKind
from sandbox.eve.world import World

METADATA = "/.well-known/oauth-authorization-server"
AUTHORIZE, TOKEN, REVOKE, KEYS = "/v2/oauth/authorize", "/v2/oauth/token", "/v2/oauth/revoke", "/oauth/jwks"
PASSED_ON = ("response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method")


@dataclass(frozen=True)
class Application:
    """Who asks for a token. `secret_given`: with HTTP Basic, not as a public client."""

    client_id: str
    secret_given: bool


def refused(error: str, description: str, status: int = 400) -> Refusal:
    """An error as OAuth words it."""
    return Refusal(status, {"error": error, "error_description": description})


class Sso:
    """Its routes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._refused = 0

    def mount(self, app: web.Application, gateway: Gateway) -> None:
        for method, path, handler in (
            ("GET", METADATA, self.metadata),
            ("GET", KEYS, self.keys),
            ("GET", AUTHORIZE, self.ask),
            ("POST", AUTHORIZE, self.consent),
            ("POST", TOKEN, self.token),
            ("POST", REVOKE, self.revoke),
        ):
            app.router.add_route(method, path, gateway.plain(path, handler))

    async def metadata(self, request: web.Request) -> web.Response:
        """Its addresses are those of the way the question came, so that a proxy in front of us sees every request."""
        issuer, url = self._world.grants.issuer, f"http://{request.host}"
        return _json(
            {
                "issuer": issuer,
                "authorization_endpoint": url + AUTHORIZE,
                "token_endpoint": url + TOKEN,
                "revocation_endpoint": url + REVOKE,
                "jwks_uri": url + KEYS,
                "response_types_supported": ["code", "token"],
                "subject_types_supported": ["public"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                    "client_secret_jwt",
                ],
                "revocation_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                    "client_secret_jwt",
                ],
                "id_token_signing_alg_values_supported": ["HS256"],
                "token_endpoint_auth_signing_alg_values_supported": ["HS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        return _json(self._world.keys.key_set())

    async def ask(self, request: web.Request) -> web.Response:
        """The page with the pilots."""
        asked = {name: request.query[name] for name in PASSED_ON if name in request.query}
        scopes = self._check(asked)
        now = self._world.clock.now()
        pilots = [
            (pilot, len(self._world.killmails.listed(ListKind.CHARACTER, pilot.character_id, now)))
            for pilot in self._world.roster.pilots
        ]
        page = authorize_page(asked, scopes, pilots, self._world.universe)
        return web.Response(text=page, content_type="text/html")

    async def consent(self, request: web.Request) -> web.Response:
        """Back to the application, with a code or with `access_denied`."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        scopes = self._check(form)
        state = {"state": form["state"]} if "state" in form else {}
        if "deny" in form or form.get("character_id") == "deny":
            return _redirect(form["redirect_uri"], {"error": "access_denied", **state})
        chosen = form.get("character_id", "")
        pilot = self._world.roster.get(int(chosen)) if chosen.isdecimal() else None
        if pilot is None:
            raise refused("invalid_request", "character_id must be one of the pilots.")
        code = Code(
            form["client_id"],
            pilot.character_id,
            scopes,
            form["redirect_uri"],
            form.get("code_challenge", ""),
            self._world.clock.now() + CODE_SECONDS,
        )
        return _redirect(form["redirect_uri"], {"code": self._world.grants.code(code), **state})

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code, or refresh."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        application = self._application(request, form)
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._tokens(self._exchange(application, form))
        if kind == "refresh_token":
            used = form.get("refresh_token", "")
            return self._tokens(self._refreshed(application, used, form.get("scope", "")), used)
        raise refused("unsupported_grant_type", "grant_type must be authorization_code or refresh_token.")

    async def revoke(self, request: web.Request) -> web.Response:
        """200 whatever was sent (RFC 7009)."""
        form = await request.post()
        self._world.grants.revoke_token(str(form.get("token", "")))
        return web.Response()

    def _check(self, asked: Mapping[str, str]) -> tuple[str, ...]:
        """The scopes of an authorization request that is in order."""
        if not self._knows(asked.get("client_id", "")):
            raise refused("invalid_client", "Unknown client_id.")
        if not asked.get("redirect_uri", "").startswith(("http://", "https://")):
            raise refused("invalid_request", "redirect_uri is missing.")
        if asked.get("response_type") != "code":
            raise refused("unsupported_response_type", "response_type must be code.")
        if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            raise refused("invalid_request", "code_challenge_method must be S256.")
        scopes = tuple(dict.fromkeys(asked.get("scope", "").split()))
        if unknown := [scope for scope in scopes if not scope.startswith("esi-") and scope != "publicData"]:
            raise refused("invalid_scope", f"Unknown scope: {unknown[0]}.")
        return scopes

    def _application(self, request: web.Request, form: Mapping[str, str]) -> Application:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        secret: str | None = form.get("client_secret")
        client_id = form.get("client_id", "")
        if scheme.lower() == "basic":
            try:
                client_id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise refused("invalid_client", "The Authorization header is malformed.", 401) from None
            client_id, secret = unquote(client_id), unquote(secret)
        expected = self._world.options.client_secret
        if not self._knows(client_id) or (secret is not None and expected and secret != expected):
            raise Refusal(401, {"error": "invalid_client"})
        return Application(client_id, secret is not None)

    def _knows(self, client_id: str) -> bool:
        known = self._world.options.client_ids
        return bool(client_id) and (not known or client_id in known)

    def _exchange(self, application: Application, form: Mapping[str, str]) -> Grant:
        code = self._world.grants.take_code(form.get("code", ""))
        if code is None or code.client_id != application.client_id:
            raise refused("invalid_grant", "Authorization code not found.")
        if code.challenge and challenge_of(form.get("code_verifier", "")) != code.challenge:
            raise refused("invalid_grant", "code_verifier does not match the code_challenge.")
        if not code.challenge and not application.secret_given:
            raise Refusal(401, {"error": "invalid_client"})
        return self._world.grants.grant(code)

    def _refreshed(self, application: Application, used: str, scope: str) -> Grant:
        grant = self._world.grants.find(used)
        if grant is None or grant.client_id != application.client_id:
            self._refused += 1
            # Both spellings are met in the wild.
            if self._refused % 2:
                raise refused("invalid_grant", "Invalid refresh token.")
            raise refused("invalid_grant: Token is expired or invalid.", "Token is expired or invalid.")
        if not set(scope.split()) <= set(grant.scopes):
            raise refused("invalid_scope", "The requested scope was not granted.")
        return grant

    def _tokens(self, grant: Grant, used: str | None = None) -> web.Response:
        grants = self._world.grants
        answer = {
            "access_token": grants.access_token(grant.client_id, grant.character_id, grant.scopes),
            "expires_in": self._world.options.access_token_seconds - 1,
            "token_type": "Bearer",
            "refresh_token": grants.refresh_token(grant, used),
        }
        return _json(answer)


def _json(value: object) -> web.Response:
    return web.Response(body=orjson.dumps(value), headers={"Content-Type": JSON, "Cache-Control": "no-store"})


def _redirect(uri: str, parameters: Mapping[str, str]) -> web.Response:
    separator = "&" if "?" in uri else "?"
    return web.Response(status=302, headers={"Location": f"{uri}{separator}{urlencode(parameters)}"})
