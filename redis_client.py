"""The connection to Redis or Valkey: how every process opens it, and how one sees that the server is away."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Connection, ConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, ReadOnlyError, RedisError

REDIS_IS_AWAY = (RedisError, OSError)
"""What a client of `open_redis` raises when the server does not answer, or not well; OSError: time-outs, too."""
RETRIES = 2
"""On a new connection each time: a pool whose server went away is full of dead ones."""
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.05, 0.25
OF_A_REPLICA = (ReadOnlyError, MasterDownError)
"""What a server answers that was the primary, or will be: on a new connection the name may lead to another one."""


class BadRedisUrl(ValueError):
    """The message is the end of a sentence that began with "REDIS_URL"; it quotes nothing that may be secret."""


class _Speaking(AbstractConnection):
    """uvloop raises a RuntimeError when a connection that was reset is written to: the same as any lost connection."""

    async def send_packed_command(self, *arguments: Any, **options: Any) -> None:
        try:
            await super().send_packed_command(*arguments, **options)
        except RuntimeError as error:
            raise RedisConnectionError("The connection was lost.") from error

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*arguments, **options)
        except RuntimeError as error:
            raise RedisConnectionError("The connection was lost.") from error

    async def disconnect(self, *arguments: Any, **options: Any) -> None:
        try:
            await super().disconnect(*arguments, **options)
        except RuntimeError as error:
            raise RedisConnectionError("The connection was lost.") from error


class _Plain(_Speaking, Connection):
    pass


class _Encrypted(_Speaking, SSLConnection):
    pass


class _Local(_Speaking, UnixDomainSocketConnection):
    pass


_KINDS: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _Plain,
    SSLConnection: _Encrypted,
    UnixDomainSocketConnection: _Local,
}


def open_redis(url: str, **options: Any) -> Redis:
    """A client that connects when it is first used; close it.

    Args:
        url: `redis://[user[:password]]@host:port/0`, `rediss://` for TLS, `unix://path`; redis-py's options may follow
            as parameters, such as `ssl_ca_certs=/path/of/ca.pem`.
        options: further ones of redis-py's connections.

    Raises:
        BadRedisUrl: the URL cannot be used.
    """
    try:
        said: dict[str, Any] = {**parse_url(url)}
    except ValueError:
        raise BadRedisUrl(
            "is not redis://, rediss:// or unix:// with a host and a port: characters such as / ? # @ : in a password"
            " are written %2F %3F %23 %40 %3A"
        ) from None
    backoff = ExponentialWithJitterBackoff(base=FIRST_RETRY_SECONDS, cap=LAST_RETRY_SECONDS)
    retry = Retry(backoff, RETRIES, supported_errors=(RedisConnectionError,))
    try:
        kind = _KINDS[said.pop("connection_class", Connection)]
        kind(**{**options, **said})  # connects nowhere, but takes the options
        pool = ConnectionPool(
            connection_class=kind, retry=retry, retry_on_error=list(OF_A_REPLICA), **{**options, **said}
        )
    except (TypeError, ValueError, KeyError, RedisError):
        raise BadRedisUrl("has a parameter that redis-py does not know, or not with this value") from None
    return Redis.from_pool(pool)
