"""Ship replacement: the list of claims of a pilot or of a corporation, its CSV, and what is done about one.

/reimbursements: the losses that the reader claimed; with `corporation`, those of its members, for its directors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from api.arguments import LARGEST_ID, id_or_none
from api.caller import caller, signed_in
from api.compiled.reads import Node
from api.exports.reimbursements import MEDIA_TYPE, claims_as_csv
from api.login.return_to import own_path
from api.orders.reimbursements import WORDS, change_claim
from api.pages import render
from api.services import services_of
from api.site.page_forms import posted_form, refusal_page
from db.accounts.sessions import Caller
from db.killmails.cursors import InvalidCursor
from db.reimbursements.changes import loss_of
from db.reimbursements.lists import Asked, Claim, claim_of, claims, directed, month_of, totals
from db.reimbursements.steps import Role, State, next_states

ADDRESS = "/reimbursements"
FIELDS = 6
ALL = "all"
NO_MONTH = "A month is written as 2026-11, or all for every month."
NO_STATE = f"A state is one of {', '.join(State)}."
SHOWN = 50
ORDERS = {State.CLAIMED: "Claim", State.APPROVED: "Approve", State.PAID: "Mark as paid", State.REFUSED: "Refuse"}
"""What the buttons say."""


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """A loss on its page: its claim, if there is one, and where the reader may take it."""

    killmail_id: int
    claim: Claim | None
    steps: list[State]
    has_director: bool

    @property
    def seen(self) -> int:
        """How many changes the reader has seen."""
        return 0 if self.claim is None else self.claim.changes


@dataclass(frozen=True, slots=True)
class _Address:
    """What a list's address asks for."""

    corporation_id: int | None
    month: str
    state: State | None

    @property
    def asked(self) -> Asked:
        return Asked(self.corporation_id, month_of(self.month), self.state)

    def but(self, **changed: str) -> str:
        """This list with something else."""
        told = {
            "corporation": str(self.corporation_id or ""),
            "month": self.month or (ALL if self.corporation_id else ""),
            "state": str(self.state or ""),
            **changed,
        }
        given = {name: value for name, value in told.items() if value}
        return f"?{urlencode(given)}" if given else ADDRESS


async def page(request: Request) -> Response:
    """GET /reimbursements. Parameters: `corporation`, `month` (2026-11, or all), `state`, `after`.

    Raises:
        HTTPException: 401 nobody is signed in, 404 they do not direct this corporation, or there is no such page.
    """
    who, services, address = await signed_in(request), services_of(request), _address(request)
    corporations = await directed(services.pool, who.account_id)
    if address.corporation_id is not None and address.corporation_id not in dict(corporations):
        raise HTTPException(404)
    try:
        found, more = await claims(
            services.pool, who.account_id, address.asked, SHOWN, request.query_params.get("after") or None
        )
    except InvalidCursor:
        raise HTTPException(404) from None
    return render(
        request,
        "reimbursements.html",
        claims=[ShownClaim(one.killmail_id, one, next_states(one.state, one.roles), True) for one in found],
        totals=await totals(services.pool, who.account_id, address.asked),
        corporations=corporations,
        corporation_id=address.corporation_id,
        title=_title(address, dict(corporations)),
        address=address,
        months=_months(address.month),
        more=address.but(after=found[-1].cursor) if more else "",
        csv=f"{ADDRESS}.csv{address.but().removeprefix(ADDRESS)}",
        words=WORDS,
        orders=ORDERS,
    )


async def csv_file(request: Request) -> Response:
    """GET /reimbursements.csv: all of a list, with its parameters.

    Raises:
        HTTPException: as `page`.
    """
    who, services, address = await signed_in(request), services_of(request), _address(request)
    corporations = await directed(services.pool, who.account_id)
    if address.corporation_id is not None and address.corporation_id not in dict(corporations):
        raise HTTPException(404)

    async def whole() -> AsyncIterator[list[Claim]]:
        after, more = None, True
        while more:
            found, more = await claims(services.pool, who.account_id, address.asked, 100, after)
            yield found
            after = found[-1].cursor if found else None

    name = f"ship-replacement-{address.month or 'all'}.csv"
    return StreamingResponse(
        claims_as_csv(whole()),
        media_type=MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def order(request: Request) -> Response:
    """POST /reimbursements. Fields: `killmail`, `order` (a state), `seen`, `note`, `back`."""
    form = await posted_form(request, FIELDS)
    if isinstance(form, Response):
        return form
    after, seen = State(form.choice("order", *State)), form.fields.get("seen", "0")
    if not (seen.isascii() and seen.isdecimal() and len(seen) < 9):
        raise HTTPException(400)
    killmail_id, back = form.eve_id("killmail"), own_path(form.fields.get("back", ADDRESS))
    note = form.fields.get("note", "")
    refusal = await change_claim(services_of(request), form.who, killmail_id, after, int(seen), note)
    return RedirectResponse(back, 303) if refusal is None else refusal_page(request, refusal.message, back)


async def claim_on(request: Request, killmail: Node) -> ShownClaim | None:
    """What the reader of a killmail's page has to do with its replacement; None: nothing."""
    who = await caller(request)
    if who is None or not _may_be_theirs(who, killmail["victim"]):
        return None
    pool, killmail_id = services_of(request).pool, int(killmail["id"])
    loss = await loss_of(pool, who.account_id, killmail_id)
    if loss is None:
        return None
    claim = await claim_of(pool, who.account_id, killmail_id)
    steps = next_states(None if claim is None else claim.state, frozenset[Role](loss.by))
    return ShownClaim(killmail_id, claim, steps if loss.has_director else [], loss.has_director)


def _may_be_theirs(who: Caller, victim: Node) -> bool:
    """Whether it is a loss of theirs, or of a corporation whose board they see, as its directors do."""
    pilot, corporation = victim["character"], victim["corporation"]
    return (pilot is not None and int(pilot["id"]) in who.character_ids) or (
        corporation is not None and int(corporation["id"]) in who.corporation_ids
    )


def _address(request: Request) -> _Address:
    asked = request.query_params
    told = asked.get("corporation", "")
    corporation_id = id_or_none(told) if told else None
    if told and corporation_id is None:
        corporation_id = LARGEST_ID  # nobody's
    month, state = asked.get("month", ""), asked.get("state", "")
    if not month and corporation_id is not None:
        month = f"{datetime.now(UTC):%Y-%m}"
    if month not in ("", ALL) and month_of(month) is None:
        raise HTTPException(400, NO_MONTH)
    if state and state not in [*State]:
        raise HTTPException(400, NO_STATE)
    return _Address(corporation_id, "" if month == ALL else month, State(state) if state else None)


def _title(address: _Address, corporations: dict[int, str | None]) -> str:
    if address.corporation_id is None:
        return "Your claims"
    return corporations[address.corporation_id] or f"Corporation {address.corporation_id}"


def _months(shown: str) -> list[str]:
    """The month before, the one that is shown (this one, if it is all of them), and the one after if it has begun."""
    now = datetime.now(UTC)
    begin, after = month_of(shown) or month_of(f"{now:%Y-%m}") or (now, now)
    months = (begin - timedelta(days=1), begin, after)
    return [f"{month:%Y-%m}" for month in months if month <= now or month == begin]
