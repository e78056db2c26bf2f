"""Refuse what other sites make a browser send: cookies go along, so where a request comes from must be checked.

The rule is the one of "Cross-Site Request Forgery" by Filippo Valsorda (2025), as in Go's CrossOriginProtection:
believe Sec-Fetch-Site, else compare Origin with Host. `SameSite=Lax` on the cookie is the second lock.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers


def comes_from_us(headers: Headers, site_url: str, *, require_proof: bool) -> bool:
    """Whether this request was made by our own pages or by the person at the browser.

    Args:
        require_proof: also refuse a request that says nothing of its origin, as no browser's form does since
            2020. False where such a request can only come from a program, which has no cookie it was not given.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return not require_proof
    try:
        return origin == origin_of(site_url) or urlsplit(origin).netloc == headers.get("host")
    except ValueError:  # half an IPv6 address, say: no site of anybody's
        return False


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as browsers write an Origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
