"""The image server: a small drawing for every portrait, logo and type, the same one for the same id."""

from __future__ import annotations

import hashlib
from html import escape

from aiohttp import web

_SHAPES = {
    "characters": '<circle cx="32" cy="25" r="12"/><path d="M10 60c2-16 12-21 22-21s20 5 22 21z"/>',
    "corporations": '<path d="M32 6 54 16v18c0 13-10 20-22 25C20 54 10 47 10 34V16z"/>',
    "alliances": '<path d="m32 5 8 18 19 2-14 13 4 20-17-10-17 10 4-20L5 25l19-2z"/>',
    "types": '<path d="m32 5 10 34 15 9-17 2-8 9-8-9-17-2 15-9z"/>',
}


async def image(request: web.Request) -> web.Response:
    """`/images/<kind>/<id>/<variation>?size=64`, as an SVG of that size."""
    kind, entity_id = request.match_info["kind"], request.match_info["id"]
    size = request.query.get("size", "64")
    if kind not in _SHAPES or not entity_id.isdecimal() or not size.isdecimal():
        return web.json_response({"error": "no such image"}, status=404)
    hue = hashlib.sha1(f"{kind} {entity_id}".encode(), usedforsecurity=False).digest()[0] * 360 // 256
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 64 64" role="img">'
        f"<title>{escape(kind)} {entity_id}</title>"
        f'<rect width="64" height="64" fill="hsl({hue} 28% 17%)"/>'
        f'<g fill="hsl({hue} 48% 62%)">{_SHAPES[kind]}</g></svg>'
    )
    return web.Response(
        body=svg.encode(),
        headers={
            "Content-Type": "image/svg+xml; charset=utf-8",
            "Cache-Control": "public, max-age=86400",
            "Content-Security-Policy": "default-src 'none'",
        },
    )
