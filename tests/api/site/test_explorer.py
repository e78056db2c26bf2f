"""`GET /graphql` in a browser: GraphiQL where it has been built, and a page of ours where it has not."""

from __future__ import annotations

import re

import pytest
from justhtml import JustHTML
from playwright.async_api import Browser, expect

from tests.api.running_site import Browser as Visitor
from tests.api.site.furnished import FurnishedSite, complaints_of, picture, signed_in_context
from tests.end_to_end.chromium import needs_chromium


async def test_without_graphiql_the_page_is_ours(
    visitor: Visitor, furnished: FurnishedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(furnished.site.app.state.explorer, "graphiql", None)
    status, page = await visitor.get("/graphql", headers={"Accept": "text/html"})
    assert status == 200
    assert '<textarea id="query"' in page
    assert "killmails(first: 5)" in page
    assert "graphiql" not in page
    assert "<script>" not in page
    assert "//" not in page.replace("</", "").replace(visitor.site.address, ""), "nothing from another host"


@needs_chromium
@pytest.mark.browser
async def test_without_a_schema_the_page_says_why(
    engine: Browser, furnished: FurnishedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(furnished.site.app.state.explorer, "graphiql", None)
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id)
    page = await context.new_page()
    refused = {"message": "Too many requests: try again in 30 s.", "extensions": {"code": "RATE_LIMITED"}}
    await page.route("**/graphql", lambda route: (
        route.fulfill(status=429, json={"errors": [refused]}) if route.request.method == "POST" else route.continue_()
    ))  # fmt: skip
    await page.goto(f"{furnished.site.address}/graphql")
    await expect(page.locator("#schema")).to_have_text("Too many requests: try again in 30 s.")
    refused |= {"extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}
    await page.reload()
    await expect(page.locator("#schema")).to_have_text("The schema is not public on this site.")
    await context.close()


@needs_chromium
@pytest.mark.browser
async def test_graphiql_asks_nobody_but_us(engine: Browser, furnished: FurnishedSite, visitor: Visitor) -> None:
    if furnished.site.app.state.explorer.graphiql is None:
        pytest.skip("GraphiQL has not been built here: `make graphiql` does it")
    _, markup = await visitor.get("/graphql", headers={"Accept": "text/html"})
    JustHTML(markup, strict=True)
    context = await signed_in_context(engine, furnished.site, furnished.there.account_id)
    page = await context.new_page()
    complaints = complaints_of(page)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    answer = await page.goto(f"{furnished.site.address}/graphql")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "script-src" not in policy, "scripts are our own files, as on every page"
    assert "default-src 'self';" in policy
    await expect(page.locator(".graphiql-query-editor .view-line").first).to_be_visible()
    await page.get_by_role("button", name="Execute").click()
    await expect(page.locator(".result-window")).to_contain_text("killmails")
    await picture(page, "graphiql")
    await page.get_by_role("button", name="Show Documentation Explorer").click()
    await page.locator(".graphiql-doc-explorer").get_by_text("Query", exact=True).click()
    await expect(page.locator(".graphiql-doc-explorer")).to_contain_text("killmails")
    await picture(page, "graphiql-docs")
    await page.get_by_role("button", name="Show History").click()
    await expect(page.locator(".graphiql-history-item")).to_have_count(1)
    await picture(page, "graphiql-history")
    await page.locator(".graphiql-query-editor .view-line").first.click()
    await page.keyboard.press("Control+A")
    await page.keyboard.type("{ killm")
    await expect(page.locator(".suggest-widget")).to_contain_text("killmails")
    await picture(page, "graphiql-suggests")
    hosts = {re.sub(r"^(\w+://[^/]*|data:).*", r"\1", one, flags=re.DOTALL) for one in asked}
    assert hosts <= {furnished.site.address, "data:"}
    assert {one.rpartition("/")[2].partition("-")[0] for one in asked} >= {"graphql.worker", "editor.worker"}
    assert not complaints
    await context.close()
