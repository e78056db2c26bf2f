"""What DATABASE_URL says: read once, for the pool, the migrations and `killreport doctor` alike.

The form and the names of the parameters are libpq's ("Connection Strings" and "Parameter Key Words" in Postgres'
manual), as hosters print them. asyncpg takes some of them, and would send every other one to the server as a setting.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

CONNECT_SECONDS = 10.0
"""Until a server that does not answer is given up, where `connect_timeout` says nothing."""
IGNORED = frozenset(
    {
        # Of the operating system's: a silent server is noticed by our own time-outs.
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"),
        # Of what asyncpg never does, or does in one way only.
        *("client_encoding", "gssdelegation", "gssencmode", "load_balance_hosts", "max_protocol_version"),
        *("min_protocol_version", "sslcertmode", "sslcompression", "sslkeylogfile", "sslsni"),
        # Of other programs' pools.
        *("connection_limit", "pool_timeout"),
    }
)
REFUSED = {
    "hostaddr": "write the address as the host",
    "replication": "it is not for programs like this one",
    "require_auth": "it cannot be enforced here; use sslmode=verify-full, which protects the password",
    "requirepeer": "it cannot be enforced here",
}
"""Parameters that cannot be left out without harm, and what to do."""
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_FILES = ("sslcert", "sslkey", "sslrootcert", "sslcrl", "passfile")
_YES = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}


class BadDatabaseUrl(ValueError):
    """The message is the end of a sentence that began with "DATABASE_URL"; it quotes nothing that may be secret."""


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """How to reach the database."""

    dsn: str
    """The URL with what asyncpg understands."""
    place: str
    """Hosts and ports: what may be shown."""
    connect_seconds: float | None
    """None: without end."""
    tls: ssl.SSLContext | None
    """Instead of what the URL says of TLS, where asyncpg would not do that."""
    is_pooled: bool | None
    """Whether a connection pooler such as PgBouncer is in between; None: to be found out."""
    says_target: bool
    """Whether the URL says what kind of server is wanted (`target_session_attrs`)."""
    application_name: str | None
    ignored: tuple[str, ...]
    """Parameters that have no effect here."""

    def arguments(self) -> dict[str, Any]:
        """For `asyncpg.connect`."""
        tls = {} if self.tls is None else {"ssl": self.tls}
        return {"dsn": self.dsn, "timeout": self.connect_seconds, **tls}


def database_address(url: str) -> DatabaseAddress:
    """What `url` says.

    Raises:
        BadDatabaseUrl: it cannot be used.
    """
    try:
        url.encode()
        parts = urlsplit(url)
    except UnicodeEncodeError:
        raise BadDatabaseUrl("has characters that are not text") from None
    except ValueError:
        raise BadDatabaseUrl("is not a URL: its host cannot be read") from None
    # SQLAlchemy's URLs name the driver, too.
    if parts.scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise BadDatabaseUrl("does not begin with postgresql://")
    try:
        said = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise BadDatabaseUrl("has a parameter without a value: they are written name=value&name=value") from None
    for name, instead in REFUSED.items():
        if name in said:
            raise BadDatabaseUrl(f"has the parameter {name}: {instead}")
    place = _place(parts.netloc.rpartition("@")[2], said)
    ignored = tuple(sorted(name for name in said if name in IGNORED))
    is_pooled = _pooled(said)
    connect_seconds = _seconds(said.pop("connect_timeout", None))
    application_name = said.pop("application_name", None) or said.get("fallback_application_name")
    tls = _tls(said)
    kept = {
        name: value
        for name, value in said.items()
        if name not in IGNORED and name not in ("pgbouncer", "channel_binding", "fallback_application_name")
    }
    return DatabaseAddress(
        dsn=urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(kept), "")),
        place=place,
        connect_seconds=connect_seconds,
        tls=tls,
        is_pooled=is_pooled,
        says_target="target_session_attrs" in said,
        application_name=application_name,
        ignored=ignored,
    )


def _place(hosts: str, said: dict[str, str]) -> str:
    """Hosts and ports. A password with one of URLs' own characters ends up here: it is not to be quoted."""
    hosts = unquote(hosts) or said.get("host", "")
    ports = [port for port in said.get("port", "").split(",") if port]
    for host in filter(None, hosts.split(",")):
        read = re.fullmatch(r"(/.*|\[[0-9a-fA-F:.%]+\]|[^:@\[\]]+)(?::(\d{1,5}))?", host)
        if read is None or int(read[2] or 0) > 65535:
            raise BadDatabaseUrl(
                "has a host or port that cannot be read: characters such as / ? # @ : in a password are written %2F %3F"
                " %23 %40 %3A"
            )
    if not all(port.isascii() and port.isdigit() and int(port) <= 65535 for port in ports):
        raise BadDatabaseUrl("has a port that is not a number")
    return ":".join(filter(None, (hosts or "localhost", ",".join(ports))))


def _pooled(said: dict[str, str]) -> bool | None:
    if (text := said.get("pgbouncer")) is None:
        return None
    if text.lower() not in _YES:
        raise BadDatabaseUrl("has a parameter pgbouncer that is neither true nor false")
    return _YES[text.lower()]


def _seconds(text: str | None) -> float | None:
    """libpq's rules: 0 and below wait for ever, 1 means 2."""
    if text is None or not text:
        return CONNECT_SECONDS
    if not re.fullmatch(r"\s*-?\d{1,9}\s*", text):
        raise BadDatabaseUrl("has a connect_timeout that is not a number of seconds")
    seconds = int(text)
    return float(max(2, seconds)) if seconds > 0 else None


def _tls(said: dict[str, str]) -> ssl.SSLContext | None:
    """What asyncpg does not do by itself: the system's authorities, and to bind a login to its channel.

    Channel binding proves that nobody sits in between. asyncpg cannot do that; the server's certificate, checked with
    its name, proves the same.
    """
    # asyncpg takes any name that its list of modes has as an attribute.
    if said.get("sslmode", "prefer") not in _MODES:
        raise BadDatabaseUrl(f"has an sslmode that is none of {', '.join(_MODES)}")
    binding = said.get("channel_binding", "prefer")
    if binding not in ("disable", "prefer", "require"):
        raise BadDatabaseUrl("has a channel_binding that is none of disable, prefer and require")
    for name in _FILES:
        file = said.get(name, "")
        if file and not (name == "sslrootcert" and file == "system") and not Path(file).expanduser().is_file():
            raise BadDatabaseUrl(f"names a file as {name} that is not there: {file}")
    root = said.get("sslrootcert")
    if root != "system" and binding != "require":
        return None
    if said.get("sslmode", "verify-full") != "verify-full" and binding != "require":
        raise BadDatabaseUrl("says sslrootcert=system, which goes with sslmode=verify-full alone")
    if said.get("sslmode") == "disable":
        raise BadDatabaseUrl("says channel_binding=require, for which sslmode must not be disable")
    try:
        context = ssl.create_default_context(cafile=None if root in (None, "", "system") else root)
        if certificate := said.get("sslcert"):
            context.load_cert_chain(certificate, said.get("sslkey"), said.get("sslpassword", ""))
    except (OSError, ValueError) as error:
        raise BadDatabaseUrl(f"names certificates that cannot be read ({type(error).__name__})") from None
    for name in ("sslmode", *(file for file in _FILES if file != "passfile"), "sslpassword"):
        said.pop(name, None)
    return context
