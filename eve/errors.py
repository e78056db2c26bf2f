"""Everything that can go wrong between us and EVE's services, typed once.

`activities/errors.py` maps these to Temporal failures; nothing else looks at status codes or bodies.
Messages never contain a token, an authorization header, or a URL with a killmail hash.
"""

from __future__ import annotations

from datetime import datetime


class EveError(Exception):
    """Base of all of them. `str()` is one sentence for a person."""


class TokenRevoked(EveError):
    """The code or refresh token is dead for ever: SSO's `invalid_grant`; or a fresh token lacks the killmail scope."""


class OwnerChanged(EveError):
    """The owner hash in a new access token differs: the character was transferred to another person."""


class AccessTokenRejected(EveError):
    """ESI answered 401: refresh the access token and try once more."""


class Forbidden(EveError):
    """ESI answered 403. By itself that ends nothing: only SSO can say that a permission is withdrawn.

    A 403 that is an outage of SSO is raised as `DoubtfulRefusal` instead.
    """


class RoleMissing(Forbidden):
    """The character is not a director (any more)."""


class NotInCorporation(Forbidden):
    """The character is not in the corporation it asked for (any more)."""


class NotFound(EveError):
    """404: no such character, page or id."""


class InvalidHash(EveError):
    """422: killmail id and hash do not belong together (seen falsely under load: try once more, late)."""


class BadRequest(EveError):
    """Any other 4XX that is our mistake; never retried without a change."""


class MalformedBody(EveError):
    """A 200 whose body is not what the contract says (not JSON, truncated, or missing required fields)."""


class RateLimited(EveError):
    """A bucket is empty (429, or our own account of it). Try again after `until` (UTC)."""

    def __init__(self, until: datetime, group: str = "", message: str = "") -> None:
        spent = f"ESI's request budget for {group or 'this route'} is used up until {until:%H:%M:%S} EVE time."
        super().__init__(message or spent)
        self.until = until
        self.group = group


class ErrorLimited(RateLimited):
    """ESI's legacy error limit (420, or too few errors left): every route stops until the window ends."""


class SsoLimited(RateLimited):
    """Not ESI but EVE SSO: it asked us to stay away until then. `bare`: it did not say for how long."""

    def __init__(self, until: datetime, *, bare: bool = False) -> None:
        super().__init__(until, "sso", f"EVE SSO is asked again at {until:%H:%M:%S} EVE time.")
        self.bare = bare


class ZkillboardLimited(RateLimited):
    """Not ESI but zKillboard: another request of ours has the turn, or it asked us to stay away until then."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until, "zkillboard", f"zKillboard can be asked again at {until:%H:%M:%S} EVE time.")


class ArchiveLimited(RateLimited):
    """Not ESI but an archive of EVE Ref asked us to stay away until then."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until, "archive", f"EVE Ref can be asked again at {until:%H:%M:%S} EVE time.")


class ZkillboardRefused(EveError):
    """zKillboard answered 200 with `{"error": …}`, its way to refuse; the message quotes it without secrets."""


class Downtime(EveError):
    """EVE is down, daily at 11:00 UTC or unannounced. Everything waits until `until` (UTC)."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"EVE is down; trying again at {until:%H:%M:%S} EVE time.")
        self.until = until


class Unavailable(EveError):
    """Transient: 5XX, a time-out, a broken connection. Retried, bounded."""


class NotAsked(Unavailable):
    """The request never left: no connection could be made, or the service is failing and is left alone for now."""


class RedisUnreachable(NotAsked):
    """Not a service of EVE's but our own Redis: who may ask what is agreed on there, so nothing is sent without it."""


class DoubtfulRefusal(Unavailable):
    """A 403 that says nothing of the permission: an outage of SSO behind ESI, or one of many refusals at once.

    ESI charges it like any other refusal, so it is not repeated at once.
    """


class SsoRefused(Unavailable):
    """SSO refused without a reason that says anything of a grant or of our configuration: its own trouble."""


class GrantLost(TokenRevoked):
    """SSO renewed the grant, its answer never reached us, and it takes the old refresh token no more."""


class ClientRejected(EveError):
    """SSO answered `invalid_client`: our configuration is wrong; no token is at fault."""


class UntrustedAccessToken(MalformedBody):
    """An access token that is not EVE's, expired, or meant for another application; the message says which."""
