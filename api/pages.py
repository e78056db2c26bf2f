"""How every page is drawn: what surrounds it (its theme, its navigation), and its template.

The templates are the site's (`app.state.templates`); rooms below it draw pages with them, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.caller import known_caller
from api.services import services_of
from api.serving.request_log import request_id

Theme = Literal["auto", "dark", "light"]
THEMES: dict[str, str] = {"dark": "Dark", "light": "Light", "auto": "System"}
"""The themes and what their buttons say."""
THEME_COOKIE = "killreport-theme"


@dataclass(frozen=True, slots=True)
class Chrome:
    """`address`: this page's, to come back to; without what a login put into it. `images`: EVE's image server."""

    theme: Theme
    signed_in: bool
    is_admin: bool
    address: str
    path: str
    images: str
    site_url: str
    indexed: bool
    """Search engines may keep this page: it is public, and this is its own address."""
    killmails: str
    """Where the pages of killmails are for this reader: of a share link, behind it."""

    def current(self, path: str) -> bool:
        """Whether this page lies in that part of the site."""
        return self.path == path or (path != "/" and self.path.startswith(f"{path}/"))


def chrome_of(request: Request) -> Chrome:
    """The chrome of this request's page."""
    settings = services_of(request).settings
    who = known_caller(request)
    path = request.url.path
    shown = request.method == "GET" and not path.startswith(("/auth/", "/graphql"))
    query = request.url.query if shown else ""
    return Chrome(
        theme=theme_of(request),
        signed_in=who is not None,
        is_admin=who is not None and not settings.admin_character_ids.isdisjoint(who.character_ids),
        address=(f"{path}?{query}" if query else path) if shown else "/",
        path=path,
        images=settings.eve_images_url,
        site_url=settings.site_url,
        indexed=getattr(request.state, "indexed", False),
        killmails=killmails_at(request),
    )


def killmails_at(request: Request) -> str:
    """`Chrome.killmails` of this request."""
    at: str = getattr(request.state, "killmails_at", "/killmails")
    return at


def asked_for(request: Request) -> str:
    """The page, to be asked for again: whole, for a login that comes back has its proof in the query."""
    if request.method != "GET":
        return "/"
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def theme_of(request: Request) -> Theme:
    """The theme this browser chose, dark if none; `auto` follows the system's."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return cast("Theme", chosen) if chosen in THEMES else "dark"


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page. Never stored by anyone between: most hold what only their reader may see."""
    templates: Environment = request.app.state.templates
    page = templates.get_template(template).render(request_id=request_id(request), chrome=chrome_of(request), **context)
    return HTMLResponse(page, status, {"Cache-Control": "no-store"})
