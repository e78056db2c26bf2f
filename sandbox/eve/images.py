"""The image server: a small drawing for every portrait, logo and type, the same one for the same id.

A type's drawing is that of its kind: a ship's of its class, a module's, a charge's, an implant's.
"""

from __future__ import annotations

import hashlib
from html import escape

from aiohttp import web

from sandbox.eve.universe import Universe

_KINDS = {
    "characters": '<circle cx="32" cy="25" r="12"/><path d="M10 60c2-16 12-21 22-21s20 5 22 21z"/>',
    "corporations": '<path d="M32 6 54 16v18c0 13-10 20-22 25C20 54 10 47 10 34V16z"/>',
    "alliances": '<path d="m32 5 8 18 19 2-14 13 4 20-17-10-17 10 4-20L5 25l19-2z"/>',
    "types": '<path d="M14 14h36v36H14z"/>',
}
_CLASSES = {
    "frigate": '<path d="m32 14 7 20 11 9-12-1-6 7-6-7-12 1 11-9z"/>',
    "destroyer": '<path d="m32 9 5 17h6v6l7 12-9-1-4 9h-10l-4-9-9 1 7-12v-6h6z"/>',
    "cruiser": '<path d="m32 8 8 13 2 12 14 8-14 2-4 12H26l-4-12-14-2 14-8 2-12z"/>',
    "battlecruiser": '<path d="m32 6 9 12v10l14 4v8l-12 3v11l-7 4h-8l-7-4V43L9 40v-8l14-4V18z"/>',
    "battleship": '<path d="m27 5h10l5 12v9l15 5v12l-13 4-3 11-6 3h-6l-6-3-3-11-13-4V31l15-5v-9z"/>',
    "capital": '<path d="m8 22 10-8h28l10 8v18l-8 10H16L8 40z"/><path d="M26 4h12v56H26z"/>',
    "hauler": '<path d="M26 6h12l3 9H23z"/><path d="M16 17h32v28H16z"/><path d="M23 47h18l-3 10H26z"/>',
    "capsule": '<ellipse cx="32" cy="34" rx="11" ry="17"/><path d="M30 4h4v14h-4z"/>',
    "structure": '<path d="M32 4 44 20H20z"/><path d="M8 24h48v8H8z"/><path d="M24 34h16v26H24z"/>',
    "drone": '<circle cx="32" cy="32" r="9"/><path d="M29 6h6v14h-6zM29 44h6v14h-6zM6 29h14v6H6zM44 29h14v6H44z"/>',
    "turret": '<path d="M14 40h36v14H14z"/><path d="M22 28h20v10H22z"/><path d="M26 8h4v20h-4zM34 8h4v20h-4z"/>',
    "module": '<path d="M12 20 32 8l20 12v24L32 56 12 44z"/>',
    "charge": '<path d="M32 6c6 6 8 12 8 18v26H24V24c0-6 2-12 8-18z"/><path d="M22 52h20v6H22z"/>',
    "implant": '<circle cx="32" cy="32" r="10"/><path d="M30 4h4v18h-4zM30 42h4v18h-4zM4 30h18v4H4zM42 30h18v4H42z"/>',
    "container": '<path d="M8 18h48v8H8zM12 28h40v24H12z"/>',
    "ore": '<path d="m12 42 8-18 14-8 14 10 6 16-12 10H22z"/>',
}
_OF_CATEGORIES = {
    2: "container", 4: "ore", 6: "cruiser", 7: "module", 8: "charge", 18: "drone", 20: "implant", 22: "container",
    23: "structure", 25: "ore", 46: "structure", 65: "structure", 66: "module", 87: "drone",
}  # fmt: skip
_OF_GROUPS = {
    **dict.fromkeys((25, 31, 237, 324, 830, 831, 834, 893, 1283, 1527), "frigate"),
    **dict.fromkeys((420, 541, 1305, 1534), "destroyer"),
    **dict.fromkeys((419, 540, 1201), "battlecruiser"),
    **dict.fromkeys((27, 898, 900), "battleship"),
    **dict.fromkeys((30, 485, 547, 659, 883, 1538), "capital"),
    **dict.fromkeys((28, 380, 463, 513, 543, 902, 941, 1202), "hauler"),
    **dict.fromkeys((53, 55, 74, 506, 507, 508, 509, 510, 511, 771, 862), "turret"),
    29: "capsule",
}
_HEADERS = {
    "Content-Type": "image/svg+xml; charset=utf-8",
    "Cache-Control": "public, max-age=86400",
    "Content-Security-Policy": "default-src 'none'",
}


class Images:
    """Draws what a universe has."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe

    async def image(self, request: web.Request) -> web.Response:
        """`/images/<kind>/<id>/<variation>?size=64`, as an SVG of that size."""
        kind, entity_id = request.match_info["kind"], request.match_info["id"]
        size = request.query.get("size", "64")
        if kind not in _KINDS or not entity_id.isdecimal() or not size.isdecimal():
            return web.json_response({"error": "no such image"}, status=404)
        hue = hashlib.sha1(f"{kind} {entity_id}".encode(), usedforsecurity=False).digest()[0] * 360 // 256
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 64 64" role="img">'
            f"<title>{escape(kind)} {entity_id}</title>"
            f'<rect width="64" height="64" fill="hsl({hue} 28% 17%)"/>'
            f'<g fill="hsl({hue} 48% 62%)">{self._drawing(kind, int(entity_id))}</g></svg>'
        )
        return web.Response(body=svg.encode(), headers=_HEADERS)

    def _drawing(self, kind: str, entity_id: int) -> str:
        of = self._universe.types.get(entity_id) if kind == "types" else None
        if of is None:
            return _KINDS[kind]
        group = self._universe.groups.get(of.group_id)
        category = _OF_CATEGORIES.get(group.category_id if group else 0, "")
        return _CLASSES.get(_OF_GROUPS.get(of.group_id, category), _KINDS[kind])
