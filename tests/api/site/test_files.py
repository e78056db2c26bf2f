"""What a browser loads beside the page: kept for good by its hash, compressed, and with icons."""

from __future__ import annotations

import json
import re

from tests.api.running_site import Browser


async def test_files_are_kept_by_their_hash_and_pages_are_compressed_where_no_secret_is(visitor: Browser) -> None:
    async def head(path: str) -> dict[str, str]:
        async with visitor.http.get(f"{visitor.site.address}{path}", headers={"Accept": "text/html"}) as response:
            assert response.status == 200, path
            return {name.lower(): value for name, value in response.headers.items()}

    _, page = await visitor.get("/")
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(files) >= 4
    for file in files:
        assert "immutable" in (await head(file))["cache-control"]
    assert (await head("/static/site.css"))["cache-control"] == "no-cache"
    assert (await head("/static/site.css?v=000000000000"))["cache-control"] == "no-cache"
    feed = await head("/")
    assert feed["content-encoding"] == "gzip"
    assert int(feed["content-length"]) < 12_000
    assert feed["cache-control"] == "no-store"
    for path in ("/settings", "/graphql", "/export/killmails.csv"):
        assert "content-encoding" not in await head(path)


async def test_every_device_finds_its_icon(anonymous: Browser) -> None:
    async def load(path: str) -> tuple[str, bytes]:
        async with anonymous.http.get(f"{anonymous.site.address}{path}") as response:
            assert response.status == 200, path
            return response.content_type, await response.read()

    assert (await load("/favicon.ico"))[1].startswith(b"\x00\x00\x01\x00")
    assert (await load("/apple-touch-icon.png"))[1].startswith(b"\x89PNG")
    kind, manifest = await load("/site.webmanifest")
    assert kind == "application/manifest+json"
    for icon in json.loads(manifest)["icons"]:
        assert (await load(icon["src"]))[0] == icon["type"]
