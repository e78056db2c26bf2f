"""The page of variables and the example say what settings.py says."""

from __future__ import annotations

import re

from operations.environment.file import read_variables
from operations.environment.reference import (
    EXAMPLE,
    GROUPS,
    ONLY_FOR_COMPOSE,
    REFERENCE,
    WITH_PASSWORDS,
    example,
    reference,
    unit,
)
from settings import Settings, settings_from

REQUIRED = {"DATABASE_URL": "postgresql:", "REDIS_URL": "redis:", "EVE_CLIENT_ID": "an-application"}
KEY = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4="


def test_they_are_up_to_date() -> None:
    assert reference() == REFERENCE.read_text(), "run make reference"
    assert example() == EXAMPLE.read_text(), "run make reference"


def test_every_variable_is_told_with_its_default_unit_and_secrecy() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \| (.*) \| (.*) \|$", REFERENCE.read_text(), re.MULTILINE)
    assert [row[0].lower() for row in rows] == list(Settings.model_fields)
    secret = {row[0] for row in rows if row[4]}
    assert secret >= {"EVE_CLIENT_SECRET", "TOKEN_ENCRYPTION_KEYS", "DATABASE_URL"}
    assert secret == {name for name, *_ in rows if re.search("SECRET|KEY|TOKEN|PASSWORD|DSN", name)} | {
        name.upper() for name in WITH_PASSWORDS
    }
    numbers = {name for name, field in Settings.model_fields.items() if field.annotation in (int, float)}
    assert {name for name in numbers if not unit(name)} == set()
    assert GROUPS.keys() <= Settings.model_fields.keys()


def test_the_example_starts_with_the_defaults() -> None:
    said = {name: value for name, value in read_variables(EXAMPLE).items() if value}
    assert not set(said) & set(ONLY_FOR_COMPOSE)
    given = {**REQUIRED, "TOKEN_ENCRYPTION_KEYS": KEY}
    assert settings_from({**said, **given}) == settings_from(given)
