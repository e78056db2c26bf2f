"""POST /filters: a pilot keeps the feed's filter under a name, or forgets one."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.services import services_of
from api.site.feed_address import FeedAddress
from api.site.page_forms import posted_form, refusal_page
from db.accounts.saved_filters import LONGEST_NAME, MOST_FILTERS, TooManyFilters, delete_filter, save_filter

FULL = f"You have {MOST_FILTERS} saved filters; delete one first."


async def filter_order(request: Request) -> Response:
    """Fields: `order` (save, delete), `query` of the feed one is at, `name` of a new one, `id` of one to delete."""
    form = await posted_form(request)
    if isinstance(form, Response):
        return form
    pool, account_id = services_of(request).pool, form.who.account_id
    address = FeedAddress.whole(dict(parse_qsl(form.fields.get("query", "")))).but()
    back = address.at("/")
    if form.choice("order", "save", "delete") == "delete":
        if not await delete_filter(pool, account_id, form.eve_id("id")):
            return refusal_page(request, "There is no such filter.", back)
        return RedirectResponse(back, 303)
    name = " ".join("".join(one for one in form.fields.get("name", "") if one.isprintable()).split())[:LONGEST_NAME]
    if not name:
        return refusal_page(request, "A saved filter needs a name.", back)
    try:
        await save_filter(pool, account_id, name, address.query())
    except TooManyFilters:
        return refusal_page(request, FULL, back)
    return RedirectResponse(back, 303)
