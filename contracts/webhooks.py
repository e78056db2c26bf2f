"""What the workflow of a webhook says to its activity and callers, and which addresses one may have."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

LONGEST_TARGET = 1_000
DISCORD_HOSTS = frozenset({"discord.com", "discordapp.com", "canary.discord.com", "ptb.discord.com"})
_DISCORD_PATH = re.compile(r"/api(?:/v\d+)?/webhooks/\d+/[\w-]+", re.ASCII)
LONGEST_ADDRESS = 254
_MAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
"""As forms of the web take it (HTML, "valid e-mail address"), with a dot in its domain."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_INTERNET = ipaddress.IPv6Network("2000::/3")
"""All that IANA gives to the internet ("IPv6 Address Space"). Outside are old and local ways into other networks, which
Python calls global: site-local addresses, those with an IPv4 address at their end, and NAT64 of one's own."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def webhook_id_of(webhook_id: int) -> str:
    """Workflow id of a `Webhook`."""
    return f"webhook-{webhook_id}"


@dataclass
class WebhookRun:
    """Input of `Webhook`. It waits first, so that what comes together is told together, and with its names."""

    webhook_id: int
    gather_seconds: float = 10


@dataclass
class DeliverWebhook:
    """Input of `deliver_webhook`."""

    webhook_id: int


@dataclass
class Delivered:
    """What one call did. `more`: it had enough for once; `next_at`: when the target is to be tried again (UTC)."""

    sent: int = 0
    skipped: int = 0
    more: bool = False
    next_at: datetime | None = None


class BadTarget(ValueError):
    """No webhook can have this address. The message is for its owner."""


def check_target(url: str, *, private: bool) -> str:
    """The host of a webhook's address.

    Args:
        private: addresses of this network are allowed, and http.

    Raises:
        BadTarget: it has none, or a wrong one. Where a name leads is checked when it is connected to.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadTarget("That is not an address.") from None
    if len(url) > LONGEST_TARGET or not url.isascii() or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise BadTarget("That is not an address.")
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise BadTarget("A webhook's address begins with https://.")
    if not host or parts.username is not None or parts.password is not None or port == 0:
        raise BadTarget("A webhook's address has a host, and no user or password.")
    if not private:
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            if not is_public_address(literal):
                raise BadTarget("A webhook's address must be reachable from the internet.")
    return host


def check_mail_address(address: str) -> str:
    """What shows a letter box's owner which it is, without telling it: `a…@example.com`.

    Raises:
        BadTarget: it is none.
    """
    if len(address) > LONGEST_ADDRESS or _MAIL.fullmatch(address) is None:
        raise BadTarget("That is not a mail address.")
    name, _, domain = address.rpartition("@")
    return f"{name[0]}…@{domain}"


def mail_link(site_url: str, token: str) -> str:
    """The page that confirms and unsubscribes."""
    return f"{site_url}/s/{token}/mail"


def is_discord(url: str, *, stand_ins: bool) -> bool:
    """Whether it is a webhook of Discord's, by its host and path; with `stand_ins` whatever its host."""
    parts = urlsplit(url)
    return (stand_ins or parts.hostname in DISCORD_HOSTS) and _DISCORD_PATH.fullmatch(parts.path) is not None


def is_public_address(address: Address) -> bool:
    """Whether it is one of the internet's, and not another network's in disguise."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public_address(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
        inside = address.sixtofour or (address.teredo or (None, None))[1]
        if address not in _INTERNET or (inside is not None and not is_public_address(inside)):
            return False
    return address.is_global and not address.is_multicast
