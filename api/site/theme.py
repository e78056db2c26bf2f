"""POST /theme: dark (until one is chosen), light, or as the system has it.

Kept in a cookie, for the server draws the page in it.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.caller import is_secure
from api.login.return_to import own_path
from api.pages import THEME_COOKIE, THEMES
from api.services import services_of
from api.site.page_forms import posted_fields

YEAR_SECONDS = 365 * 24 * 3600


async def choose_theme(request: Request) -> Response:
    """Fields: `theme`, and `back`, the page one was on."""
    fields = await posted_fields(request)
    if isinstance(fields, Response):
        return fields
    theme = fields.get("theme")
    if theme not in THEMES:
        raise HTTPException(400)
    response = RedirectResponse(own_path(fields.get("back", "/")), 303)
    secure = is_secure(services_of(request).settings)
    response.set_cookie(
        THEME_COOKIE, theme, max_age=YEAR_SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return response
