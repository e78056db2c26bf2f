"""What a page costs its reader, measured in Chromium on the furnished site: bytes, shifts, and how long it takes."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from tests.api.site.furnished import FurnishedSite, signed_in_context
from tests.api.site.test_every_page import ALL_PAGES, account_of
from tests.end_to_end.chromium import needs_chromium

MEASURED = (
    "home",
    "feed",
    "killmail",
    "killmail-battle",
    "battle",
    "battles",
    "pilot",
    "corporation",
    "settings",
    "status",
)
MOST_BYTES = 150_000
"""Transferred, images left out; with an empty cache."""
MOST_SHIFT = 0.02
LONGEST_TASK, LARGEST_PAINT = 100, 1_000
"""Milliseconds: what it should be. A machine that tests take up is slower, so `PATIENCE` times that is let through."""
PATIENCE = 10
OBSERVE = """
window.seen = {shift: 0, longest: 0, paint: 0, moved: []};
const observe = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({type, buffered: true});
observe("layout-shift", (one) => {
    if (one.hadRecentInput) return;
    seen.shift += one.value;
    seen.moved.push(...one.sources.map((of) => of.node?.outerHTML?.slice(0, 80) ?? "text"));
});
observe("longtask", (one) => { seen.longest = Math.max(seen.longest, one.duration); });
observe("largest-contentful-paint", (one) => { seen.paint = one.startTime; });
"""
PAINTED = "new Promise((done) => { const look = () => (seen.paint ? done() : setTimeout(look, 20)); look(); })"
TOLD = """() => {
    const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    const images = /\\.(webp|png|svg|ico)([?]|$)|[/]images[/]/;
    const files = all.filter((one) => !images.test(one.name));
    return {...seen, bytes: files.reduce((sum, one) => sum + one.transferSize, 0)};
}"""


@needs_chromium
@pytest.mark.browser
async def test_pages_keep_to_their_budget(engine: Browser, furnished: FurnishedSite) -> None:
    spent = {}
    for name in MEASURED:
        context = await signed_in_context(engine, furnished.site, account_of(furnished, name))
        await context.add_init_script(OBSERVE)
        page = await context.new_page()
        await page.goto(f"{furnished.site.address}{ALL_PAGES[name](furnished.there)}", wait_until="load")
        await page.evaluate(PAINTED)
        spent[name] = await page.evaluate(TOLD)
        await context.close()
    for name, told in spent.items():
        print(  # noqa: T201 - figures, for whoever asks with -s
            f"{name}: {told['bytes']:,} bytes, shift {told['shift']:.4f}, largest paint {told['paint']:.0f} ms,"
            f" longest task {told['longest']:.0f} ms"
        )
    assert min(told["bytes"] for told in spent.values()) > 1_000, "it is measured"
    over = {
        name: told
        for name, told in spent.items()
        if told["bytes"] > MOST_BYTES
        or told["shift"] >= MOST_SHIFT
        or told["longest"] > LONGEST_TASK * PATIENCE
        or not 0 < told["paint"] < LARGEST_PAINT * PATIENCE
    }
    assert over == {}
