"""Pages from templates: escaped by default, an unknown variable is an error, and the words EVE players expect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.killmail_labels import flags, pricing, short_isk
from api.request_log import request_id

TEMPLATES = Path(__file__).parent / "templates"


def security_style(shown: str) -> str:
    """The style sheet's class for the colour EVE gives that security."""
    if shown == "?":
        return "sec-unknown"
    return "sec-00" if shown.startswith(("-", "0.0")) else f"sec-{shown.replace('.', '')}"


def shown_name(entity: Mapping[str, Any] | None, kind: str) -> str:
    """An entity's name; one that has none yet is said to be unknown, with its id, never left blank."""
    if entity is None:
        return ""
    return str(entity["name"] or f"Unknown {kind} {entity['id']}")


def eve_time(moment: str | datetime) -> str:
    """Date and minute in EVE time, which is UTC."""
    instant = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{instant:%Y-%m-%d %H:%M}"


_environment = Environment(
    loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_environment.filters.update(security_style=security_style, named=shown_name, eve_time=eve_time)
_environment.filters.update(short_isk=short_isk, pricing=pricing, flags=flags)


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page. Never stored by anyone between: most hold what only their reader may see."""
    page = _environment.get_template(template).render(request_id=request_id(request), **context)
    return HTMLResponse(page, status, {"Cache-Control": "no-store"})
