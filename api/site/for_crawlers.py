"""robots.txt and the sitemap: what search engines may look at, which is what is public."""

from __future__ import annotations

from xml.sax.saxutils import escape

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.caller import viewer_or_stranger
from api.compiled.selection import selected
from api.services import services_of
from db.killmails.filter import KillmailFilter
from db.killmails.rows import FeedRead

LISTED = 1_000
"""The newest public killmails that the sitemap has."""
SHOWN = selected("query { id time }")
NOTHING = "User-agent: *\nAllow: /s/\nDisallow: /\n"
"""Share links are asked for by what draws their cards; their pages say themselves that they are not to be indexed."""
SOMETHING = "User-agent: *\n" + "".join(
    f"Disallow: {path}\n" for path in ("/settings", "/auth/", "/search", "/fragments/", "/export/")
)


async def robots(request: Request) -> Response:
    """GET /robots.txt"""
    services = services_of(request)
    is_open = await viewer_or_stranger(services, None) is not None
    text = f"{SOMETHING}Sitemap: {services.settings.site_url}/sitemap.xml\n" if is_open else NOTHING
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})


async def sitemap(request: Request) -> Response:
    """GET /sitemap.xml (sitemaps.org): the front page, battles and the newest public killmails, for whoever asks.

    Raises:
        HTTPException: 404, nothing is public.
    """
    services = services_of(request)
    viewer = await viewer_or_stranger(services, None)
    if viewer is None:
        raise HTTPException(404)
    page = await services.compiled.page(SHOWN, FeedRead(viewer, LISTED, None, KillmailFilter(scope="VISIBLE")))
    site = escape(services.settings.site_url)
    pages = [f"<url><loc>{site}{path}</loc></url>" for path in ("/", "/battles")]
    pages += [
        f"<url><loc>{site}/killmails/{one['id']}</loc><lastmod>{escape(one['time'])}</lastmod></url>"
        for one in page.killmails()
    ]
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(pages)}</urlset>\n'
    return Response(text, media_type="application/xml", headers={"Cache-Control": "no-store"})
