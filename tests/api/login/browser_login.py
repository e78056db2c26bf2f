"""A browser's way through a login: to EVE SSO and back."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from tests.api.running_site import Browser


async def begin(browser: Browser, path: str = "/auth/login") -> dict[str, str]:
    """Click the button; returns what the browser is sent to EVE SSO with."""
    async with browser.http.get(f"{browser.site.address}{path}", allow_redirects=False) as response:
        assert response.status == 302, await response.text()
        address = response.headers["Location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


async def come_back(browser: Browser, state: str, code: str = "a-code") -> tuple[int, str]:
    return await browser.get(f"/auth/callback?code={code}&state={state}")


async def log_in(browser: Browser) -> tuple[int, str]:
    return await come_back(browser, (await begin(browser))["state"])
