"""Links to a killmail, as people copy them: ESI's and the game's own, with the hash, and zKillboard's, without."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from eve.killmail import KillmailRef

ESI_HOSTS = frozenset({"esi.evetech.net", "esi.tech.ccp.is"})
ZKILLBOARD_HOSTS = frozenset({"zkillboard.com", "www.zkillboard.com"})
LONGEST = 500
_ID = r"(?P<id>[1-9][0-9]{0,18})"
_ESI_PATH = re.compile(rf"(/(latest|legacy|dev|v[0-9]+))?/killmails/{_ID}/(?P<hash>[0-9a-fA-F]{{40}})/?")
# What the game puts on the clipboard, and how it looks in a chat's or mail's text.
_IN_GAME = re.compile(rf"(<url=)?killreport:{_ID}:(?P<hash>[0-9a-f]{{40}})(>.*)?", re.IGNORECASE | re.DOTALL)
_ZKILLBOARD_PATH = re.compile(rf"/kill/{_ID}/?")


def parse_killmail_link(link: str, esi_base_url: str, zkillboard_url: str) -> KillmailRef | int | None:
    """The reference in a link of ESI's or the game's, the id in one of zKillboard's, or None where it is none of them.

    Links of the real services are taken as well as those of the addresses this installation uses; what
    follows `?` or `#` does not matter, nor does a missing `https://`.
    """
    text = link.strip()
    if len(text) > LONGEST:
        return None
    if in_game := _IN_GAME.fullmatch(text):
        return _reference(in_game)
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
    except ValueError:  # e.g. half an IPv6 address
        return None
    if parts.scheme not in ("http", "https"):
        return None
    for base_url, hosts, pattern in (
        (esi_base_url, ESI_HOSTS, _ESI_PATH),
        (zkillboard_url, ZKILLBOARD_HOSTS, _ZKILLBOARD_PATH),
    ):
        path = _path_below(parts.netloc.lower(), parts.path, base_url, hosts)
        if path is not None and (match := pattern.fullmatch(path)) and int(match["id"]) < 2**63:
            return _reference(match) if pattern is _ESI_PATH else int(match["id"])
    return None


def _reference(match: re.Match[str]) -> KillmailRef | None:
    killmail_id = int(match["id"])
    return KillmailRef(killmail_id, match["hash"].lower()) if killmail_id < 2**63 else None


def _path_below(netloc: str, path: str, base_url: str, hosts: frozenset[str]) -> str | None:
    if netloc in hosts:
        return path
    base = urlsplit(base_url)
    return path.removeprefix(base.path.rstrip("/")) if netloc == base.netloc.lower() else None
