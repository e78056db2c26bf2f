"""A filter as JSON, in the names of `KillmailFilter` in schema.graphql: kept with a webhook or a feed, and shown."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from db.killmails.filter import KillmailFilter, ParticipantFilter

Json = dict[str, Any]


def filter_to_json(chosen: KillmailFilter) -> Json:
    """What is asked; nothing of what is not."""
    told: Json = {}
    for one in fields(chosen):
        if (value := getattr(chosen, one.name)) is not None:
            told[_camel(one.name)] = str(value) if one.name.endswith("_id") else _told(value)
    return told


def filter_from_json(told: Json) -> KillmailFilter:
    """The filter that `filter_to_json` told of."""
    given: Json = {}
    for one in fields(KillmailFilter):
        if (value := told.get(_camel(one.name))) is None:
            continue
        if one.name in ("victim", "attacker", "participant"):
            named = {field.name: value.get(_camel(field.name)) for field in fields(ParticipantFilter)}
            value = ParticipantFilter(**{name: identity and int(identity) for name, identity in named.items()})
        elif one.name.endswith("_id"):
            value = int(value)
        elif one.name in ("min_value", "max_value"):
            value = Decimal(value)
        elif one.name in ("since", "until"):
            value = datetime.fromisoformat(value)
        elif one.name == "security":
            value = frozenset(value)
        given[one.name] = value
    return KillmailFilter(**given)


def _told(value: Any) -> Any:
    match value:
        case ParticipantFilter():
            return {
                _camel(one.name): str(identity)
                for one in fields(value)
                if (identity := getattr(value, one.name)) is not None
            }
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.isoformat()
        case frozenset():
            return sorted(value)
        case _:
            return value


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda letter: letter[1].upper(), name)
