"""HTTP as bytes, so that nothing between the test and the server mends what is odd."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

from tests.api.running_site import Site

NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


async def ask(site: Site, request: bytes) -> tuple[int, bytes]:
    """Send this, say no more, and read until the server closes: the status and all that came. 0: it just closed."""
    settings = site.services.settings
    reader, writer = await asyncio.open_connection(settings.host, settings.port)
    try:
        writer.write(request)
        answer = await reader.read(-1)
    except ConnectionError:
        return 0, b""
    finally:
        writer.close()
    status = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert status or not answer, answer[:100]
    return (int(status[1]) if status else 0), answer


def request(method: str, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> bytes:
    """One request; a header that would end the line says what comes after as part of its value."""
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    lines += [name + b": " + re.sub(rb"[\r\n\0]", b" ", value) for name, value in headers if NAME.fullmatch(name)]
    if body or method == "POST":
        lines.append(b"Content-Length: " + str(len(body)).encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


ODD_PARTS = (
    *(
        "0",
        "-1",
        "9" * 19,
        "9" * 3_000,
        "%00",
        "%ff",
        "%ed%a0%80",
        "%",
        "%zz",
        "..",
        "%2e%2e",
        "%2f",
        ".",
        "",
        "a" * 3_000,
    ),
    *("%E2%80%AE", "٣", "1;2", "1%0d%0aX:1", "null", "true", "[]", "{}", "%7B%22a%22:1e400%7D", "AQ", "AgAAAAAAAAAB"),
    *(
        "%7B%22characterId%22:null%7D",
        "5%20",
        "1e5",
        "0x10",
        "2026-01-01T00:00:00Z",
        "//evil.example",
        "\\evil",
        "http://[",
        "http://[/kill/1/",
        "[::1",
    ),
)
_texts = st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass"))
parts = st.one_of(
    st.sampled_from(ODD_PARTS).map(str.encode),
    st.integers(0, 10).map(lambda number: str(number).encode()),
    *[_texts.map(quote_from_bytes).map(str.encode)] * 2,
    _texts.map(lambda text: re.sub(rb"[\x00-\x20\x7f#?&]", b"+", text)),
)
"""A piece of a path, a query string or a form."""
