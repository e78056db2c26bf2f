"""Who and where as HTML, in the words EVE players expect. What has no known name is said to be unknown, never blank.

Functions and not macros of a template: a page calls them a hundred times, and the links of the same ships, corporations
and systems stand on every page, so those that were made are kept.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from api.site.killmail_words import Node, name_of, party
from api.site.labels import exact_isk, short_isk

KEPT = 10_000
"""Links, some 3 MB of a process; as many pictures."""
LINKED = frozenset({"character", "corporation", "alliance", "system", "type"})
"""Kinds that have a page of their own."""
PICTURED = {"character": "portrait", "corporation": "logo", "alliance": "logo"}
NOTHING = Markup()
_SECURITY = Markup('<span class="sec {}"><span class="unseen">security </span>{}</span>')
_WORMHOLE = Markup(' <span class="hint">C{}</span>')
_ISK = Markup('<data value="{}" title="{} ISK">{}</data>')


def security_style(shown: str) -> str:
    """The style sheet's class for the colour EVE gives that security."""
    if shown == "?":
        return "sec-unknown"
    return "sec-00" if shown.startswith(("-", "0.0")) else f"sec-{shown.replace('.', '')}"


def entity(one: Node, kind: str) -> Markup:
    """A name, and the way to its page if it has one."""
    return _link(kind, one["id"], name_of(one, kind))


def ticker(one: Node, before: str, after: str) -> Markup:
    """Between two signs, with a space before them; nothing where there is none."""
    return _ticker(one["ticker"], before, after) if one["ticker"] else NOTHING


def whom(one: Node) -> Markup:
    """An attacker or victim: the pilot, else the closest there is."""
    kind, who = party(one)
    return entity(who, kind) if who else Markup("Unknown")


def company(one: Node) -> Markup:
    """The corporation and the alliance of an attacker or victim, but for what `whom` told already."""
    kind, _ = party(one)
    told = NOTHING
    corporation, alliance = one["corporation"], one["alliance"]
    if kind == "character" and corporation:
        told += entity(corporation, "corporation") + ticker(corporation, "[", "]")
        if alliance:
            told += " · "
    if alliance and kind != "alliance":
        told += entity(alliance, "alliance") + ticker(alliance, "<", ">")
    return told


def sides(one: Node) -> Markup:
    """The same in a row of a list, where there is less room."""
    kind, _ = party(one)
    told = NOTHING
    corporation, alliance = one["corporation"], one["alliance"]
    if kind == "character" and corporation:
        told += entity(corporation, "corporation")
    if alliance and kind != "alliance":
        if alliance["ticker"]:
            told += _short_alliance(name_of(alliance, "alliance"), alliance["ticker"])
        else:
            told += (Markup(" · ") if told else NOTHING) + entity(alliance, "alliance")
    return told


def security(system: Node) -> Markup:
    """A solar system's, in EVE's colour."""
    return _security(system["security"])


def place(system: Node) -> Markup:
    """A solar system, with its security and a wormhole's class."""
    told = security(system) + " " + entity(system, "system")
    wormhole_class = system["wormholeClass"]
    return told + _WORMHOLE.format(wormhole_class) if wormhole_class in range(1, 7) else told


def isk(amount: str | Decimal) -> Markup:
    """An amount in a few letters, and to the cent for who points at it."""
    return _ISK.format(amount, exact_isk(str(amount)), short_isk(str(amount)))


@pass_context
def icon(context: Context, type_: Node, size: int, kind: str = "icon") -> Markup:
    """The picture of a ship or item. `size`: in pixels of the page."""
    return _picture(
        _images(context), f"types/{type_['id']}/{kind}", size, 64 if size <= 64 else 128 if size <= 128 else 256
    )


@pass_context
def portrait(context: Context, one: Node, size: int) -> Markup:
    """The picture of an attacker or victim; nothing for an NPC."""
    kind, who = party(one)
    if who is None or kind not in PICTURED:
        return NOTHING
    return _picture(_images(context), f"{kind}s/{who['id']}/{PICTURED[kind]}", size, 64 if size <= 64 else 128)


@pass_context
def logo(context: Context, one: Node, kind: str, size: int) -> Markup:
    """The picture of a corporation or an alliance; nothing for another kind."""
    if kind not in ("alliance", "corporation"):
        return NOTHING
    return _picture(_images(context), f"{kind}s/{one['id']}/logo", size, 64)


def _images(context: Context) -> Any:
    return context.environment.getattr(context["chrome"], "images")


@lru_cache(KEPT)
def _link(kind: str, id_: str, name: str) -> Markup:
    return Markup('<a href="/{}s/{}">{}</a>').format(kind, id_, name) if kind in LINKED else escape(name)


@lru_cache(KEPT)
def _ticker(shown: str, before: str, after: str) -> Markup:
    return Markup(" {}{}{}").format(before, shown, after)


@lru_cache(KEPT)
def _short_alliance(name: str, shown: str) -> Markup:
    return Markup(' <abbr title="{}">&lt;{}&gt;</abbr>').format(name, shown)


@lru_cache(KEPT)
def _security(shown: str) -> Markup:
    return _SECURITY.format(security_style(shown), shown)


@lru_cache(KEPT)
def _picture(images: str, path: str, size: int, asked: int) -> Markup:
    return Markup('<img class="icon" src="{}/{}?size={}" alt="" width="{}" height="{}" loading="lazy">').format(
        images, path, asked, size, size
    )
