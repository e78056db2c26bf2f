"""POST /theme: dark, light, or as the system has it. Kept in a cookie, for the server draws the page in it."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.login.outcomes import FOREIGN_REQUEST, outcome_page
from api.services import services_of
from api.serving.request_guard import comes_from_us
from api.site.chrome import THEME_COOKIE, THEMES
from api.site.return_to import own_path

YEAR_SECONDS = 365 * 24 * 3600
MAX_FIELDS = 4


async def choose_theme(request: Request) -> Response:
    """Fields: `theme`, and `back`, the page one was on."""
    settings = services_of(request).settings
    if not comes_from_us(request.headers, settings.site_url, require_proof=True):
        return outcome_page(request, FOREIGN_REQUEST)
    try:
        fields = dict(parse_qsl((await request.body()).decode("ascii", "replace"), max_num_fields=MAX_FIELDS))
    except ValueError:
        raise HTTPException(400) from None
    theme = fields.get("theme")
    if theme not in THEMES:
        raise HTTPException(400)
    response = RedirectResponse(own_path(fields.get("back", "/")), 303)
    secure = settings.site_url.startswith("https://")
    response.set_cookie(
        THEME_COOKIE, theme, max_age=YEAR_SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return response
