"""What SSO remembers: authorization codes, grants with their refresh tokens, and the tokens it issued."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from sandbox.eve.clock import Clock
from sandbox.eve.journal import Journal
from sandbox.eve.roster import Roster
from sandbox.eve.signing import SigningKeys

CODE_SECONDS = 300
EVE_AUDIENCE = "EVE Online"


@dataclass(frozen=True)
class Code:
    """An authorization code that was handed out."""

    client_id: str
    character_id: int
    scopes: tuple[str, ...]
    redirect_uri: str
    challenge: str
    expires_at: float


@dataclass(frozen=True)
class OddToken:
    """How a pilot's access tokens differ from others. `kid` "": the key's own; `drop`: claims left out."""

    alg: str = "RS256"
    kid: str = ""
    drop: tuple[str, ...] = ()


@dataclass
class Grant:
    """A pilot's consent to an application. `tokens` are usable, oldest first; the last is the newest issued."""

    grant_id: str
    client_id: str
    character_id: int
    scopes: tuple[str, ...]
    tokens: list[str] = field(default_factory=list)


class Grants:
    """Codes live in memory; grants survive a restart."""

    def __init__(
        self, clock: Clock, journal: Journal, roster: Roster, keys: SigningKeys, token_seconds: int, strict: bool
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._roster = roster
        self.keys = keys
        self.issuer = ""
        self._token_seconds = token_seconds
        self.strict = strict
        """Whether a refresh token dies when it is used, or only when its successor is."""
        self._codes: dict[str, Code] = {}
        self._grants: dict[str, Grant] = {}
        self._by_token: dict[str, Grant] = {}
        self.odd_tokens: dict[int, OddToken] = {}
        self.issued_access_tokens: set[str] = set()
        self.issued_refresh_tokens: set[str] = set()
        self._replay()

    def code(self, code: Code) -> str:
        """A new authorization code."""
        made = secrets.token_urlsafe(16)
        self._codes[made] = code
        return made

    def take_code(self, code: str) -> Code | None:
        """The code's consent; it works once, and for five minutes."""
        found = self._codes.pop(code, None)
        return found if found and found.expires_at > self._clock.now() else None

    def grant(self, code: Code) -> Grant:
        """Remember the consent of an exchanged code."""
        made = Grant(secrets.token_hex(8), code.client_id, code.character_id, code.scopes)
        self._grants[made.grant_id] = made
        self._journal.write(
            "granted",
            grant_id=made.grant_id,
            client_id=made.client_id,
            character_id=made.character_id,
            scopes=made.scopes,
        )
        return made

    def find(self, refresh_token: str) -> Grant | None:
        return self._by_token.get(refresh_token)

    def refresh_token(self, grant: Grant, used: str | None = None) -> str | None:
        """A new refresh token, None for a grant without scopes.

        Its predecessor `used` works until this one is used, so that a client that dies before it has stored
        this one has not lost the grant; with strict rotation it is dead at once.
        """
        if not grant.scopes:
            return None
        if used is not None:
            kept = [] if self.strict else [used]
            for stale in set(grant.tokens) - set(kept):
                self._by_token.pop(stale, None)
            grant.tokens = kept
        made = secrets.token_urlsafe(32)
        grant.tokens.append(made)
        self._by_token[made] = grant
        self.issued_refresh_tokens.add(made)
        self._journal.write("refreshed", grant_id=grant.grant_id, tokens=grant.tokens)
        return made

    def access_token(self, client_id: str, character_id: int, scopes: tuple[str, ...], **other: Any) -> str:
        """A JWT as EVE SSO issues it; `other` replaces or adds claims, None removes one."""
        pilot = self._roster.get(character_id)
        now = int(self._clock.now())
        claims: dict[str, Any] = {
            "jti": secrets.token_hex(16),
            "kid": self.keys.rsa_key_id,
            "sub": f"CHARACTER:EVE:{character_id}",
            "azp": client_id,
            "tenant": "tranquility",
            "tier": "live",
            "region": "world",
            "aud": [client_id, EVE_AUDIENCE],
            "name": pilot.name if pilot else "Nobody",
            "owner": pilot.owner_hash if pilot else "",
            "exp": now + self._token_seconds,
            "iat": now,
            "iss": self.issuer,
            # A string for one scope, a list for several, absent for none: so does EVE SSO.
            "scp": list(scopes) if len(scopes) > 1 else scopes[0] if scopes else None,
        }
        odd = self.odd_tokens.get(character_id, OddToken())
        left_out = dict.fromkeys(odd.drop)
        kept = {name: value for name, value in {**claims, **other, **left_out}.items() if value is not None}
        token = self.keys.token(kept, odd.alg, odd.kid)
        self.issued_access_tokens.add(token)
        return token

    def revoke_token(self, refresh_token: str) -> None:
        if grant := self._by_token.get(refresh_token):
            self._revoke(grant)

    def revoke_pilot(self, character_id: int) -> None:
        """What a pilot does on EVE's support site: every grant of theirs is withdrawn."""
        for grant in [one for one in self._grants.values() if one.character_id == character_id]:
            self._revoke(grant)

    def granted(self) -> list[int]:
        """The pilots with a grant, oldest first."""
        return list(dict.fromkeys(grant.character_id for grant in self._grants.values()))

    def _revoke(self, grant: Grant) -> None:
        self._forget(grant)
        self._journal.write("revoked", grant_id=grant.grant_id)

    def _forget(self, grant: Grant) -> None:
        self._grants.pop(grant.grant_id, None)
        for token in grant.tokens:
            self._by_token.pop(token, None)

    def _replay(self) -> None:
        for event in self._journal.past("granted", "refreshed", "revoked"):
            if event["kind"] == "granted":
                grant = Grant(event["grant_id"], event["client_id"], event["character_id"], tuple(event["scopes"]))
                self._grants[grant.grant_id] = grant
            elif known := self._grants.get(event["grant_id"]):
                for token in known.tokens:
                    self._by_token.pop(token, None)
                if event["kind"] == "revoked":
                    self._forget(known)
                else:
                    known.tokens = list(event["tokens"])
                    self._by_token.update(dict.fromkeys(known.tokens, known))


def challenge_of(verifier: str) -> str:
    """PKCE's S256 challenge of a verifier (RFC 7636)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
