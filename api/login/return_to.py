"""The page that asked for a login: where the login comes back to. Kept in a cookie, for EVE is asked in between."""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from api.caller import is_secure
from api.pages import asked_for
from api.services import services_of
from api.serving.request_guard import origin_of

COOKIE = "killreport-return"
SECONDS = 600
"""As long as a login may take."""
LONGEST = 1_000
NO_PAGES = ("/fragments/", "/auth/", "/graphql", "/export/", "/settings/export")
"""Parts of pages, and what would come as a file."""


def own_path(address: str) -> str:
    """`address` if it is a path of this site, else the front page: nobody is sent elsewhere from here."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_ours and address.isascii() else "/"


def remember_page(request: Request, response: Response) -> None:
    """Come back to this page after the login, or to the page whose form was sent; only to what a person opened."""
    site = origin_of(services_of(request).settings.site_url)
    form_at = request.headers.get("referer", "").removeprefix(site)
    remember_address(request, response, asked_for(request) if request.method == "GET" else form_at)


def remember_address(request: Request, response: Response, address: str) -> None:
    """Come back to this page of ours after the login; to the front page when it is none."""
    address = own_path(address)
    if len(address) <= LONGEST and not address.startswith(NO_PAGES):
        _set(request, response, quote(address, safe=""), SECONDS)


def page_to_return_to(request: Request) -> str:
    """The page that asked for the login; the front page if none did."""
    return own_path(unquote(request.cookies.get(COOKIE, "/")))


def forget_page(request: Request, response: Response) -> None:
    """The login is over."""
    if COOKIE in request.cookies:
        _set(request, response, "", 0)


def _set(request: Request, response: Response, value: str, seconds: int) -> None:
    secure = is_secure(services_of(request).settings)
    response.set_cookie(COOKIE, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")
