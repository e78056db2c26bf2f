"""What every answer tells the browser it must not do."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.serving.request_guard import origin_of
from settings import Settings


def content_security_policy(settings: Settings, **allowed_too: str) -> str:
    """Nothing but our own files, EVE's images and our own socket; nobody frames us.

    `allowed_too`: sources that one page needs besides, by directive ("img_src" for img-src).
    """
    site = origin_of(settings.site_url)
    directives = {
        "default-src": "'self'",
        "img-src": f"'self' {origin_of(settings.eve_images_url)}",
        # 'self' covers our socket only in newer browsers.
        "connect-src": f"'self' {site.replace('http', 'ws', 1)}",
        # The login form ends at EVE SSO by a redirect, which browsers hold against form-action too.
        "form-action": f"'self' {site} {origin_of(settings.eve_sso_url)}",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
    }
    for name, sources in allowed_too.items():
        directive = name.replace("_", "-")
        directives[directive] = f"{directives.get(directive, directives['default-src'])} {sources}"
    return "; ".join(f"{name} {value}" for name, value in directives.items())


class SecurityHeaders:
    """ASGI middleware. An endpoint's own header wins."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": content_security_policy(settings),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            # Not no-referrer: browsers would then send `Origin: null` with our own forms.
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
