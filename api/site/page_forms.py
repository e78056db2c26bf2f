"""The forms of our pages: who sent one, what is in it, and the page that says why it was not done."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.arguments import id_or_none
from api.caller import signed_in
from api.login.outcomes import FOREIGN_REQUEST, outcome_page
from api.pages import render
from api.services import services_of
from api.serving.request_guard import comes_from_us
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
        if (number := id_or_none(self.fields.get(name, ""))) is None:
            raise HTTPException(400)
        return number

    def choice(self, name: str, *allowed: str) -> str:
        """The value of a field that has only these.

        Raises:
            HTTPException: 400, it has another.
        """
        value = self.fields.get(name, "")
        if value not in allowed:
            raise HTTPException(400)
        return value


async def posted_form(request: Request, most_fields: int = MAX_FIELDS) -> Form | Response:
    """The form of this POST, or the page that refuses what another site sent.

    Raises:
        HTTPException: 401 nobody is signed in, 400 not a form of ours.
    """
    fields = await posted_fields(request, most_fields)
    return fields if isinstance(fields, Response) else Form(await signed_in(request), fields)


async def posted_fields(request: Request, most_fields: int = MAX_FIELDS) -> dict[str, str] | Response:
    """What anybody at all posted from one of our pages, or the page that refuses what another site sent.

    Raises:
        HTTPException: 400 not a form of ours.
    """
    if not comes_from_us(request.headers, services_of(request).settings.site_url, require_proof=True):
        return outcome_page(request, FOREIGN_REQUEST)
    try:
        return dict(parse_qsl((await request.body()).decode("ascii", "replace"), max_num_fields=most_fields))
    except ValueError:  # more fields than that
        raise HTTPException(400) from None


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
