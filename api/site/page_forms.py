"""The forms of our pages: who sent one, what is in it, and the page that says why it was not done."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.login.cookies import caller
from api.login.outcomes import FOREIGN_REQUEST, outcome_page
from api.services import services_of
from api.serving.request_guard import comes_from_us
from api.site.rendering import render
from db.accounts.sessions import Caller

MAX_FIELDS = 4
"""Fields of the form of a button, and some."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that a signed-in pilot sent from one of our pages."""

    who: Caller
    fields: dict[str, str]

    def eve_id(self, name: str) -> int:
        """The id in a field.

        Raises:
            HTTPException: 400, it holds none.
        """
        value = self.fields.get(name, "")
        if not (value.isascii() and value.isdecimal() and len(value) < 19):
            raise HTTPException(400)
        return int(value)

    def choice(self, name: str, *allowed: str) -> str:
        """The value of a field that has only these.

        Raises:
            HTTPException: 400, it has another.
        """
        value = self.fields.get(name, "")
        if value not in allowed:
            raise HTTPException(400)
        return value


async def signed_in(request: Request) -> Caller:
    """Who asks.

    Raises:
        HTTPException: 401, nobody is signed in.
    """
    who = await caller(request)
    if who is None:
        raise HTTPException(401)
    return who


async def posted_form(request: Request) -> Form | Response:
    """The form of this POST, or the page that refuses what another site sent.

    Raises:
        HTTPException: 401 nobody is signed in, 400 not a form of ours.
    """
    if not comes_from_us(request.headers, services_of(request).settings.site_url, require_proof=True):
        return outcome_page(request, FOREIGN_REQUEST)
    who = await signed_in(request)
    try:
        fields = dict(parse_qsl((await request.body()).decode("ascii", "replace"), max_num_fields=MAX_FIELDS))
    except ValueError:  # more fields than that
        raise HTTPException(400) from None
    return Form(who, fields)


def refusal_page(request: Request, message: str, back: str, *, saved: bool = False) -> Response:
    """The page for what was asked and cannot be done; `back` is the page with the form.

    Args:
        saved: it was stored all the same, and only takes effect later.
    """
    return render(
        request,
        "message.html",
        202 if saved else 409,
        title="Saved, but not active yet" if saved else "That did not work",
        happened=message,
        advice="There is nothing else to do." if saved else "Nothing was changed.",
        button="Go back",
        address=back,
    )
