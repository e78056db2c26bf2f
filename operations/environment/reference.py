"""`docs/environment.md` and `deploy/.env.example`: every variable, written from settings.py.

`python -m operations.environment.reference` writes them (`make reference`); a test says when that was forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from settings import Settings

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "environment.md"
EXAMPLE = ROOT / "deploy" / ".env.example"
GROUPS = {
    "database_url": "Backing services",
    "eve_client_id": "EVE Online",
    "public_url": "This installation",
}
"""The first variable of each group, in the order of settings.py."""
UNITS = {
    "_interval_seconds": "seconds",
    "_activities_per_second": "activities a second",
    "_seconds": "seconds",
    "_days": "days",
    "_requests_per_minute": "requests a minute",
    "_cost_per_minute": "points of cost a minute",
    "_calls_at_once": "calls",
    "_at_once": "lookups",
    "port": "port",
    "workers": "processes",
}
"""By the end of the name."""
WITH_PASSWORDS = frozenset({"database_url", "redis_url", "smtp_url"})
"""Addresses that often have one in them."""
ONLY_FOR_COMPOSE = {
    "POSTGRES_PASSWORD": "deploy/compose.yaml alone: of Postgres; letters and digits, as it goes into a URL"
}
_INTRODUCTION = """\
# The environment

<!-- Written by `make reference` from settings.py; edit that. -->

Every process of KillReport reads these variables when it starts; an empty one counts as not set. A missing or malformed
one stops the start with a sentence that names it. `killreport init` writes a file with those that have no default, and
`killreport --env-file FILE …` reads it. `killreport doctor` checks them all.

What is marked as a secret belongs into a file that only its owner can read, and never into a command line.
"""
_BEYOND = """\
## Temporal's own

The connection to Temporal heeds the variables of Temporal's own clients, too: `TEMPORAL_PROFILE`,
`TEMPORAL_CONFIG_FILE`, `TEMPORAL_API_KEY` (a secret), `TEMPORAL_TLS`, `TEMPORAL_TLS_SERVER_CA_CERT_PATH`,
`TEMPORAL_TLS_CLIENT_CERT_PATH`, `TEMPORAL_TLS_CLIENT_KEY_PATH`, `TEMPORAL_TLS_SERVER_NAME`.
"""
_EXAMPLE_HEAD = """\
# Every variable that KillReport reads, with its default; an empty one counts as not set.
# Written by `make reference` from settings.py; edit that. `killreport init` writes a file that is ready to be used.
"""


def reference() -> str:
    """The page, in Markdown."""
    parts = [_INTRODUCTION]
    for name, field in Settings.model_fields.items():
        if name in GROUPS:
            parts.append(
                f"\n## {GROUPS[name]}\n\n| variable | what it is | default | unit | secret |\n|---|---|---|---|---|\n"
            )
        cells = (f"`{name.upper()}`", str(field.description), shown_default(field), unit(name), secrecy(name, field))
        parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts) + "\n" + _BEYOND


def example() -> str:
    """The file of variables, each with its default."""
    return _EXAMPLE_HEAD + "".join(_example_lines())


def _example_lines() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if name in GROUPS:
            yield f"\n# --- {GROUPS[name]} ---\n"
            if name == "database_url":
                yield from (f"# {text}.\n{variable}=\n" for variable, text in ONLY_FOR_COMPOSE.items())
        yield f"# {field.description}.\n{name.upper()}={default(field)}\n"


def default(field: FieldInfo) -> str:
    """As one would write it; empty if there is none."""
    value = field.get_default()
    if field.is_required() or value is None or isinstance(value, SecretStr | frozenset):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def shown_default(field: FieldInfo) -> str:
    """The same for people."""
    if field.is_required():
        return "**must be set**"
    return f"`{default(field)}`" if default(field) else "empty"


def unit(name: str) -> str:
    """Of a number; empty for what is none."""
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def secrecy(name: str, field: FieldInfo) -> str:
    """Whether nobody else may see it."""
    if name in WITH_PASSWORDS:
        return "with its password"
    return "yes" if "SecretStr" in str(field.annotation) else ""


if __name__ == "__main__":
    REFERENCE.write_text(reference(), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")
