"""From the bytes of an answer to the document agreed on, checked while it is decoded.

Unknown fields are ignored: ESI adds some within a version (ESI docs, "Versioning"). Messages say what was
expected where; they never quote what came.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec

from eve.errors import MalformedBody, Unavailable
from eve.responses import error_text, is_error_document

Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""An id of EVE's; int64 in its documents. 0 stands for nothing here and there."""
SomeId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""An id that must be somebody's or something's."""
Amount = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Any int64."""

YEARS = range(1900, 3000)
"""Of whatever happens in EVE, and more. Postgres takes times that Python cannot read back: one such row makes every
list fail that it is in."""

Kind = TypeVar("Kind")

_ESCAPES = re.compile(
    r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(slots=True)
class Entries(Generic[Kind]):
    """A list, entry by entry. `refused`: how many are not as agreed, by what is wrong with them."""

    good: list[Kind] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


def check_time(moment: datetime) -> None:
    """For `__post_init__` of a document with a time.

    Raises:
        ValueError: it is none of EVE's; decoding makes it a failure of the document.
    """
    if moment.year not in YEARS:
        raise ValueError("Expected a time of our own age")


def decoded(body: bytes, kind: type[Kind], service: str, what: str = "") -> Kind:
    """The document of this kind in a successful answer of `service`; `what` names it in messages.

    Raises:
        Unavailable: it was cut short, is a web page of something before the service, or an error said with 200.
        MalformedBody: it is not as agreed; says where.
    """
    what = what or f"{service}'s answer"
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        if is_error_document(body):
            raise Unavailable(f"{service} answered 200 with an error: {error_text(body)}") from None
        raise MalformedBody(f"{what} is not as agreed: {error}.") from None
    except _UNREADABLE:
        raise Unavailable(f"{what} was cut short or is not JSON.") from None


def entries(body: bytes, kind: type[Kind], service: str) -> Entries[Kind]:
    """The entries of a list in a successful answer of `service`; one that is not as agreed costs only itself.

    Raises:
        Unavailable, MalformedBody: as for `decoded`, when it is no list at all.
    """
    try:
        return Entries(msgspec.json.decode(body, type=list[kind]))  # type: ignore[valid-type]
    except _UNREADABLE:
        pass
    try:
        raw = msgspec.json.decode(body, type=list[msgspec.Raw])
    except _UNREADABLE:
        raw = decoded(_mended(body), list[msgspec.Raw], service)
    found: Entries[Kind] = Entries()
    for one in raw:
        try:
            found.good.append(msgspec.json.decode(one, type=kind))
        except msgspec.ValidationError as error:
            found.refused[str(error)] += 1
        except _UNREADABLE:
            found.refused["not JSON"] += 1
    return found


def _mended(body: bytes) -> bytes:
    """`body` with halves of surrogate pairs, and what is not UTF-8, replaced: one odd name must not hide the others."""
    text = body.decode("utf-8", "replace")
    return _ESCAPES.sub(lambda found: "\\ufffd" if found["lone"] else found[0], text).encode()
